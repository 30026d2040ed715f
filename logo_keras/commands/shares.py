"""Shares of a data set that are set aside: for validation, or held out for testing."""

import sys

from logo_keras.datasets.classes import listed
from logo_keras.errors import UserError


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
    if not 0 < share < 1:
        raise UserError(f"{flag} must lie between 0 and 1, got {share:g}.")
    brands = {brand for brand, count in dataset.counts.items() if count}
    gives = f"{flag} {share:g} of {len(dataset)} photographs of {len(brands)} brands"
    try:
        taken, rest = dataset.split(share, seed)
    except UserError as error:
        raise UserError(f"{gives}: {error}") from None
    gives += f" takes {len(taken)} and leaves {len(rest)} to learn from"
    if gone := brands.intersection(rest.empty_classes):
        raise UserError(
            f"{gives}, and nothing of {len(gone)} of the brands ({listed(sorted(gone))}): add photographs, so that every brand "
            "has two different ones, or choose another share."
        )
    if missing := brands.intersection(taken.empty_classes):
        print(f"note: {gives}; nothing is taken of {len(missing)} of the brands ({listed(sorted(missing))}).", file=sys.stderr)
    return taken, rest
