"""Keras callbacks that let one watch a run: what it is going to take, how far it is, its figures as curves and for TensorBoard.

`logo-train` has them all; each works in plain `model.fit(callbacks=[...])` too.
"""

import contextlib
import math
import sys
import time
from importlib import util
from pathlib import Path

import keras
import numpy as np

from logo_keras.extras import require
from logo_keras.files import replacing
from logo_keras.image.draw import encoded
from logo_keras.report.progress import Bar, beside_bars, lasting, rounded
from logo_keras.training import run

# Figures that are shown while an epoch lasts.
_SHOWN = ("loss", "top1", "recall")
# Steps between two entries for TensorBoard. By choice: each waits for the device, as every look of StopAtNaN does after 32.
_EVERY = 20
# Most of the time that drawing the curves may take. By choice.
_SHARE = 0.02
# s, what the first drawing is taken to cost, with matplotlib's import. By choice: those after it are timed.
_FIRST_DRAWING = 0.5
# The first step is traced, and the second one finds caches and buffers half filled: both took longer than the others.
_WARM_UP = 2
# Steps that are timed after these, and the seconds after which fewer do. By choice.
_TIMED, _ENOUGH_SECONDS = 8, 20


@contextlib.contextmanager
def watched(out, batch_size, validation=None, tensorboard=None, before=(), dry=False, report=None):
    """What `logo-train` lets one watch a run with; whatever ends the block leaves a whole last line and whole files.

    Args:
        out: path of the run's folder.
        batch_size: int, images a step.
        validation: Dataset or Marks that is scored after every epoch, or None.
        tensorboard: path of the folder for TensorBoard, or None.
        before: list of dict, the rows of the epochs that were trained before.
        dry: bool, whether to end the run with `Enough` after a few steps, and to draw and write nothing.
        report: function that takes a line of text, `say` by default.

    Yields:
        list of Keras callbacks.

    Raises:
        ImportError: naming the extra, if tensorboardX is needed and not installed.
    """
    report = report or say
    # Marks are scored by callbacks of their own.
    photos = 0 if validation is None or not hasattr(validation, "paths") else len(validation)
    progress = ShowProgress(batch_size, math.ceil(photos / batch_size) or None)
    callbacks = [progress, Forecast(report, batch_size, validation is not None, out, dry)]
    scalars = None if tensorboard is None else SaveScalars(tensorboard)
    if not dry:
        callbacks += [] if scalars is None else [scalars]
        if util.find_spec("matplotlib") is None:
            report("There will be no curves.png, which needs matplotlib: pip install 'logo_keras[report]'")
        else:
            callbacks.append(DrawCurves(Path(out) / "curves.png", before, report))
    try:
        yield callbacks
    finally:
        progress.close()
        if scalars is not None:
            scalars.close()


class ShowProgress(keras.callbacks.Callback):
    """Shows how far an epoch and its validation are, on stderr: a bar on a terminal, elsewhere a line a minute.

    Args:
        batch_size: int, images a step, to say images per second; None says steps per second.
        validation_steps: int, batches of a validation; None where nobody knows.
    """

    def __init__(self, batch_size=None, validation_steps=None):
        super().__init__()
        self.batch_size = batch_size
        self.validation_steps = validation_steps
        self._bar = self._name = None

    def on_train_begin(self, logs=None):
        # Kept: `evaluate` inside a run sets others.
        self._epochs, self._steps = self.params.get("epochs"), self.params.get("steps")
        self._first = True

    def on_epoch_begin(self, epoch, logs=None):
        self._name = f"epoch {epoch + 1} of {self._epochs}"
        self._begin(self._name, self._steps, "preparing the first step, which takes longest" if self._first else "")
        self._first = False

    def on_train_batch_end(self, batch, logs=None):
        self._step(batch, logs)
        # Here, since others speak at the epoch's end.
        if self._steps and batch + 1 >= self._steps:
            self.close()

    def on_test_begin(self, logs=None):
        if self._name:
            self._begin(f"{self._name}, validation", self.validation_steps)

    def on_test_batch_end(self, batch, logs=None):
        self._step(batch, logs)

    def on_test_end(self, logs=None):
        self.close()

    def on_epoch_end(self, epoch, logs=None):
        self.close()

    def on_train_end(self, logs=None):
        self.close()
        self._name = None

    def close(self):
        """Takes the bar away, also where a run has been broken off."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begin(self, what, total, first=""):
        self.close()
        self._bar = Bar(what, total, self.batch_size, first)

    def _step(self, batch, logs):
        if self._bar is not None:
            self._bar.at(batch + 1, lambda: {name: float(logs[name]) for name in _SHOWN if name in (logs or {})})


class SaveScalars(keras.callbacks.Callback):
    """Writes the figures of a run for TensorBoard: `epoch_...` of training and of validation, `step_...` of every few steps.

    A run that goes on in the same folder hides what the one before wrote of steps that are done again. Keras's own
    `TensorBoard` would count steps from 0 anew, and wait for the figures of every step.

    Args:
        folder: path, made where it is missing; its subfolders are `train` and `validation`.
        every: int, steps between two entries.

    Raises:
        ImportError: naming the extra, if tensorboardX is not installed.
    """

    def __init__(self, folder, every=_EVERY):
        super().__init__()
        self.folder, self.every = str(folder), every
        self._writer = require("tensorboardX", "tensorboard").SummaryWriter
        self._writers = {}

    def on_train_begin(self, logs=None):
        # Not int() alone: under MirroredStrategy the number is one a replica.
        self._step = int(np.max(keras.ops.convert_to_numpy(self.model.optimizer.iterations)))
        self._open("train", self._step + 1)

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = None
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        # With steps_per_execution a call stands for several steps; an epoch may begin inside.
        before = self._step
        self._step += 1 if self._batch is None else batch - self._batch
        self._batch = batch
        if self._step // self.every > before // self.every:
            self._add("train", "step", {**logs, "learning_rate": self.model.optimizer.learning_rate}, self._step)

    def on_epoch_end(self, epoch, logs=None):
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        training |= {"seconds": time.perf_counter() - self._began, "learning_rate": self.model.optimizer.learning_rate}
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        for part, figures in (("train", training), ("validation", validation)):
            if figures:
                self._open(part, epoch + 1)
                self._add(part, "epoch", figures, epoch + 1)

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Writes what is left, also where a run has been broken off."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _open(self, part, first):
        """Opens the file of a part; entries that others wrote of the step `first` and later are hidden."""
        if part not in self._writers:
            # s between two writes, so that one can watch.
            self._writers[part] = self._writer(f"{self.folder}/{part}", purge_step=first, flush_secs=10)

    def _add(self, part, kind, figures, step):
        for name, value in figures.items():
            self._writers[part].add_scalar(f"{kind}_{name}", float(value), step)


class DrawCurves(keras.callbacks.Callback):
    """Draws the curves of a run and replaces the picture after every epoch.

    Where epochs are short it is left out after some, so that it takes 2 % of the time at most, and always drawn at the end. A
    picture that cannot be drawn or written ends no run.

    Args:
        path: path of the `.png` file.
        history: list of dict, the rows of the epochs before, as in `logo_keras.training.Result`.
        report: function that takes a line of text.
    """

    def __init__(self, path, history=(), report=print):
        super().__init__()
        self.path, self.history, self.report = path, list(history), report
        self._cost, self._failed = _FIRST_DRAWING, False

    def on_train_begin(self, logs=None):
        self._drawn, self._stale = time.perf_counter(), False

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in (logs or {}).items()}
        self.history = [*(each for each in self.history if each["epoch"] <= epoch), row]
        self._stale = True
        if time.perf_counter() - self._drawn >= self._cost / _SHARE:
            self._draw()

    def on_train_end(self, logs=None):
        if self._stale:
            self._draw()

    def _draw(self):
        began = time.perf_counter()
        try:
            from logo_keras.visualize.history import curves

            with replacing(self.path, durable=False) as temporary:
                temporary.write_bytes(encoded(curves(self.history), ".png"))
        except Exception as error:
            # Once: the next ones would fail for the same reason.
            if not self._failed:
                self.report(f"{self.path} cannot be drawn: {error}")
            self._failed = True
        self._drawn, self._stale = time.perf_counter(), False
        self._cost = self._drawn - began


class Enough(Exception):
    """A dry run has seen what it wanted to see."""


class Forecast(keras.callbacks.Callback):
    """Says what a run is made of before its first step, and after a few steps how long it is going to take, and its memory.

    Args:
        report: function that takes a line of text.
        batch_size: int, images a step, or None where nobody knows.
        validated: bool, whether validation comes on top.
        out: path of the folder of the run, or None.
        dry: bool, whether to end the run with `Enough` once that has been said, before anything of the epoch is kept.
    """

    def __init__(self, report=print, batch_size=None, validated=False, out=None, dry=False):
        super().__init__()
        self.report, self.batch_size, self.validated, self.out, self.dry = report, batch_size, validated, out, dry
        self._said = False

    def on_train_begin(self, logs=None):
        self._steps, self._epochs = self.params.get("steps"), self.params.get("epochs")
        self._said, self._seen = False, 0
        self.report(self._made_of())

    def on_epoch_begin(self, epoch, logs=None):
        # A validation lies between two epochs.
        self._epoch, self._began, self._ends = epoch, time.perf_counter(), []

    def on_train_batch_end(self, batch, logs=None):
        if self._said:
            return
        if "loss" in (logs or {}):
            # Waits for the device.
            float(logs["loss"])
        self._seen += 1
        self._ends.append((batch, time.perf_counter()))
        timed = self._ends[max(_WARM_UP - self._seen + len(self._ends) - 1, 0) :] or self._ends
        enough = len(timed) > _TIMED or len(timed) > 1 and timed[-1][1] - timed[0][1] > _ENOUGH_SECONDS
        last = self._steps is not None and batch + 1 >= self._steps
        if enough or last and (len(timed) > 1 or self.dry):
            self._said = True
            self.report(self._takes(timed, batch + 1))
            if self.dry:
                raise Enough

    def _made_of(self):
        size = getattr(self.model, "image_size", None)
        told = [] if size is None else [f"{size} px"]
        if self._steps is not None:
            of = f" of {self.batch_size} images" if self.batch_size else ""
            told += [f"{self._steps:,} step{'s' * (self._steps > 1)}{of} an epoch"]
            told += [f"{self._epochs} epoch{'s' * (self._epochs > 1)}"]
        # Keras builds some models in their first step.
        if self.model.built:
            trained = sum(int(np.prod(weight.shape)) for weight in self.model.trainable_weights)
            told.append(f"{_millions(self.model.count_params())} parameters, {_millions(trained)} of them trained")
        goes = f" The run goes to {self.out}." if self.out is not None and not self.dry else ""
        return f"{', '.join(told)}.{goes} The first step takes longest: it prepares the others."

    def _takes(self, timed, steps):
        """What the timed steps, pairs of the number of a batch and when it ended, let expect; `steps` of the epoch are done."""
        memory = peak_memory()
        said = "" if memory is None else f" Memory: {memory / 1e9:.1f} GB at most so far."
        (first, began), (last, ended) = timed[0], timed[-1]
        if first == last:
            took = f"{rounded(ended - self._began)} s with what is prepared once"
            return f"An epoch of {steps} step{'s' * (steps > 1)} is too short to be timed: it took {took}.{said}"
        step = (ended - began) / (last - first)
        told = [f"A step takes {rounded(step)} s" + (f" ({rounded(self.batch_size / step)} images/s)" if self.batch_size else "")]
        if self._steps is not None:
            epochs = self._epochs - self._epoch
            told.append(f"an epoch {lasting(step * self._steps)}")
            told += [f"the {epochs} to come {lasting(step * self._steps * epochs)}"] if epochs > 1 else []
            told += ["validation apart"] if self.validated else []
        return f"{', '.join(told)}.{said}"


def peak_memory():
    """The most memory that this process had so far, in bytes: of the first GPU where there is one, as TensorFlow says, else
    resident. None where the system does not say."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_logical_devices("GPU"):
            return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    try:
        import resource
    except ModuleNotFoundError:
        # Windows.
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere. Source: getrusage(2) of both.
    return most if sys.platform == "darwin" else most * 1024


def say(line):
    """`logo_keras.training.run.say` above a bar that the terminal shows."""
    with beside_bars():
        run.say(line)


def _millions(number):
    return f"{number / 1e6:,.2f} million" if number >= 1e6 else f"{number:,}"
