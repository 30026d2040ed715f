"""Two sides of a set of photographs: stratified, and no photograph on both."""

import hashlib
import numbers
import os
from collections import Counter, defaultdict

import numpy as np


def partition(paths, labels, fraction, seed):
    """Deals photographs to two sides, the same share of every label, byte-identical files to the same side.

    Every label with two different photographs or more is on both sides.

    Args:
        paths: list of str.
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
    groups = defaultdict(list)
    for index, key in enumerate(_contents(paths)):
        groups[key].append(index)
    strata = defaultdict(list)
    for members in groups.values():
        # Identical files under different labels go with the first of them.
        strata[int(labels[members[0]])].append(members)

    sizes = {label: sum(map(len, strata[label])) for label in sorted(strata)}
    shares = _apportion(sizes, fraction, rng)
    first = np.zeros(len(paths), bool)
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
    return first


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


def _contents(paths):
    """One key a path, equal for equal files. Only files of equal size are read; a missing one equals itself alone."""
    sizes = {path: os.path.getsize(path) if os.path.isfile(path) else None for path in set(paths)}
    often = Counter(size for size in sizes.values() if size is not None)
    keys = {}
    for path, size in sizes.items():
        keys[path] = path
        if size is not None and often[size] > 1:
            with open(path, "rb") as file:
                keys[path] = hashlib.sha256(file.read()).digest()
    return [keys[path] for path in paths]
