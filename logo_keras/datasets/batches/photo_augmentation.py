"""What training does to photos (a random crop, mirroring, brightness, contrast) and to batches (MixUp, CutMix, RandAugment)."""

import dataclasses
import math
import numbers
import threading

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2, require
from logo_keras.image.preprocessing import frame, resize


def _number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _pair(value):
    """Two numbers as a tuple, or None."""
    return tuple(value) if isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_number, value)) else None


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How photos are changed in training. `AUGMENTATIONS` has one a name; `dataclasses.replace` changes it.

    With the preprocessing "paper" the crop is that of the paper and colours are left alone: `area`, `brightness` and
    `contrast` are of "stretch".

    Attributes:
        area: two floats in (0, 1], the smallest and the largest share of the photo that a crop keeps.
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
        for name, highest, interval in (("area", 1, "(0, 1]"), ("contrast", math.inf, "[0, inf)")):
            value = _pair(getattr(self, name))
            if value is None or not 0 <= value[0] <= value[1] <= highest or (name == "area" and not value[0]):
                raise UserError(f"{name} must be two rising numbers in {interval}, got {getattr(self, name)!r}.")
            object.__setattr__(self, name, value)
        for name, highest in (("flip", 1), ("brightness", 255), ("mixup", math.inf), ("cutmix", math.inf)):
            value = getattr(self, name)
            if not _number(value) or not 0 <= value <= highest:
                raise UserError(f"{name} must be a number in [0, {highest}], got {value!r}.")
        if self.randaugment is not None:
            value = _pair(self.randaugment)
            if value is None or not isinstance(value[0], numbers.Integral) or value[0] < 1 or not 0 <= value[1] <= 1:
                raise UserError(
                    "randaugment must be None or (operations, strength), an integer of at least 1 and a number in [0, 1], got "
                    f"{self.randaugment!r}."
                )
            object.__setattr__(self, "randaugment", value)

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


def augmentation(value, training=True):
    """The Augmentation of a name, or None for none at all.

    Args:
        value: str, one of `AUGMENTATIONS`, an Augmentation, or None.
        training: bool. False gives None.

    Raises:
        ValueError: if it is none of these, or another one than "standard" is asked for without training.
    """
    if value is not None and not isinstance(value, Augmentation) and (not isinstance(value, str) or value not in AUGMENTATIONS):
        raise UserError(f"augment must be one of {', '.join(AUGMENTATIONS)}, or an Augmentation, got {value!r}.")
    how = AUGMENTATIONS[value] if isinstance(value, str) else value
    if training:
        return how
    if how is not None and value != "standard":
        raise UserError(f"augment={value!r} changes photographs in training only, got training=False.")
    return None


# Bilinear resampling reads two px an axis, so it leaves out none where a crop is less than twice as large; well below that.
_BILINEAR = 1.5


def augment(photo, size, rng, preprocessing="stretch", how=AUGMENTATIONS["standard"], kept=False):
    """Makes a training image of a photo: a random crop, perhaps mirrored, with other brightness and contrast.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px.
        rng: numpy Generator.
        preprocessing: str, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        how: Augmentation; what it does to whole batches is left to `mix` and RandAugment.
        kept: bool, whether `photo` is a square of the cache. Crops of "stretch" that shrink to less than two thirds are then
            averaged as ever, and others resampled bilinearly: five times as fast, and the square was averaged already.

    Returns:
        uint8 RGB `[size, size, 3]`.
    """
    if preprocessing == "paper":
        side, _ = frame(preprocessing, size)
        top, left = rng.integers(side - size + 1, size=2)
        image = resize(photo, side)[top : top + size, left : left + size]
        return cv2.flip(image, 1) if rng.random() < how.flip else np.ascontiguousarray(image)
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
        # Eight times faster than numpy's reversed view, made contiguous.
        image = cv2.flip(image, 1)
    if not how.colours:
        return np.ascontiguousarray(image)
    contrast, brightness = rng.uniform(*how.contrast), rng.uniform(-how.brightness, how.brightness)
    # OpenCV's sum is exact, as numpy's mean is, and several times faster.
    mean = sum(cv2.sumElems(image)) / image.size
    levels = (np.arange(256) - mean) * contrast + mean + brightness
    # A table of the 256 levels is several times faster than arithmetic on every px.
    return cv2.LUT(np.ascontiguousarray(image), np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def mix(images, labels, rng, how):
    """Mixes each image of a batch with another one by MixUp or CutMix, and their labels in the same shares.

    Args:
        images: float32 `[B, S, S, 3]`.
        labels: float32 `[B, N]`, one-hot.
        rng: numpy Generator.
        how: Augmentation with `mixup`, `cutmix` or both; of both, one is drawn.

    Returns:
        images: float32 `[B, S, S, 3]`.
        labels: float32 `[B, N]`, each row sums to 1.

    Source:
        Zhang et al. 2018, arXiv:1710.09412, equation 2; Yun et al. 2019, arXiv:1905.04899, equations 1 and 2. A share is
        drawn for every image, and a box lies wholly inside it, as in Keras's layers MixUp and CutMix.
    """
    cut = bool(how.cutmix) and (not how.mixup or rng.random() < 0.5)
    alpha = how.cutmix if cut else how.mixup
    others, shares = rng.permutation(len(images)), rng.beta(alpha, alpha, len(images)).astype(np.float32)
    if not cut:
        weights = shares[:, None, None, None]
        images = weights * images + (1 - weights) * images[others]
    else:
        size = images.shape[1]
        sides = np.rint(np.sqrt(1 - shares) * size).astype(int)
        pasted = images.copy()
        for image, other, side, corner in zip(pasted, others, sides, rng.random((len(images), 2)), strict=True):
            top, left = (corner * (size - side + 1)).astype(int)
            image[top : top + side, left : left + side] = images[other, top : top + side, left : left + side]
        images, shares = pasted, (1 - (sides / size) ** 2).astype(np.float32)
    return images, shares[:, None] * labels + (1 - shares[:, None]) * labels[others]


class RandAugment:
    """`keras.layers.RandAugment` on batches in memory, the same for the same seed, whatever thread calls.

    The layer draws which operations a batch gets, computes all of its eleven, and keeps what was drawn. Here only the drawn
    ones are computed, with the layer's own numbers: the same images, 20 times as fast (16 images of 224 px on 2 cores, Keras
    3.15: 0.1 s instead of 2 s on TensorFlow, 0.04 s instead of 4 s on JAX). Another backend of Keras draws other numbers.

    Args:
        operations: int, how many a batch gets.
        strength: float in [0, 1].
    """

    def __init__(self, operations, strength):
        self._keras = require("keras", "train")
        with self._keras.device("cpu"):
            self._layer = self._keras.layers.RandAugment(
                (0, 255), operations, strength, seed=0, data_format="channels_last", dtype="float32"
            )
        # The layer's generator has a state, which two threads must not share.
        self._lock = threading.Lock()

    def __call__(self, images, seed):
        """Changes a batch.

        Args:
            images: float32 `[B, S, S, 3]`, 0..255.
            seed: int below 2 ** 31.

        Returns:
            float32 `[B, S, S, 3]`, 0..255.
        """
        layer, ops = self._layer, self._keras.ops
        with self._lock, self._keras.device("cpu"):
            layer.generator.state.assign([seed, 0])
            drawn = layer.get_random_transformation(images)
            names = list(drawn["transforms"])
            images = ops.convert_to_tensor(images)
            for place in ops.convert_to_numpy(drawn["layer_idxes"]):
                images = getattr(layer, names[place]).transform_images(images, drawn["transforms"][names[place]])
            return np.clip(ops.convert_to_numpy(images), 0, 255)
