"""Sides and folds of a set of photographs: stratified, and no photograph in two of them."""

import numbers
from collections import defaultdict

import numpy as np


def partition(groups, labels, fraction, seed):
    """Deals photographs to two sides, the same share of every label, groups undivided.

    Every label with two groups or more is on both sides, as far as groups of several labels allow.

    Args:
        groups: sequence of one key a photograph; those of equal keys stay together.
        labels: int `[n]`.
        fraction: float in (0, 1), share of the first side.
        seed: int.

    Returns:
        bool `[n]`, True on the first side.

    Raises:
        ValueError: if `fraction` lies outside (0, 1).
    """
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real) or not 0 < fraction < 1:
        raise ValueError(f"fraction must lie in (0, 1), got {fraction!r}.")
    rng = np.random.default_rng(seed)
    together = _together(groups)
    strata = defaultdict(list)
    for members in together:
        # Photographs that are alike under different labels go with the first of them.
        strata[int(labels[members[0]])].append(members)

    sizes = {label: sum(map(len, strata[label])) for label in sorted(strata)}
    shares = _apportion(sizes, fraction, rng)
    first = np.zeros(len(labels), bool)
    for label, size in sizes.items():
        parts = [strata[label][i] for i in rng.permutation(len(strata[label]))]
        target = shares[label]
        if len(parts) > 1:
            target = min(max(target, 1), size - 1)
        taken, count = [], 0
        for members in parts:
            if count + len(members) <= target:
                taken.append(members)
                count += len(members)
        if not taken and target and len(parts) > 1:
            taken = [min(parts, key=len)]
        for members in taken:
            first[members] = True
    _mend(first, together, labels)
    return first


def folds(groups, labels, n, seed):
    """Deals photographs to `n` folds, the same share of every label to each, groups undivided.

    Every label is spread as evenly as its groups allow, and so are all photographs: where no group has two members, the
    numbers in two folds differ by at most one, of each label and of all. No fold is empty.

    Args:
        groups: sequence of one key a photograph; those of equal keys stay together.
        labels: int `[n_photographs]`.
        n: int, 2 or more.
        seed: int.

    Returns:
        int64 `[n_photographs]`, 0 to `n - 1`.

    Raises:
        ValueError: if `n` is below 2 or above the number of groups.
    """
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 2:
        raise ValueError(f"the number of folds must be an integer of at least 2, got {n!r}.")
    together = _together(groups)
    if n > len(together):
        raise ValueError(f"{len(together)} different photographs make at most {len(together)} folds, got {n}.")
    rng = np.random.default_rng(seed)
    names, columns = np.unique(labels, return_inverse=True)
    # Large groups first, so that small ones fill what they leave; then label by label, which keeps all folds level.
    turns, chance = rng.permutation(len(names)), rng.random(len(together))
    keys = [(-len(members), turns[columns[members[0]]], luck) for members, luck in zip(together, chance, strict=True)]
    ranks = rng.permutation(n)
    counts, sizes, places = np.zeros((n, len(names)), np.int64), np.zeros(n, np.int64), np.empty(len(columns), np.int64)
    for group in sorted(range(len(together)), key=keys.__getitem__):
        members = together[group]
        own, often = np.unique(columns[members], return_counts=True)
        # What the sum of squares of all counts grows by, but for what is the same in every fold.
        fold = np.lexsort((ranks, sizes, counts[:, own] @ often))[0]
        counts[fold, own] += often
        sizes[fold] += len(members)
        places[members] = fold
    return places


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
        for label in {int(labels[index]) for index in members}:
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
            others = {int(labels[index]) for index in members} - {label}
            # Never at the cost of another label.
            if not any(len(owners[other]) > 1 and sole(other, side) for other in others):
                first[members] = not side
                for each in {label, *others}:
                    counts[each] += -1 if side else 1
                break


def _apportion(sizes, fraction, rng):
    """Whole numbers near `fraction * size`, with the sum as near: the largest remainders are rounded up."""
    labels = list(sizes)
    exact = np.array([fraction * sizes[label] for label in labels])
    # The small number keeps 0.7 * 10 = 7.000000000000001 and 0.29 * 100 = 28.999999999999996 what they are meant to be.
    whole = np.floor(exact + 1e-9)
    left = round(float(exact.sum()) + 1e-9) - int(whole.sum())
    order = np.lexsort((rng.random(len(labels)), -np.round(exact - whole, 9)))
    whole[order[: max(left, 0)]] += 1
    return dict(zip(labels, whole.astype(int), strict=True))
