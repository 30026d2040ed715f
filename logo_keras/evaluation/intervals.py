"""How far chance alone may have moved a share."""

import math

# Two-sided 95 % of the normal distribution.
Z = 1.959964


def wilson_interval(right, total):
    """The 95 % interval of a share.

    Args:
        right: int.
        total: int, at least 1.

    Returns:
        Two floats in [0, 1].

    Source:
        Wilson 1927, Journal of the American Statistical Association 22 (158), p. 209.
    """
    share, z2 = right / total, Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def counted(right, total):
    """A share for JSON: dict of `samples`, `right`, `share` and `interval`; the last two None where there are no samples."""
    right, total = int(right), int(total)
    share, interval = (right / total, list(wilson_interval(right, total))) if total else (None, None)
    return {"samples": total, "right": right, "share": share, "interval": interval}
