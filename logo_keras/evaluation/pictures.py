"""Pictures for the report of an evaluation: photos that were confused, sure mistakes, photos without a brand that got one."""

import itertools

import numpy as np

from logo_keras.edge.recognition import Recognition
from logo_keras.evaluation.document import relative
from logo_keras.image.draw import draw_recognition
from logo_keras.image.preprocessing import PREPROCESSING, UnreadablePhotograph, frame, read
from logo_keras.report.html import percent

# Confused pairs, of two pictures each, and sure mistakes: with six photos without a brand 30 pictures, some 25 kB each.
PAIRS, FAILURES = 6, 12
# px.
_SIDE = 320
# Brands below a picture.
_TOP = 3


def of_pair(found, dataset, truth, chosen):
    """A photo of one brand that was taken for another, and one of the other that was not.

    Args:
        found: Evaluation.
        dataset: Dataset that was evaluated, or None.
        truth, chosen: int, classes.

    Returns:
        list of `(uint8 RGB [h, w, 3], caption)`; shorter where photos cannot be read again.
    """
    mistaken = surest(found, (found.labels == truth) & (found.predicted == chosen))
    own = found.labels == chosen
    # Of a brand that is never right, any.
    right = surest(found, own & found.correct) if (own & found.correct).any() else np.flatnonzero(own)
    return of_samples(found, dataset, mistaken, 1) + of_samples(found, dataset, right, 1)


def of_samples(found, dataset, places, most=None):
    """Samples with their regions, true boxes and likeliest brands.

    Args:
        found: Evaluation.
        dataset: Dataset that was evaluated, or None for no pictures.
        places: ints, samples.
        most: int, pictures; None for one of each sample.

    Returns:
        list of `(uint8 RGB [h, w, 3], caption)`. Photos that cannot be read again are passed over.
    """
    made, names = [], found.class_names
    for place, photo, boxes, answer in itertools.islice(readable(found, dataset, places), most):
        truth = names[found.labels[place]]
        said = f"It shows {truth}. Answer: {names[found.predicted[place]]}, {percent(float(found.confidences[place]))}."
        if not found.known[place]:
            said += " Below its threshold: it names no brand."
        made.append((draw_recognition(photo, answer, truth, boxes, _SIDE), said))
    return made


def readable(found, dataset, places):
    """Reads the photos of samples again.

    Args:
        found: Evaluation.
        dataset: Dataset that was evaluated, or None for no photos.
        places: ints, samples.

    Yields:
        Tuples `(place, photo, boxes, answer)` of those that can be read: uint8 RGB, float `[n, 4]` px, Recognition.
    """
    numbers = {} if dataset is None else _numbers(dataset)
    for place in places if numbers else ():
        number = numbers.get((found.paths[place], None if found.boxes is None else tuple(found.boxes[place].tolist())))
        if number is None:
            continue
        try:
            photo, boxes = dataset.shown(number)
        except UnreadablePhotograph:
            continue
        yield place, photo, boxes, _recognition(found, place, photo)


def of_negatives(found, negatives):
    """The photos without a brand that look most like one.

    Args:
        found: Evaluation.
        negatives: Dataset that `found.none` is of, or None.

    Returns:
        list of `(uint8 RGB [h, w, 3], caption)`.
    """
    if negatives is None or not found.none["surest"]:
        return []
    made, paths = [], {relative(path, negatives.root): path for path in negatives.paths}
    for each in found.none["surest"]:
        try:
            photo = read(paths[each["photo"]], negatives.max_pixels, negatives.max_bytes)
        except (KeyError, UnreadablePhotograph):
            continue
        name = found.class_names[each["class"]]
        answer = Recognition((name,), (each["probability"],), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        made.append((draw_recognition(photo, answer, side=_SIDE), f"Taken for {name}, {percent(each['probability'])}."))
    return made


def surest(found, which):
    """The places of some samples, `which` bool `[n]`, those first of which the model is surest."""
    places = np.flatnonzero(which)
    return places[np.argsort(-found.confidences[places], kind="stable")]


def _numbers(dataset):
    """From path and box to the place of a sample."""
    boxes = [None] * len(dataset)
    if dataset.windows is not None:
        pairs = zip(dataset.boxes, dataset.windows, strict=True)
        boxes = [tuple((own[0] if len(own) == 1 else window).tolist()) for own, window in pairs]
    return {key: number for number, key in enumerate(zip(dataset.paths, boxes, strict=True))}


def _recognition(found, place, photo):
    """The answer to a sample, with its regions in px of what the sample shows."""
    regions = np.zeros((0, 4), np.float32)
    if found.region_boxes is not None:
        side, offset = frame(found.model.get("preprocessing", PREPROCESSING), found.image_size)
        regions = (found.region_boxes[place] + offset) * np.tile(np.float32(photo.shape[:2]) / side, 2)
    return Recognition(
        labels=tuple(found.class_names[number] for number in found.best[place, :_TOP]),
        probabilities=tuple(found.best_probabilities[place, :_TOP].tolist()),
        region_boxes=regions,
        region_scores=np.zeros(len(regions), np.float32),
    )
