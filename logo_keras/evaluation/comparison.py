"""How much more often one model is right than another on the same photos, and how far chance alone may have moved that."""

import dataclasses
import math
from collections import defaultdict

import numpy as np

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.evaluation import resampling
from logo_keras.evaluation.document import PX_DIGITS, relative

# Of the normal distribution: a two-sided test at 5 % that finds a difference in 80 % of the draws.
_Z_TEST, _Z_POWER = 1.959964, 0.841621
# Photos that must be expected to speak for one side, and none for the other, so that in 80 % of the draws six do: of a Poisson
# variable of this mean 80 % lie above 5. Six are the fewest of which McNemar's test is sure, 2 / 2^6 being less than 5 %.
_FEWEST = 7.906


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How much more often the first of two models is right than the second.

    Attributes:
        difference: float, top1 of the first minus top1 of the second, on the samples that both were asked about.
        interval: two floats, its 95 % interval by a paired bootstrap over photos, and over runs where there are several.
        photographs: int, how many samples these are: photos, or boxes of a data set that was cut.
    """

    difference: float
    interval: tuple
    photographs: int


def compare(first, second, resamples=10_000, seed=0):
    """Compares two models sample by sample. `logo_keras.evaluation.verdict.judge` says more, also of several runs.

    Args:
        first: Evaluation.
        second: Evaluation of the same set; samples that only one of them could read are left out.
        resamples: int, of the bootstrap, which draws photos, each with all of its boxes.
        seed: int, of the bootstrap.

    Returns:
        Comparison.

    Raises:
        ValueError: if no sample is common to both, or they do not agree about the brand of one.
    """
    samples = samples_of(first)
    ours, theirs = paired(samples, samples_of(second)).T
    photos = [samples[place][0] for place in ours]
    return bootstrap(first.correct[ours].astype(float) - second.correct[theirs], resamples, seed, photos)


def bootstrap(differences, resamples=10_000, seed=0, photos=None):
    """The mean of paired differences and its 95 % interval: what another choice of test photos would do.

    Args:
        differences: float `[n]`, one a sample: 1 where only the first model is right, -1 where only the second is, else 0; or
            `[runs, n]`, NaN where a run was not asked, and then what other runs would do is in it.
        resamples: int.
        seed: int.
        photos: sequence of n, which photo each sample is of, or None if each is a photo of its own.

    Returns:
        Comparison.
    """
    differences = np.asarray(differences, np.float64)
    drawn = resampling.means([differences], photos, resamples, seed)
    return Comparison(float(np.nanmean(differences)), resampling.interval(drawn), differences.shape[-1])


def mcnemar(first, second):
    """McNemar's exact test: how likely it is that chance deals discordant photos at least as unevenly to two equal models.

    Args:
        first: int, photos on which only the first model is right.
        second: int, on which only the second is.

    Returns:
        float in (0, 1], two-sided.

    Source:
        McNemar 1947, Psychometrika 12 (2), p. 153; with the binomial distribution instead of its approximation.
    """
    number = whole("first", first, 0) + whole("second", second, 0)
    logs = [math.lgamma(number + 1) - math.lgamma(k + 1) - math.lgamma(number - k + 1) for k in range(min(first, second) + 1)]
    return min(1.0, 2 * math.fsum(math.exp(each - number * math.log(2)) for each in logs))


def detectable(photos, discordant):
    """The difference in top1 that a comparison would have shown in about 8 of 10 draws of photos, tested at 5 %.

    Args:
        photos: float above 0, how many photos.
        discordant: float in [0, 1], share of the photos on which one model alone is right.

    Returns:
        float in (0, 1]. Where the models hardly differ, as much as six photos ask for that all speak for one side.

    Source:
        Connor 1987, Sample size for testing differences in proportions for the paired-sample design, Biometrics 43, p. 207: its
        formula for the number of pairs, solved for the difference.
    """
    # A quadratic equation in the difference.
    z2 = _Z_POWER**2
    root = math.sqrt(max(0.0, discordant * z2 * (photos - _Z_TEST**2 + z2)))
    found = (_Z_TEST * math.sqrt(discordant * photos) + root) / (photos + z2)
    return min(1.0, max(found, _FEWEST / photos))


def paired(first, second):
    """Finds the samples that two lists have in common.

    Args:
        first: sequence of `(path, box, brand)`, the box None or four floats.
        second: likewise. Where a sample stands in a list several times, its first is paired with the first of the other
            list, and so on.

    Returns:
        int `[m, 2]`, places in `first` and `second`, in the order of `first`.

    Raises:
        ValueError: if no sample is common to both, or they do not agree about the brand of one.
    """
    numbers, brands = defaultdict(list), defaultdict(lambda: (set(), set()))
    for path, box, brand in first:
        brands[_key(path, box)][0].add(brand)
    for number, (path, box, brand) in enumerate(second):
        brands[_key(path, box)][1].add(brand)
        numbers[_key(path, box), brand].append(number)
    for (path, box), (ours, theirs) in brands.items():
        if ours and theirs and ours.isdisjoint(theirs):
            where = "" if box is None else f", box {list(box)}"
            raise UserError(f"the two evaluations do not agree about the brand on {path}{where}.")
    pairs = [
        (number, left.pop(0)) for number, (path, box, brand) in enumerate(first) if (left := numbers[_key(path, box), brand])
    ]
    if not pairs:
        raise UserError(
            "the two evaluations have no photograph in common. Both must be of whole photographs, or of the same boxes."
        )
    return np.array(pairs)


def samples_of(evaluation):
    """Path below the data set's folder, box and brand of each sample of an Evaluation: list of tuples."""
    boxes = [None] * len(evaluation.paths) if evaluation.boxes is None else evaluation.boxes.tolist()
    rows = zip(evaluation.paths, boxes, evaluation.labels, strict=True)
    return [(*_key(relative(path, evaluation.root), box), evaluation.class_names[label]) for path, box, label in rows]


def _key(path, box):
    # As exact as boxes are in JSON.
    return path, None if box is None else tuple(round(float(value), PX_DIGITS) for value in box)
