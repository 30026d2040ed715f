"""Batches of photos for Keras, read ahead in threads. Imported where it is used, since it imports Keras at its top."""

import functools
import math
import os
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import require

# Batches that are read while the model works on one: the next, and one more for when that takes longer.
_AHEAD = 2

_Begun = namedtuple("_Begun", "epoch number images jobs")


@functools.cache
def _threads(process):
    """The threads that read photos for all batches of a process, one a core."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="photos")


class PhotographBatches(keras.utils.PyDataset):
    """Batches for Keras's `fit`, `evaluate` and `predict`, or to be iterated; every pass is the next epoch.

    The batches of one pass after the other are one sequence. An epoch is a stretch of it: one pass, or `steps` batches. The
    threads are our own, photo by photo: those of Keras mix up epochs that are left early.

    Args:
        source: Source.
        batch_size: int.
        first_epoch: int, number of the epoch that is given first.
        steps: int, batches an epoch, or None for one pass.

    Attributes:
        epoch: int, number of the epoch that is given next.
        steps: int, batches of a whole epoch.
        shuffles_itself: True: Keras must not shuffle the batches.

    Raises:
        UnreadablePhotograph: while batches are read, if the source is strict.
        ValueError: while batches are read, if no photo of a batch can be read.
    """

    shuffles_itself = True

    def __init__(self, source, batch_size, first_epoch=0, steps=None):
        super().__init__(workers=1)
        self.source, self.batch_size, self.epoch = source, batch_size, first_epoch
        self._batches_a_pass = math.ceil(len(source) / batch_size)
        self.steps, self._skipped = steps or self._batches_a_pass, 0
        self._lock, self._ahead, self._plan = threading.Lock(), {}, (None, None)
        self._begun = self._complete = False

    def __len__(self):
        """Batches an epoch; of one that begins inside, those that are left."""
        return self.steps - self._skipped

    def set_epoch(self, number):
        """Chooses the epoch that is given next: an int, counted from 0."""
        self.epoch = number

    def begin_at(self, number):
        """Lets the epoch that is given next begin with a batch of it, counted from 0; those before are not read."""
        self._skipped = number

    def in_epochs_of(self, steps):
        """The same batches with `steps` batches an epoch: PhotographBatches."""
        return PhotographBatches(self.source, self.batch_size, self.epoch, steps)

    def __getitem__(self, number):
        """Gives a batch of the current epoch.

        Args:
            number: int.

        Returns:
            images: float32 RGB `[B, image_size, image_size, 3]`, 0..255.
            labels: int64 `[B]`, or float32 `[B, N]` if the images are mixed; of scenes a dict, as their source says.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches, got number {number}.")
        self._complete |= self._begun and number == len(self) - 1
        return self.batch(self.epoch, number + self._skipped)

    def __iter__(self):
        """Gives the batches of the next epoch."""
        self.on_epoch_begin()
        for number in range(len(self)):
            yield self[number]
        self.on_epoch_end()

    def on_epoch_begin(self):
        """Keras's; from here on batches are for training, and not to look at their shapes."""
        self._begun, self._complete = True, False

    def on_epoch_end(self):
        """Keras's; goes on to the next epoch if this one was read to its end."""
        # Keras also calls it before the first epoch.
        if self._complete:
            self.epoch += 1
            self._skipped = 0
        self._begun = self._complete = False

    def batch(self, epoch, number):
        """Gives a batch of any epoch, as `[number]` does of the current one, and begins to read the next ones."""
        with self._lock:
            wanted = [(epoch, later) for later in range(number, min(number + 1 + _AHEAD, self.steps))]
            for key in self._ahead.keys() - set(wanted):
                for job in self._ahead.pop(key).jobs:
                    job.cancel()
            for key in wanted:
                if key not in self._ahead:
                    self._ahead[key] = self._begin(*key)
            begun = self._ahead.pop(wanted[0])
        labels = [job.result() for job in begun.jobs]
        found = np.array([label is not None for label in labels])
        # An empty batch would make every mean a NaN.
        if not found.any():
            raise UserError("Not one photograph of a batch can be read any more.")
        images = begun.images if found.all() else begun.images[found]
        # A label is a number, or a structure of arrays.
        labels = keras.tree.map_structure(lambda *each: np.stack(each), *(label for label in labels if label is not None))
        return self.source.finish(images, labels, begun.epoch, begun.number)

    def _begin(self, epoch, number):
        """Begins to read a batch. It is counted in passes from here on, as the source does."""
        epoch, number = divmod(int(epoch) * self.steps + int(number), self._batches_a_pass)
        if self._plan[0] != epoch:
            self._plan = epoch, self.source.plan(epoch)
        plan, size = self._plan[1], self.source.image_size
        positions = range(number * self.batch_size, min((number + 1) * self.batch_size, len(self.source)))
        images = np.empty((len(positions), size, size, 3), np.float32)

        def make(slot):
            """Puts the image into its slot; returns its label."""
            sample = self.source.sample(epoch, plan, positions[slot])
            if sample is None:
                return None
            images[slot], label = sample
            return label

        return _Begun(epoch, number, images, [_threads(os.getpid()).submit(make, slot) for slot in range(len(positions))])


def as_tf_data(batches):
    """A view of batches for those who need a `tf.data.Dataset`.

    Every iteration is the next epoch. `set_epoch` of the view makes all iterations give one epoch from then on: a
    distribution strategy begins iterations that Keras drops, so nothing can be learnt from counting them.

    Args:
        batches: PhotographBatches.

    Returns:
        `tf.data.Dataset` with a known number of batches. What is raised while photos are read ends the iteration as
        `tf.errors.InvalidArgumentError`.
    """
    tf = require("tensorflow", "train")
    source, chosen = batches.source, False

    def epoch():
        number = batches.epoch
        batches.epoch += not chosen
        for place in range(batches.steps - len(batches), batches.steps):
            yield batches.batch(number, place)

    def set_epoch(number):
        nonlocal chosen
        batches.epoch, chosen = number, True

    images = tf.TensorSpec((None, source.image_size, source.image_size, 3), tf.float32)
    labels = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape), array.dtype), source.target)
    view = tf.data.Dataset.from_generator(epoch, output_signature=(images, labels))
    # Keras warns about batches that it cannot count.
    view = view.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(1)
    view.set_epoch, view.begin_at = set_epoch, batches.begin_at
    return view
