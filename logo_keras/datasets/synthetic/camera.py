"""What a camera does to a scene: colour, contrast, blur and noise."""

import numpy as np

from logo_keras.extras import cv2


def photograph(scene, sharp, rng):
    """Takes a photo of a scene.

    Args:
        scene: float32 RGB `[H, W, 3]`, 0..255.
        sharp: float, px. The size of what must stay legible: blur grows with it, up to what a hand-held camera does.
        rng: numpy Generator.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    scene = _blur(scene, sharp, rng)
    height, width = scene.shape[:2]
    contrast, brightness = rng.uniform(0.75, 1.2), rng.uniform(-22, 22)
    cast = rng.uniform(0.92, 1.08, 3)
    # Contrast around mid-grey, then brightness and the colour cast: one gain and one offset a channel.
    scene = scene * (contrast * cast).astype(np.float32)
    scene += ((128 - 128 * contrast + brightness) * cast).astype(np.float32)
    deviation = rng.uniform(0.0, 9.0)
    noise = rng.standard_normal((height, width), dtype=np.float32) * np.float32(deviation)
    scene += noise[..., None]
    return np.clip(np.rint(scene), 0, 255).astype(np.uint8)


def _blur(scene, sharp, rng):
    """A third stays sharp, a third is out of focus, a third is moved."""
    kind = rng.integers(3)
    if kind == 0:
        return scene
    if kind == 1:
        return cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.4, min(2.0, 0.5 + 0.012 * sharp)))
    length = rng.uniform(1.5, min(9.0, 2.0 + 0.04 * sharp))
    angle = rng.uniform(0, np.pi)
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    for step in np.linspace(-length / 2, length / 2, 32):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] += 1
    return cv2.filter2D(scene, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
