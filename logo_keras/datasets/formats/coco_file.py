"""Annotation files of COCO: JSON with images, categories and boxes."""

import json
import math
import os
from dataclasses import dataclass

from logo_keras.datasets.classes import composed
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.textfile import decode


@dataclass(frozen=True)
class Category:
    """A category.

    Attributes:
        name: str.
        parent: str, its super-category, or "".
        first: bool, whether its id is 0.
        used: bool, whether an annotation names it.
    """

    name: str
    parent: str
    first: bool
    used: bool


@dataclass(frozen=True)
class Image:
    """An image of the file.

    Attributes:
        name: str, its `file_name` as written.
        boxes: tuple of `(category, (y0, x0, y1, x1))`, px, without those of crowds.
        crowded: bool, whether there are crowds.
        size: tuple of 2 ints, height and width, px, as stated, or None.
    """

    name: str
    boxes: tuple
    crowded: bool
    size: tuple | None = None


class NotCoco(ValueError):
    """A JSON file that is no file of COCO's."""


def read_coco(path):
    """Reads a file.

    Ids may be numbers or strings, in any order and with gaps.

    Args:
        path: str or path.

    Returns:
        images: tuple of Image, in the order of the file.
        categories: tuple of Category.

    Raises:
        OSError: if it cannot be opened.
        NotCoco: a ValueError, if it is JSON of something else.
        ValueError: if it cannot be read; the error names the file, and the line or the annotations, all or the first ten.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        content = json.loads(decode(data, path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({type(error).__name__}).") from None
    lists = [content.get(part) if isinstance(content, dict) else None for part in ("images", "annotations", "categories")]
    if not all(isinstance(each, list) and all(isinstance(entry, dict) for entry in each) for each in lists):
        raise NotCoco(f"{path} is no COCO file: expected lists of objects called images, annotations and categories.")
    images, annotations, entries = lists
    names, found, used, problems = {}, {}, set(), Problems()
    for place, entry in enumerate(entries, 1):
        where = f"{path}: category {place} of the list"
        with problems.collecting():
            key, name = _id(entry, "id", where), composed(_text(entry, "name", where))
            if key in names:
                raise ValueError(f"{where} has the id {key} of another category.")
            names[key] = name, entry
    for place, image in enumerate(images, 1):
        where = f"{path}: image {place} of the list"
        with problems.collecting():
            key, name = _id(image, "id", where), _text(image, "file_name", where)
            size = stated_size(image.get("height"), image.get("width"))
            if found.setdefault(key, (name, [], [], size))[0] != name:
                raise ValueError(f"{where} has the id {key} of another image.")
    # What belongs to an entry that was refused would be named as well, once for each annotation.
    problems.check()
    for place, annotation in enumerate(annotations, 1):
        where = f"{path}: annotation {annotation.get('id', place)!r}"
        with problems.collecting():
            image, category = _id(annotation, "image_id", where), _id(annotation, "category_id", where)
            if image not in found or category not in names:
                what, which = ("category", category) if image in found else ("image", image)
                raise ValueError(f"{where} belongs to {what} {which}, which the file does not list.")
            used.add(category)
            crowd = bool(annotation.get("iscrowd"))
            box = None if crowd else _box(annotation.get("bbox"), where)
            found[image][2 if crowd else 1].append((names[category][0], box))
    problems.check()
    categories = tuple(
        Category(name, composed(str(entry.get("supercategory") or "").strip()), key == "0", key in used)
        for key, (name, entry) in names.items()
    )
    return tuple(Image(name, tuple(boxes), bool(crowds), size) for name, boxes, crowds, size in found.values()), categories


def stated_size(height, width):
    """The size of a photograph as a file states it.

    Args:
        height: number, str, or None.
        width: likewise.

    Returns:
        Tuple of 2 floats, px, or None unless both are numbers above 0.
    """
    try:
        size = float(height), float(width)
    except (TypeError, ValueError, OverflowError):
        return None
    return size if all(0 < side < math.inf for side in size) else None


def _id(entry, key, where):
    """An id as a string, so that 7 and "7" are one."""
    value = entry.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"{where} needs {key}, a number or a string, got {value!r}.")
    return str(value).strip()


def _text(entry, key, where):
    value = entry.get(key)
    if isinstance(value, (int, float)) and key == "name":
        value = str(value)
    try:
        # JSON can spell what no file name holds.
        known = isinstance(value, str) and value.strip() and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        known = False
    if not known:
        raise ValueError(f"{where} needs {key}, a string, got {value!r}.")
    return value.strip()


def _box(box, where):
    try:
        x, y, width, height = map(float, box if isinstance(box, list) else ())
    except (TypeError, ValueError, OverflowError):
        x = y = width = height = math.nan
    # NaN compares false.
    if not (math.isfinite(x) and math.isfinite(y) and 0 <= width < math.inf and 0 <= height < math.inf):
        raise ValueError(f"{where} needs bbox [x, y, width, height], the last two not negative, got {box!r}.")
    return y, x, y + height, x + width
