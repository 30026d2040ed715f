"""How well a gallery names brands: on a data set, and on photos that calibrate it."""

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.classes import composed, listed
from logo_keras.errors import UserError
from logo_keras.evaluation.intervals import wilson_interval
from logo_keras.gallery import artwork
from logo_keras.image.preprocessing import UnreadablePhoto
from logo_keras.image.surroundings import squares

# What waits in memory while others are embedded: squares of photos, or whole photos that are searched.
_WAITING, _SEARCHED = 64, 4


@dataclass(frozen=True)
class GalleryEvaluation:
    """What a gallery said of n samples. Shares are fractions 0..1.

    Attributes:
        samples: int, with a brand of the gallery.
        top1: float, the share of them whose likeliest brand is the right one, whatever the thresholds; None without any.
        top1_interval: two floats, its 95 % interval; None likewise.
        named: float, the share whose likeliest brand is right and known; None likewise.
        misnamed: float, the share whose likeliest known brand is a wrong one; None likewise.
        others: int, samples that show no brand of the gallery.
        false_accepts: float, the share of them of which some brand was known all the same; None without any.
        per_brand: dict from label to float, the share of its samples that are right, as `top1`.
        strangers: tuple of str, brands of the data set that the gallery does not have; their samples are among `others`.
        references: int, samples that were left out since a reference comes from their photo.
        calibrated_on: int, samples that were left out since their photo calibrated the gallery.
        unreadable: dict from path to reason.
        rule: str or None, where the thresholds come from, as of `Gallery`.
    """

    samples: int
    top1: float | None
    top1_interval: tuple | None
    named: float | None
    misnamed: float | None
    others: int
    false_accepts: float | None
    per_brand: dict
    strangers: tuple
    references: int
    calibrated_on: int
    unreadable: dict
    rule: str | None

    def to_dict(self):
        """The same for JSON."""
        return asdict(self)


def score(gallery, samples, what, close=False):
    """How alike photos are to the brands of a gallery, each looked at as `Gallery.recognize` does.

    Args:
        gallery: Gallery.
        samples: list of `(photo, boxes)`, boxes None or empty for the whole photo.
        what: str, names the work on stderr.
        close: bool, as for `Gallery.recognize`.

    Returns:
        dict from the place in `samples` of each photo that could be read to the digest of its file; float32 `[B, n]`, a column
        each of these: of each brand the best similarity in any of its boxes or places; the same of those in which it is known,
        -inf where it is in none; and dict from path to reason of the others.

    Raises:
        ValueError: naming the photo, if a box lies outside it.
    """
    files, unreadable, parts, waiting = {}, {}, [], []
    at_once = _SEARCHED if gallery.searches else _WAITING

    def read(number):
        photo, boxes = samples[number]
        boxes = boxes if boxes is not None and len(boxes) else None
        try:
            pixels, file = artwork.photo_of(photo)
            return file, pixels if boxes is None and gallery.searches else squares(pixels, boxes)
        except UnreadablePhoto as error:
            return error.reason, None
        except UserError as error:
            raise UserError(f"{_name(photo)}: {error}") from None

    def compare(vectors, starts, searched=False):
        similarities = gallery.similarities(vectors, searched)
        known = np.where(gallery.standings(similarities) >= gallery.limits(searched)[:, None], similarities, -np.inf)
        parts.append([np.maximum.reduceat(each, starts, axis=1) for each in (similarities, known)])

    def embed():
        starts = np.cumsum([0, *map(len, waiting)])[:-1]
        compare(gallery.embed_squares([square for group in waiting for square in group]), starts)
        waiting.clear()

    for number, (said, seen) in in_threads(read, range(len(samples)), what, at_once):
        if seen is None:
            unreadable[_name(samples[number][0])] = said
            continue
        files[number] = said
        if isinstance(seen, np.ndarray):
            # In the order of the photos.
            if waiting:
                embed()
            compare(gallery.look(seen, close=close).vectors, [0], searched=True)
            continue
        waiting.append(seen)
        if len(waiting) == at_once:
            embed()
    if waiting:
        embed()
    parts = parts or [np.zeros((2, len(gallery.labels), 0), np.float32)]
    similarities, known = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
    return files, similarities, known, unreadable


def evaluate(gallery, dataset, whole=False, close=False):
    """Evaluates a gallery on a data set: `Gallery.evaluate`.

    Args:
        gallery: Gallery.
        dataset, whole, close: as for `Gallery.evaluate`.

    Returns:
        GalleryEvaluation.

    Raises:
        ValueError: if no sample is left, or the gallery has none of the brands.
    """
    if not gallery.labels:
        raise UserError("the gallery has no references yet: add some first.")
    places = {label: number for number, label in enumerate(gallery.labels)}
    shown = {dataset.class_names[label] for label in {*dataset.labels.tolist()} - {-1}}
    strangers = sorted(name for name in shown if composed(name) not in places)
    if shown and len(strangers) == len(shown):
        raise UserError(f"the gallery has none of the data set's brands, {listed(strangers)}. It has {listed(gallery.labels)}.")
    files, similarities, known, unreadable = score(gallery, _samples(dataset, whole), "evaluating", close)
    numbers = np.array([*files], np.int64)
    used, fitted = gallery.files()
    is_reference = np.array([file in used for file in files.values()], bool)
    is_fitted = np.array([file in fitted for file in files.values()], bool) & ~is_reference
    left = ~(is_reference | is_fitted)
    if not left.any():
        raise UserError(
            f"no sample is left: of {len(dataset)}, {is_reference.sum()} are references, {is_fitted.sum()} calibrated the "
            f"gallery, {len(unreadable)} photos cannot be read."
        )
    similarities, known = similarities[:, left], known[:, left]
    names = [None if label < 0 else composed(dataset.class_names[label]) for label in dataset.labels[numbers[left]]]
    truth = np.array([places.get(name, -1) for name in names])
    likeliest = similarities.argmax(0)
    answer = np.where(np.isfinite(known.max(0)), known.argmax(0), -1)
    own, right = truth >= 0, likeliest == truth
    count, others = int(own.sum()), int((~own).sum())
    totals, hits = Counter(truth[own].tolist()), Counter(truth[own & right].tolist())
    return GalleryEvaluation(
        samples=count,
        top1=float(right[own].mean()) if count else None,
        top1_interval=wilson_interval(int(right[own].sum()), count) if count else None,
        named=float((answer == truth)[own].mean()) if count else None,
        misnamed=float(((answer != truth) & (answer >= 0))[own].mean()) if count else None,
        others=others,
        false_accepts=float((answer >= 0)[~own].mean()) if others else None,
        per_brand={gallery.labels[number]: hits[number] / total for number, total in sorted(totals.items())},
        strangers=tuple(strangers),
        references=int(is_reference.sum()),
        calibrated_on=int(is_fitted.sum()),
        unreadable=unreadable,
        rule=gallery.rule,
    )


def _samples(dataset, whole):
    """Photos and boxes of a data set; of a sample without boxes the window that it shows, if it shows a part."""
    samples = []
    for index, path in enumerate(dataset.paths):
        boxes, window = () if whole else dataset.boxes[index], dataset.window(index)
        samples.append((path, boxes if len(boxes) or window is None else window[None]))
    return samples


def _name(photo):
    return photo if isinstance(photo, str) else str(photo) if hasattr(photo, "__fspath__") else "photo"
