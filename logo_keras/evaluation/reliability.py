"""Whether a model's probabilities can be believed: calibration, and what a threshold keeps."""

import numpy as np

# Guo et al. 2017, arXiv:1706.04599, section 5.
BINS = 15
# Points of the curve of coverage against accuracy: enough for a smooth line.
_POINTS = 101


def bins(confidences, correct, count=BINS):
    """Compares what a model says with how often it is right, in bins of equal width.

    Args:
        confidences: float `[n]` in [0, 1], the probability of the likeliest class.
        correct: bool `[n]`.
        count: int, bins.

    Returns:
        list of dict, one for each bin that holds samples: `low` and `high`, its ends (a confidence on an edge belongs to the bin
        below), `samples`, `confidence` (their mean) and `accuracy`.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 2.
    """
    edges = np.linspace(0, 1, count + 1)
    confidences, correct = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    places = np.searchsorted(edges[1:-1], confidences)
    samples = np.bincount(places, minlength=count)
    said, right = (np.bincount(places, values, minlength=count) for values in (confidences, correct))
    return [
        {
            "low": float(edges[place]),
            "high": float(edges[place + 1]),
            "samples": int(samples[place]),
            "confidence": float(said[place] / samples[place]),
            "accuracy": float(right[place] / samples[place]),
        }
        for place in np.flatnonzero(samples)
    ]


def calibration_error(confidences, correct, count=BINS):
    """How far confidence lies from accuracy (ECE): the mean distance of the two in the `bins`, weighted by their samples.

    Args:
        confidences: float `[n]` in [0, 1], the probability of the likeliest class; n at least 1.
        correct: bool `[n]`, whether it is the true one.
        count: int, bins.

    Returns:
        float in [0, 1].

    Source:
        Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    return expected_error(bins(confidences, correct, count))


def expected_error(found):
    """`calibration_error` of `bins` that are there already: list of dict, not empty."""
    total = sum(each["samples"] for each in found)
    return sum(each["samples"] * abs(each["accuracy"] - each["confidence"]) for each in found) / total


def uncalibrated(probabilities, temperature):
    """The confidences of a model before its temperature, from its calibrated probabilities.

    Args:
        probabilities: float `[n, N]`, the softmax of the logarithms of others divided by the temperature.
        temperature: float above 0.

    Returns:
        float32 `[n]`, the largest of those others. Probabilities that were too small for a float are taken as 0.
    """
    probabilities = np.asarray(probabilities, np.float64)
    shares = probabilities / probabilities.max(axis=1, keepdims=True)
    return (1 / (shares**temperature).sum(axis=1)).astype(np.float32)


def coverage(confidences, correct):
    """What a rising threshold keeps, and how often that is right.

    Args:
        confidences: float `[n]`, the probability of the likeliest class; n at least 1.
        correct: bool `[n]`.

    Returns:
        list of dict, thresholds ascending: `threshold`, `coverage` (share of the samples with at least this confidence) and
        `accuracy` (share of those that is right).
    """
    order = np.argsort(np.asarray(confidences, np.float64), kind="stable")
    confidences, right = np.asarray(confidences, np.float64)[order], np.asarray(correct, np.int64)[order]
    total, kept_right = len(order), right[::-1].cumsum()[::-1]
    # Of equal confidences the first: a threshold keeps all of them or none.
    first = np.flatnonzero(np.diff(confidences, prepend=-1) > 0)
    chosen = first[np.unique(np.linspace(0, len(first) - 1, _POINTS).round().astype(int))]
    return [
        {
            "threshold": float(confidences[place]),
            "coverage": (total - int(place)) / total,
            "accuracy": int(kept_right[place]) / (total - int(place)),
        }
        for place in chosen
    ]
