"""Photos that are alike: the same bytes, or nearly the same picture."""

import functools
from dataclasses import dataclass

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.quality import likeness
from logo_keras.files import sha256
from logo_keras.image import preprocessing as photographs
from logo_keras.image.transparency import has_alpha

# Where a picture shows little, that part is compared once more, from this many px a side of the whole. So many pictures are
# kept at a time, 48 KB each.
_CLOSER = 128
# px of the shorter side that a first look needs: hashes and sketches are those of the whole photo, within a level.
_GLANCE = 64
_KEPT = 1024


@dataclass(frozen=True, eq=False)
class Survey:
    """What a look at every photo found.

    Attributes:
        paths: list of str, different ones.
        reasons: dict, path to reason, of those that cannot be read.
        sizes: int64 `[n, 2]`, height and width, px, upright; 0 where the photo cannot be read.
        transparent: bool `[n]`, whether the picture may be.
        hashes: uint64 `[n]`, `likeness.look`.
        sketches: uint8 `[n, 384]`, likewise.
        limits: tuple of 2 ints, px and bytes of the largest photo that is read.
    """

    paths: list
    reasons: dict
    sizes: np.ndarray
    transparent: np.ndarray
    hashes: np.ndarray
    sketches: np.ndarray
    limits: tuple


def alike(dataset):
    """Finds samples of the same photo, of byte-identical files, or of nearly identical pictures.

    Nearly identical are copies that were saved anew, resized, or made a little brighter or darker; not mirrored, turned,
    cropped or recoloured ones, nor those with other words over them. Pictures of a single colour are compared by their
    bytes alone, and photos that cannot be read are like no other.

    Args:
        dataset: Dataset.

    Returns:
        int64 `[n]`, one key a sample: the place of the first sample that is like it, directly or through others.
    """
    first = {}
    for place, path in enumerate(dataset.paths):
        first.setdefault(path, place)
    keys = nearly_identical(survey(list(first), dataset.max_pixels, dataset.max_bytes))
    like = dict(zip(first, np.array([*first.values()], np.int64)[keys], strict=True))
    return np.array([like[path] for path in dataset.paths], np.int64)


def survey(paths, max_pixels=photographs.MAX_PIXELS, max_bytes=photographs.MAX_BYTES):
    """Looks at every photo, in several threads.

    Args:
        paths: list of str, different ones.
        max_pixels: int, largest height times width that is read.
        max_bytes: int, largest file that is read.

    Returns:
        Survey.
    """

    def look(path):
        try:
            photo, size = photographs.glance(path, _GLANCE, max_pixels, max_bytes)
            data = photographs.file_bytes(path, max_bytes)
        except photographs.UnreadablePhotograph as error:
            return error.reason
        return size, has_alpha(data), *likeness.look(photo)

    reasons, sizes, transparent = {}, np.zeros((len(paths), 2), np.int64), np.zeros(len(paths), bool)
    hashes, sketches = np.zeros(len(paths), np.uint64), np.zeros((len(paths), likeness.SKETCH), np.uint8)
    for place, (path, seen) in enumerate(in_threads(look, paths, "looking at photographs")):
        if isinstance(seen, str):
            reasons[path] = seen
        else:
            sizes[place], transparent[place], hashes[place], sketches[place] = seen
    return Survey(paths, reasons, sizes, transparent, hashes, sketches, (max_pixels, max_bytes))


def identical(survey):
    """Finds byte-identical files.

    Args:
        survey: Survey.

    Returns:
        int64 `[n]`, the place of the first photo with the same bytes: its own where there is none before it.
    """
    keys = np.arange(len(survey.paths))
    looks = np.column_stack([survey.sizes.astype(np.uint64), survey.hashes])
    _, which, counts = np.unique(looks, axis=0, return_inverse=True, return_counts=True)
    # Only files whose pictures have one size and one hash are read again.
    again = [int(place) for place in np.flatnonzero(counts[which.reshape(-1)] > 1) if survey.sizes[place, 0]]
    first = {}
    for place, found in in_threads(lambda place: digest(survey.paths[place]), again, "comparing files"):
        if found is not None:
            keys[place] = first.setdefault(found, place)
    return keys


def nearly_identical(survey, keys=None):
    """Finds nearly identical pictures, byte-identical files among them.

    Args:
        survey: Survey.
        keys: int64 `[n]` of `identical`, if they are known.

    Returns:
        int64 `[n]`, the place of the first photo that is like it, directly or through others.
    """
    keys = (identical(survey) if keys is None else keys).copy()
    sketches = likeness.Sketches(survey.sketches)
    closer = functools.lru_cache(_KEPT)(lambda place: _closer(survey, place))
    told_apart = np.flatnonzero((keys == np.arange(len(keys))) & ~sketches.plain())
    for first, second in likeness.candidates(survey.hashes, told_apart):
        # Whoever is in one group already needs no second look.
        apart = _roots(keys, first) != _roots(keys, second)
        first, second = first[apart], second[apart]
        same = sketches.same(first, second)
        for pair in zip(first[same], second[same], strict=True):
            one, other = _roots(keys, np.array(pair))
            if one != other and _same_closer(sketches, closer, *pair):
                keys[max(one, other)] = min(one, other)
    return _roots(keys, np.arange(len(keys)))


def _roots(keys, places):
    """Follows keys to those that are their own."""
    while (keys[places] != places).any():
        places = keys[places]
    return places


def _same_closer(sketches, closer, one, other):
    """Whether two pictures that seem the same still do where they show something, if that is a small part of them.

    Otherwise every small mark in the middle of a white picture would be like every other.
    """
    part = sketches.content(one, other)
    if part is None:
        return True
    whole = [closer(place) for place in (one, other)]
    if any(picture is None for picture in whole):
        return False
    top, left, bottom, right = (round(side * _CLOSER) for side in part)
    parts = likeness.Sketches(np.stack([likeness.look(picture[top:bottom, left:right])[1] for picture in whole]))
    return not parts.plain().any() and bool(parts.same(np.array([0]), np.array([1]))[0])


def _closer(survey, place):
    """A picture of `_CLOSER` x `_CLOSER` px; None if the file is gone."""
    try:
        return photographs.resize(photographs.read(survey.paths[place], *survey.limits), _CLOSER)
    except photographs.UnreadablePhotograph:
        return None


def digest(path):
    """SHA-256 of a file; None if it is gone."""
    try:
        return sha256(path)
    except OSError:
        return None
