"""Annotation files of COCO: JSON with images, categories and boxes."""

import json
import math
import os
from dataclasses import dataclass


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
    """

    name: str
    boxes: tuple
    crowded: bool


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
        ValueError: if it is no such file; the error names the file, and the line or the annotation.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({type(error).__name__}).") from None
    lists = [content.get(part) if isinstance(content, dict) else None for part in ("images", "annotations", "categories")]
    if not all(isinstance(each, list) and all(isinstance(entry, dict) for entry in each) for each in lists):
        raise ValueError(f"{path} is no COCO file: expected lists of objects called images, annotations and categories.")
    images, annotations, entries = lists
    names, found, used = {}, {}, set()
    for place, entry in enumerate(entries, 1):
        where = f"{path}: category {place} of the list"
        key, name = _id(entry, "id", where), _text(entry, "name", where)
        if key in names:
            raise ValueError(f"{where} has the id {key} of another category.")
        names[key] = name
    for place, image in enumerate(images, 1):
        where = f"{path}: image {place} of the list"
        key, name = _id(image, "id", where), _text(image, "file_name", where)
        if found.setdefault(key, (name, [], []))[0] != name:
            raise ValueError(f"{where} has the id {key} of another image.")
    for place, annotation in enumerate(annotations, 1):
        where = f"{path}: annotation {annotation.get('id', place)!r}"
        image, category = _id(annotation, "image_id", where), _id(annotation, "category_id", where)
        if image not in found or category not in names:
            what, which = ("category", category) if image in found else ("image", image)
            raise ValueError(f"{where} belongs to {what} {which}, which the file does not list.")
        used.add(category)
        crowd = bool(annotation.get("iscrowd"))
        found[image][2 if crowd else 1].append((names[category], None if crowd else _box(annotation.get("bbox"), where)))
    categories = tuple(
        Category(names[key], str(each.get("supercategory") or "").strip(), key == "0", key in used)
        for key, each in zip(names, entries, strict=True)
    )
    return tuple(Image(name, tuple(boxes), bool(crowds)) for name, boxes, crowds in found.values()), categories


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
