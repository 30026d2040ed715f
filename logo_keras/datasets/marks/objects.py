"""Things that marks lie on and beside in whole photos: boards, boxes, bottles, cloth; and what is written on them."""

import numpy as np

from logo_keras.datasets.marks.grounds import LETTERS, any_color, ground
from logo_keras.datasets.marks.surfaces import bands
from logo_keras.extras import cv2

# All numbers here are by eye, beside photos of TopLogo-10 and FlickrLogos-27.
# Exponents of the outline: 2 is an ellipse, 10 almost a rectangle; and the share of things that are boards, with straight sides.
_ROUND, _BOARD, _BOARDS = (2.0, 6.0), 12.0, 0.5
# How much the outline of a thing that is no board goes in and out, and by how many degrees things are turned at most.
_LOBES, _TURNED = 0.2, 25.0
# Shares of things that are round like a bottle, lit from a side, and that have folds; what is left is flat.
_CYLINDERS, _FOLDED = 0.3, 0.3
# Share of the light that is missing at the edge of what is round, and in the depth of folds.
_SHADE = (0.2, 0.7)
# Least and most lines of a text, and the height of a line in shares of the height of the text.
_LINES, _LETTER = (2, 8), 0.55
_CORNERS = 64


def thing(scene, box, rng, board=None):
    """Draws a thing of one ground, with its shadow, in place.

    Args:
        scene: float32 RGB `[S, S, 3]`, 0..255.
        box: four floats `(y0, x0, y1, x1)`, px, about what it covers; may reach beyond the scene.
        rng: numpy Generator.
        board: bool, whether it has straight sides and is hardly turned; None for either.
    """
    flat = rng.random() < _BOARDS if board is None else board
    outline = _outline(box, flat, rng)
    low, high = outline.min(axis=0), outline.max(axis=0)
    # Room for the shadow.
    room = 4 + 0.05 * (high - low).max()
    x0, y0 = np.clip(np.floor(low - room), 0, len(scene)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(high + room), 0, len(scene)).astype(int).tolist()
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    window = scene[y0:y1, x0:x1]
    height, width = window.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    # In sixteenths of a px.
    cv2.fillPoly(mask, [np.rint((outline - [x0, y0]) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    mask = mask.astype(np.float32)[..., None] / 255
    side = max(height, width)
    filling = ground(side, rng, cluttered=0.15, photos=rng.random() < 0.4)[:height, :width]
    kind = rng.random()
    if kind < _CYLINDERS:
        filling = filling * _round_light(outline - [x0, y0], height, width, rng)[..., None]
    elif kind < _CYLINDERS + _FOLDED:
        depth = np.float32(rng.uniform(*_SHADE) / 4)
        folds = bands(side, rng, (0.1, 0.8)) + bands(side, rng, (0.2, 1.5))
        filling = filling * (1 + depth * folds[:height, :width, None])
    # What lies below a thing is darker on one side of it.
    shift = np.float32([[1, 0, rng.uniform(-0.5, 0.5) * room], [0, 1, rng.uniform(0, 0.5) * room]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(mask, shift, (width, height)), (0, 0), max(0.5, 0.2 * room))
    window *= 1 - np.float32(rng.uniform(0, 0.5)) * shadow[..., None]
    window += mask * (filling - window)


def text(scene, box, rng):
    """Writes lines of a text, in place: letters that are no mark.

    Args:
        scene: float32 RGB `[S, S, 3]`, 0..255.
        box: four floats `(y0, x0, y1, x1)`, px, inside the scene.
        rng: numpy Generator.
    """
    y0, x0, y1, x1 = (int(side) for side in box)
    window = np.clip(scene[y0:y1, x0:x1], 0, 255).astype(np.uint8)
    if not window.size:
        return
    lines = int(rng.integers(_LINES[0], _LINES[1] + 1))
    step = window.shape[0] / lines
    font, color = int(rng.choice([0, 2, 3, 4])), any_color(rng).tolist()
    scale = _LETTER * step / cv2.getTextSize("A", font, 1.0, 1)[0][1]
    # About as wide as high, with gaps between words.
    number = max(1, round(window.shape[1] / (1.1 * _LETTER * step)))
    for line in range(lines):
        letters = np.where(rng.random(number) < 0.15, " ", rng.choice(LETTERS, number))
        end = number if line < lines - 1 else max(1, number // 2)
        at = 1, round((line + 0.8) * step)
        cv2.putText(window, "".join(letters[:end]), at, font, scale, color, max(1, round(0.09 * step)), cv2.LINE_AA)
    scene[y0:y1, x0:x1] = window


def _outline(box, flat, rng):
    """Corners of a thing, (x, y): float64 `[n, 2]`."""
    y0, x0, y1, x1 = box
    around = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    cosine, sine = np.cos(around), np.sin(around)
    power = _BOARD if flat else rng.uniform(*_ROUND)
    radius = (np.abs(cosine) ** power + np.abs(sine) ** power) ** (-1 / power)
    if not flat:
        lobes = np.sin(rng.integers(1, 5) * around + rng.uniform(0, 2 * np.pi))
        radius = radius * (1 + rng.uniform(0, _LOBES) * lobes)
    points = np.stack([cosine, sine], axis=1) * radius[:, None] * [(x1 - x0) / 2, (y1 - y0) / 2]
    angle = np.deg2rad(rng.uniform(-1, 1) * _TURNED * (0.3 if flat else 1))
    # Turned, and seen a little from the side.
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = points @ turn
    nearer = 1 + rng.uniform(-0.25, 0.25) * points[:, :1] / max(x1 - x0, 1e-6)
    return points * nearer + [(x0 + x1) / 2, (y0 + y1) / 2]


def _round_light(outline, height, width, rng):
    """Light on something round, brightest off its middle: float32 `[height, width]`."""
    axis = 0 if rng.random() < 0.75 else 1
    low, high = outline[:, axis].min(), outline[:, axis].max()
    along = (np.arange((width, height)[axis], dtype=np.float32) - np.float32(low)) / np.float32(high - low)
    off = np.abs(along - np.float32(rng.uniform(0.25, 0.75)))
    light = 1.1 - np.float32(rng.uniform(*_SHADE)) * np.minimum(1, (1.4 * off) ** 2)
    return np.broadcast_to(light[None] if axis == 0 else light[:, None], (height, width))
