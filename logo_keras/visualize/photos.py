"""Photos with what a model says of them and what is true."""

import itertools

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.visualize.sheet import FAINT, GAP, LIGHT, LINE, RIGHT, SIGNS, WRONG, Sheet, percent

# Two side by side: letters stay large on a phone.
_COLUMNS = 2
# px, the tallest photo of a cell.
_TALLEST = 384
# Pictures that one sheet holds: beyond, a browser may refuse to show it.
_MOST = 60
# What fits under a photo.
_TOP = 3


def answers(photos, recognitions, truths=None, boxes=None):
    """Draws photos in a grid, each with the three likeliest brands, their probabilities and the true one.

    Right and wrong are told by a sign, and by blue and orange.

    Args:
        photos: list of uint8 RGB `[H, W, 3]`, upright, at most 60.
        recognitions: list of Recognition, one a photo. Where nothing is known, "none" is written.
        truths: list of str, the true brands; None for a photo that shows none of the model's. None where nothing is known of all.
        boxes: list of float `[n, 4]`, `(y0, x0, y1, x1)` px, the true logos of each photo, drawn in white; or None.

    Returns:
        uint8 RGB `[h, 800, 3]`.

    Raises:
        ValueError: if there are no photos or too many, or not as many of each.
    """
    photos, recognitions = list(photos), list(recognitions)
    if not 1 <= len(photos) <= _MOST:
        raise UserError(f"a sheet shows 1 to {_MOST} photos, got {len(photos)}.")
    for name, given in (("recognitions", recognitions), ("truths", truths), ("boxes", boxes)):
        if given is not None and len(given) != len(photos):
            raise UserError(f"{name} must be one a photo, got {len(given)} for {len(photos)} photos.")
    sheet = Sheet()
    width, y = (sheet.width - (_COLUMNS + 1) * GAP) // _COLUMNS, GAP
    for first in range(0, len(photos), _COLUMNS):
        places = range(first, min(first + _COLUMNS, len(photos)))
        columns = [GAP + column * (width + GAP) for column in range(_COLUMNS)]
        heights = []
        for place, x in zip(places, columns, strict=False):
            own = None if boxes is None else boxes[place]
            heights.append(sheet.paste_photo(photos[place], x, y, width, _TALLEST, recognitions[place].region_boxes, own))
        y += max(heights) + GAP // 2
        told = [() if truths is None else (truths[place],) for place in places]
        rows = zip(places, told, columns, strict=False)
        y += max(_lines(sheet, recognitions[place], truth, x, y, width) for place, truth, x in rows) * LINE + GAP
    return sheet.rendered(y)


def failures(evaluation, dataset, count=12):
    """Draws the surest wrong answers of an evaluation, the surest first: regions, what was said, what is true.

    Args:
        evaluation: Evaluation.
        dataset: Dataset that was evaluated.
        count: int, at most so many, 60 at most. Photos that cannot be read again are passed over.

    Returns:
        uint8 RGB `[h, 800, 3]`.

    Raises:
        ValueError: if nothing was wrong, or no photo of it can be read again.
    """
    # Here: it reads data sets.
    from logo_keras.evaluation.pictures import readable, surest

    wrong = surest(evaluation, ~evaluation.correct)
    if not len(wrong):
        raise UserError(f"all {len(evaluation.paths)} answers are right: there are no failures to draw.")
    shown = list(itertools.islice(readable(evaluation, dataset, wrong), whole("count", count, 1)))
    if not shown:
        raise UserError(f"none of the {len(wrong)} photos that were named wrongly can be read from this data set.")
    places, photos, boxes, said = zip(*shown, strict=True)
    truths = [evaluation.class_names[evaluation.labels[place]] for place in places]
    return answers(photos, said, truths, boxes)


def _lines(sheet, recognition, truths, x, y, width):
    """Writes what is said and what is true; returns how many lines that are."""
    said = list(zip(recognition.labels, recognition.probabilities, strict=True))[:_TOP]
    if not recognition.known:
        said = [("none", recognition.confidence)]
    right = [recognition.label == truth for truth in truths]
    color = {(): LIGHT, (True,): RIGHT, (False,): WRONG}[tuple(right)]
    for number, (label, probability) in enumerate(said):
        share = percent(probability)
        sheet.write(share, x + width, y + number * LINE, color if number == 0 else FAINT, side="right")
        sign = f"{SIGNS[right[0]]} " if right and number == 0 else ""
        sheet.write(f"{sign}{label}", x, y + number * LINE, color if number == 0 else FAINT, room=width - 90)
    for truth in truths:
        sheet.write(f"true: {'none of its brands' if truth is None else truth}", x, y + len(said) * LINE, LIGHT, room=width)
    return len(said) + len(truths)
