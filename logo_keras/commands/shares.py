"""Shares of a data set that are set aside: for validation, or held out for testing."""

import sys

import numpy as np

from logo_keras.errors import UserError


def check(share, flag):
    """Checks a share; None is one that was not given.

    Raises:
        UserError: naming the flag, if it lies outside (0, 1).
    """
    if share is not None and not 0 < share < 1:
        raise UserError(f"{flag} must lie between 0 and 1, got {share:g}.")


def hold_out(dataset, share):
    """Leaves a share of the samples out for testing, always the same ones.

    Args:
        dataset: Dataset.
        share: float in (0, 1).

    Returns:
        Two Datasets: the samples to learn from, and those left out.

    Raises:
        UserError: if the share lies outside (0, 1), or leaves nothing to learn from or to test with; names the brands.
    """
    tested, learnt = split(dataset, share, 0, "--held_out")
    return learnt, tested


def split(dataset, share, seed, flag):
    """Deals samples to two sets. Says on stderr which brands have nothing in the share.

    Args:
        dataset: Dataset.
        share: float in (0, 1).
        seed: int.
        flag: str, the flag that asks for it, for errors.

    Returns:
        Two Datasets: the share, and what is left to learn from.

    Raises:
        UserError: if the share lies outside (0, 1) or is empty, or a brand has nothing left to learn from.
    """
    check(share, flag)
    counts = _counts(dataset)
    gives = f"{flag} {share:g} of {len(dataset)} photographs of {len(counts)} brands"
    ways = "add photographs, so that every brand has two different ones (the fewest now: "
    ways += f"{min(counts.values(), default=0)}), or choose another share"
    try:
        taken, rest = dataset.split(share, seed)
    except UserError as error:
        raise UserError(f"{gives}: {error}") from None
    gives += f" takes {len(taken)} and leaves {len(rest)} to learn from"
    if not len(taken):
        raise UserError(f"{gives}: {ways}.")
    if gone := counts.keys() - _counts(rest):
        raise UserError(f"{gives}, and nothing of {_named(gone)}: {ways}.")
    if missing := counts.keys() - _counts(taken):
        print(f"note: {gives}; nothing is taken of {_named(missing)}.", file=sys.stderr)
    return taken, rest


def _named(brands):
    """At most ten brands by name, of all by number."""
    return f"{len(brands)} of the brands ({', '.join(sorted(brands)[:10])}{', ...' * (len(brands) > 10)})"


def _counts(dataset):
    """Samples of each brand that has some: dict from name to int."""
    numbers, counts = np.unique(dataset.labels[dataset.labels >= 0], return_counts=True)
    return {dataset.class_names[number]: int(count) for number, count in zip(numbers, counts, strict=True)}
