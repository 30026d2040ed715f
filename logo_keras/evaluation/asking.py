"""Models asked about photos, batch by batch, and what they say of themselves."""

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.splits import OFFICIAL
from logo_keras.image.preprocessing import UnreadablePhotograph

# Photos that are read while the model works on others.
_AHEAD = 64


def ask(model, dataset, batch_size=16, strict=False, unreadable=None, infer=None):
    """Asks a model about every sample of a data set, and gives its outputs batch by batch.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
        dataset: Dataset.
        batch_size: int, samples at once; an exported file takes one at a time.
        strict: bool, stop at the first unreadable photo.
        unreadable: dict, in which path and reason of those that cannot be read are noted; or None.
        infer: function of images, instead of the model's own.

    Yields:
        int `[B]`, places in the data set; dict of arrays of B rows; list of B arrays float
        `[m, 4]`, the boxes in px of the image.

    Raises:
        UnreadablePhotograph: with `strict`.
    """
    if hasattr(model, "predict_on_batch"):
        infer, size = infer or model.predict_on_batch, min(batch_size, len(dataset))
    else:
        infer, size = infer or model.infer, 1
    for batch in _batches(model, dataset, size, strict, {} if unreadable is None else unreadable):
        numbers, images, boxes = zip(*batch, strict=True)
        # Another number of images would trace the whole model anew.
        outputs = infer(np.stack([*images, *images[-1:] * (size - len(images))]).astype(np.float32))
        yield np.array(numbers), {name: np.asarray(value)[: len(numbers)] for name, value in outputs.items()}, boxes


def describe(model):
    """What an evaluation says of its model: dict for JSON, its file not among it."""
    metadata, calibration = getattr(model, "metadata", None), getattr(model, "calibration", None)
    # Which photos they were is nobody's business who reads the figures.
    calibration = calibration and {name: value for name, value in calibration.items() if name != "fitted_on"}
    return {
        "name": None,
        "sha256": None,
        "architecture": getattr(metadata, "model", type(model).__name__),
        "preprocessing": model.preprocessing,
        # What a model has not that was never calibrated.
        "temperature": getattr(model, "temperature", None) or 1.0,
        "threshold": getattr(model, "threshold", None),
        "calibration": calibration or None,
        "trained_on": _trained_on(card_of(model).get("data") or {}),
    }


def card_of(model):
    """The card of a model, or of an exported file that has one: dict."""
    return getattr(model, "card", None) or getattr(getattr(model, "metadata", None), "card", None) or {}


def _trained_on(data):
    """Which photos a card says that its model learnt from: dict of `kind` and `split`; None where it says nothing."""
    if not data.get("kind"):
        return None
    # Where no split was named, logo-train takes the one that is meant for training.
    usual = OFFICIAL[data["kind"]].train if data["kind"] in OFFICIAL else None
    return {"kind": data["kind"], "split": (data.get("training") or {}).get("split") or usual}


def _batches(model, dataset, size, strict, unreadable):
    """Gives lists of samples that can be read: number, image, boxes. Notes in `unreadable` why others cannot."""

    def read(number):
        try:
            image, boxes = dataset.sample(number, model.image_size, model.preprocessing)
        except UnreadablePhotograph as error:
            return error
        # Prepared px are whole numbers: a quarter of the memory.
        return number, image.astype(np.uint8), boxes

    batch = []
    for number, sample in in_threads(read, range(len(dataset)), "photos", _AHEAD):
        if isinstance(sample, UnreadablePhotograph):
            if strict:
                raise sample
            unreadable[dataset.paths[number]] = sample.reason
            continue
        batch.append(sample)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
