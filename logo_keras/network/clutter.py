"""What a detector takes for a logo in photos without any: background vectors of real things, for galleries."""

import numpy as np

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.preprocessing import pixels
from logo_keras.report.progress import progress

# A photo is looked at as a whole and in so many areas, whose sides are shares of its own, log-uniform: things seen from nearer.
_AREAS, _SHARES = 10, (0.2, 0.9)
# Rounds of k-means. Ours; not tuned.
_ROUNDS = 12


def middles(detect, photos, count, seed):
    """The middles of groups of what a detector sees in photos.

    Args:
        detect: function from a photo, uint8 RGB `[H, W, 3]`, to a `logo_keras.edge.detection.Detection`.
        photos, count, seed: as for `LogoDetector.learn_backgrounds`.

    Returns:
        float32 `[n, D]`, of length 1, at most `count`.

    Raises:
        UnreadablePhoto, ValueError: as `LogoDetector.learn_backgrounds`.
    """
    whole("count", count, 1)
    photos = list(photos)
    if not photos:
        raise UserError("photos must be one or more, got none.")
    seen = []
    for number in progress(range(len(photos)), "photos", len(photos)):
        for area in _areas(pixels(photos[number]), np.random.default_rng([seed, number])):
            found = detect(area)
            seen += [found.whole_embedding[None], found.embeddings]
    seen = np.concatenate(seen).astype(np.float32)
    if len(seen) > count:
        cv2.setRNGSeed(seed)
        _, _, seen = cv2.kmeans(seen, count, None, (cv2.TERM_CRITERIA_MAX_ITER, _ROUNDS, 0), 1, cv2.KMEANS_RANDOM_CENTERS)
    return seen / np.linalg.norm(seen, axis=1, keepdims=True)


def _areas(photo, rng):
    """A photo and areas of it: list of uint8 RGB `[h, w, 3]`."""
    size, areas = np.array(photo.shape[:2]), [photo]
    for _ in range(_AREAS):
        sides = np.maximum(1, (size * np.exp(rng.uniform(*np.log(_SHARES)))).astype(int))
        y, x = rng.integers(size - sides + 1)
        areas.append(np.ascontiguousarray(photo[y : y + sides[0], x : x + sides[1]]))
    return areas
