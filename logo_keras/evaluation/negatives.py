"""What a model says of photos without a brand of its list, and what would tell them from the others."""

import dataclasses
import math

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.evaluation import calibration, novelty
from logo_keras.evaluation.asking import card_of
from logo_keras.evaluation.document import relative
from logo_keras.evaluation.embedding import embed, with_embeddings
from logo_keras.evaluation.intervals import Z, counted
from logo_keras.evaluation.metrics import evaluate

# Share of the photos with a brand that a threshold accepts where scores are compared, as elsewhere (Hendrycks and Gimpel 2017,
# arXiv:1610.02136, has the same share of false accepts).
TRUE_ACCEPTS = 0.95
# Training photos of which the class means are made: an embedding of DRNA-Net has 8,960 numbers, so that these take 180 MB.
_OF_MEANS = 5000
# Negatives that are named, those that look most like a brand.
_SUREST = 6


def class_means(model, training, batch_size=16, seed=0):
    """Where the embeddings of training photos lie.

    Args:
        model: Classifier, NTSNet or DRNANet.
        training: Dataset with the model's classes; of more than 5,000 photos as many are drawn.
        batch_size: int.
        seed: int, of the draw.

    Returns:
        `novelty.ClassMeans`.

    Raises:
        ValueError: if no photo can be read, the classes are others, or the model is an exported file.
    """
    with_embeddings(model)
    training = training.with_class_names(model.class_names)
    places = np.flatnonzero(training.labels >= 0)
    if len(places) > _OF_MEANS:
        places = np.sort(np.random.default_rng(seed).choice(places, _OF_MEANS, replace=False))
    return novelty.ClassMeans.of(*embed(model, training.subset(places), batch_size))


def fitted_places(model, paths):
    """Which photos fitted the model's temperature and threshold: bool `[n]`."""
    fitted = calibration.fitted(getattr(model, "calibration", None) or card_of(model).get("calibration"))
    if not fitted:
        return np.zeros(len(paths), bool)
    digests = dict(in_threads(calibration.digest, list(dict.fromkeys(paths)), "comparing photos"))
    return np.array([digests[path] in fitted for path in paths], bool)


def judge(found, model, negatives, batch_size=16, strict=False, scores=novelty.scores, infer=None, source=None):
    """Asks a model about photos without a brand of its list.

    Photos that fitted its temperature and threshold are left out, of both kinds.

    Args:
        found: Evaluation of photos with a brand, with the same `scores`.
        model: the model that was evaluated.
        negatives: Dataset, or paths as for `logo_keras.datasets.find_photos.find`.
        batch_size: int.
        strict: bool, stop at the first unreadable photo.
        scores: function of outputs, as for `evaluate`.
        infer: function of images, as for `evaluate`.
        source: str, what JSON calls the negatives.

    Returns:
        dict for JSON: `source`; `negatives` and `known`, photos that count; `negatives_left_out` and `known_left_out`, those that
        fitted; `unreadable`, how many could not be read; `at_threshold`, None without a threshold, or how many `true_accepts` and
        `false_accepts` it gives; `scores`, a dict from each score to its `auroc`, the `interval` of that, and the
        `false_accepts` where it accepts 95 % of the known; `surest`, the negatives that look most like a brand. The last three
        are None where nothing is left.

    Raises:
        ValueError: if negatives are labelled with a brand of the model, or none can be read.
    """
    negatives = calibration.without_brand(negatives, model.class_names)
    spent, known = fitted_places(model, negatives.paths), ~fitted_places(model, found.paths)
    told = {
        "source": source,
        "negatives": 0,
        "negatives_left_out": int(spent.sum()),
        "known": int(known.sum()),
        "known_left_out": int((~known).sum()),
        "unreadable": 0,
        "at_threshold": None,
        "scores": None,
        "surest": None,
    }
    if spent.all() or not known.any():
        return told
    # `evaluate` wants a label; which it is does not matter here.
    labelled = dataclasses.replace(negatives.subset(~spent), labels=np.zeros(int((~spent).sum()), np.int64))
    asked = evaluate(model, labelled, batch_size, strict, probabilities=False, scores=scores, infer=infer)
    told |= {"negatives": len(asked.paths), "unreadable": len(asked.unreadable)}
    if found.threshold is not None:
        told["at_threshold"] = {
            "true_accepts": counted(found.known[known].sum(), known.sum()),
            "false_accepts": counted(asked.known.sum(), len(asked.paths)),
        }
    told["scores"] = {
        name: _compared(found.scores[name][known], values) for name, values in asked.scores.items() if name in found.scores
    }
    order = np.argsort(-asked.confidences, kind="stable")[:_SUREST]
    told["surest"] = [
        {
            "photo": relative(asked.paths[place], negatives.root),
            "class": int(asked.predicted[place]),
            "probability": round(float(asked.confidences[place]), 6),
        }
        for place in order
    ]
    return told


def _compared(known, unknown):
    area = novelty.auroc(known, unknown)
    accepted = round(novelty.false_accepts(known, unknown, TRUE_ACCEPTS) * len(unknown))
    return {
        "auroc": area,
        "interval": list(_interval(area, len(known), len(unknown))),
        "false_accepts": counted(accepted, len(unknown)),
    }


def _interval(area, known, unknown):
    """The 95 % interval of an area under the curve.

    Source:
        Hanley and McNeil 1982, Radiology 143 (1), pp. 29-36, table 1.
    """
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (known - 1) * (one - area**2) + (unknown - 1) * (two - area**2)) / (known * unknown)
    half = Z * math.sqrt(max(0.0, variance))
    return max(0.0, area - half), min(1.0, area + half)
