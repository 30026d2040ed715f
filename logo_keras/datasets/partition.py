"""Sides and folds of a set of photos: stratified, and no photo in two of them."""

import hashlib
import numbers
from collections import Counter, defaultdict

import numpy as np

from logo_keras.arguments import whole
from logo_keras.errors import UserError


def partition(groups, labels, fraction, seed):
    """Deals photos to two sides, the same share of every label, groups undivided.

    Every label with two groups or more is on both sides, as far as groups of several labels allow. Each label is dealt by
    itself, with a generator of its own name: as long as no group has several labels, the photos of one label lie on the
    same sides whatever happens to the others.

    Args:
        groups: sequence of one key a photo; those of equal keys stay together.
        labels: sequence of one str a photo, the name of its class.
        fraction: float in (0, 1), share of the first side.
        seed: int.

    Returns:
        bool `[n]`, True on the first side.

    Raises:
        ValueError: if `fraction` lies outside (0, 1).
    """
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real) or not 0 < fraction < 1:
        raise UserError(f"fraction must lie in (0, 1), got {fraction!r}.")
    together = _together(groups)
    strata = defaultdict(list)
    for members in together:
        # Photos that are alike under different labels go with the first of them.
        strata[labels[members[0]]].append(members)

    first = np.zeros(len(labels), bool)
    for label, stratum in strata.items():
        rng = _generator(seed, label)
        size = sum(map(len, stratum))
        # A share that is no whole number is rounded up as often as it should be: over many labels the sum is right. The small
        # number keeps 0.7 * 10 = 7.000000000000001 and 0.29 * 100 = 28.999999999999996 what they are meant to be.
        target = int(np.floor(round(fraction * size, 9) + rng.random()))
        parts = [stratum[i] for i in rng.permutation(len(stratum))]
        if len(parts) > 1:
            target = min(max(target, 1), size - 1)
        left = target
        for members in parts:
            if len(members) <= left:
                first[members] = True
                left -= len(members)
        if left == target and target and len(parts) > 1:
            first[min(parts, key=len)] = True
    _mend(first, together, labels)
    return first


def folds(groups, labels, n, seed):
    """Deals photos to `n` folds, the same share of every label to each, groups undivided.

    Every label is spread as evenly as its groups allow: where no group has two members, the numbers in two folds differ by at
    most one. Each label is dealt by itself, as in `partition`, so that the numbers of all labels together differ by more. No
    fold is empty.

    Args:
        groups: sequence of one key a photo; those of equal keys stay together.
        labels: sequence of one str a photo, the name of its class.
        n: int, 2 or more.
        seed: int.

    Returns:
        int64 `[n_photographs]`, 0 to `n - 1`.

    Raises:
        ValueError: if `n` is below 2 or above the number of groups.
    """
    whole("the number of folds", n, 2)
    together = _together(groups)
    if n > len(together):
        raise UserError(f"{len(together)} different photographs make at most {len(together)} folds, got {n}.")
    # Groups of several labels concern all of these, and are dealt before the others.
    strata = defaultdict(list)
    for members in together:
        own = {labels[index] for index in members}
        strata[own.pop() if len(own) == 1 else None].append(members)
    counts, places = defaultdict(lambda: np.zeros(n, np.int64)), np.empty(len(labels), np.int64)
    for label in sorted(strata, key=lambda label: (label is not None, label)):
        rng = _generator(seed, label or "")
        ranks = rng.permutation(n)
        parts = [strata[label][i] for i in rng.permutation(len(strata[label]))]
        # Large groups first, so that small ones fill what they leave.
        for members in sorted(parts, key=len, reverse=True):
            often = Counter(labels[index] for index in members)
            # What the sum of squares of all counts grows by, but for what is the same in every fold.
            growth = sum(counts[each] * count for each, count in often.items())
            fold = np.lexsort((ranks, growth))[0]
            for each, count in often.items():
                counts[each][fold] += count
            places[members] = fold
    _fill(places, together, n)
    return places


def _generator(seed, label):
    """Random numbers of one label: its name decides, not its number, which changes when another label is added."""
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def _fill(places, together, n):
    """Moves single groups into folds that are empty, as they are where there are hardly more groups than folds."""
    held = Counter(int(places[members[0]]) for members in together)
    for empty in (fold for fold in range(n) if not held[fold]):
        fullest = max(range(n), key=lambda fold: held[fold])
        members = min((each for each in together if places[each[0]] == fullest), key=len)
        places[members] = empty
        held[fullest] -= 1
        held[empty] = 1


def _together(groups):
    """The members of every group, lists of places."""
    together = defaultdict(list)
    for index, group in enumerate(groups):
        together[group].append(index)
    return list(together.values())


def _mend(first, together, labels):
    """Gives every label of several groups to both sides: one of its groups may have gone with another label."""
    owners = defaultdict(list)
    for members in together:
        for label in {labels[index] for index in members}:
            owners[label].append(members)
    # How many groups of a label lie on the first side.
    counts = {label: sum(first[members[0]] for members in parts) for label, parts in owners.items()}

    def sole(label, side):
        return counts[label] == 1 if side else counts[label] == len(owners[label]) - 1

    for label in sorted(owners):
        parts = owners[label]
        if len(parts) == 1 or 0 < counts[label] < len(parts):
            continue
        side = bool(counts[label])
        for members in sorted(parts, key=len):
            others = {labels[index] for index in members} - {label}
            # Never at the cost of another label.
            if not any(len(owners[other]) > 1 and sole(other, side) for other in others):
                first[members] = not side
                for each in {label, *others}:
                    counts[each] += -1 if side else 1
                break
