"""The figures of an evaluation: how often a model is right, of which brands, logos and photos, and how sure it is."""

import numpy as np

from logo_keras.evaluation import reliability
from logo_keras.evaluation.intervals import counted

# Sides of logos in shares of their image: small, middle, large, as in `logo-compare`, and finer where there are enough.
SIZES = (0.05, 0.1, 0.15, 0.25, 0.4)
# Training images of a brand.
COUNTS = (5, 10, 20, 50, 100, 200, 500)
# Likeliest classes that are kept of a sample; top5 needs as many.
BEST = 5


def of_evaluation(found):
    """The figures of all samples.

    Args:
        found: Evaluation.

    Returns:
        dict for JSON; shares are fractions 0..1, and what is not known is None. docs/evaluation.md names the entries.
    """
    correct, top5, known = found.correct, found.ranks < BEST, found.known
    total = len(correct)
    return {
        "top1": counted(correct.sum(), total),
        "top5": counted(top5.sum(), total),
        "heads": {name: counted((choice == found.labels).sum(), total) for name, choice in found.heads.items()},
        "known": counted(known.sum(), total),
        "right_of_known": counted(correct[known].sum(), known.sum()),
        "calibration": _calibration(found),
        "coverage": reliability.coverage(found.confidences, correct),
        "by_logo_size": _by_size(found),
        "by_training_images": _by_training_images(found),
        "region_area": found.region_area,
        "localisation": found.localisation,
        "fitted": found.fitted,
        "none": found.none,
    }


def of_classes(found):
    """The figures of every class, in the order of the model: list of dict for JSON."""
    names, (samples, right, top5) = found.class_names, _class_counts(found)
    rows = [{"name": name, **_counts(*row)} for name, *row in zip(names, samples, right, top5, strict=True)]
    for entry, values in (("category", found.root_categories), ("training_images", found.training_images)):
        for row, value in zip(rows, values or (), strict=False):
            row[entry] = value
    return rows


def of_categories(found):
    """The figures of every root category, by name: list of dict for JSON; empty where there are none."""
    if found.root_categories is None:
        return []
    categories = np.array(found.root_categories)
    counts = _class_counts(found)
    rows = []
    for name in sorted(set(found.root_categories)):
        samples, right, top5 = (each[categories == name].sum() for each in counts)
        rows.append({"name": name, "classes": int((categories == name).sum()), **_counts(samples, right, top5)})
    return rows


def _counts(samples, right, top5):
    return counted(right, samples) | {"top5": int(top5) / int(samples) if samples else None}


def _class_counts(found):
    """int `[N]` each: samples, those that are right, those whose class is among the five likeliest."""
    number = len(found.class_names)
    chosen = (slice(None), found.correct, found.ranks < BEST)
    return [np.bincount(found.labels[which], minlength=number) for which in chosen]


def _calibration(found):
    after = reliability.bins(found.confidences, found.correct)
    before = None
    if found.uncalibrated is not None:
        before = reliability.bins(found.uncalibrated, found.correct)
    return {
        "error": reliability.expected_error(after),
        "bins": after,
        "error_before": before and reliability.expected_error(before),
        "bins_before": before,
    }


def _by_size(found):
    """The samples with a box, by the side of its largest logo; None where no box is known."""
    if found.logo_sizes is None or np.isnan(found.logo_sizes).all():
        return None
    has = ~np.isnan(found.logo_sizes)
    return _grouped(found.logo_sizes[has], found.correct[has], SIZES)


def _by_training_images(found):
    """The samples by the number of training images of their class; None where it is not known."""
    if found.training_images is None:
        return None
    return _grouped(np.asarray(found.training_images)[found.labels], found.correct, COUNTS)


def _grouped(values, correct, edges):
    """Rows of the groups from one edge to below the next; the first begins at 0, the last has no end. Empty ones are left out."""
    ends, rows = (0, *edges, None), []
    places = np.searchsorted(edges, values, side="right")
    for place, (low, high) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        inside = places == place
        if inside.any():
            rows.append({"low": low, "high": high, **counted(correct[inside].sum(), inside.sum())})
    return rows
