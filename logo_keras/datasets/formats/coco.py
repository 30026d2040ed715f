"""Photos with boxes as COCO has them: a JSON file a split."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from logo_keras.datasets.annotations import Photograph, annotated, as_numbers, stated_size
from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.formats import named_split
from logo_keras.datasets.paths import Finder
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import without_year
from logo_keras.datasets.textfile import contents, decode, texts_in
from logo_keras.datasets.tree import folders_in, photographs_in, some
from logo_keras.errors import UserError

# Roboflow's file in the folder of each split.
_ROBOFLOW = "_annotations.coco.json"
# COCO's own names, `instances_train2017.json`; the other kinds of annotation that lie beside have no logos.
_INSTANCES = "instances_"


def load(root, split=None, cut=None):
    """Opens photos with boxes in COCO's format.

    The root is one JSON file, or a folder with a file a split: `annotations/instances_SPLIT.json` (a year at the end may be
    left out: "train" is `instances_train2017.json`), `annotations/SPLIT.json`, Roboflow's `SPLIT/_annotations.coco.json`, or
    `SPLIT.json` in the folder itself; JSON files of something else are left out there, and `notes` names them. Photos
    are searched in `images/SPLIT`, `SPLIT`, `images`, beside the file, and in the folder; those of another machine or tool as
    `logo_keras.datasets.paths.Finder` says, but not in the folders of other splits. Boxes of photos that EXIF turns are
    turned with them where the file states the size of the photo as it is stored (`logo_keras.datasets.annotations`).

    Classes are the names of the categories of all files in the order of `logo_keras.datasets.classes.ordered`, whatever their
    ids; so they agree between splits, and two categories of one name are one. A category of id 0 without a box that is only
    the super-category of others (Roboflow writes one) is no class, nor is one called "none". Boxes of crowds are left out. A
    photo without any annotation shows no brand of the set.

    Args:
        root: str or path.
        split: str, or None for all photos with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the files. Photos without a brand have label -1; split=None leaves them out.

    Raises:
        FileNotFoundError: if the root, its files or the split are missing.
        ValueError: if a file cannot be read, a photo's name leads out of the root, or `cut` where there are no boxes. The
            error names all problems of the files, or the first ten.
    """
    root = os.path.abspath(root)
    if os.path.isfile(root):
        if split is not None:
            raise UserError(f"{root} is one file: leave out split={split!r}, or give its folder as root.")
        folder = os.path.dirname(root)
        folder = os.path.dirname(folder) if os.path.basename(folder).lower() == "annotations" else folder
        files = {_split(root): root}
    else:
        folder, files = root, _files(root)
    read, names, others = _read(files)
    notes = [f"JSON files that are not COCO's, skipped: {len(others)} ({some(others)})"] if others else []
    records, problems = [], Problems()
    for name in read if split is None else [named_split(split, read, root)]:
        search = _finder(folder, name, files)
        paths = [search.find(image.name) for image in read[name]]
        # Where others are found, a path that leads elsewhere is that of a photo that is missing.
        some_are_here = any(path is not None for path in paths)
        for place, (image, path) in enumerate(zip(read[name], paths, strict=True), 1):
            path = path or _missing(folder, search.places[0], image.name, some_are_here)
            if path is None:
                where = f"{files[name]}: image {place} of the list"
                problems.add(f"{where}: {image.name!r} is not in {folder} and does not lie inside it.")
                continue
            # Of one with crowds only no one knows which brand: `annotated` leaves it out.
            boxes = tuple(each for each in image.boxes if each[0] != NONE)
            brand = None if boxes or image.crowded else NONE
            if split is not None or brand is None:
                records.append(Photograph(path, brand, boxes, image.size))
        notes += search.notes(files[name])
    problems.check()
    return annotated(records, ordered(names), cut, root=folder, split_name=split, remarks=notes)


def split_names(root):
    """What `load` takes as `split`: set of str, years left out where no other year is there."""
    if os.path.isfile(root):
        return set()
    names = list(_files(os.path.abspath(root)))
    short = [without_year(name) for name in names if without_year(name)]
    return {*names, *(name for name in short if short.count(name) == 1)}


def _read(files):
    """Split to its images, the names of all classes, and the names of JSON files that are not COCO's."""
    read, names, others, problems = {}, set(), {}, Problems()
    for split, file in files.items():
        with problems.collecting():
            try:
                read[split], named = read_coco(file)
                names |= named
            except NotCoco as error:
                others[os.path.basename(file)] = error
    problems.check()
    if not read:
        raise next(iter(others.values()))
    return read, names, list(others)


def _files(root):
    """Split to its JSON file."""
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no file or folder {root}.")
    folders = folders_in(root)
    roboflow = {os.path.basename(folder): os.path.join(folder, _ROBOFLOW) for folder in folders}
    if roboflow := {name: file for name, file in roboflow.items() if os.path.isfile(file)}:
        return roboflow
    for place in (*(folder for folder in folders if os.path.basename(folder).lower() == "annotations"), root):
        found = texts_in(place, ".json")
        found = [file for file in found if os.path.basename(file).startswith(_INSTANCES)] or found
        if found:
            return {_split(file): file for file in found}
    # An archive often unpacks into a folder of its own.
    if len(folders) == 1:
        return _files(folders[0])
    raise FileNotFoundError(
        f"{root} must hold annotations/instances_SPLIT.json, annotations/SPLIT.json, SPLIT/{_ROBOFLOW} or SPLIT.json; "
        f"{contents(root)}."
    )


def _split(file):
    """The split that a file's name states."""
    return Path(file).stem.removeprefix(_INSTANCES)


def _finder(folder, split, files):
    """Finds the photos of a file inside the folder."""
    file = files[split]
    # The folder that holds annotations/, where the set lies in a folder of the root.
    above = os.path.dirname(os.path.dirname(file))
    homes = [folder, above] if _lies_in(folder, above) else [folder]
    splits = [split, without_year(split) or split]
    places = [os.path.join(home, *parts) for home in homes for name in splits for parts in (("images", name), (name,))]
    for home in homes:
        places += [os.path.join(home, "images"), os.path.join(home, "data"), os.path.dirname(file), home]
    others = {name for each in files for name in (each, without_year(each))} - {*splits}

    def known():
        for path in photographs_in(folder):
            # A photo that is gone from this split is not one of the same name in another.
            if others.isdisjoint(os.path.relpath(path, folder).split(os.sep)[:-1]):
                yield path

    return Finder(filter(os.path.isdir, places), known, lambda path: _lies_in(folder, path) and os.path.isfile(path))


def _missing(folder, place, name, elsewhere):
    """Where a photo that is not there should be.

    None where its path leads out of the folder, unless `elsewhere` says that it is one of another machine, or it is an address.
    """
    written = name.replace("\\", "/")
    path, address = os.path.normpath(os.path.join(place, written)), "://" in written
    if _lies_in(folder, path) and not address:
        return path
    last = written.partition("?")[0].rpartition("/")[2]
    return os.path.join(place, last) if (elsewhere or address) and last.strip(".") else None


def _lies_in(folder, path):
    return path.startswith(os.path.join(folder, ""))


@dataclass
class Image:
    """An image of the file.

    Attributes:
        name: str, its `file_name` as written.
        size: tuple of 2 floats, height and width, px, as stated, or None.
        boxes: list of `(category, (y0, x0, y1, x1))`, px, without those of crowds.
        crowded: bool, whether there are crowds.
    """

    name: str
    size: tuple | None
    boxes: list = field(default_factory=list)
    crowded: bool = False


class NotCoco(UserError):
    """A JSON file that is no file of COCO's."""


def read_coco(path):
    """Reads a file.

    Ids may be numbers or strings, in any order and with gaps.

    Args:
        path: str or path.

    Returns:
        images: list of Image, in the order of the file.
        classes: set of str, the names of the categories that are classes.

    Raises:
        OSError: if it cannot be opened.
        NotCoco: a ValueError, if it is JSON of something else.
        ValueError: if it cannot be read; the error names the file, and the line or the annotations, all or the first ten.
    """
    text = decode(Path(path).read_bytes(), path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({type(error).__name__}).") from None
    lists = [content.get(part) if isinstance(content, dict) else None for part in ("images", "annotations", "categories")]
    if not all(isinstance(each, list) and all(isinstance(entry, dict) for entry in each) for each in lists):
        raise NotCoco(f"{path} is no COCO file: expected lists of objects called images, annotations and categories.")
    images, annotations, categories = lists
    names, parents, used, found, problems = {}, set(), set(), {}, Problems()
    for place, category in enumerate(categories, 1):
        where = f"{path}: category {place} of the list"
        with problems.collecting():
            key, name = _text(category, "id", where), composed(_text(category, "name", where))
            if key in names:
                raise UserError(f"{where} has the id {key} of another category.")
            names[key] = name
            parents |= {composed(str(category.get("supercategory") or "").strip())} - {name}
    for place, image in enumerate(images, 1):
        where = f"{path}: image {place} of the list"
        with problems.collecting():
            key, name = _text(image, "id", where), _text(image, "file_name", where, numbers=False)
            if found.setdefault(key, Image(name, stated_size(image.get("height"), image.get("width")))).name != name:
                raise UserError(f"{where} has the id {key} of another image.")
    # What belongs to an entry that was refused would be named as well, once for each annotation.
    problems.check()
    for place, annotation in enumerate(annotations, 1):
        where = f"{path}: annotation {annotation.get('id', place)!r}"
        with problems.collecting():
            key, category = _text(annotation, "image_id", where), _text(annotation, "category_id", where)
            if key not in found or category not in names:
                which = f"category {category}" if key in found else f"image {key}"
                raise UserError(f"{where} belongs to {which}, which the file does not list.")
            used.add(names[category])
            if annotation.get("iscrowd"):
                found[key].crowded = True
            else:
                found[key].boxes.append((names[category], _box(annotation.get("bbox"), where)))
    problems.check()
    # Roboflow's category of id 0 only holds the others.
    return list(found.values()), {name for key, name in names.items() if key != "0" or name in used or name not in parents}


def _text(entry, key, where, numbers=True):
    """The text of an entry. A whole number counts as its digits, so that 7 and "7" are one, unless `numbers` is False."""
    value = entry.get(key)
    if numbers and isinstance(value, float) and value.is_integer():
        value = int(value)
    if numbers and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    try:
        # JSON can spell what no file name holds.
        known = isinstance(value, str) and value.strip() and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        known = False
    if not known:
        raise UserError(f"{where} needs {key}, {'a number or a string' if numbers else 'a string'}, got {value!r}.")
    return value.strip()


def _box(box, where):
    sides = as_numbers(box) if isinstance(box, list) else None
    if sides is None or len(sides) != 4 or min(sides[2:]) < 0:
        raise UserError(f"{where} needs bbox [x, y, width, height], the last two not negative, got {box!r}.")
    x, y, width, height = sides
    return y, x, y + height, x + width
