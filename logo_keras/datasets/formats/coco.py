"""Photographs with boxes as COCO has them: a JSON file a split."""

import os
import re

from logo_keras.datasets.annotations import NONE, Photograph, annotated
from logo_keras.datasets.formats.coco_file import read_coco
from logo_keras.datasets.textfile import contents

# Roboflow's file in the folder of each split.
_ROBOFLOW = "_annotations.coco.json"
# COCO's own names, `instances_train2017.json`; the other kinds of annotation that lie beside have no logos.
_INSTANCES = re.compile(r"instances_(.+)")
_YEAR = re.compile(r"(.+?)(?:19|20)\d\d")


def load(root, split=None, cut=None):
    """Opens photographs with boxes in COCO's format.

    The root is one JSON file, or a folder with a file a split: `annotations/instances_SPLIT.json` (a year at the end may be
    left out: "train" is `instances_train2017.json`), `annotations/SPLIT.json`, Roboflow's `SPLIT/_annotations.coco.json`, or
    `SPLIT.json` in the folder itself. Photographs are searched in `images/SPLIT`, `SPLIT`, `images`, beside the file, and in
    the folder.

    Classes are the names of the categories of all files, sorted, whatever their ids; so they agree between splits, and two
    categories of one name are one. A category of id 0 without a box that is only the super-category of others (Roboflow
    writes one) is no class, nor is one called "none". Boxes of crowds are left out. A photograph without any annotation
    shows no brand of the set.

    Args:
        root: str or path.
        split: str, or None for all photographs with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the files. Photographs without a brand have label -1; split=None leaves them out.

    Raises:
        FileNotFoundError: if the root, its files or the split are missing.
        ValueError: if a file cannot be read, a photograph's name leads out of the root, or `cut` where there are no boxes.
    """
    root = os.path.abspath(root)
    if os.path.isfile(root):
        if split is not None:
            raise ValueError(f"{root} is one file: leave out split={split!r}, or give its folder as root.")
        folder = os.path.dirname(root)
        folder = os.path.dirname(folder) if os.path.basename(folder).lower() == "annotations" else folder
        files = {_split(os.path.basename(root)): root}
    else:
        folder, files = root, _files(root)
    chosen = list(files) if split is None else [_find(root, split, files)]
    read = {name: read_coco(file) for name, file in files.items()}
    records = []
    for name in chosen:
        search = _Search(folder, name, files[name])
        for place, image in enumerate(read[name][0], 1):
            path = search.path(image.name, f"{files[name]}: image {place} of the list")
            # Of one with crowds only no one knows which brand: `annotated` leaves it out.
            boxes = [each for each in image.boxes if each[0] != NONE]
            brand = None if boxes or image.crowded else NONE
            if split is not None or brand is None:
                records.append(Photograph(path, brand, boxes))
    names = _classes([category for _, categories in read.values() for category in categories])
    return annotated(records, names, cut, root=folder, split_name=split)


def split_names(root):
    """What `load` takes as `split`: set of str, years left out where no other year is there."""
    if os.path.isfile(root):
        return set()
    names = list(_files(os.path.abspath(root)))
    short = [year.group(1).rstrip("_-") for year in map(_YEAR.fullmatch, names) if year]
    return {*names, *(name for name in short if short.count(name) == 1)}


def _files(root):
    """Split to its JSON file."""
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no file or folder {root}.")
    folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
    roboflow = {name: os.path.join(root, name, _ROBOFLOW) for name in folders}
    roboflow = {name: file for name, file in roboflow.items() if os.path.isfile(file)}
    if roboflow:
        return roboflow
    beside = [os.path.join(root, name) for name in folders if name.lower() == "annotations"]
    for place in (*beside, root):
        found = sorted(name for name in os.listdir(place) if name.lower().endswith(".json") and not name.startswith("."))
        found = [name for name in found if os.path.isfile(os.path.join(place, name))]
        found = [name for name in found if _INSTANCES.match(name)] or found
        if found:
            return {_split(name): os.path.join(place, name) for name in found}
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
    if split in files:
        return split
    close = [name for name in files if (year := _YEAR.fullmatch(name)) and year.group(1).rstrip("_-") == split]
    if len(close) == 1:
        return close[0]
    raise FileNotFoundError(f"{root} has no split {split!r}, only {', '.join(close or files)}.")


def _classes(categories):
    parents = {category.parent for category in categories if category.parent != category.name}
    used = {category.name for category in categories if category.used}
    names = {category.name for category in categories if not (category.first and category.name in parents - used)}
    return sorted(names - {NONE})


class _Search:
    """Finds the photographs that a file names."""

    def __init__(self, folder, split, file):
        year = _YEAR.fullmatch(split)
        splits = dict.fromkeys([split, *([year.group(1)] if year else [])])
        places = [os.path.join(folder, *parts) for name in splits for parts in (("images", name), (name,))]
        places += [os.path.join(folder, "images"), os.path.join(folder, "data"), os.path.dirname(file), folder]
        self._folder = folder
        self._places = [place for place in dict.fromkeys(places) if os.path.isdir(place)]
        self._last = self._places[0]

    def path(self, name, where):
        """The path of a photograph; where it is missing, the one it should have."""
        # On Windows tools write \ between folders; some write the path on the machine where the boxes were drawn.
        written = name.replace("\\", "/")
        away = written.startswith(("/", "../")) or written[1:2] == ":"
        # The longest end that is there: two folders may hold photographs of one name.
        parts = written.split("/")
        ends = ["/".join(parts[start:]) for start in range(1, len(parts))] if away else []
        for tried in (name, written, *ends):
            for place in (self._last, *self._places):
                path = os.path.normpath(os.path.join(place, tried))
                if self._inside(path) and os.path.isfile(path):
                    self._last = place
                    return path
        path = os.path.normpath(os.path.join(self._last, written))
        if not self._inside(path):
            raise ValueError(f"{where}: {name!r} is not in {self._folder} and does not lie inside it.")
        return path

    def _inside(self, path):
        return path.startswith(os.path.join(self._folder, ""))
