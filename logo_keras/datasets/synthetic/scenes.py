"""Real photos as backgrounds: which ones, which area of them belongs to which split, and crops of them."""

import functools
from dataclasses import dataclass

import numpy as np

from logo_keras.extras import cv2, require


@dataclass(frozen=True)
class Area:
    """A part of a photo that one split alone may use.

    Attributes:
        photograph: str, the function of `skimage.data` that returns it. The file ships inside the package.
        split: str, the split that owns the area.
        box: tuple `(y0, x0, y1, x1)`, in shares of the photograph's height and width.
        weight: float, how often it is drawn in comparison with the split's other areas.
    """

    photograph: str
    split: str
    box: tuple = (0.0, 0.0, 1.0, 1.0)
    weight: float = 1.0


# Most photos belong to one split; the larger or evenly textured ones are cut into areas that do not touch:
# the deep field and the retina (without its black rim) into quarters, the grass into halves. Stars and retinas are
# no places for logos, so they are drawn half as often.
# Left out, because nothing says that they are free: motorcycle, moon, page; because they are no photos of
# things: cell, colorwheel, immunohistochemistry and the like. Licences: docs/synthetic.md.
AREAS = (
    Area("astronaut", "train"),
    Area("coffee", "train"),
    Area("rocket", "train"),
    Area("brick", "train"),
    Area("clock", "train"),
    Area("hubble_deep_field", "train", (0.0, 0.0, 0.49, 0.49), 0.5),
    Area("retina", "train", (0.13, 0.13, 0.49, 0.49), 0.5),
    Area("text", "validation"),
    Area("grass", "validation", (0.0, 0.0, 0.49, 1.0)),
    Area("hubble_deep_field", "validation", (0.0, 0.51, 0.49, 1.0), 0.5),
    Area("retina", "validation", (0.13, 0.51, 0.49, 0.87), 0.5),
    Area("chelsea", "test"),
    Area("camera", "test"),
    Area("gravel", "test"),
    Area("hubble_deep_field", "test", (0.51, 0.0, 1.0, 0.49), 0.5),
    Area("retina", "test", (0.51, 0.13, 0.87, 0.49), 0.5),
    Area("coins", "none"),
    Area("grass", "none", (0.51, 0.0, 1.0, 1.0)),
    Area("hubble_deep_field", "none", (0.51, 0.51, 1.0, 1.0), 0.5),
    Area("retina", "none", (0.51, 0.51, 0.87, 0.87), 0.5),
)


@functools.cache
def pixels(area):
    """The pixels of an area: uint8, RGB `[H, W, 3]` or grey `[H, W]`.

    Raises:
        ImportError: if scikit-image is not installed.
    """
    photograph = getattr(require("skimage.data", "export"), area.photograph)()
    height, width = photograph.shape[:2]
    y0, x0, y1, x1 = (round(share * side) for share, side in zip(area.box, (height, width) * 2, strict=True))
    return np.ascontiguousarray(photograph[y0:y1, x0:x1])


def background(split, height, width, rng, smallest=0.55):
    """A random crop of one of a split's areas, flipped and mildly recoloured; grey photos are tinted.

    Args:
        split: str, "train", "validation", "test" or "none".
        height: int, px.
        width: int, px.
        rng: numpy Generator.
        smallest: float in (0, 1], sides of the smallest crop, in shares of those of the largest that fits.

    Returns:
        float32 RGB `[height, width, 3]`, 0..255.
    """
    areas = [area for area in AREAS if area.split == split]
    weights = np.array([area.weight for area in areas])
    area = areas[rng.choice(len(areas), p=weights / weights.sum())]
    source = pixels(area)
    scale = min(source.shape[0] / height, source.shape[1] / width) * rng.uniform(smallest, 1.0)
    crop_height, crop_width = max(1, int(height * scale)), max(1, int(width * scale))
    y0 = rng.integers(source.shape[0] - crop_height + 1)
    x0 = rng.integers(source.shape[1] - crop_width + 1)
    crop = source[y0 : y0 + crop_height, x0 : x0 + crop_width]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    crop = cv2.resize(np.ascontiguousarray(crop), (width, height), interpolation=interpolation).astype(np.float32)
    if crop.ndim == 2:
        return tint(crop, rng)
    return crop * rng.uniform(0.85, 1.15, 3).astype(np.float32)


def tint(grey, rng):
    """Colours a grey photo: dark tones towards one colour, light tones towards another of the same hue.

    Args:
        grey: float32 `[H, W]`, 0..255.
        rng: numpy Generator.

    Returns:
        float32 RGB `[H, W, 3]`, 0..255.
    """
    hue, saturation = rng.uniform(0, 180), rng.uniform(0, 130)
    tones = np.uint8([[[hue, saturation, 40], [(hue + rng.uniform(-15, 15)) % 180, saturation / 2, 245]]])
    dark, light = cv2.cvtColor(tones, cv2.COLOR_HSV2RGB)[0].astype(np.float32)
    share = (grey / 255.0)[..., None]
    return (dark * 0.5) * (1 - share) + light * share
