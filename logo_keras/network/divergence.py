"""Stops a run whose loss is no longer a number."""

import math

import keras
import numpy as np

from logo_keras.errors import UserError
from logo_keras.network.optimizers import batches_seen

# Steps between two looks at the loss, which wait for the device. The first looks come at steps 1, 2, 4, 8, ...
_EVERY = 32


class Diverged(UserError, FloatingPointError):
    """A run whose loss or weights are no longer numbers."""


class StopAtNaN(keras.callbacks.Callback):
    """Raises Diverged, naming the loss and the step, when a loss is NaN or infinite.

    A look at the loss makes the host wait for the device, so that not every step is looked at. Nothing is missed: the losses
    of an epoch are running means, and a mean that is no number stays so until the epoch ends. Before the epoch's end, the
    validation and every save, `check` looks again.
    """

    def on_train_begin(self, logs=None):
        self._step = batches_seen(self.model.optimizer)
        self._first, self._good = self._step, self._step
        self._logs, self._batch, self._epoch = {}, -1, 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._batch = epoch, -1

    def on_train_batch_begin(self, batch, logs=None):
        if self._batch < 0:
            # An epoch that goes on begins with a later one.
            self._batch = batch - 1

    def on_train_batch_end(self, batch, logs=None):
        # With steps_per_execution a call stands for several steps.
        self._step += batch - self._batch
        self._batch = batch
        self._logs = logs or {}
        done, before = self._step - self._first, self._good - self._first
        if done >= min(2 * before, before + _EVERY):
            self._look()

    def on_test_begin(self, logs=None):
        self.check()

    def on_epoch_end(self, epoch, logs=None):
        self.check()

    def check(self):
        """Looks at the losses of the last step, and at the weights, which that step may have broken.

        Raises:
            Diverged: if one is no number.
        """
        self._look()
        if self._step == self._first:
            return
        for variable in self.model.weights:
            if keras.backend.is_float_dtype(variable.dtype) and not _finite(variable):
                raise Diverged(f"{variable.path} is no longer finite after step {self._step}. {_ADVICE}")

    def _look(self):
        # The sum first, since it is broken where a loss is: one number to wait for.
        if "loss" not in self._logs or math.isfinite(float(self._logs["loss"])):
            self._good = self._step
            return
        losses = {name: float(value) for name, value in self._logs.items() if name.endswith("loss")}
        # The loss that broke the sum says more than the sum.
        name = next((name for name, value in losses.items() if name != "loss" and not math.isfinite(value)), "loss")
        first = self._good + 1
        where = f"at step {first}" if first >= self._step else f"since one of the steps {first} to {self._step}"
        raise Diverged(f"{name} is {losses[name]} {where} (epoch {self._epoch + 1}). {_ADVICE}")


_ADVICE = "Lower the learning rate, or look for labels and images out of range; the last saved model is intact."


def _finite(variable):
    return bool(np.all(keras.ops.convert_to_numpy(keras.ops.all(keras.ops.isfinite(variable)))))
