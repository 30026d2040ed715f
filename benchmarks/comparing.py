"""How often the interval of logo-compare holds the true difference, and how often a difference is shown, on drawn answers.

.venv/bin/python benchmarks/comparing.py

Answers to photos are drawn: some photos are harder than others, for one model more than for the other; runs of other seeds are
better or worse as a whole, and answer each photo by chance a little. Then the truth is known, and `judge` is asked as it would be
of files: how often its 95 % interval holds it, and, where the truth is the difference that a comparison says it would have shown,
how often it does. Below stands what it says of two models of benchmarks/accuracy.py, two seeds each.
"""

import dataclasses
import json

import numpy as np
from result import RESULTS, Table, keep, run

from logo_keras.commands.compare import table
from logo_keras.evaluation import Evaluation, judge
from logo_keras.evaluation.comparison import detectable

# Enough for a percent: of 1,000 draws, 95 % stand within 1.4 points.
_DRAWS, _RESAMPLES = 1000, 1000
# On the scale of the answers' noise: photos, photos for one of the models, photos of one run.
_PHOTO, _MODEL, _CHANCE = 2.0, 0.7, 1.0
# Of a run as a whole; the table says what that is in points.
_SEEDS = (0.0, 0.06, 0.15, 0.4)


def define(flags):
    flags.integer("draws", _DRAWS, "Comparisons a row.", lower_bound=10)


def main(flags, _):
    covered = Table("photos", "boxes a photo", "folds", "runs a side", "spread of runs, points", "interval holds truth, %")
    for photos, boxes, folds, runs, seed in _rows():
        spread, held = _coverage(flags.draws, photos, boxes, folds, runs, seed)
        covered.add(photos, boxes, folds, runs, f"{100 * spread:.1f}", f"{100 * held:.1f}")
    powers = Table("photos", "discordant, %", "stated difference, points", "shown, %")
    for photos, discordant in ((100, 0.3), (300, 0.1), (300, 0.3), (2000, 0.1), (300, 0.03)):
        stated, shown = _power(flags.draws, photos, discordant)
        powers.add(photos, f"{100 * discordant:g}", f"{100 * stated:.1f}", f"{100 * shown:.1f}")
    facts = [
        f"{flags.draws:,} comparisons a row, {_RESAMPLES:,} resamples each",
        "First table: both models are equally good; the spread is the standard deviation of top-1 over seeds",
        "Second table: one run a side, and the true difference is the one that logo-compare says it would have shown",
    ]
    example = ["```", *table(_example()).splitlines(), "```"]
    keep("comparing", covered, powers, example, title="What logo-compare says of drawn answers", facts=facts)


def _rows():
    for photos in (100, 300):
        yield photos, 1, 1, 1, 0.0
    yield 100, 4, 1, 1, 0.0
    yield 300, 1, 5, 1, 0.0
    for runs in (2, 3, 5):
        for seed in _SEEDS:
            yield 300, 1, 1, runs, seed
    yield 300, 1, 3, 3, _SEEDS[2]


def _coverage(draws, photos, boxes, folds, runs, seed):
    """The standard deviation of top1 over runs, and the share of the intervals that hold 0."""
    held = 0
    for draw in range(draws):
        rng = np.random.default_rng([draw, photos, boxes, folds, runs])
        sides = _sides(rng, photos, boxes, folds, runs, seed)
        low, high = judge(*sides, resamples=_RESAMPLES).comparison.interval
        held += low <= 0 <= high
    # So many photos that chance is hardly in it.
    hard, own = (each * rng.standard_normal(20_000) for each in (_PHOTO, _MODEL))
    spread = np.std([_right(rng, hard, own, seed).mean() for _ in range(200)])
    return spread, held / draws


def _sides(rng, photos, boxes, folds, runs, seed):
    """Two sides of equally good models: dicts of Evaluations."""
    sides = {}, {}
    for fold in range(folds):
        count = photos // folds
        hard = np.repeat(_PHOTO * rng.standard_normal(count), boxes)
        for side in sides:
            own = np.repeat(_MODEL * rng.standard_normal(count), boxes)
            for number in range(runs):
                side[f"{fold}-{number}"] = _evaluation(_right(rng, hard, own, seed), fold * count, boxes)
    return sides


def _right(rng, hard, own, seed):
    """Whether a run answers photos rightly; about two of three."""
    return 1 + hard + own + seed * rng.standard_normal() + _CHANCE * rng.standard_normal(len(hard)) > 0


def _power(draws, photos, discordant):
    """The difference that is said to be shown in 8 of 10 draws, and the share in which it is."""
    stated = detectable(photos, discordant)
    # The share of discordant photos is at least the difference.
    discordant, shown = max(discordant, stated), 0
    for draw in range(draws):
        rng = np.random.default_rng([draw, photos])
        one = rng.choice(3, photos, p=[(discordant + stated) / 2, (discordant - stated) / 2, 1 - discordant])
        sides = [{"": _evaluation(one != other, 0, 1)} for other in (1, 0)]
        shown += judge(*sides, resamples=_RESAMPLES).shown
    return stated, shown / draws


def _example():
    """The Verdict of DRNA-Net and a plain classifier on the test photos of TopLogo-10."""
    sides = []
    for name in ("drna", "plain"):
        paths = [RESULTS / f"accuracy-toplogo10-{name}-seed{seed}.json" for seed in (0, 1)]
        sides.append({path.stem: _of_answers(json.loads(path.read_text())["answers"]) for path in paths})
    return judge(*sides, names=("drna", "plain"))


def _of_answers(answers):
    """An Evaluation of the rows that benchmarks/accuracy.py keeps: path, box, brand and guess."""
    paths, _, brands, guesses = zip(*answers, strict=True)
    names = tuple(sorted({*brands, *guesses}))
    labels, best = (np.array([names.index(name) for name in each]) for each in (brands, guesses))
    best = best[:, None]
    return Evaluation(names, paths, labels, None, {}, None, 448, best=best, best_probabilities=best, ranks=best[:, 0])


def _evaluation(right, first, boxes):
    """An Evaluation of samples that are right or wrong, `boxes` of each photo, the photos numbered from `first`."""
    count, best = len(right), np.where(np.asarray(right)[:, None], (0, 1), (1, 0))
    numbers = np.arange(count)
    places = None if boxes == 1 else np.float32(np.outer(numbers % boxes, np.ones(4)))
    paths = tuple(map(str, first + numbers // boxes))
    found = Evaluation(
        ("a", "b"), paths, np.zeros(count, int), None, {}, None, 32, best=best, best_probabilities=best, ranks=best[:, 0]
    )
    return dataclasses.replace(found, boxes=places)


if __name__ == "__main__":
    run(__doc__, main, define)
