"""The end of a run: temperature and threshold of the model that is kept, fitted on photos that it has not learnt from."""

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation.calibration import calibrate, refuse_copies, without_brand
from logo_keras.network import LogoDetector, LogoEmbedder
from logo_keras.network.inputs import draws_itself

# Validation photos below which what is fitted is mostly chance: of 100 the share that a threshold keeps moves by 4 points (95 %).
_FEW = 100
# What another share of right answers would do is said of this one.
_LESS = 0.9
# What names no brand.
_NAMELESS = (LogoEmbedder.__name__, LogoDetector.__name__)


class Calibrating:
    """What a run fits temperature and threshold on.

    Args:
        config: Config.
        training: Dataset, or Marks.
        validation: Dataset, Marks or None. Photos that are learnt from too fit nothing.
        negatives: photos without a known brand, as for `lk.evaluation.calibrate`, or None.

    Attributes:
        negatives: Dataset or None.

    Raises:
        ValueError: for negatives that cannot be fitted on: without validation photos, of a model that names no brand, copies of
            the run's photos, or none that can be read.
        FileNotFoundError: if a path of negatives does not exist.
    """

    def __init__(self, config, training, validation, negatives=None):
        self._config = config
        self._validation, self._why = _unlearnt(config, training, validation)
        self.negatives = None
        if negatives is None:
            return
        if self._validation is None:
            raise UserError(f"negatives fit a threshold together with validation photos, but {self._why}.")
        self.negatives = without_brand(negatives, training.class_names)
        # Now, and not when the run has ended.
        for photos, what in ((training, "training"), (validation, "validation")):
            refuse_copies(self.negatives, photos, what)
        unreadable = self.negatives.check()
        if len(unreadable) == len({*self.negatives.paths}):
            path, reason = next(iter(unreadable.items()))
            raise UserError(f"none of the {len(unreadable)} negatives can be read, for instance {path}: {reason}.")

    def fit(self, model, report):
        """Fits them, where there is something to fit them on.

        Args:
            model: the model that the run keeps.
            report: function that takes a line of text.
        """
        if self._config.model in _NAMELESS:
            return
        if self._validation is None:
            report(
                f"No threshold, so that every photo gets some brand, and temperature 1: {self._why}. logo-calibrate fits them."
            )
            return
        found = calibrate(model, self._validation, self.negatives, self._config.batch_size, report=report)
        report(said(found))


def said(found):
    """What `lk.evaluation.calibrate` found, as one line: str.

    Args:
        found: dict, what it gave.
    """
    line = f"temperature {found['temperature']:.3g}, threshold {found['threshold']:.3g}: keeps {found['true_accepts']:.1%} of "
    line += f"{found['validation']} validation photos"
    if found["negatives"]:
        line += f" and lets {found['false_accepts']:.1%} of {found['negatives']} photos without a known brand through"
        (less,) = (each for each in found["choices"] if each["keep"] == _LESS)
        if less["false_accepts"] < found["false_accepts"]:
            line += f", with logo-calibrate --keep {_LESS} {less['false_accepts']:.1%}"
    return line + ("" if found["validation"] >= _FEW else f"; fewer than {_FEW} photos say little")


def _unlearnt(config, training, validation):
    """The validation photos that are not learnt from, a Dataset; or None, and why there are none."""
    if config.model in _NAMELESS or (validation is not None and draws_itself(validation)):
        return None, "the model names no brand"
    if validation is None:
        return None, "there are no validation photos"
    if len(training.class_names) < 2:
        return None, "the model knows one brand alone"
    learnt = {*training.paths}
    unlearnt = np.array([path not in learnt for path in validation.paths], bool)
    if not unlearnt.any():
        return None, "the validation photos are those that it learns from"
    return (validation if unlearnt.all() else validation.subset(unlearnt)), None
