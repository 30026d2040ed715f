"""Grounds for crops: areas of training photos, plain and graded colours, textures, and things that are no marks on them."""

import numpy as np

from logo_keras.datasets.synthetic import scenes
from logo_keras.extras import cv2

# Shares of photos, plain grounds and graded ones; what is left are textures. By choice: real logos lie on plain things (shirts,
# signs, packaging) at least as often as on uneven ones.
_PHOTO, _PLAIN, _GRADED = 0.5, 0.15, 0.15
# What `clutter` writes.
LETTERS = np.array(list("ABCDEFGHIJKLMNOPRSTUVWXYZabcdefghiklmnoprstuwyz0123456789&.-%"))


def ground(size, rng, cluttered=0.3, photos=True):
    """A square ground.

    Photos are areas of the training split of the synthetic set, of any size, mirrored, turned and recoloured; those of its other
    splits are never used.

    Args:
        size: int, px.
        rng: numpy Generator.
        cluttered: float, share of the grounds on which lie shapes, lines or letters.
        photos: bool, whether there are areas of photos among them.

    Returns:
        float32 RGB `[size, size, 3]`, 0..255.
    """
    kind = rng.uniform(0 if photos else _PHOTO, 1)
    if kind < _PHOTO:
        scene = _photo(size, rng)
    elif kind < _PHOTO + _PLAIN:
        scene = np.full((size, size, 3), any_color(rng), np.float32)
    elif kind < _PHOTO + _PLAIN + _GRADED:
        scene = _graded(size, rng)
    else:
        scene = _textured(size, rng)
    return clutter(scene, rng) if rng.random() < cluttered else scene


def clutter(scene, rng):
    """Draws shapes, lines or letters: a new scene, float32 `[H, W, 3]`."""
    scene = np.clip(scene, 0, 255).astype(np.uint8)
    height, width = scene.shape[:2]
    for _ in range(rng.integers(1, 5)):
        color = any_color(rng).tolist()
        x, y = int(rng.uniform(-0.2, 1) * width), int(rng.uniform(-0.2, 1.2) * height)
        kind = rng.integers(4)
        if kind == 0:
            text = "".join(rng.choice(LETTERS, rng.integers(2, 14)))
            scale, thick = float(np.exp(rng.uniform(np.log(0.3), np.log(2.5)))) * height / 128, int(rng.integers(1, 4))
            cv2.putText(scene, text, (x, y), int(rng.choice([0, 2, 3, 4])), scale, color, thick, cv2.LINE_AA)
        elif kind == 1:
            # Bars, edges, poles: a bundle of parallel lines.
            step, angle = rng.uniform(0.05, 0.4) * width, rng.uniform(0, 2 * np.pi)
            along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
            for number in range(rng.integers(1, 6)):
                middle = np.array([x, y]) + number * step * across
                ends = (middle - 2 * width * along).astype(int).tolist(), (middle + 2 * width * along).astype(int).tolist()
                cv2.line(scene, *ends, color, int(rng.integers(1, 1 + max(2, width // 12))), cv2.LINE_AA)
        elif kind == 2:
            points = np.array([x, y]) + rng.uniform(-0.5, 0.5, (rng.integers(3, 6), 2)) * width
            cv2.fillPoly(scene, [points.astype(np.int32)], color, cv2.LINE_AA)
        else:
            axes = (rng.uniform(0.05, 0.5, 2) * width).astype(int).tolist()
            thick = cv2.FILLED if rng.random() < 0.5 else int(rng.integers(1, 6))
            cv2.ellipse(scene, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, color, thick, cv2.LINE_AA)
    return scene.astype(np.float32)


def _photo(size, rng):
    scene = scenes.background("train", size, size, rng, smallest=0.08)
    turns = rng.integers(8)
    if turns < 4:
        # Mostly as it was taken; a quarter, a half or three quarters turn otherwise. Three in eight do not turn at all.
        scene = np.rot90(scene, turns)
    scene = scene * rng.uniform(0.5, 1.3) + rng.uniform(-30, 30)
    if rng.random() < 0.3:
        scene = scenes.tint(scene.mean(axis=2).clip(0, 255), rng)
    return np.ascontiguousarray(scene.clip(0, 255), np.float32)


def any_color(rng):
    """A colour: white or nearly so, black or nearly so, or any: float64 `[3]`."""
    kind = rng.random()
    if kind < 0.25:
        return rng.uniform(215, 255) + rng.uniform(-8, 0, 3)
    if kind < 0.4:
        return rng.uniform(0, 45) + rng.uniform(0, 8, 3)
    return rng.uniform(0, 255, 3)


def _graded(size, rng):
    angle = rng.uniform(0, 2 * np.pi)
    steps = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    share = np.clip(0.5 + np.cos(angle) * steps[None, :] + np.sin(angle) * steps[:, None], 0, 1)[..., None]
    first = any_color(rng)
    # Mostly two tones of a colour, as light makes them.
    second = first * rng.uniform(0.4, 0.9) if rng.random() < 0.6 else any_color(rng)
    return (first * (1 - share) + second * share).astype(np.float32)


def _textured(size, rng):
    """Noise of one scale or of several, stripes, a grid or dots between two colours."""
    first = any_color(rng)
    second = np.clip(first + rng.uniform(-90, 90, 3), 0, 255) if rng.random() < 0.7 else any_color(rng)
    kind = rng.integers(3)
    if kind == 0:
        share = np.zeros((size, size), np.float32)
        for level in range(rng.integers(1, 4)):
            cells = int(rng.integers(2, 6)) * 3**level
            noise = rng.random((min(cells, size), min(cells, size)), np.float32)
            share += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) / 2**level
        share = (share - share.min()) / max(float(np.ptp(share)), 1e-6)
    else:
        angle, step = rng.uniform(0, np.pi), rng.uniform(0.03, 0.35) * size
        rows, columns = np.mgrid[:size, :size].astype(np.float32)
        wave = np.sin(2 * np.pi / step * (np.cos(angle) * columns + np.sin(angle) * rows) + rng.uniform(0, 6))
        if kind == 2:
            wave = wave * np.sin(2 * np.pi / step * (-np.sin(angle) * columns + np.cos(angle) * rows) + rng.uniform(0, 6))
        share = np.clip(0.5 + wave * rng.uniform(0.5, 6), 0, 1)
    return (first * (1 - share[..., None]) + second * share[..., None]).astype(np.float32)
