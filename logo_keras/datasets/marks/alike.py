"""Marks that look the same under two names: packages call one brand differently, and brands share marks."""

import numpy as np

from logo_keras.extras import cv2

# px, side of the squares that are compared.
_SIDE = 32
# Correlation from which two marks of different names are one. Of 39 pairs between 0.97 and 0.98 that were looked at, one was of
# two brands (two stars that a person cannot tell apart); between 0.93 and 0.94 half were (2 cores, November 2026).
SAME = 0.97
# Pairs are sought in blocks of so many marks: 2,000 x 14,000 correlations take 112 MB.
_BLOCK = 2000


def fingerprint(pixels):
    """What a picture is compared by.

    Args:
        pixels: uint8 `[h, w]` or `[h, w, 4]`, as in `Drawing`.

    Returns:
        float32, of length 1 and mean 0: `[1024]` of a mark of one colour, `[3072]` of one in several.
    """
    height, width = pixels.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(pixels, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=0)
    square = cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if square.ndim == 3:
        # On grey, from which both black and white marks stand out.
        square = square[..., :3] + 128 * (1 - square[..., 3:] / 255)
    vector = square.ravel() - square.mean()
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def joined(brands, fingerprints):
    """Joins the brands of marks that look the same.

    Marks of one colour are compared by their shape, and those in several colours with each other.

    Args:
        brands: sequence of str `[n]`, the brand of each mark.
        fingerprints: sequence of float32 `[n]`, from `fingerprint`.

    Returns:
        tuple of str `[n]`, the brands after joining: each has the name of the one with the most marks, then of the first in the
        alphabet.
    """
    above = {brand: brand for brand in brands}

    def top(brand):
        while above[brand] != brand:
            brand = above[brand] = above[above[brand]]
        return brand

    for length in sorted({len(vector) for vector in fingerprints}):
        places = [place for place, vector in enumerate(fingerprints) if len(vector) == length]
        vectors = np.stack([fingerprints[place] for place in places])
        for start in range(0, len(places), _BLOCK):
            alike = vectors[start : start + _BLOCK] @ vectors.T >= SAME
            for first, second in np.argwhere(alike):
                one, other = top(brands[places[start + first]]), top(brands[places[second]])
                above[max(one, other)] = min(one, other)
    counts = {brand: 0 for brand in above}
    for brand in brands:
        counts[brand] += 1
    names = {}
    for brand in sorted(above, key=lambda brand: (-counts[brand], brand)):
        names.setdefault(top(brand), brand)
    return tuple(names[top(brand)] for brand in brands)
