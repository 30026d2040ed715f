"""Threads that read batches ahead, photograph by photograph."""

import functools
import os
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Batches that are read while the model works on one: the next, and one more for when that takes longer for once.
_AHEAD = 2

_Batch = namedtuple("_Batch", "epoch number images labels jobs")


@functools.cache
def _threads(process):
    """The threads of all Readers of a process, one a core: TensorFlow keeps Readers for long, and each would keep its own."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="photographs")


class Reader:
    """Reads batches of samples, in threads; whoever asks for a batch finds the next ones begun.

    Args:
        samples: Samples.
    """

    def __init__(self, samples):
        self.samples = samples
        self._lock = threading.Lock()
        self._ahead = {}
        self._order = (None, None)

    def batch(self, epoch, number):
        """Gives a batch.

        Args:
            epoch: int.
            number: int, of the batch in the epoch.

        Returns:
            images: float32 RGB `[B, image_size, image_size, 3]`, 0..255.
            labels: int64 `[B]`, or float32 `[B, N]` if the samples are mixed.

        Raises:
            ValueError: if not one of its photographs can be read any more.
        """
        with self._lock:
            wanted = [(epoch, later) for later in range(number, min(number + 1 + _AHEAD, len(self.samples)))]
            for key in self._ahead.keys() - set(wanted):
                for job in self._ahead.pop(key).jobs:
                    job.cancel()
            for key in wanted:
                if key not in self._ahead:
                    self._ahead[key] = self._begin(*key)
            batch = self._ahead.pop(wanted[0])
        found = np.array([job.result() for job in batch.jobs])
        images, labels = batch.images, batch.labels
        if not found.all():
            # An empty batch would make every mean a NaN.
            if not found.any():
                raise ValueError("Not one photograph of a batch can be read any more; they could when the run began.")
            images, labels = images[found], labels[found]
        return self.samples.finish(images, labels, batch.epoch, batch.number)

    def _begin(self, epoch, number):
        samples = self.samples
        # From here on as the order counts, which knows passes only.
        epoch, number = samples.pass_of(epoch, number)
        if self._order[0] != epoch:
            self._order = epoch, samples.order.epoch(epoch)
        places, turns = (column[number * samples.batch_size :][: samples.batch_size] for column in self._order[1])
        images = np.empty((len(places), samples.image_size, samples.image_size, 3), np.float32)

        def make(slot):
            image = samples.image(epoch, places[slot], turns[slot])
            if image is not None:
                images[slot] = image
            return image is not None

        jobs = [_threads(os.getpid()).submit(make, slot) for slot in range(len(places))]
        return _Batch(epoch, number, images, samples.labels[places], jobs)
