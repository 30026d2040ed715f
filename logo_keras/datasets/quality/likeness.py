"""Whether two pictures are nearly the same: a hash that finds candidates among millions, and a second look at each."""

import functools

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image.preprocessing import resize

# A hash of 64 bits: which of the lowest frequencies of the cosine transform are present in the picture, grey, 32 x 32 px,
# without its mean (after C. Zauner, Implementation and benchmarking of perceptual image hash functions, 2010). The package
# `imagehash` would bring SciPy and PyWavelets into the base install for these few lines, and takes no second look.
_SIDE = 32
_BITS = 64
# A frequency above this counts as present. A symmetrical logo on white lacks half of them; with a threshold of 0 their bits
# are chance: of 3,466 marks of simplepycons, saved anew at quality 60, 8 % agreed in no band any more; with 8 all do.
_PRESENT = 8.0
# Two pictures are candidates if their hashes differ in at most this many bits and agree in one of this many bands of bits.
_DIFFERENT_BITS = 10
_BANDS = 5
# Candidates at a time, 2 KB each.
_PAIRS = 8192
# The second look: 16 x 16 cells of brightness, 8 x 8 of two colour differences, levels 0..255, and what they may differ by.
# Measured with hash and second look together on the 1,779 photos of FlickrLogos-27 and TopLogo-10: of those saved anew
# at quality 60 all are found, made brighter or darker by 15 levels 99.9 %, halved 99.4 % (all but one with a side of 64 px
# or more), made brighter by 25 levels 98.9 %; of the 13 groups of copies that they hold an eye finds none to be wrong. Of
# 3,466 different marks on white three pairs pass, which no eye can tell apart; the next pair's cells differ by 28.
_CELLS, _COLOUR_CELLS = 16, 8
_CORRELATION = 0.98
_CELL_DIFFERENCE = 24
_COLOUR_DIFFERENCE = 24
_MEAN_DIFFERENCE = 40
_GAIN = 4 / 3
# Below this contrast (standard deviation) a picture is of one colour and has nothing to compare.
_FLAT = 3
# Numbers in a sketch.
SKETCH = _CELLS**2 + 2 * _COLOUR_CELLS**2


def look(photo):
    """Looks at a picture once.

    Args:
        photo: uint8 RGB `[H, W, 3]`.

    Returns:
        Its hash, uint64, and its sketch, uint8 `[384]`: 16 x 16 cells of brightness, then 8 x 8 of two colours.
    """
    small = cv2.cvtColor(resize(photo, _SIDE), cv2.COLOR_RGB2YCrCb)
    frequencies = cv2.dct(small[..., 0].astype(np.float32))[_lowest()]
    hashed = np.packbits(frequencies > _PRESENT).view(np.uint64)[0]
    bright = cv2.resize(small[..., 0], (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    colours = cv2.resize(small[..., 1:], (_COLOUR_CELLS, _COLOUR_CELLS), interpolation=cv2.INTER_AREA)
    return hashed, np.concatenate([bright.reshape(-1), colours.reshape(-1)])


def candidates(hashes, places):
    """Finds pictures with like hashes.

    Args:
        hashes: uint64 `[n]`.
        places: int64 `[m]`, those to compare.

    Yields:
        Pairs as two int64 arrays of places, of one length; every pair once.
    """
    bands = [np.bitwise_or.reduce(np.uint64(1) << np.arange(band, _BITS, _BANDS, dtype=np.uint64)) for band in range(_BANDS)]
    for number, mask in enumerate(bands):
        order = places[np.argsort(hashes[places] & mask, kind="stable")]
        values = hashes[order] & mask
        left, distance = np.arange(len(order)), 1
        # Neighbours at growing distances in the sorted band, as long as any two agree in it: no pair is formed in vain.
        while len(left := left[left < len(order) - distance]):
            left = left[values[left] == values[left + distance]]
            for start in range(0, len(left), _PAIRS):
                chosen = left[start : start + _PAIRS]
                first, second = order[chosen], order[chosen + distance]
                different = hashes[first] ^ hashes[second]
                close = _count_bits(different) <= _DIFFERENT_BITS
                for earlier in bands[:number]:
                    close &= (different & earlier) != 0
                yield first[close], second[close]
            distance += 1


class Sketches:
    """Sketches of pictures, to be compared in pairs."""

    def __init__(self, sketches):
        """Takes sketches of `look`.

        Args:
            sketches: uint8 `[n, 384]`.
        """
        self._cells, self._colours = np.split(sketches, [_CELLS**2], axis=1)
        # In parts: all at once would take many times the memory of the sketches.
        parts = np.array_split(self._cells, len(sketches) // _PAIRS + 1)
        self._means, self._contrasts = (
            np.concatenate([measure(part, axis=1, dtype=np.float32) for part in parts]) for measure in (np.mean, np.std)
        )

    def plain(self):
        """Which pictures are of one colour, so that there is nothing to compare: bool `[n]`."""
        return self._contrasts < _FLAT

    def same(self, first, second):
        """Compares pairs of pictures, up to a little brightness and contrast.

        Args:
            first: int64 `[m]`, places of pictures that are not plain.
            second: int64 `[m]`, what to compare them with.

        Returns:
            bool `[m]`.
        """
        gains = self._contrasts[first] / self._contrasts[second]
        same = (np.abs(self._means[first] - self._means[second]) <= _MEAN_DIFFERENCE) & (np.maximum(gains, 1 / gains) <= _GAIN)
        # Most pictures that differ do so in a few cells already; all cells of few pairs are left to compare.
        for chosen in (slice(3, None, 7), slice(None)):
            left = np.flatnonzero(same)
            one, other = (self._standardized(places[left], chosen) for places in (first, second))
            # In levels at the contrast between both: the same answer whichever comes first.
            contrast = np.sqrt(self._contrasts[first[left]] * self._contrasts[second[left]])
            same[left] = np.abs(one - other).max(1, initial=0) * contrast <= _CELL_DIFFERENCE
        same[left] &= (one * other).mean(1) >= _CORRELATION
        left = np.flatnonzero(same)
        colours = self._colours[first[left]].astype(np.int16) - self._colours[second[left]]
        same[left] = np.abs(colours).max(1, initial=0) <= _COLOUR_DIFFERENCE
        return same

    def content(self, one, other):
        """Where two pictures show something on an even ground.

        Args:
            one: int, a place.
            other: int, a place.

        Returns:
            None if that is more than half of the picture, else `(y0, x0, y1, x1)` in shares of it.
        """
        cells = self._cells[[one, other]].reshape(2, _CELLS, _CELLS)
        deviations = np.abs(cells - np.median(cells, axis=(1, 2), keepdims=True))
        shown = (deviations > deviations.max(axis=(1, 2), keepdims=True) / 4).any(0)
        # With a cell around it: a mark may begin in the next one.
        sides = [np.flatnonzero(shown.any(axis)) for axis in (1, 0)]
        low, high = ([max(side[0] - 1, 0) for side in sides], [min(side[-1] + 2, _CELLS) for side in sides])
        area = (high[0] - low[0]) * (high[1] - low[1])
        return None if 2 * area > _CELLS**2 else tuple(side / _CELLS for side in (*low, *high))

    def _standardized(self, places, cells):
        return (self._cells[places][:, cells] - self._means[places, None]) / self._contrasts[places, None]


@functools.cache
def _lowest():
    """Row and column of the lowest frequencies but the mean, along the diagonals."""
    places = [(row, column) for row in range(_SIDE) for column in range(_SIDE)]
    places.sort(key=lambda place: (sum(place), place))
    return tuple(np.array(places[1 : _BITS + 1]).T)


def _count_bits(numbers):
    # np.bitwise_count is younger than the oldest NumPy that this package takes.
    return np.unpackbits(numbers[:, None].view(np.uint8), axis=1).sum(1)
