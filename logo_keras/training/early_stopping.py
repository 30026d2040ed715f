"""How good an epoch is, and the end of a run whose epochs no longer become better."""

import keras

from logo_keras.arguments import whole
from logo_keras.errors import UserError

# What is scored, the first that an epoch has: marks of an embedder, scenes of a detector, photos of brands.
_SCORES = ("val_r1", "val_recall", "val_top1")


def score_of(row):
    """How good an epoch is: what `keep="best"` and early stopping compare.

    Args:
        row: mapping, the figures of an epoch.

    Returns:
        List of floats, higher is better: `val_top1` and, of equals, the lower `val_loss`; of marks `val_r1`, of scenes
        `val_recall`. None if nothing was scored.
    """
    name = next((name for name in _SCORES if name in row), None)
    if name is None:
        return None
    return [float(row[name]), -float(row["val_loss"])] if name == "val_top1" else [float(row[name])]


class EarlyStopping(keras.callbacks.Callback):
    """Ends a run after some epochs without a better score, by the rule of `keep="best"` (`score_of`).

    It says when to end and keeps no model: `logo_keras.training.train` keeps the last or the best, in plain `fit`
    `keras.callbacks.ModelCheckpoint` does. It goes behind callbacks that add figures of an epoch. Every `fit` begins anew.

    Args:
        epochs: int, how many in a row.
        report: function that takes a line of text, called when the run was ended; or None.

    Raises:
        ValueError: if `epochs` is no whole number of at least 1; by `fit`, if it has no validation photos.
    """

    def __init__(self, epochs, report=None):
        super().__init__()
        self.epochs = whole("early_stopping", epochs, 1)
        self.report = report

    def on_train_begin(self, logs=None):
        self._best, self._best_epoch, self._ended = None, None, None

    def get_state(self):
        """What is known of the epochs so far, for a run that goes on: dict for JSON."""
        return {"best": self._best, "best_epoch": self._best_epoch}

    def set_state(self, state):
        """Takes up what `get_state` gave."""
        self._best, self._best_epoch = state["best"], state["best_epoch"]

    def on_epoch_end(self, epoch, logs=None):
        score = score_of(logs or {})
        if score is None:
            raise UserError("early stopping needs validation photos to tell whether an epoch is better (validation_data=).")
        if self._best is None or score > self._best:
            self._best, self._best_epoch = score, epoch
        elif epoch - self._best_epoch >= self.epochs and epoch + 1 < self.params["epochs"]:
            self.model.stop_training, self._ended = True, epoch

    def on_train_end(self, logs=None):
        if self._ended is not None and self.report is not None:
            lost = self._ended - self._best_epoch
            better = f"none of the last {lost} epochs was better than epoch {self._best_epoch + 1}"
            self.report(f"Ended early, after epoch {self._ended + 1} of {self.params['epochs']}: {better}.")
