"""When a brand counts as known: a model's temperature and threshold, fitted on photos that it has not learnt from."""

import base64
import dataclasses
import datetime
import hashlib
import itertools
import math
import numbers
import os
from collections import defaultdict

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.classes import composed, listed
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.find_photos import find
from logo_keras.edge.metadata import DIGEST_BYTES
from logo_keras.errors import UserError
from logo_keras.evaluation.metrics import evaluate
from logo_keras.evaluation.reliability import calibration_error

# Share of the validation photos that a threshold keeps. By choice: one photo in 20 is what "nearly all" is taken for elsewhere
# too (false positives at 95 % true positives: Hendrycks and Gimpel 2017, arXiv:1610.02136).
KEEP = 0.95
# Other shares, of which the fitted dictionary says what they would cost.
CHOICES = (0.99, 0.95, 0.9, 0.8, 0.7)
# 1 / T is searched between these: far beyond them probabilities are those of chance, or all or nothing, whatever the model.
_FLATTEST, _SHARPEST = 0.05, 20.0
# What is believed of 1 / T before any photo is seen: 1, with this standard deviation. By choice: 1 / T = 2 instead of 1 then
# costs half a nat, less than a single photo that is named wrong with 60 %. Without it photos that are all named right would ask
# for T = 0.
_BELIEVED = 1.0
# Halvings of the range of log(1 / T): 6 become 1e-8.
_HALVINGS = 30
# Probabilities that are kept to fit the temperature, 256 MB: the 2,341 brands of Logo-2K+ on 28,000 photos. It is one number,
# which more photos would not make better.
_KEPT = 2**26
# Rows of them that are worked on at once hold so many numbers.
_AT_ONCE = 2**20
# Digits of a threshold: it is rounded down, so that other rounding in an exported file drops no photo that it was fitted to.
_DIGITS = 4
# Files that an error names.
_NAMED = 10


def fit_temperature(probabilities, labels):
    """Fits the temperature T with which `softmax(log(probabilities) / T)` says best how often a model is right.

    It minimises the negative log-likelihood, which is convex in 1 / T, so that halving finds its one minimum. T above 1 makes a
    model less sure of itself, T below 1 surer; the order of the classes stays. 1 / T is believed to be 1 +- 1 beforehand, which
    weighs less than a photo: few photos, or such as are all named right, leave T near 1.

    Args:
        probabilities: float `[n, N]`, of photos that the model has not learnt from.
        labels: int `[n]`, their true classes.

    Returns:
        float in [0.05, 20]; 1.0 without photos.

    Raises:
        ValueError: if there are not as many labels as rows.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    logs, labels = _logs(probabilities), np.asarray(labels)
    if labels.shape != logs.shape[:1]:
        raise UserError(f"probabilities [n, N] and labels [n] are expected, got shapes {logs.shape} and {labels.shape}.")
    rows = max(1, _AT_ONCE // max(1, logs.shape[1]))
    parts = [slice(first, first + rows) for first in range(0, len(logs), rows)]
    of_truth = float(logs[np.arange(len(labels)), labels].sum(dtype=np.float64))

    def slope(sharpness):
        """Of the negative log-likelihood over all photos and of what is believed, in 1 / T."""
        expected = sum(float((_softmax(logs[part], sharpness) * logs[part]).sum(dtype=np.float64)) for part in parts)
        return expected - of_truth + (sharpness - 1) / _BELIEVED**2

    low, high = math.log(_FLATTEST), math.log(_SHARPEST)
    for _ in range(_HALVINGS if len(logs) else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
    return math.exp(-(low + high) / 2) if len(logs) else 1.0


def tempered(probabilities, temperature):
    """Probabilities with a temperature, as models compute them: `softmax(log(probabilities) / temperature)`.

    Args:
        probabilities: float `[n, N]`.
        temperature: float above 0; its inverse takes it back.

    Returns:
        float32 `[n, N]`.
    """
    return _softmax(_logs(probabilities), 1 / temperature)


def fit_threshold(confidences, right=None, negatives=None, keep=KEEP):
    """Fits the lowest confidence with which a brand counts as known.

    Without negatives it is the highest threshold that keeps the share `keep` of the photos, named right or wrong. With negatives
    it is, among the thresholds that keep this share of the photos that are named right, the one that keeps most of these and
    refuses most negatives, both shares counted alike (Youden 1950), in the middle of the gap where the two part. So negatives
    that look like no brand lower the threshold, such as look like brands never take more than the share from the right answers,
    and an answer that is wrong anyway need not be kept.

    Args:
        confidences: float `[n]`, the probability of the likeliest class of photos with a brand that is known.
        right: bool `[n]`, whether that class is the true one; None where all are.
        negatives: float `[m]`, the confidences of photos without a known brand, or None.
        keep: float in (0, 1).

    Returns:
        float in (0, 1), rounded down to four digits; a brand is known where its confidence is not below it.

    Raises:
        ValueError: if `keep` lies outside (0, 1), or there is no photo.
    """
    _check_keep(keep)
    confidences = np.asarray(confidences, np.float64)
    if not len(confidences):
        raise UserError("a threshold needs photos with a brand, got none.")
    if negatives is None or not len(negatives):
        known = np.sort(confidences)
        return _rounded_down(known[_spared(len(known), keep)])
    right = np.ones(len(confidences), bool) if right is None else np.asarray(right, bool)
    # A model that is never right is judged by all that it says.
    known = np.sort(confidences[right] if right.any() else confidences)
    negatives = np.sort(np.asarray(negatives, np.float64))
    # Just at each of these: all below it are lost.
    candidates = known[: _spared(len(known), keep) + 1]
    kept = 1 - np.searchsorted(known, candidates) / len(known)
    refused = np.searchsorted(negatives, candidates) / len(negatives)
    # Of equals the first, which keeps most.
    best = candidates[np.argmax(kept + refused)]
    below = [values[place - 1] for values in (known, negatives) if (place := np.searchsorted(values, best))]
    gap = bool(below) and max(below) in negatives
    return _rounded_down((max(below) + best) / 2 if gap else best)


def calibrate(model, validation, negatives=None, batch_size=16, keep=KEEP, report=print):
    """Fits a model's temperature, then its threshold, and notes on its card where they come from.

    Args:
        model: Classifier, NTSNet or DRNANet. Its `temperature`, `threshold` and `card["calibration"]` are set; where anything is
            refused it stays as it was.
        validation: Dataset with the model's brands, of photos that the model has not learnt from.
        negatives: photos that show no brand of the model: a Dataset, or paths as for `logo_keras.datasets.find_photos.find`, for
            instance a folder; or None.
        batch_size: int, photos at once.
        keep: float in (0, 1), as for `fit_threshold`.
        report: function that takes a line of text: a photo that cannot be read, and why. It is left out.

    Returns:
        dict for JSON, as on the card, and `choices`, what other `keep`s would do. On the card: `validation`, `negatives` and
        `unreadable`, int, photos; `temperature` and `threshold`; `keep`; `true_accepts`, the share of the validation photos that
        the threshold keeps; `false_accepts`, that of the negatives, or None; `nll` and `ece`, two floats each, before and after:
        the negative log-likelihood in nats and the `calibration_error`; `fitted_on`, see `fitted`; and `date`.

    Raises:
        ValueError: for an exported file, a model that names no brand or one alone, other class names, photos without a brand in
            `validation` or with one of the model in `negatives`, copies of the same photo in both, or none that can be read.
    """
    check_calibrates(model)
    _check_keep(keep)
    others = None if negatives is None else without_brand(negatives, model.class_names)
    if others is not None:
        refuse_copies(others, validation, "validation")
    before, unreadable, size = (model.temperature, model.threshold), {}, max(1, _KEPT // model.num_classes)
    # The first ones fit the temperature, and data sets come brand by brand.
    order = np.random.default_rng(0).permutation(len(validation))
    try:
        model.temperature = 1.0
        asked = evaluate(model, validation.subset(np.sort(order[:size])), batch_size)
        unreadable |= asked.unreadable
        temperature = fit_temperature(asked.probabilities, asked.labels)
        scaled = tempered(asked.probabilities, temperature)
        confidences, right = [scaled.max(axis=1)], [asked.correct]
        losses = [_loss(each, asked.labels) for each in (asked.probabilities, scaled)]
        errors = [calibration_error(each.max(axis=1), asked.correct) for each in (asked.probabilities, scaled)]
        model.temperature = temperature
        if len(order) > size:
            rest = evaluate(model, validation.subset(np.sort(order[size:])), batch_size, probabilities=False)
            unreadable |= rest.unreadable
            confidences.append(rest.best_probabilities[:, 0])
            right.append(rest.correct)
        confidences, right, foreign = np.concatenate(confidences), np.concatenate(right), None
        if others is not None:
            # It wants a label; which it is does not matter here.
            labelled = dataclasses.replace(others, labels=np.zeros(len(others), np.int64))
            found = evaluate(model, labelled, batch_size, probabilities=False)
            unreadable |= found.unreadable
            foreign = found.best_probabilities[:, 0]
        threshold = fit_threshold(confidences, right, foreign, keep)
    except BaseException:
        model.temperature, model.threshold = before
        raise
    for path, reason in unreadable.items():
        report(f"left out: {path}: {reason}")
    files = sorted({*validation.paths, *(() if others is None else others.paths)})
    found = {
        "validation": len(confidences),
        "negatives": 0 if foreign is None else len(foreign),
        "unreadable": len(unreadable),
        "temperature": temperature,
        "threshold": threshold,
        "keep": float(keep),
        "true_accepts": float((confidences >= threshold).mean()),
        "false_accepts": None if foreign is None else float((foreign >= threshold).mean()),
        "nll": losses,
        "ece": errors,
        "fitted_on": _packed(each for _, each in in_threads(digest, files, "remembering photos")),
        "date": datetime.date.today().isoformat(),
    }
    model.temperature, model.threshold = temperature, threshold
    model.card = {**model.card, "calibration": found}
    return found | {"choices": _choices(confidences[right], confidences, foreign)}


def check_calibrates(model):
    """Refuses what no temperature and threshold can be fitted to.

    Raises:
        ValueError: for an exported file, a model that names no brand, or one that knows a single one.
    """
    if hasattr(model, "embed") or hasattr(model, "embedder"):
        raise UserError(
            f"a {type(model).__name__} names no brand: galleries that are made with it have thresholds, which "
            "logo-gallery calibrate (lk.Gallery.calibrate) fits."
        )
    if not hasattr(model, "predict_on_batch"):
        raise UserError("an exported file cannot be calibrated: calibrate the .keras model that it was made of and export that.")
    if model.num_classes < 2:
        raise UserError(f"a model of one brand, {model.class_names[0]}, is sure of it in every photo: nothing can be fitted.")


def without_brand(negatives, class_names):
    """Photos that show no known brand, as a Dataset with the known ones.

    Args:
        negatives: a Dataset, or paths as for `logo_keras.datasets.find_photos.find`.
        class_names: sequence of str, the known brands.

    Returns:
        Dataset with these classes and labels -1.

    Raises:
        ValueError: if some are labelled with a known brand, or there are none.
        FileNotFoundError: if a path does not exist.
    """
    if not isinstance(negatives, Dataset):
        paths = tuple(map(str, find(negatives)))
        return Dataset(paths, np.full(len(paths), -1), class_names)
    known = {*map(composed, class_names)}
    shown = [name for name, count in negatives.counts.items() if count and composed(name) in known]
    if shown:
        raise UserError(f"the negatives have photos of brands that the model knows: {listed(shown)}. Leave these out.")
    labels = np.full(len(negatives), -1)
    return dataclasses.replace(negatives, labels=labels, class_names=class_names, root_categories=None)


def refuse_copies(negatives, photos, what):
    """Refuses negatives that are, byte by byte, among the photos of known brands.

    Args:
        negatives, photos: Datasets.
        what: str, what the photos are called: "validation" or "training".

    Raises:
        ValueError: naming the files.
    """
    pairs = copies(negatives.paths, photos.paths)
    if pairs:
        named = "; ".join(f"{one} is {other}" if one != other else one for one, other in pairs[:_NAMED])
        more = f"; and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        raise UserError(
            f"{len(pairs)} of the negatives are {what} photos, which show brands that the model knows: {named}{more}. "
            "Leave them out; logo-data check --negatives finds those that are nearly identical, too."
        )


def copies(paths, others):
    """Finds files that are, byte by byte, among others. Only such as are equally long are read.

    Args:
        paths, others: sequences of str.

    Returns:
        list of pairs `(path, other)`, in the order of `paths`, each path once.
    """
    paths, others = dict.fromkeys(paths), dict.fromkeys(others)
    by_size = defaultdict(list)
    for other in others:
        by_size[_size(other)].append(other)
    alike = {path: by_size[size] for path in paths if (size := _size(path)) is not None and size in by_size}
    # Each once: a photo may be as long as many.
    known = {other: digest(other) for other in dict.fromkeys(itertools.chain(*alike.values()))}
    found = ((path, digest(path), candidates) for path, candidates in alike.items())
    pairs = ((path, next((other for other in candidates if known[other] == own), None)) for path, own, candidates in found)
    return [(path, other) for path, other in pairs if other is not None]


def digest(path):
    """The digest of a file's bytes by which photos are remembered: 8 bytes; None if the file is gone."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)).digest()
    except OSError:
        return None


def fitted(calibration):
    """The photos that a temperature and a threshold were fitted on, negatives among them, so that none of them is scored.

    Args:
        calibration: dict, `card["calibration"]` or that of an exported file; or None.

    Returns:
        frozenset of bytes, what `digest` gives of each.
    """
    packed = base64.b64decode((calibration or {}).get("fitted_on", ""))
    return frozenset(packed[first : first + DIGEST_BYTES] for first in range(0, len(packed), DIGEST_BYTES))


def _packed(digests):
    """Digests as `fitted` reads them: str, in an order that says nothing of the files."""
    return base64.b64encode(b"".join(sorted({*digests} - {None}))).decode()


def _check_keep(keep):
    if not isinstance(keep, numbers.Real) or isinstance(keep, bool) or not 0 < keep < 1:
        raise UserError(f"keep must be a share between 0 and 1, got {keep!r}.")


def _spared(count, keep):
    """How many of so many photos need not be kept: int."""
    # 0.05 of 20 is one, whatever the floats say.
    return min(math.floor((1 - keep) * count + 1e-9), count - 1)


def _rounded_down(value):
    """A threshold of `_DIGITS` digits, not above the value, in (0, 1)."""
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - _DIGITS) if value > 0 else 0.0
    found = math.floor(value / step) * step if step else np.finfo(np.float32).tiny
    return float(f"{min(max(found, np.finfo(np.float32).tiny), 1 - 10.0**-_DIGITS):.{_DIGITS}g}")


def _choices(right, confidences, foreign):
    """What other shares of right answers to keep would do: list of dict of `keep`, `threshold` and the shares accepted."""
    known, choices = np.sort(right if len(right) else confidences), []
    for keep in CHOICES:
        threshold = _rounded_down(float(known[_spared(len(known), keep)]))
        refusing = None if foreign is None else float((foreign >= threshold).mean())
        kept = float((confidences >= threshold).mean())
        choices.append({"keep": keep, "threshold": threshold, "true_accepts": kept, "false_accepts": refusing})
    return choices


def _logs(probabilities):
    """Log probabilities, float32; what has underflowed counts as the smallest normal float32."""
    return np.log(np.maximum(np.asarray(probabilities, np.float32), np.finfo(np.float32).tiny))


def _softmax(logs, sharpness):
    """Of log probabilities times 1 / T: float32 of the same shape."""
    powers = np.exp(np.float32(sharpness) * (logs - logs.max(axis=1, keepdims=True)))
    return powers / powers.sum(axis=1, keepdims=True)


def _loss(probabilities, labels):
    """The negative log-likelihood, nats a photo: float."""
    return -float(_logs(probabilities[np.arange(len(labels)), labels]).mean(dtype=np.float64))


def _size(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return None
