"""Puts marks into a photo: on a plate or directly, lit like their surroundings, some of them partly covered."""

import numpy as np

from logo_keras.datasets.synthetic.placement import extent
from logo_keras.errors import UserError
from logo_keras.extras import cv2

# A px belongs to the visible mark when the mark covers at least this much of it: a half would lose strokes that are
# thinner than a px, far less would count the faint rim of the resampling.
VISIBLE = 0.25
# Least difference of luminance, 0..255, between a mark and an even ground behind it. By eye: below it a person has to
# search. On an uneven ground its standard deviation comes on top.
CONTRAST = 60.0
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
BLACK, WHITE = (18, 18, 18), (245, 245, 245)


def paste(photo, placement, color, rng, plate):
    """Draws a mark into a photo, in place.

    Args:
        photo: float32 RGB `[H, W, 3]`, 0..255.
        placement: Placement. Where a mark in several colours does not stand out, a plate lies behind it.
        color: tuple of 3 ints 0..255, RGB, the brand's colour; where it does not stand out, black or white is used. Not of
            a mark in several colours.
        rng: numpy Generator.
        plate: bool, whether a plate lies behind the mark.

    Returns:
        float32 `[H, W]`, how much of each px the mark covers, 0..1.
    """
    return paste_over(photo, placement, color, rng, plate)[0]


def paste_over(photo, placement, color, rng, plate):
    """Draws a mark as `paste` does, and says what it hides.

    Args:
        photo, placement, color, rng, plate: as in `paste`.

    Returns:
        coverage: float32 `[H, W]`, how much of each px the mark covers, 0..1.
        hidden: float32 `[H, W]`, how much of it lies below the mark or its plate.
    """
    mask, paint = placement.mask, placement.paint
    if paint is not None:
        plate = plate or not _stands_out(mask, paint, _around(photo, placement))
    # Without a plate, one px of nothing around the mask, so that its rim is resampled like the rest.
    pad = round(max(mask.shape) * rng.uniform(0.1, 0.3)) if plate else 1
    mark = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    canvas = np.dstack([mark, _plate(mark.shape, rng) if plate else np.zeros_like(mark)])
    to_shares = np.array([[1, 0, -pad], [0, 1, -pad], [0, 0, 1]]) / np.array([[mask.shape[1]], [mask.shape[0]], [1.0]])
    matrix = placement.matrix @ to_shares
    covered, x0, y0 = warp(canvas, matrix, *photo.shape[:2])
    height, width = covered.shape[:2]
    window = photo[y0 : y0 + height, x0 : x0 + width]
    mark, board = covered[..., :1], covered[..., 1:]

    light = _light(window, rng)
    if plate:
        behind, unrest = np.array(_plate_color(color, rng) if paint is None else _plate_below(mask, paint, rng), np.float32), 0.0
        shadow = cv2.GaussianBlur(board[..., 0], (0, 0), 1.0 + 0.02 * placement.size)[..., None]
        window *= 1.0 - rng.uniform(0.0, 0.4) * shadow
        window += board * (behind * light - window)
    else:
        behind, unrest = window.mean(axis=(0, 1)), float((window @ LUMINANCE).std())
    if paint is None:
        window += mark * rng.uniform(0.88, 1.0) * (_ink(color, behind, unrest, rng) * light - window)
    else:
        painted = warp(cv2.copyMakeBorder(paint, pad, pad, pad, pad, cv2.BORDER_CONSTANT), matrix, *photo.shape[:2])[0]
        window += np.float32(rng.uniform(0.88, 1.0)) * (painted * 255.0 * light - mark * window)
    coverage, hidden = np.zeros((2, *photo.shape[:2]), np.float32)
    coverage[y0 : y0 + height, x0 : x0 + width] = mark[..., 0]
    hidden[y0 : y0 + height, x0 : x0 + width] = covered.max(axis=2)
    return coverage, hidden


def warp(canvas, matrix, height, width):
    """Resamples a canvas into the window of a photo that it covers.

    Args:
        canvas: uint8 `[h, w, C]`, C at most 4.
        matrix: float64 `[3, 3]`, from px of the canvas to px of the photo, both counted from the edges.
        height: int, px of the photo.
        width: int, px of the photo.

    Returns:
        float32 `[window height, window width, C]` in 0..1, and the window's left and top px.
    """
    rows, columns = canvas.shape[:2]
    low, high = extent(matrix, [[0, 0], [columns, 0], [columns, rows], [0, rows]])
    x0, y0 = (int(v) for v in np.clip(np.floor(low), 0, [width - 1, height - 1]))
    x1, y1 = (int(v) for v in np.clip(np.ceil(high), [x0 + 1, y0 + 1], [width, height]))
    # cv2 counts from the centre of the first px, not from its edge.
    from_edges = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1]])
    to_edges = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    warped = cv2.warpPerspective(canvas, from_edges @ matrix @ to_edges, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    return warped.astype(np.float32).reshape(y1 - y0, x1 - x0, -1) / 255.0, x0, y0


def cover(photo, coverage, cloth, rng, largest):
    """Hides a part of a mark behind a strip or a blob, in place.

    Args:
        photo: float32 RGB `[H, W, 3]`, 0..255.
        coverage: float32 `[H, W]`, how much of each px the mark covers.
        cloth: float32 RGB `[H, W, 3]`, what the cover looks like.
        rng: numpy Generator.
        largest: float in (0, 1), largest share of the mark that may be hidden.

    Returns:
        float32 `[H, W]`, how much of each px the visible part of the mark covers.
    """
    y0, x0, y1, x1 = tight_box(coverage)
    height, width = y1 - y0, x1 - x0
    centre = (int(rng.uniform(x0, x1)), int(rng.uniform(y0, y1)))
    angle = rng.uniform(0, 180)
    reach, breadth = (2.0, rng.uniform(0.1, 0.3)) if rng.random() < 0.5 else rng.uniform(0.3, 0.8, 2)
    cloth = cloth * rng.uniform(0.5, 1.1)
    total = coverage.sum()
    for _ in range(6):
        axes = (max(1, int(reach * max(height, width) / 2)), max(1, int(breadth * max(height, width) / 2)))
        hidden = np.zeros(coverage.shape, np.uint8)
        cv2.ellipse(hidden, centre, axes, angle, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
        hidden = cv2.GaussianBlur(hidden, (0, 0), 0.8).astype(np.float32) / 255.0
        visible = coverage * (1.0 - hidden)
        if visible.sum() >= (1.0 - largest) * total:
            photo += hidden[..., None] * (cloth - photo)
            return visible
        breadth *= 0.7
        reach *= 0.85
    return coverage


def tight_box(coverage):
    """The box of the px that are covered by at least `VISIBLE`: four ints `(y0, x0, y1, x1)`, px.

    Raises:
        ValueError: if there is none.
    """
    x, y, width, height = cv2.boundingRect((coverage >= VISIBLE).astype(np.uint8))
    if not width:
        raise UserError(f"no px is covered by {VISIBLE} or more, so there is no box.")
    return y, x, y + height, x + width


def _plate(shape, rng):
    """A plate that fills a canvas of `shape` (h, w): uint8 `[h, w]`. A rectangle, a rounded one or an ellipse."""
    height, width = shape
    kind = rng.integers(3)
    plate = np.zeros(shape, np.uint8)
    # An ellipse inside a long canvas would cut the ends of the mark, so it is for the squarer ones.
    if kind == 2 and max(shape) < 1.4 * min(shape):
        middle, axes = (width // 2, height // 2), (width // 2 - 1, height // 2 - 1)
        cv2.ellipse(plate, middle, axes, 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
        return plate
    radius = 1 if kind == 0 else max(1, int(min(shape) * rng.uniform(0.08, 0.25)))
    cv2.rectangle(plate, (radius, 1), (width - 1 - radius, height - 2), 255, cv2.FILLED)
    cv2.rectangle(plate, (1, radius), (width - 2, height - 1 - radius), 255, cv2.FILLED)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(plate, (x, y), radius - 1, 255, cv2.FILLED, cv2.LINE_AA)
    return plate


def _plate_color(color, rng):
    """A plate's colour: white, a pale or dark tone, or the brand's colour."""
    kind = rng.random()
    if kind < 0.4:
        return WHITE
    if kind < 0.6:
        return rng.uniform(190, 250, 3)
    if kind < 0.75:
        return rng.uniform(10, 70, 3)
    return color


def _ink(color, behind, unrest, rng):
    """The colour of a mark that stands out from what lies behind it: the brand's, else black or white."""
    ground = float(behind @ LUMINANCE)
    stands_out = abs(float(np.float32(color) @ LUMINANCE) - ground) >= CONTRAST + unrest
    if stands_out and rng.random() < 0.75:
        return np.float32(color)
    return np.float32(WHITE if ground < 128 else BLACK)


def _around(photo, placement):
    """The mean colour of what lies behind a mark: float32 `[3]`."""
    height, width = photo.shape[:2]
    y0, x0 = (int(value) for value in np.clip(np.floor(placement.box[:2]), 0, [height - 1, width - 1]))
    y1, x1 = (int(value) for value in np.clip(np.ceil(placement.box[2:]), [y0 + 1, x0 + 1], [height, width]))
    return photo[y0:y1, x0:x1].mean(axis=(0, 1))


def _stands_out(mask, paint, ground):
    """Whether at least half of a mark in several colours differs from a ground of one colour, float `[3]`."""
    # Every second px of every second row tells it as well.
    opaque = mask[::2, ::2] >= 128
    far = np.abs(paint[::2, ::2][opaque] - np.asarray(ground, np.float32)).max(axis=1) >= CONTRAST
    return bool(far.sum() * 2 >= max(1, opaque.sum()))


def _plate_below(mask, paint, rng):
    """A plate's colour from which a mark in several colours stands out: one that `_plate_color` draws, black or white."""
    for _ in range(3):
        color = _plate_color(rng.uniform(0, 255, 3), rng)
        if _stands_out(mask, paint, color):
            return color
    return WHITE if _stands_out(mask, paint, WHITE) else BLACK


def _light(window, rng):
    """Light on a surface, `[h, w, 1]` around 1: a slope in one direction and the tones of what lies below."""
    height, width = window.shape[:2]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.25)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None] * np.float32(np.cos(angle))
    tones = window @ LUMINANCE
    relief = np.clip((tones - tones.mean()) / 128.0, -0.8, 0.8) * np.float32(rng.uniform(0.0, 0.35))
    return (rng.uniform(0.8, 1.05) * (1.0 + strength * (rows + columns)) * (1.0 + relief)).astype(np.float32)[..., None]
