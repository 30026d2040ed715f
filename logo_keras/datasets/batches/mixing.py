"""What training does to whole batches: MixUp and CutMix, which mix images and their labels, and RandAugment."""

import threading

import numpy as np

from logo_keras.extras import require


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
