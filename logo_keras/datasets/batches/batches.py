"""The method `Dataset.batches`: its arguments, and the front end that gives the batches."""

import numbers
import os

import numpy as np

from logo_keras.datasets.batches.augmentation import augmentation
from logo_keras.datasets.batches.cache import Cache
from logo_keras.datasets.batches.order import Order
from logo_keras.datasets.batches.samples import Samples, square_side
from logo_keras.datasets.batches.tf_data import make_batches
from logo_keras.extras import naming_extras, require
from logo_keras.image.preprocessing import UnreadablePhotograph, frame

ENGINES = ("tf.data", "keras")


def batches(
    self,
    batch_size,
    image_size,
    training=False,
    seed=0,
    strict=False,
    preprocessing="stretch",
    augment="standard",
    cache=None,
    shard=(0, 1),
    balance=0.0,
    first_epoch=0,
    engine=None,
    steps=None,
):
    """Gives the samples in batches, each photograph made a square.

    Photographs that cannot be read are found by `check` at the first call, named in `unreadable` and left out. So the number
    of batches is known: `ceil(len(dataset.readable()) / batch_size)`, or `steps`. Every iteration is the next epoch; what it
    gives depends on the seed and its number alone.

    Args:
        batch_size: int. The last batch may be smaller.
        image_size: int, px.
        training: bool. False keeps the order of `paths`. True shuffles and augments, anew in every epoch.
        seed: int, 0 or more.
        strict: bool. True raises an error for the first unreadable photograph. If one disappears later, the iteration ends
            with an error that names path and reason: `tf.errors.InvalidArgumentError`, or UnreadablePhotograph of "keras".
        preprocessing: str, the model's own, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        augment: what training does to photographs: "standard" (crop, flip, brightness, contrast), "none", "randaugment",
            "mixup", "cutmix", or a `lk.datasets.Augmentation`. MixUp and CutMix give labels
            that are shares of each class; `lk.Classifier` learns from these, region networks refuse them.
        cache: path of a folder where photographs are kept as squares (`logo_keras.datasets.batches.cache`), so that they are
            decoded once; None for none. The images are the same, but for crops of "stretch" in training: those are cut from
            the photograph stretched to `ceil(image_size / sqrt(smallest area))` px, so they are resampled twice, the second
            time bilinearly.
        shard: (index, count), the part of this host, of so many. Shards are disjoint and together the epoch, in the same
            order for any count; in training they have the same length, and the last samples of the epoch's order, fewer than
            `count`, sit it out.
        balance: float in [0, 1], of training: an epoch has as many samples as before, of each class in proportion to
            `count ** (1 - balance)`. 0 is every photograph once, 0.5 square-root sampling (Mahajan et al. 2018,
            arXiv:1805.00932), 1 every class equally often.
        first_epoch: int, number of the first epoch; a run that goes on gives the epochs that it has trained.
        steps: int, batches an epoch, where an epoch is not to be one pass over the samples: the next epoch goes on where the
            last one ended. Order and augmentation are those of whole passes.
        engine: str, "tf.data", or "keras", which needs no TensorFlow; both give the same images in the same order. None
            takes "tf.data" where TensorFlow is installed.

    Returns:
        `tf.data.Dataset`, or `keras.utils.PyDataset`, of images, float32 RGB `[B, image_size, image_size, 3]`, 0..255, and
        labels, int64 `[B]`, or float32 `[B, N]` with MixUp or CutMix.

    Raises:
        UnreadablePhotograph: if `strict` and a photograph cannot be read.
        ValueError: if an argument is out of range, there is no sample, or no photograph can be read.
        OSError: if there is no folder `cache` and it cannot be made.
        ImportError: naming the extra, if neither engine is installed.
    """
    numbers_given = {"batch_size": batch_size, "image_size": image_size, "seed": seed, "first_epoch": first_epoch}
    for name, value in numbers_given.items():
        lowest = 1 if name in ("batch_size", "image_size") else 0
        if not _whole(value, lowest):
            raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}.")
    frame(preprocessing, image_size)
    if steps is not None and not _whole(steps, 1):
        raise ValueError(f"steps must be an integer of at least 1, or None, got {steps!r}.")
    how = _augmentation(augment, training)
    _check_shard(shard)
    _check_balance(balance, training)
    if not len(self):
        raise ValueError("the data set has no photographs.")
    if how is not None and how.mixes and self.labels.min() < 0:
        raise ValueError("photographs without a brand (label -1) cannot be mixed with others by MixUp or CutMix.")
    front_end = _front_end(engine)
    kept = None
    if cache is not None:
        if not isinstance(cache, (str, os.PathLike)) or not os.fspath(cache):
            raise ValueError(f"cache must be the path of a folder, or None, got {cache!r}.")
        kept = Cache(cache, square_side(image_size, preprocessing, how), (self.max_pixels, self.max_bytes))
        self._checked.update(_kept_paths(self, kept))
    unreadable = self.check()
    indices = self._readable()
    if unreadable and (strict or not len(indices)):
        path, reason = next((path, unreadable[path]) for path in self.paths if path in unreadable)
        if strict:
            raise UnreadablePhotograph(path, reason)
        raise ValueError(f"none of the {len(unreadable)} photographs can be read; {path}: {reason}.")

    def read(index):
        try:
            if kept is None:
                return self.photograph(index)
            return kept.square(self.paths[index], _window(self, index), lambda: self.photograph(index))
        except UnreadablePhotograph as error:
            self.unreadable[self.paths[index]] = error.reason
            if strict:
                raise
            return None

    labels = self.labels[indices]
    samples = Samples(
        read=read,
        indices=indices,
        labels=labels,
        num_classes=len(self.class_names),
        order=Order(labels, training, seed, balance, shard),
        batch_size=int(batch_size),
        image_size=int(image_size),
        preprocessing=preprocessing,
        augmentation=how,
        seed=seed,
        first_epoch=first_epoch,
        kept=kept is not None,
        steps=steps,
    )
    return front_end(samples)


def _augmentation(augment, training):
    how = augmentation(augment)
    if not training and how is not None and augment != "standard":
        raise ValueError(f"augment={augment!r} changes photographs in training only, got training=False.")
    return how if training else None


def _check_shard(shard):
    pair = isinstance(shard, (tuple, list)) and len(shard) == 2 and _whole(shard[0], 0) and _whole(shard[1], 1)
    if not pair or shard[0] >= shard[1]:
        raise ValueError(f"shard must be (index, count), integers with 0 <= index < count, got {shard!r}.")


def _check_balance(balance, training):
    if isinstance(balance, bool) or not isinstance(balance, numbers.Real) or not 0 <= balance <= 1:
        raise ValueError(f"balance must be a number in [0, 1], got {balance!r}.")
    if balance and not training:
        raise ValueError(f"balance={balance!r} changes how often photographs come in training only, got training=False.")


def _front_end(engine):
    """What makes batches of Samples."""
    if engine not in (None, *ENGINES):
        raise ValueError(f"engine must be {' or '.join(ENGINES)}, or None, got {engine!r}.")
    if engine != "keras":
        try:
            require("tensorflow", "train")
            return make_batches
        except ImportError:
            if engine == "tf.data":
                raise
    with naming_extras():
        from logo_keras.datasets.batches.py_dataset import PhotographBatches
    return PhotographBatches


def _window(dataset, index):
    return None if dataset.windows is None else dataset.windows[index]


def _kept_paths(dataset, cache):
    """Photographs of which the cache holds every sample: they were read before and need no check."""
    paths, missing = set(), set()
    for index, path in enumerate(dataset.paths):
        if path not in dataset._checked:
            (paths if cache.holds(path, _window(dataset, index)) else missing).add(path)
    return paths - missing


def _whole(value, lowest):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= lowest
