"""How marks look that are not printed on something flat: embossed, sewn, of metal, an outline, on cloth that has folds."""

import numpy as np

from logo_keras.datasets.synthetic.artwork import OPAQUE
from logo_keras.extras import cv2

# All numbers here are by eye, beside crops of photos: shoes, bags, shirts, signs, badges.
# Share of its difference from the ground that a mark keeps where it is pressed into the ground or sewn in its colour.
_FADED = (0.15, 0.6)
# Grey levels by which the edges towards the light are brighter, and those away from it darker.
_EDGES = (25.0, 110.0)
# Grey levels of the bands of light on metal, and of the threads of what is sewn.
_BANDS, _THREADS = (20.0, 70.0), (10.0, 35.0)
# Largest shift and lengths of the waves of cloth, in shares of the side.
_WAVES, _WAVE_LENGTHS = 0.03, (0.35, 1.5)
# Grey levels between the sides of a fold.
_FOLDS = 40.0
# Grey levels between the light and the dark parts of a mark in several colours below which it is one silhouette.
_FLAT = 40.0


def relief(scene, before, coverage, rng):
    """Turns what was painted into something pressed, sewn or raised: float32 RGB `[S, S, 3]`.

    Args:
        scene: float32 RGB `[S, S, 3]`, 0..255, with the mark.
        before: float32 RGB `[S, S, 3]`, without it.
        coverage: float32 `[S, S]`, how much of each px the mark covers, 0..1.
        rng: numpy Generator.
    """
    kind, size = rng.random(), len(scene)
    strength = rng.uniform(*_EDGES)
    if kind < 0.4:
        # In the colour of the ground: without its edges it would hardly be seen.
        scene = before + np.float32(rng.uniform(*_FADED)) * (scene - before)
        strength = max(strength, 0.6 * _EDGES[1])
    else:
        wave = bands(size, rng, (0.15, 1.2) if kind < 0.75 else (0.02, 0.05))
        scene = scene + np.float32(rng.uniform(*(_BANDS if kind < 0.75 else _THREADS))) * (coverage * wave)[..., None]
    soft = cv2.GaussianBlur(coverage, (0, 0), rng.uniform(0.004, 0.015) * size)
    angle = rng.uniform(0, 2 * np.pi)
    towards = np.float32(np.cos(angle)) * cv2.Sobel(soft, -1, 1, 0) + np.float32(np.sin(angle)) * cv2.Sobel(soft, -1, 0, 1)
    return scene + np.float32(strength / max(float(np.abs(towards).max()), 1e-6)) * towards[..., None]


def waved(scene, rng):
    """Lays a scene on cloth: shifted along smooth waves, with light on one side of the folds, float32 RGB `[S, S, 3]`.

    Args:
        scene: float32 RGB `[S, S, 3]`, 0..255.
        rng: numpy Generator.
    """
    heights, moved = _along_waves(scene, rng, cv2.BORDER_REFLECT)
    return moved + np.float32(rng.uniform(0, _FOLDS) / 2) * (heights[0] + heights[1])[..., None] / 2


def bent(pixels, rng):
    """A mark on cloth that has folds, or on something round: shifted along smooth waves.

    Args:
        pixels: uint8 `[h, w]` or `[h, w, 4]`, as in `Drawing`.
        rng: numpy Generator.

    Returns:
        uint8, likewise, cropped to the mark.
    """
    height, width = pixels.shape[:2]
    side = max(height, width)
    # Shifted by no more than this, and in the middle of a square, since waves have one.
    room = int(np.ceil(_WAVES * side)) + 1
    top, left = room + (side - height) // 2, room + (side - width) // 2
    square = cv2.copyMakeBorder(
        pixels, top, side + 2 * room - height - top, left, side + 2 * room - width - left, cv2.BORDER_CONSTANT
    )
    square = _along_waves(square, rng, cv2.BORDER_CONSTANT)[1]
    alpha = square if square.ndim == 2 else square[..., 3]
    x, y, wide, high = cv2.boundingRect((alpha >= OPAQUE).astype(np.uint8))
    return np.ascontiguousarray(square[y : y + high, x : x + wide]) if wide else pixels


def outline(mask, rng):
    """The outline of a mark: uint8 `[h, w]`, or the mask itself where nothing but outline is in it.

    Args:
        mask: uint8 `[h, w]`, opacities.
        rng: numpy Generator.
    """
    width = max(1, round(max(mask.shape) * rng.uniform(0.012, 0.035)))
    around = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    inner = cv2.erode(around, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1,) * 2))[1:-1, 1:-1]
    # Thin strokes have no inside.
    return cv2.subtract(mask, inner) if int(inner.sum()) * 5 >= int(mask.sum()) else mask


def in_one_color(paint, mask, rng):
    """What is left of a mark in several colours where it is printed in one: uint8 `[h, w]`, opacities.

    Its light or its dark parts; of a mark whose colours are alike all of it.

    Args:
        paint: uint8 RGB `[h, w, 3]`, multiplied by the opacity.
        mask: uint8 `[h, w]`, its opacity.
        rng: numpy Generator.
    """
    opacity = mask.astype(np.float32) / 255
    grey = cv2.cvtColor(paint, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.maximum(opacity, 1e-3)
    inside = grey[mask >= 128]
    if len(inside) == 0:
        return mask
    low, high = np.percentile(inside, (5, 95))
    if high - low < _FLAT:
        return mask
    share = np.clip((grey - low) / (high - low), 0, 1)
    return (255 * opacity * (share if rng.random() < 0.5 else 1 - share)).astype(np.uint8)


def _along_waves(square, rng, border):
    """Shifts a square picture along two waves: these, float32 `[S, S]`, and the picture."""
    size = len(square)
    heights = [bands(size, rng, _WAVE_LENGTHS) for _ in range(2)]
    reach = np.float32(rng.uniform(0.3, 1.0) * _WAVES * size)
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    maps = columns + reach * heights[0], rows + reach * heights[1]
    return heights, cv2.remap(square, *maps, cv2.INTER_LINEAR, None, border)


def bands(size, rng, lengths):
    """A wave in some direction, -1..1: float32 `[S, S]`; its length is a share of the side between two."""
    angle, length = rng.uniform(0, 2 * np.pi), size * np.exp(rng.uniform(*np.log(lengths)))
    along = np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / length)
    phase = np.float32(rng.uniform(0, 2 * np.pi))
    return np.sin(np.float32(np.cos(angle)) * along[None] + np.float32(np.sin(angle)) * along[:, None] + phase)
