"""The epochs of a run: their numbers, and how many steps they take."""

import math

import keras
import numpy as np


class NumberEpochs(keras.callbacks.Callback):
    """Gives every epoch of a Dataset the batches and the dropout of its number, and counts those that a model has seen.

    Keras's own number of the epoch is taken, so that callbacks that go on with an earlier run, as BackupAndRestore does, see
    the epochs of that run. Files do not hold the state of dropout, so it starts anew in every epoch.

    Args:
        seed: int, 0 or more, of dropout.
        set_epoch: function of the number of the epoch, counted from 0.
        shift: int, what is added to Keras's number.
    """

    def __init__(self, seed, set_epoch, shift):
        super().__init__()
        self.seed = seed
        self.set_epoch = set_epoch
        self.shift = shift

    def on_epoch_begin(self, epoch, logs=None):
        number = epoch + self.shift
        self.set_epoch(number)
        states = [variable for variable in self.model.variables if variable.name == "seed_generator_state"]
        seeds = np.random.SeedSequence([self.seed, number]).generate_state(len(states))
        for state, seed in zip(states, seeds, strict=True):
            state.assign([int(seed) >> 1, 0])

    def on_epoch_end(self, epoch, logs=None):
        self.model.epochs_seen = epoch + self.shift + 1


def steps_taken(batches, steps_per_epoch, epochs):
    """Steps that Keras takes in some epochs.

    Args:
        batches: int, batches in one pass over the data, or None where nobody knows or there is no end.
        steps_per_epoch: int, or None for all batches.
        epochs: int.

    Returns:
        int, or None where nobody knows.
    """
    if batches is None or steps_per_epoch is None:
        a_epoch = batches if steps_per_epoch is None else steps_per_epoch
        return None if a_epoch is None else a_epoch * epochs
    # Keras 3.15 ends an epoch where a pass ends, and begins the next one with a new pass.
    whole, rest = divmod(epochs, -(-batches // steps_per_epoch))
    return whole * batches + min(rest * steps_per_epoch, batches)


def going_on(x, steps):
    """Data whose epochs of `steps` batches go on from one to the next, and what Keras is to be told of them.

    Keras ends an epoch where the data ends, so that two steps an epoch of three batches would be 2, 1, 2, 1.
    """
    if steps and getattr(x, "shuffles_itself", False):
        return x.in_epochs_of(steps), None
    if steps and hasattr(x, "cardinality") and hasattr(x, "repeat") and int(x.cardinality()) > 0:
        return x.repeat(), steps
    return x, steps


def num_batches(x, batch_size, validation_split):
    """Batches in one pass over the data, or None where nobody knows or there is no end."""
    if hasattr(x, "num_batches"):
        return x.num_batches
    if hasattr(x, "shape"):
        # Keras rounds the part that is learnt down.
        return math.ceil(math.floor(len(x) * (1.0 - (validation_split or 0))) / (batch_size or 32))
    try:
        # A tf.data.Dataset, or a DataLoader of PyTorch.
        return len(x)
    except TypeError:
        return None
