"""What may be claimed of two models that answered the same photos, over seeds and folds where there are several."""

import dataclasses
from collections import Counter

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation import resampling
from logo_keras.evaluation.comparison import Comparison, detectable, mcnemar, samples_of
from logo_keras.evaluation.document import relative
from logo_keras.evaluation.intervals import wilson_interval

# Of `Verdict.to_dict`.
SCHEMA_VERSION = 1
# Below which share of the image's side a logo is small, and below which it is of middle size. Our choice: at 448 px a side of 67
# and of 112 px.
SMALL, MIDDLE = 0.15, 0.25
# Chance deals more evenly than this in 95 % of the draws.
_SURE = 0.05
# Fewer photos that speak for one side prove nothing, whatever the others say: 2 / 2^6 is less than 5 %.
_FEWEST = 6
# Entries of `Evaluation.data` that must agree, and what they are called.
_DATA = {"kind": "--data", "split": "--split", "cut": "--cut"}


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """One of two models, or of two ways to train one.

    Attributes:
        name: str.
        evaluations: tuple of str, the names of its evaluations.
        runs: int, evaluations of the same photos: seeds. Of several folds the fewest.
        top1: float, share of the samples that are right, the mean over runs.
        interval: two floats, its 95 % interval.
    """

    name: str
    evaluations: tuple
    runs: int
    top1: float
    interval: tuple


@dataclasses.dataclass(frozen=True, eq=False)
class Verdict:
    """What may be claimed of two sides. Shares are fractions 0..1.

    Attributes:
        first: Side.
        second: Side.
        comparison: Comparison, top1 of the first less that of the second.
        photos: int, how many photos; `comparison.photographs` counts their boxes where the data set was cut.
        folds: int, parts of the data that different runs were asked about.
        better: int, photos on which the first is more often right.
        worse: int, on which the second is.
        p: float, McNemar's exact test of these two; it knows nothing of seeds.
        detectable: float, the difference that would have been shown in about 8 of 10 draws.
        sizes: dict from "small", "middle" and "large" to dict of `samples`, `top1` (two floats), `difference` and `interval`, of
            the samples whose logo is of this size; empty where no sizes are known.
        discordant: tuple of dict, the samples on which they differ: `photo`, `box` where there is one, `brand`, and `first` and
            `second`, what each run said; None where it could not read the photo.
    """

    first: Side
    second: Side
    comparison: Comparison
    photos: int
    folds: int
    better: int
    worse: int
    p: float
    detectable: float
    sizes: dict
    discordant: tuple

    @property
    def shown(self):
        """bool, whether one side is better: the interval leaves out 0, and more photos say so than chance deals."""
        low, high = self.comparison.interval
        enough = self.p < _SURE if self.single else self.better + self.worse >= _FEWEST
        return not low <= 0 <= high and enough

    @property
    def single(self):
        """bool, whether each side has one run."""
        return self.first.runs == self.second.runs == 1

    @property
    def sentence(self):
        """str, what may be claimed, and what could have been seen."""
        ahead, behind, (low, high) = self.first.name, self.second.name, self.comparison.interval
        if self.comparison.difference < 0:
            ahead, behind, low, high = behind, ahead, -high, -low
        points, low, high = (f"{100 * value:.1f}" for value in (abs(self.comparison.difference), low, high))
        on = f"on these {self.photos:,} photos"
        if self.shown:
            found = f"{ahead} is better than {behind} {on}: {points} points, {low} to {high}"
        elif not self.discordant:
            found = f"Not shown that one is better {on}: both are right on the same ones"
        else:
            found = f"Not shown that one is better {on}: {ahead} has {points} points more than {behind}, {low} to {high}"
        seen = f"a difference of {100 * self.detectable:.1f} points would have been shown in about 8 of 10 such comparisons"
        return f"{found}; {seen}; {self._seeds}."

    @property
    def _seeds(self):
        if self.single:
            return "seeds were not varied, so this is of these models and not of how they were trained"
        ours, theirs = self.first.runs, self.second.runs
        if min(ours, theirs) == 1:
            return "seeds were varied on one side only"
        return f"over {ours} seeds a side" if ours == theirs else f"over {ours} and {theirs} seeds"

    def to_dict(self):
        """All of it, for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "sentence": self.sentence,
            "shown": self.shown,
            "first": dataclasses.asdict(self.first),
            "second": dataclasses.asdict(self.second),
            "samples": self.comparison.photographs,
            "photos": self.photos,
            "folds": self.folds,
            "difference": self.comparison.difference,
            "interval": list(self.comparison.interval),
            "mcnemar": {"first_better": self.better, "second_better": self.worse, "p": self.p},
            "detectable": self.detectable,
            "sizes": self.sizes,
            "discordant": list(self.discordant),
        }


def judge(first, second, names=("first", "second"), resamples=10_000, seed=0):
    """Compares two sides, each of one evaluation or of several.

    Evaluations of the same photos are runs of other seeds, evaluations of different photos folds. The bootstrap draws photos
    within folds, each with all of its boxes, and runs of each side within folds.

    Args:
        first: dict from a name to an Evaluation.
        second: likewise, of the same photos. A photo that no run of one side could read is left out.
        names: two str, what the sides are called.
        resamples: int, of the bootstrap.
        seed: int, of the bootstrap.

    Returns:
        Verdict.

    Raises:
        UserError: if they are not of the same classes, data and photos, do not agree about a brand, or one side lacks a fold.
    """
    folds = _folds(*([_Run(name, evaluation) for name, evaluation in side.items()] for side in (first, second)))
    count, photos = sum(len(fold.keys) for fold in folds), sum(int(fold.photos.max()) + 1 for fold in folds)
    everything = [np.ones(len(fold.keys), bool) for fold in folds]
    top1, drawn = _drawn(folds, everything, resamples, seed)
    comparison = _comparison(top1, drawn, count)
    votes = np.concatenate([fold.votes() for fold in folds])
    better, worse = int((votes > 0).sum()), int((votes < 0).sum())
    runs = [min(len(fold.sides[side]) for fold in folds) for side in (0, 1)]
    plain = runs == [1, 1] and photos == count
    # As logo-evaluate has it.
    intervals = [
        wilson_interval(round(share * count), count) if plain else resampling.interval(drawn[:, side])
        for side, share in enumerate(top1)
    ]
    sides = map(Side, names, map(tuple, (first, second)), runs, top1.tolist(), intervals)
    discordant = sum(fold.discordant.sum() for fold in folds) / count
    # As many photos as have the standard error of the bootstrap, in which boxes and seeds are; of one run they are the photos.
    noise = (drawn[:, 0] - drawn[:, 1]).std()
    worth = count if plain or not noise else (discordant - comparison.difference**2) / noise**2
    return Verdict(
        *sides,
        comparison=comparison,
        photos=photos,
        folds=len(folds),
        better=better,
        worse=worse,
        p=mcnemar(better, worse),
        detectable=detectable(worth, float(discordant)),
        sizes=_by_size(folds, resamples, seed),
        discordant=tuple(row for fold in folds for row in fold.differing()),
    )


class _Run:
    """An evaluation, its samples by what pairs them: path, box, brand, and how often this stood there before."""

    def __init__(self, name, evaluation):
        self.name, self.evaluation = name, evaluation
        self.places, self.brands, times = {}, {}, Counter()
        for place, sample in enumerate(samples_of(evaluation)):
            self.places[*sample, times[sample]] = place
            self.brands.setdefault(sample[:2], set()).add(sample[2])
            times[sample] += 1
        self.unreadable = {relative(path, evaluation.root) for path in evaluation.unreadable}


class _Fold:
    """The runs of both sides about the same photos.

    Attributes:
        sides: two lists of _Run.
        keys: list of n samples, path, box, brand and number, that a run of each side could read.
        photos: int `[n]`, which photo each sample is of, from 0.
        right: two float `[runs, n]`, NaN where a run could not read the photo.
        sizes: float `[n]`, of the logos, NaN where it is not known.
    """

    def __init__(self):
        self.sides, self.brands = ([], []), set()

    def add(self, side, run):
        self.sides[side].append(run)
        self.brands |= run.brands.keys()

    def finish(self):
        """Pairs the samples; raises UserError where the runs are not of the same ones."""
        runs = [*self.sides[0], *self.sides[1]]
        union = dict.fromkeys(key for run in runs for key in run.places)
        for run in runs:
            _check(run, runs[0])
        for run in runs:
            _check_complete(run, union, runs)
        read = [set().union(*(run.places for run in side)) for side in self.sides]
        self.keys = [key for key in union if key in read[0] and key in read[1]]
        if not self.keys:
            raise UserError(f"{self.sides[0][0].name} and {self.sides[1][0].name} have no photo that both could read.")
        numbers = {path: number for number, path in enumerate(dict.fromkeys(key[0] for key in self.keys))}
        self.photos = np.array([numbers[key[0]] for key in self.keys])
        self.right, self.sizes = [], np.full(len(self.keys), np.nan)
        for side in self.sides:
            self.right.append(np.stack([_of_keys(run.evaluation.correct, run, self.keys) for run in side]))
            for run in side:
                if run.evaluation.logo_sizes is not None:
                    told = _of_keys(run.evaluation.logo_sizes, run, self.keys)
                    self.sizes = np.where(np.isnan(self.sizes), told, self.sizes)
        self.shares = [np.nanmean(right, axis=0) for right in self.right]

    @property
    def discordant(self):
        """float `[n]`, how likely it is that a run of each side, drawn at random, differ about a sample."""
        ours, theirs = self.shares
        return ours * (1 - theirs) + theirs * (1 - ours)

    def votes(self):
        """int, one a photo: 1 where the first side is more often right on its boxes, -1 where the second is, else 0."""
        sums = np.bincount(self.photos, self.shares[0] - self.shares[1])
        # Thirds do not add up exactly.
        return np.sign(np.round(sums, 9)).astype(int)

    def differing(self):
        """Rows of the samples on which the sides differ."""
        for place in np.flatnonzero(np.round(self.shares[0] - self.shares[1], 9)):
            path, box, brand, _ = key = self.keys[place]
            said = ([_guess(run, key) for run in side] for side in self.sides)
            row = {"photo": path, **({} if box is None else {"box": list(box)}), "brand": brand}
            yield row | dict(zip(("first", "second"), said, strict=True))


def _folds(first, second):
    """Groups the runs of two sides by their photos: list of _Fold."""
    folds = []
    for side, runs in enumerate((first, second)):
        for run in runs:
            met = [fold for fold in folds if not fold.brands.isdisjoint(run.brands)]
            if len(met) > 1:
                of = " and ".join((each.sides[0] or each.sides[1])[0].name for each in met[:2])
                raise UserError(f"{run.name} has photos of {of}, which have none in common: it is no fold of its own.")
            if not met:
                folds.append(_Fold())
            (met or folds[-1:])[0].add(side, run)
    alone = [fold for fold in folds if not all(fold.sides)]
    if len(alone) == len(folds):
        raise UserError(
            f"{first[0].name} and {second[0].name} have no photo in common. Both must be of the same photos, whole or the same "
            "boxes of them; evaluations of older versions name photos by their folder on one machine, so repeat those."
        )
    for fold in alone:
        (run, *_), other = (fold.sides[0] or fold.sides[1]), "second" if fold.sides[0] else "first"
        raise UserError(f"{run.name} has no counterpart: no evaluation of the {other} side has its photos.")
    for run in (*first, *second):
        _check_classes(run, first[0])
    for fold in folds:
        fold.finish()
    return folds


def _check_classes(run, other):
    ours, theirs = (set(each.evaluation.class_names) for each in (run, other))
    if ours != theirs:
        odd = sorted(ours ^ theirs)[0]
        raise UserError(
            f"{other.name} has {len(theirs)} classes and {run.name} {len(ours)}, and only one of them knows {odd}: to choose "
            "among other classes is another task."
        )


def _check(run, other):
    """Refuses a run of other data than another, or that does not agree about a brand."""
    for name, called in _DATA.items():
        ours, theirs = (each.evaluation.data.get(name) for each in (run, other))
        if run.evaluation.data and other.evaluation.data and ours != theirs:
            raise UserError(f"{other.name} is of {called} {_told(theirs)} and {run.name} of {_told(ours)}: both must be of one.")
    for (path, box), brands in run.brands.items():
        theirs = other.brands.get((path, box), brands)
        if brands.isdisjoint(theirs):
            where = path if box is None else f"{path}, box {list(box)}"
            raise UserError(f"{other.name} and {run.name} do not agree about the brand on {where}.")


def _check_complete(run, union, runs):
    """Refuses a run that was not asked about samples of other runs."""
    missing = [key for key in union if key not in run.places and key[0] not in run.unreadable]
    if missing:
        other = next(each for each in runs if missing[0] in each.places)
        raise UserError(
            f"{run.name} says nothing of {len(missing)} of the {len(union)} samples that it is compared on, for instance of "
            f"{missing[0][0]} in {other.name}: both must be of the same data and split."
        )


def _told(value):
    return "none" if value is None else value


def _of_keys(values, run, keys):
    """The values of a run in the order of keys, NaN where it has none: float `[n]`."""
    places = [run.places.get(key, -1) for key in keys]
    return np.append(np.asarray(values, np.float64), np.nan)[places]


def _guess(run, key):
    place = run.places.get(key)
    return None if place is None else run.evaluation.class_names[run.evaluation.predicted[place]]


def _drawn(folds, chosen, resamples, seed):
    """Both top1 `[2]` of the chosen samples, and of resamples `[resamples, 2]`. Each fold weighs as much as it has samples."""
    total, top1, drawn = sum(each.sum() for each in chosen), np.zeros(2), np.zeros((resamples, 2))
    for number, (fold, each) in enumerate(zip(folds, chosen, strict=True)):
        if each.any():
            right = [side[:, each] for side in fold.right]
            top1 += each.sum() / total * np.array([np.nanmean(side) for side in right])
            drawn += each.sum() / total * resampling.means(right, fold.photos[each], resamples, [seed, number])
    return top1, drawn


def _comparison(top1, drawn, count):
    return Comparison(float(top1[0] - top1[1]), resampling.interval(drawn[:, 0] - drawn[:, 1]), int(count))


def _by_size(folds, resamples, seed):
    found = {}
    for name, low, high in (("small", 0, SMALL), ("middle", SMALL, MIDDLE), ("large", MIDDLE, np.inf)):
        chosen = [(low <= fold.sizes) & (fold.sizes < high) for fold in folds]
        if count := int(sum(each.sum() for each in chosen)):
            top1, drawn = _drawn(folds, chosen, resamples, seed)
            compared = _comparison(top1, drawn, count)
            found[name] = {
                "samples": count,
                "top1": top1.tolist(),
                "difference": compared.difference,
                "interval": list(compared.interval),
            }
    return found
