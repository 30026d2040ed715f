"""A source of images: which sample comes at each position of an epoch, and the image that is made of it."""

import math
from dataclasses import dataclass, field

import numpy as np

from logo_keras.datasets.batches.order import Order
from logo_keras.datasets.batches.photo_augmentation import Augmentation, RandAugment, augment, mix
from logo_keras.errors import UserError
from logo_keras.image.preprocessing import UnreadablePhotograph, fit, frame

# Ends the seeds of batches, and of photos that take the place of others, so that neither repeats the numbers of an image.
_BATCHES, _INSTEAD = 3, 4


@dataclass(frozen=True)
class Source:
    """Samples in the order of a plan, read by position.

    Every random number depends only on the seed, the pass over the samples and the position, so it does not matter which
    thread comes first or with which epoch a run begins.

    Attributes:
        read: function from a place in `labels` to a photo, uint8 RGB `[H, W, 3]`, or to None if it cannot be read. Called in
            several threads; an exception ends the iteration.
        labels: int64 `[n]`.
        num_classes: int N.
        order: Order, the plan of every pass.
        image_size: int, px.
        preprocessing: str, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        augmentation: Augmentation, or None.
        seed: int, 0 or more.
        squares: bool, whether `read` gives squares of the cache.
    """

    read: object
    labels: np.ndarray
    num_classes: int
    order: Order
    image_size: int
    preprocessing: str = "stretch"
    augmentation: Augmentation | None = None
    seed: int = 0
    squares: bool = False
    _rand_augment: RandAugment | None = field(init=False, default=None)

    def __post_init__(self):
        if self.augmentation and self.augmentation.randaugment:
            object.__setattr__(self, "_rand_augment", RandAugment(*self.augmentation.randaugment))

    def __len__(self):
        """Samples in one pass."""
        return len(self.order)

    @property
    def mixes(self):
        """bool, whether labels are shares of each class, float32 `[B, N]`."""
        return bool(self.augmentation and self.augmentation.mixes)

    @property
    def target(self):
        """What a label looks like in a batch: an int64, or float32 `[N]` if `mixes`."""
        return np.zeros(self.num_classes, np.float32) if self.mixes else np.int64(0)

    def plan(self, epoch):
        """Places and turns of a pass, as `Order.epoch` gives them."""
        return self.order.epoch(epoch)

    def sample(self, epoch, plan, position):
        """Makes the image at a position. In training the next photo in the plan takes the place of one that cannot be read.

        Args:
            epoch: int, number of the pass.
            plan: what `plan` gives for it.
            position: int.

        Returns:
            Image, uint8 RGB `[image_size, image_size, 3]`, and label; None if the photo cannot be read, in training if none can.
        """
        places, turns = plan
        for ahead in range(len(places) if self.order.training else 1):
            at = (position + ahead) % len(places)
            photo = self.read(places[at])
            if photo is not None:
                # A photo that comes again in a pass, by its turn or in place of another one, is augmented in another way.
                again = [int(turns[at]), position, _INSTEAD] if ahead else [int(turns[at])] if turns[at] else []
                rng = np.random.default_rng([self.seed, epoch, int(places[at]), *again])
                if self.augmentation is None:
                    image = fit(photo, self.image_size, self.preprocessing)
                else:
                    image = augment(photo, self.image_size, rng, self.preprocessing, self.augmentation, self.squares)
                return image, self.labels[places[at]]
        return None

    def finish(self, images, labels, epoch, number):
        """Augments a whole batch.

        Args:
            images: float32 `[B, image_size, image_size, 3]`.
            labels: int64 `[B]`.
            epoch: int, number of the pass.
            number: int, number of the batch in the pass.

        Returns:
            images: float32, as they came.
            labels: int64 `[B]`, or float32 `[B, N]` if `mixes`.
        """
        # Shards draw different numbers.
        rng = np.random.default_rng([self.seed, epoch, number, self.order.index, _BATCHES])
        if self._rand_augment is not None:
            images = self._rand_augment(images, int(rng.integers(2**31)))
        if not self.mixes:
            return images, labels
        one_hot = np.zeros((len(labels), self.num_classes), np.float32)
        one_hot[np.arange(len(labels)), labels] = 1
        return mix(images, one_hot, rng, self.augmentation)


def reader(dataset, indices, squares=None, strict=False):
    """What reads the samples of a Dataset for a Source, and logs those that cannot be read.

    Args:
        dataset: Dataset.
        indices: int64 `[n]`, its samples.
        squares: Cache, or None.
        strict: bool, whether to raise what a photo raises. Otherwise it is tried once.

    Returns:
        Function from a place in `indices` to uint8 RGB `[H, W, 3]`, or to None. It raises ValueError if no sample can be read.
    """
    failed = set()

    def read(place):
        index = int(indices[place])
        if index in failed:
            return None
        path = dataset.paths[index]
        try:
            if squares is None:
                return dataset.photograph(index)
            return squares.square(path, dataset.window(index), lambda: dataset.photograph(index))
        except UnreadablePhotograph as error:
            dataset.log[path] = error.reason
            if strict:
                raise
            failed.add(index)
            if len(failed) == len(dataset):
                raise UserError(f"none of the {len(dataset)} photographs can be read; {path}: {error.reason}.") from None
            return None

    return read


def square_side(image_size, preprocessing, augmentation):
    """Side in px of the square from which images are made, where photos are kept as squares (`Cache`).

    It is what a model reads, or the square of "paper"; for crops of "stretch" it is large enough that the smallest crop has
    `image_size` px.
    """
    side, _ = frame(preprocessing, image_size)
    if augmentation is None or preprocessing == "paper":
        return side
    return math.ceil(image_size / math.sqrt(augmentation.area[0]))
