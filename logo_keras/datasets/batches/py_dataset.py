"""Batches by Keras alone, on any of its backends. Imported where it is used, since it imports Keras at its top."""

import dataclasses

import keras

from logo_keras.datasets.batches.reader import Reader


class PhotographBatches(keras.utils.PyDataset):
    """Batches for Keras's `fit`, `evaluate` and `predict`, or to be iterated; every pass is the next epoch.

    The threads that read are a Reader's. Those of Keras's are not used: they mix up epochs that are left early.

    Args:
        samples: Samples.

    Attributes:
        epoch: int, number of the epoch that is given next.
        shuffles_itself: True: Keras is not to put the batches in another order.

    Raises:
        UnreadablePhotograph: while batches are read, if the samples are strict about it.
        ValueError: while batches are read, if not one photograph of a batch can be read.
    """

    shuffles_itself = True

    def __init__(self, samples):
        super().__init__(workers=1)
        self.epoch = samples.first_epoch
        self._samples = samples
        self._reader = Reader(samples)
        self._begun = self._complete = False

    def __len__(self):
        """Batches an epoch."""
        return len(self._samples)

    def set_epoch(self, number):
        """Says which epoch is given next.

        Args:
            number: int, counted from 0.
        """
        self.epoch = number

    def in_epochs_of(self, steps):
        """The same batches, dealt to epochs of another length.

        Args:
            steps: int, batches an epoch.

        Returns:
            PhotographBatches.
        """
        return PhotographBatches(dataclasses.replace(self._samples, steps=steps, first_epoch=self.epoch))

    def __getitem__(self, number):
        """Gives a batch of the current epoch.

        Args:
            number: int.

        Returns:
            images: float32 RGB `[B, image_size, image_size, 3]`, 0..255.
            labels: int64 `[B]`, or float32 `[B, N]` if the samples are mixed.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches, got number {number}.")
        self._complete |= self._begun and number == len(self) - 1
        return self._reader.batch(self.epoch, number)

    def __iter__(self):
        """Gives the batches of the next epoch."""
        self.on_epoch_begin()
        for number in range(len(self)):
            yield self[number]
        self.on_epoch_end()

    def on_epoch_begin(self):
        """Keras's; says that batches are asked for in earnest, and not to see their shapes."""
        self._begun, self._complete = True, False

    def on_epoch_end(self):
        """Keras's; goes on to the next epoch if this one was given to its end."""
        # Keras also calls it before the first epoch.
        self.epoch += self._complete
        self._begun = self._complete = False
