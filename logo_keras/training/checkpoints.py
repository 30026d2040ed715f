"""A Keras callback that saves a model inside its epochs too, so that a run that was killed loses minutes and not hours."""

import math
import numbers
import time
import warnings

import keras

from logo_keras.errors import UserError
from logo_keras.network.inputs import is_dataset
from logo_keras.network.resuming import Resuming
from logo_keras.training.checkpoint import Unfinished, differing, fingerprint
from logo_keras.training.config import CHECKPOINT_MINUTES
from logo_keras.training.interruption import Interrupted


class Checkpoints(Resuming):
    """Keeps a model every few minutes and after every epoch, and lets `fit` go on from there.

    A script that is killed is started once more as it is: it builds and compiles its model as before, and `fit` goes on after the
    last step that was kept, with the weights, optimizer, schedule, metrics, random numbers and the photo that came next. It
    ends with the weights of a run that was never killed, bit for bit where operations are deterministic. `fit` must learn from
    a Dataset or Marks of this package. The folder is used by one process at a time and removed when `fit` has ended.

    Ctrl-C and SIGTERM are taken up by `logo_keras.training.train` alone.

    Args:
        out: path of a folder; `unfinished` in it holds at most two models at a time.
        minutes: float, of training between two of them; 0 keeps whole epochs alone.

    Raises:
        ValueError: by `fit`, if the folder holds the model of another run, or `fit` learns from something else.
        OSError: by `fit`, if a model cannot be saved; says which one is intact.
    """

    def __init__(self, out, minutes=CHECKPOINT_MINUTES):
        super().__init__()
        self.unfinished = out if isinstance(out, Unfinished) else Unfinished(out)
        self.minutes = check_minutes(minutes)
        self.request = None
        self._step, self._steps, self._scored = 0, None, None

    def join(self, model, data, settings):
        if not is_dataset(data):
            raise UserError(
                f"Checkpoints go with a Dataset or Marks, of which any batch can be made again, got {type(data).__name__}."
            )
        identity = {"model": type(model).__name__, "parameters": model.count_params(), "settings": settings}
        identity["training"] = fingerprint(data)
        if self.unfinished.last:
            differences = differing(self.unfinished.identity, identity)
            if differences:
                raise UserError(
                    f"{self.unfinished.folder} holds a run of other settings: {differences}. Choose another folder, or remove it."
                )
            model.build_optimizer()
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            with warnings.catch_warnings():
                # Keras only warns where it leaves something out.
                warnings.filterwarnings("error", "Skipping variable loading")
                model.load_weights(self.unfinished.last)
        self.unfinished.begin(identity)
        epoch, step = self.goes_on()
        # Rows are counted from the first epoch of the first call.
        return settings["initial_epoch"] + epoch, step

    def goes_on(self):
        """Takes up what was kept; returns how many epochs, and steps of the next one, are done."""
        self.state = self.unfinished.snapshot()
        return self.unfinished.epochs, self.unfinished.step

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self._steps, self._scored = self.params["steps"], None
        self._step = self.unfinished.step
        if self._step == self._steps:
            self._scored = self.snapshot()

    def on_train_batch_end(self, batch, logs=None):
        # The last of several steps that are executed at once may lie behind the end.
        self._step = min(batch + 1, self._steps or math.inf)
        if self._step == self._steps:
            if keras.backend.backend() != "tensorflow":
                # Keras 3.15 cannot begin an epoch at its end elsewhere.
                return
            # The validation empties the metrics.
            self._scored = self.snapshot()
        if self._asked:
            self._keep(self._scored or self.snapshot())
            self._leave()
        if self.minutes and time.monotonic() - self._saved >= 60 * self.minutes:
            self._keep(self._scored or self.snapshot())

    def on_test_batch_end(self, batch, logs=None):
        if self._asked and self._scored is not None:
            self.model.stop_evaluating = True

    def on_test_end(self, logs=None):
        # Behind all others: averaged weights have made room for those that are trained.
        if self._asked and self._scored is not None:
            self._keep(self._scored)
            self._leave()

    def on_epoch_end(self, epoch, logs=None):
        row, score = self.row(epoch, logs)
        ended = bool(self.model.stop_training)
        self.unfinished.commit(self.model, row, score, self.unreadable(), {"callbacks": self.told()}, ended)
        self._saved = time.monotonic()
        self.committed(row)
        if self._asked and not ended and epoch + 1 < self.params["epochs"]:
            self._leave()

    def on_train_end(self, logs=None):
        self.unfinished.remove()

    def row(self, epoch, logs):
        """The row of an epoch, and its score, as `Unfinished.commit` takes them."""
        return {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}, None

    def unreadable(self):
        """The photos that were left out so far, a dict from paths to reasons."""
        return self.unfinished.unreadable

    def committed(self, row):
        """Called when an epoch is kept."""

    @property
    def _asked(self):
        return self.request is not None and self.request.signum is not None

    def _keep(self, snapshot):
        self.unfinished.commit_inside(self.model, self._step, self._steps, self.unreadable(), snapshot)
        self._saved = time.monotonic()

    def _leave(self):
        kept = f"{self.unfinished.place} is saved" if self.unfinished.last else "nothing is saved yet"
        message = f"{kept[0].upper()}{kept[1:]}. The same command with --resume (resume=True) goes on from there."
        raise Interrupted(message, self.request.signum)


def check_minutes(minutes):
    """Checks a number of minutes between two checkpoints, and returns it.

    Raises:
        ValueError: if it is no number of at least 0.
    """
    number = isinstance(minutes, numbers.Real) and not isinstance(minutes, bool)
    if not number or not math.isfinite(minutes) or minutes < 0:
        raise UserError(f"checkpoint_minutes must be a number of at least 0, got {minutes!r}.")
    return minutes
