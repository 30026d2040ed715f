"""Photos with boxes as COCO has them: a JSON file a split."""

import json
import math
import os
import re
from dataclasses import dataclass

from logo_keras.datasets.annotations import Photograph, annotated, as_number, stated_size
from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.paths import Finder
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split, without_year
from logo_keras.datasets.textfile import contents, decode
from logo_keras.datasets.tree import folders_in, photographs_in, some
from logo_keras.errors import UserError

# Roboflow's file in the folder of each split.
_ROBOFLOW = "_annotations.coco.json"
# COCO's own names, `instances_train2017.json`; the other kinds of annotation that lie beside have no logos.
_INSTANCES = re.compile(r"instances_(.+)")


def load(root, split=None, cut=None):
    """Opens photographs with boxes in COCO's format.

    The root is one JSON file, or a folder with a file a split: `annotations/instances_SPLIT.json` (a year at the end may be
    left out: "train" is `instances_train2017.json`), `annotations/SPLIT.json`, Roboflow's `SPLIT/_annotations.coco.json`, or
    `SPLIT.json` in the folder itself; JSON files of something else are left out there, and `notes` names them. Photographs
    are searched in `images/SPLIT`, `SPLIT`, `images`, beside the file, and in the folder; those of another machine or tool as
    `logo_keras.datasets.paths.Finder` says, but not in the folders of other splits. Boxes of photographs that EXIF turns are
    turned with them where the file states the size of the photograph as it is stored (`logo_keras.datasets.annotations`).

    Classes are the names of the categories of all files in the order of `logo_keras.datasets.classes.ordered`, whatever their
    ids; so they agree between splits, and two categories of one name are one. A category of id 0 without a box that is only
    the super-category of others (Roboflow writes one) is no class, nor is one called "none". Boxes of crowds are left out. A
    photograph without any annotation shows no brand of the set.

    Args:
        root: str or path.
        split: str, or None for all photographs with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the files. Photographs without a brand have label -1; split=None leaves them out.

    Raises:
        FileNotFoundError: if the root, its files or the split are missing.
        ValueError: if a file cannot be read, a photograph's name leads out of the root, or `cut` where there are no boxes. The
            error names all problems of the files, or the first ten.
    """
    root = os.path.abspath(root)
    if os.path.isfile(root):
        if split is not None:
            raise UserError(f"{root} is one file: leave out split={split!r}, or give its folder as root.")
        folder = os.path.dirname(root)
        folder = os.path.dirname(folder) if os.path.basename(folder).lower() == "annotations" else folder
        files = {_split(os.path.basename(root)): root}
    else:
        folder, files = root, _files(root)
    read, others = _read(files, alone=os.path.isfile(root))
    chosen = list(read) if split is None else [_find(root, split, read)]
    notes = [f"JSON files that are not COCO's, skipped: {len(others)} ({some(others)})"] if others else []
    records, problems = [], Problems()
    for name in chosen:
        search = _finder(folder, name, files)
        paths = [search.find(image.name) for image in read[name][0]]
        # Where others are found, a path that leads elsewhere is that of a photograph that is missing.
        some_are_here = any(path is not None for path in paths)
        for place, (image, path) in enumerate(zip(read[name][0], paths, strict=True), 1):
            path = path or _missing(folder, search.places[0], image.name, some_are_here)
            if path is None:
                where = f"{files[name]}: image {place} of the list"
                problems.add(f"{where}: {image.name!r} is not in {folder} and does not lie inside it.")
                continue
            # Of one with crowds only no one knows which brand: `annotated` leaves it out.
            boxes = [each for each in image.boxes if each[0] != NONE]
            brand = None if boxes or image.crowded else NONE
            if split is not None or brand is None:
                records.append(Photograph(path, brand, tuple(boxes), image.size))
        notes += search.notes(files[name])
    problems.check()
    names = _classes([category for _, categories in read.values() for category in categories])
    return annotated(records, names, cut, root=folder, split_name=split, remarks=notes)


def split_names(root):
    """What `load` takes as `split`: set of str, years left out where no other year is there."""
    if os.path.isfile(root):
        return set()
    names = list(_files(os.path.abspath(root)))
    short = [without_year(name) for name in names if without_year(name)]
    return {*names, *(name for name in short if short.count(name) == 1)}


def _read(files, alone):
    """Split to what its file says, and the names of JSON files that are none of COCO's."""
    read, others, problems = {}, {}, Problems()
    for name, file in files.items():
        try:
            with problems.collecting():
                try:
                    read[name] = read_coco(file)
                except NotCoco as error:
                    others[file] = error
                    if alone:
                        raise
        except OSError as error:
            raise type(error)(error.errno, error.strerror, file) from None
    problems.check()
    if not read:
        raise next(iter(others.values()))
    return read, [*map(os.path.basename, others)]


def _files(root):
    """Split to its JSON file."""
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no file or folder {root}.")
    folders = folders_in(root)
    roboflow = {os.path.basename(folder): os.path.join(folder, _ROBOFLOW) for folder in folders}
    roboflow = {name: file for name, file in roboflow.items() if os.path.isfile(file)}
    if roboflow:
        return roboflow
    beside = [folder for folder in folders if os.path.basename(folder).lower() == "annotations"]
    for place in (*beside, root):
        found = sorted(name for name in os.listdir(place) if name.lower().endswith(".json") and not name.startswith("."))
        found = [name for name in found if os.path.isfile(os.path.join(place, name))]
        found = [name for name in found if _INSTANCES.match(name)] or found
        if found:
            return {_split(name): os.path.join(place, name) for name in found}
    # An archive often unpacks into a folder of its own.
    if len(folders) == 1:
        return _files(folders[0])
    raise FileNotFoundError(
        f"{root} must hold annotations/instances_SPLIT.json, annotations/SPLIT.json, SPLIT/{_ROBOFLOW} or SPLIT.json; "
        f"{contents(root)}."
    )


def _split(name):
    """The split that a file's name states."""
    stem = os.path.splitext(name)[0]
    instances = _INSTANCES.fullmatch(stem)
    return instances.group(1) if instances else stem


def _find(root, split, files):
    """The split as the files have it."""
    found = find_split(split, files)
    if found is None:
        close = [name for name in files if without_year(name) == split]
        raise FileNotFoundError(f"{root} has no split {split!r}, only {', '.join(close or files)}.")
    return found


def _classes(categories):
    parents = {category.parent for category in categories if category.parent != category.name}
    used = {category.name for category in categories if category.used}
    return ordered(category.name for category in categories if not (category.first and category.name in parents - used))


def _finder(folder, split, files):
    """Finds the photographs of a file inside the folder."""
    file = files[split]
    # The folder that holds annotations/, where the set lies in a folder of the root.
    above = os.path.dirname(os.path.dirname(file))
    homes = dict.fromkeys([folder, above] if above.startswith(os.path.join(folder, "")) else [folder])
    splits = dict.fromkeys(filter(None, [split, without_year(split)]))
    places = [os.path.join(home, *parts) for home in homes for name in splits for parts in (("images", name), (name,))]
    for home in homes:
        places += [os.path.join(home, "images"), os.path.join(home, "data"), os.path.dirname(file), home]
    others = {name for each in files for name in (each, without_year(each))} - {None, *splits}

    def known():
        for path in photographs_in(folder):
            # A photograph that is gone from this split is not one of the same name in another.
            if others.isdisjoint(os.path.relpath(path, folder).split(os.sep)[:-1]):
                yield path

    return Finder(filter(os.path.isdir, places), known, lambda path: _lies_in(folder, path) and os.path.isfile(path))


def _missing(folder, place, name, elsewhere):
    """Where a photograph that is not there should be.

    None where its path leads out of the folder, unless `elsewhere` says that it is one of another machine, or it is an address.
    """
    written = name.replace("\\", "/")
    path = os.path.normpath(os.path.join(place, written))
    address = "://" in written
    if _lies_in(folder, path) and not address:
        return path
    last = written.partition("?")[0].rpartition("/")[2]
    return os.path.join(place, last) if (elsewhere or address) and last.strip(".") else None


def _lies_in(folder, path):
    return path.startswith(os.path.join(folder, ""))


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


class NotCoco(UserError):
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
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({type(error).__name__}).") from None
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
                raise UserError(f"{where} has the id {key} of another category.")
            names[key] = name, entry
    for place, image in enumerate(images, 1):
        where = f"{path}: image {place} of the list"
        with problems.collecting():
            key, name = _id(image, "id", where), _text(image, "file_name", where)
            size = stated_size(image.get("height"), image.get("width"))
            if found.setdefault(key, (name, [], [], size))[0] != name:
                raise UserError(f"{where} has the id {key} of another image.")
    # What belongs to an entry that was refused would be named as well, once for each annotation.
    problems.check()
    for place, annotation in enumerate(annotations, 1):
        where = f"{path}: annotation {annotation.get('id', place)!r}"
        with problems.collecting():
            image, category = _id(annotation, "image_id", where), _id(annotation, "category_id", where)
            if image not in found or category not in names:
                what, which = ("category", category) if image in found else ("image", image)
                raise UserError(f"{where} belongs to {what} {which}, which the file does not list.")
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


def _id(entry, key, where):
    """An id as a string, so that 7 and "7" are one."""
    value = entry.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise UserError(f"{where} needs {key}, a number or a string, got {value!r}.")
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
        raise UserError(f"{where} needs {key}, a string, got {value!r}.")
    return value.strip()


def _box(box, where):
    sides = [*map(as_number, box)] if isinstance(box, list) else []
    if len(sides) != 4 or not all(map(math.isfinite, sides)) or min(sides[2:]) < 0:
        raise UserError(f"{where} needs bbox [x, y, width, height], the last two not negative, got {box!r}.")
    x, y, width, height = sides
    return y, x, y + height, x + width
