"""What training does to photographs: a random crop, mirroring, brightness, contrast."""

import dataclasses
import math
import numbers

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image.preprocessing import frame, resize


def _number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How photographs are changed in training. `AUGMENTATIONS` has one a name; `dataclasses.replace` changes it.

    With the preprocessing "paper" the crop is that of the paper and colours are left alone: `area`, `brightness` and
    `contrast` are of "stretch".

    Attributes:
        area: two floats in (0, 1], the smallest and the largest share of the photograph that a crop keeps.
        flip: float in [0, 1], share that is mirrored.
        brightness: float, grey levels, 0 to 255: at most so many are added to every px or taken away.
        contrast: two floats, 0 or more: bounds of the factor of the distance from the mean grey level.
        randaugment: None, or (operations, strength) of `keras.layers.RandAugment`: int of at least 1, float in [0, 1]. The
            operations are drawn once a batch, as that layer does, and their strengths once an image.
        mixup: float, alpha of the beta distribution from which the share of the other image is drawn; 0 is off.
        cutmix: float, alpha of the distribution of the area that is pasted from another image; 0 is off. Where both are on,
            each batch takes one of them, evenly.

    Raises:
        ValueError: for a value out of range, naming it.
    """

    # As in the runs on TopLogo-10 that set the defaults: crops of 60 to 100 % of the area, flips, brightness, contrast.
    # The strengths of the last two are mild by choice: a brand is known by its colours too.
    area: tuple = (0.6, 1.0)
    flip: float = 0.5
    brightness: float = 25.0
    contrast: tuple = (0.8, 1.2)
    randaugment: tuple | None = None
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self):
        for name, lowest, highest in (("area", 0, 1), ("contrast", 0, math.inf)):
            value = getattr(self, name)
            if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(map(_number, value)):
                raise ValueError(f"{name} must be two numbers, got {value!r}.")
            if not lowest <= value[0] <= value[1] <= highest or (name == "area" and not value[0]):
                interval = "(0, 1]" if name == "area" else "[0, inf)"
                raise ValueError(f"{name} must be two rising numbers in {interval}, got {value!r}.")
            object.__setattr__(self, name, tuple(value))
        for name, highest in (("flip", 1), ("brightness", 255), ("mixup", math.inf), ("cutmix", math.inf)):
            value = getattr(self, name)
            if not _number(value) or not 0 <= value <= highest:
                raise ValueError(f"{name} must be a number in [0, {highest}], got {value!r}.")
        if self.randaugment is not None:
            value = self.randaugment
            pair = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_number, value))
            if not pair or not isinstance(value[0], numbers.Integral) or value[0] < 1 or not 0 <= value[1] <= 1:
                raise ValueError(
                    "randaugment must be None or (operations, strength), an integer of at least 1 and a number in [0, 1], got "
                    f"{value!r}."
                )
            object.__setattr__(self, "randaugment", tuple(value))

    @property
    def mixes(self):
        """bool, whether images show several classes, so that labels are shares of each."""
        return bool(self.mixup or self.cutmix)

    @property
    def colours(self):
        """bool, whether brightness or contrast change."""
        return bool(self.brightness) or self.contrast != (1, 1)


AUGMENTATIONS = {
    "standard": Augmentation(),
    "none": None,
    # N = 2 and M = 9 of 30, of ResNet-50 on ImageNet: Cubuk et al. 2019, arXiv:1909.13719, section 4.3. Colours are left to it.
    "randaugment": Augmentation(brightness=0.0, contrast=(1.0, 1.0), randaugment=(2, 0.3)),
    # Zhang et al. 2018, arXiv:1710.09412, section 3.1: alpha in [0.1, 0.4] on ImageNet.
    "mixup": Augmentation(mixup=0.2),
    # Yun et al. 2019, arXiv:1905.04899, section 3.1: alpha = 1, the uniform distribution.
    "cutmix": Augmentation(cutmix=1.0),
}


def augmentation(value):
    """The Augmentation of a name, or None for none at all.

    Args:
        value: str, one of `AUGMENTATIONS`, an Augmentation, or None.

    Raises:
        ValueError: if it is none of these.
    """
    if value is None or isinstance(value, Augmentation):
        return value
    if not isinstance(value, str) or value not in AUGMENTATIONS:
        raise ValueError(f"augment must be one of {', '.join(AUGMENTATIONS)}, or an Augmentation, got {value!r}.")
    return AUGMENTATIONS[value]


# Bilinear resampling reads two px an axis, so it leaves out none where a crop is less than twice as large; well below that.
_BILINEAR = 1.5


def augment(photo, size, rng, preprocessing="stretch", how=AUGMENTATIONS["standard"], kept=False):
    """Makes a training image of a photograph: a random crop, perhaps mirrored, with other brightness and contrast.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px.
        rng: numpy Generator.
        preprocessing: str, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        how: Augmentation; what it does to whole batches is left to `logo_keras.datasets.batches.mixing`.
        kept: bool, whether `photo` is a square of the cache. Crops of "stretch" that shrink to less than two thirds are then
            averaged as ever, and others resampled bilinearly: five times as fast, and the square was averaged already.

    Returns:
        uint8 RGB `[size, size, 3]`.
    """
    if preprocessing == "paper":
        side, _ = frame(preprocessing, size)
        top, left = rng.integers(side - size + 1, size=2)
        image = resize(photo, side)[top : top + size, left : left + size]
        return _mirrored(image) if rng.random() < how.flip else np.ascontiguousarray(image)
    height, width = photo.shape[:2]
    # The crop keeps the photograph's aspect ratio, so that logos are stretched in training as they are later.
    side = np.sqrt(rng.uniform(*how.area))
    tall, wide = max(1, round(height * side)), max(1, round(width * side))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    crop = photo[top : top + tall, left : left + wide]
    if kept and max(tall, wide) <= _BILINEAR * size:
        image = cv2.resize(crop, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        image = resize(crop, size)
    if rng.random() < how.flip:
        image = _mirrored(image)
    if not how.colours:
        return np.ascontiguousarray(image)
    contrast, brightness = rng.uniform(*how.contrast), rng.uniform(-how.brightness, how.brightness)
    # OpenCV's sum is exact, as numpy's mean is, and several times faster.
    mean = sum(cv2.sumElems(image)) / image.size
    levels = (np.arange(256) - mean) * contrast + mean + brightness
    # A table of the 256 levels is several times faster than arithmetic on every px.
    return cv2.LUT(np.ascontiguousarray(image), np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _mirrored(image):
    # Eight times faster than numpy's reversed view, made contiguous.
    return cv2.flip(image, 1)
