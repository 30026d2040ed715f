"""Altered copies of marks, as those who imitate a mark make them, and the trap: another mark in the same colours."""

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image.transparency import luminance

# Grey levels by which a mark's colours differ at least for it to have several.
FLAT = 10.0
# Levels of 255 by which px of a mark differ at least, or there is nothing to see, as for a gallery.
SEEN = 40
# All below by choice, after a look at the copies: each is still the mark to a person.
# Degrees.
TURNED = 5, 25
# Width by which a stroke grows or shrinks on each side, in shares of the longer side of the mark.
STROKE = 0.008, 0.025
# Share of the mark that must be left of it where strokes get thinner.
LEFT = 0.5
# How far points of the outline move, standard deviation, and over what length they move together; shares of the longer side.
JITTER, TOGETHER = 0.012, 0.12
# Height of the text below a mark, and width of that beside it, in shares of the mark's; and the gap between them.
TEXT, GAP = (0.3, 0.6), (0.05, 0.15)


def picture(drawing):
    """A Drawing as artwork that is not multiplied by its opacity: uint8 RGBA `[h, w, 4]`; black where no colour is known."""
    if drawing.pixels.ndim == 2:
        return np.dstack([np.full((*drawing.pixels.shape, 3), drawing.mark.color or (0, 0, 0), np.uint8), drawing.pixels])
    return _divided(drawing.pixels.astype(np.float32))


def recoloured(mark, rng, text):
    """In other colours: three at random, from dark to light as the mark's own are; one for a mark of one colour."""
    levels = _levels(mark)
    if levels is None:
        return _painted(mark, rng.uniform(0, 255, (1, 3)), None)
    # The darkest and the lightest stay apart, or nothing would be left of the mark.
    return _painted(mark, np.stack([rng.uniform(low, low + 127, 3) for low in (0, 64, 128)]), levels)


def inverted(mark, rng, text):
    """Each colour as its opposite."""
    return np.dstack([255 - mark[..., :3], mark[..., 3]])


def grey(mark, rng, text):
    """Without colours."""
    return np.dstack([np.rint(luminance(mark[..., :3]))] * 3 + [mark[..., 3]]).astype(np.uint8)


def redrawn(mark, rng, text):
    """With thicker or thinner strokes, by a hand that shakes."""
    longer = max(mark.shape[:2])
    widths = np.arange(max(1, round(longer * rng.uniform(*STROKE))), 0, -1)
    # Room for strokes that grow and points that move.
    drawn = _multiplied(_framed(mark, int(widths[0] + np.ceil(4 * JITTER * longer))))
    if rng.random() < 0.5:
        drawn = cv2.dilate(drawn, _disc(widths[0]))
    else:
        # Hair lines would vanish.
        thinner = (cv2.erode(drawn, _disc(width)) for width in widths)
        drawn = next((each for each in thinner if each[..., 3].sum() >= LEFT * drawn[..., 3].sum()), drawn)
    rows, columns = np.mgrid[: drawn.shape[0], : drawn.shape[1]].astype(np.float32)
    moves = [cv2.GaussianBlur(rng.normal(size=rows.shape).astype(np.float32), (0, 0), TOGETHER * longer) for _ in range(2)]
    down, across = (np.float32(JITTER * longer / max(float(move.std()), 1e-6)) * move for move in moves)
    return _divided(cv2.remap(drawn, columns + across, rows + down, cv2.INTER_LINEAR))


def turned(mark, rng, text):
    """Rotated, one way or the other."""
    angle, side = rng.uniform(*TURNED) * rng.choice((-1, 1)), int(np.ceil(np.hypot(*mark.shape[:2])))
    middle = [[1, 0, (side - mark.shape[1]) / 2], [0, 1, (side - mark.shape[0]) / 2], [0, 0, 1]]
    way = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1) @ np.array(middle)
    return _divided(cv2.warpAffine(_multiplied(mark), way, (side, side)))


def mirrored(mark, rng, text):
    """Left and right changed."""
    return np.ascontiguousarray(mark[:, ::-1])


def beside(mark, rng, text):
    """With other text below or beside it, in one of the mark's own colours."""
    height, width = mark.shape[:2]
    below = rng.random() < 0.5
    share = rng.uniform(*TEXT)
    # Below it has the width of the mark, or less height than wanted; beside it likewise.
    scale = (
        min(width / text.shape[1], share * height / text.shape[0])
        if below
        else min(height / text.shape[0], 2 * share * width / text.shape[1])
    )
    shape = [max(1, round(scale * side)) for side in text.shape[1::-1]]
    inside = mark[mark[..., 3] >= 128]
    colour = inside[rng.integers(len(inside)), :3] if len(inside) else np.zeros(3, np.uint8)
    letters = cv2.resize(text[..., 3], shape, interpolation=cv2.INTER_AREA)
    words = np.dstack([np.full((*letters.shape, 3), colour, np.uint8), letters])
    gap = round(rng.uniform(*GAP) * (height if below else width))
    size = (height + gap + shape[1], max(width, shape[0])) if below else (max(height, shape[1]), width + gap + shape[0])
    made = np.zeros((*size, 4), np.uint8)
    for part, last in ((mark, False), (words, True)):
        top, left = ((total - side) // 2 for total, side in zip(size, part.shape, strict=False))
        if below:
            top = last * (size[0] - part.shape[0])
        else:
            left = last * (size[1] - part.shape[1])
        made[top : top + part.shape[0], left : left + part.shape[1]] = part
    return made


def at_once(mark, rng, text):
    """Recoloured, redrawn, rotated, and with other text."""
    for alter in (recoloured, redrawn, turned, beside):
        mark = alter(mark, rng, text)
    return mark


# Each a function of uint8 RGBA `[h, w, 4]`, a numpy Generator and a word, uint8 RGBA, to uint8 RGBA of any size.
ALTERATIONS = {
    "recoloured": recoloured,
    "inverted": inverted,
    "grey": grey,
    "stroke redrawn": redrawn,
    "rotated": turned,
    "mirrored": mirrored,
    "other text beside it": beside,
    "recoloured, redrawn, rotated, with text": at_once,
}


def has_colours(mark):
    """Whether a mark has more than one colour: bool."""
    return _levels(mark) is not None


def in_the_colours_of(mark, other):
    """A mark painted in the colours of another: uint8 RGBA `[h, w, 4]`.

    Its darkest px get the darkest of the other's colours, its lightest the lightest, and what lies between goes by its share of
    the area. A mark of one colour gets the mean of the other's.

    Args:
        mark, other: uint8 RGBA.
    """
    theirs = other[other[..., 3] >= 128, :3]
    theirs = theirs if len(theirs) else other[..., :3].reshape(-1, 3)
    levels = _levels(mark)
    if levels is None:
        return _painted(mark, theirs.mean(axis=0, keepdims=True), None)
    inside = np.sort(levels[mark[..., 3] >= 128])
    ranks = np.searchsorted(inside, levels) / max(1, np.searchsorted(inside, inside[-1]))
    return _painted(mark, theirs[np.argsort(luminance(theirs), kind="stable")], ranks.clip(0, 1))


def shows_something(mark):
    """Whether there is more to see than one colour all over: bool."""
    return bool(np.ptp(mark.reshape(-1, 4), axis=0).max() >= SEEN)


def _levels(mark):
    """How light each px is between the darkest and the lightest: float `[h, w]`, 0..1; None of a mark of one colour."""
    levels = luminance(mark[..., :3])
    inside = levels[mark[..., 3] >= 128]
    low, high = np.percentile(inside, (2, 98)) if len(inside) else (0, 0)
    return None if high - low < FLAT else ((levels - low) / (high - low)).clip(0, 1)


def _painted(mark, colours, levels):
    """A mark in colours float `[n, 3]`, for levels from 0 to 1, and between them."""
    at = np.zeros(mark.shape[:2]) if levels is None else levels
    steps = np.linspace(0, 1, len(colours))
    paint = [np.interp(at, steps, colours[:, band]) for band in range(3)]
    return np.dstack([*(np.rint(each).astype(np.uint8) for each in paint), mark[..., 3]])


def _framed(mark, width):
    return cv2.copyMakeBorder(mark, *[width] * 4, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))


def _disc(radius):
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(radius) + 1,) * 2)


def _multiplied(mark):
    """RGB times opacity, and opacity, float32: what may be filtered and resampled."""
    mark = mark.astype(np.float32)
    mark[..., :3] *= mark[..., 3:] / 255
    return mark


def _divided(mark):
    """Back from `_multiplied`: uint8 RGBA."""
    colours = mark[..., :3] * 255 / np.maximum(mark[..., 3:], 1)
    return np.rint(np.dstack([colours, mark[..., 3]])).clip(0, 255).astype(np.uint8)
