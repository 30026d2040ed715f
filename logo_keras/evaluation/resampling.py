"""Photos and runs drawn anew: how far chance alone moves a mean, or the difference of two models."""

import numpy as np

# Resamples that are held at once: of 50,000 photos that all differ, 40 MB.
_AT_ONCE = 100


def means(sides, photos=None, resamples=10_000, seed=0):
    """The mean of each side, again and again, of photos and runs that are drawn with replacement.

    Photos are drawn for all sides at once, so that the sides stay paired; the runs of each side by themselves. Photos about which
    all runs say the same are drawn together, which changes nothing but the time it takes.

    Args:
        sides: sequence of float `[n]` or `[runs, n]`, what each run says of n samples, NaN where it was not asked.
        photos: sequence of n, which photo each sample is of, or None if each is a photo of its own. The samples of a photo are
            drawn together.
        resamples: int.
        seed: int.

    Returns:
        float `[resamples, sides]`; NaN where the drawn runs were asked about none of the drawn photos.

    Source:
        Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1 (2), p. 386.
    """
    sides = [np.atleast_2d(np.asarray(side, np.float64)) for side in sides]
    ends = np.cumsum([0, *map(len, sides)])
    values = np.concatenate(sides)
    asked = ~np.isnan(values)
    # A row a sample: what each run says of it, 0 where it was not asked, and whether it was.
    rows = np.concatenate([np.where(asked, values, 0.0), asked]).T
    if photos is not None:
        rows = _sums(rows, photos)
    # Photos that are never asked about say nothing of how many there might be.
    rows = rows[rows[:, ends[-1] :].any(axis=1)]
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    right, all_ = kinds[:, : ends[-1]].T, kinds[:, ends[-1] :].T
    rng, found = np.random.default_rng(seed), np.empty((resamples, len(sides)))
    for first in range(0, resamples, _AT_ONCE):
        part = found[first : first + _AT_ONCE]
        of_photos = rng.multinomial(len(rows), counts / len(rows), len(part))
        for number, (start, end) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
            runs = end - start
            of_runs = rng.multinomial(runs, np.full(runs, 1 / runs), len(part)).astype(np.float64)
            sums, totals = (((of_runs @ table[start:end]) * of_photos).sum(axis=1) for table in (right, all_))
            part[:, number] = np.divide(sums, totals, out=np.full(len(part), np.nan), where=totals > 0)
    return found


def interval(values):
    """The 95 % interval of resampled values: two floats, the quantiles 0.025 and 0.975 of those that are numbers."""
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def _sums(rows, photos):
    """The sum of the rows of each photo."""
    places = {}
    numbers = [places.setdefault(photo, len(places)) for photo in photos]
    sums = np.zeros((len(places), rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums
