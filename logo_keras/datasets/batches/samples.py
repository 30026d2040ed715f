"""What both front ends share: one image of an epoch, and what is done to a whole batch."""

import math
from dataclasses import dataclass, field

import numpy as np

from logo_keras.datasets.batches.augmentation import Augmentation, augment
from logo_keras.datasets.batches.mixing import RandAugment, mix
from logo_keras.datasets.batches.order import Order
from logo_keras.image.preprocessing import fit, frame

# Ends the seeds of batches, so that they do not repeat the numbers of an image.
_BATCHES = 3


@dataclass(frozen=True)
class Samples:
    """Samples to be read in batches.

    The batches of one pass after the other are one sequence. An epoch is a stretch of it: one pass, or `steps` batches.

    Every random number depends on the seed, the pass and the sample (or the batch) alone, so that it does not matter which
    thread comes first, nor whether a run began with an earlier epoch.

    Attributes:
        read: function from an index to uint8 RGB `[H, W, 3]`, or to None if the photograph is to be left out. Called in
            several threads. What it raises ends the iteration.
        indices: int64 `[n]`, the samples to read.
        labels: int64 `[n]`, their labels.
        num_classes: int N.
        order: Order of the places in `indices`.
        batch_size: int.
        image_size: int, px.
        preprocessing: str, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        augmentation: Augmentation, or None.
        seed: int, 0 or more.
        first_epoch: int, number of the epoch that is given first.
        kept: bool, whether `read` gives squares of the cache.
        steps: int, batches an epoch, or None for one pass.
    """

    read: object
    indices: np.ndarray
    labels: np.ndarray
    num_classes: int
    order: Order
    batch_size: int
    image_size: int
    preprocessing: str = "stretch"
    augmentation: Augmentation | None = None
    seed: int = 0
    first_epoch: int = 0
    kept: bool = False
    steps: int | None = None
    rand_augment: RandAugment | None = field(init=False, default=None)

    def __post_init__(self):
        if self.augmentation and self.augmentation.randaugment:
            object.__setattr__(self, "rand_augment", RandAugment(*self.augmentation.randaugment))

    def __len__(self):
        """Batches an epoch."""
        return self.steps or self._batches_a_pass

    @property
    def _batches_a_pass(self):
        return math.ceil(len(self.order) / self.batch_size)

    def pass_of(self, epoch, number):
        """The pass in which a batch of an epoch comes, and its number there: two int."""
        return divmod(epoch * len(self) + number, self._batches_a_pass)

    @property
    def mixes(self):
        """bool, whether labels are shares of each class, float32 `[B, N]`."""
        return bool(self.augmentation and self.augmentation.mixes)

    def image(self, epoch, place, turn):
        """Makes an image.

        Args:
            epoch: int, number of the pass.
            place: int, place in `indices`.
            turn: int, how often the sample came before in this pass.

        Returns:
            uint8 RGB `[image_size, image_size, 3]`, or None if the photograph is to be left out.
        """
        index = int(self.indices[place])
        photo = self.read(index)
        if photo is None:
            return None
        if self.augmentation is None:
            return fit(photo, self.image_size, self.preprocessing)
        rng = np.random.default_rng([self.seed, int(epoch), index, *([int(turn)] if turn else [])])
        return augment(photo, self.image_size, rng, self.preprocessing, self.augmentation, self.kept)

    def finish(self, images, labels, epoch, number):
        """Does what concerns a whole batch.

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
        rng = np.random.default_rng([self.seed, int(epoch), int(number), self.order.index, _BATCHES])
        if self.rand_augment is not None:
            images = self.rand_augment(images, int(rng.integers(2**31)))
        if not self.mixes:
            return images, labels
        one_hot = np.zeros((len(labels), self.num_classes), np.float32)
        one_hot[np.arange(len(labels)), labels] = 1
        return mix(images, one_hot, rng, self.augmentation)


def square_side(image_size, preprocessing, augmentation):
    """Side in px of the square from which images are made, where photographs are kept as squares (`Cache`).

    It is what a model reads, or the square of "paper"; for crops of "stretch" so large that the smallest crop has
    `image_size` px.
    """
    side, _ = frame(preprocessing, image_size)
    if augmentation is None or preprocessing == "paper":
        return side
    return math.ceil(image_size / math.sqrt(augmentation.area[0]))
