"""Photographs with boxes as YOLO has them: a text file a photograph, sides in shares of the photograph's."""

import os

from logo_keras.datasets.annotations import Photograph, annotated, area
from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.classes import NONE
from logo_keras.datasets.formats.yolo_file import Description, describe, label_file, read_labels
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.sizes import read_sizes
from logo_keras.datasets.tree import some


def load(root, split=None, cut=None):
    """Opens photographs with boxes in the format of YOLO.

    The root is a `data.yaml`, or a folder that holds one, as Ultralytics and Roboflow write it (`path`, `train`, `val`,
    `test`, `names`); or a folder with `classes.txt` or `obj.names` for Darknet's format, whose splits are folders
    (`SPLIT/`, `images/SPLIT/`) or lists `SPLIT.txt`. The boxes of `images/a.jpg` stand in `labels/a.txt`, else in `a.txt`
    beside it: lines `class x y width height` with the middle of the box, or `class x1 y1 x2 y2 ...` with the corners of an
    outline, around which the box is drawn. A photograph without such a file, or with an empty one, shows no brand of the
    set.

    The shares are those of the upright photograph (EXIF orientation applied, as YOLO's own loaders do), so the size of
    every photograph is read from its file, though nothing is decoded.

    Args:
        root: str or path.
        split: str, or None for all photographs with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the lists, else of the names. Classes have the order of the description.
        Photographs without a brand have label -1; split=None leaves them out. One that cannot be read keeps its label and
        has no boxes.

    Raises:
        FileNotFoundError: if the root, its description or the split are missing.
        ValueError: if a description, a list or a line cannot be read (the error names file and line), or `cut` where there
            are no boxes.
        ImportError: if there is a `data.yaml` and PyYAML is not installed.
    """
    root = os.path.abspath(root)
    description = describe(root)
    paths = _paths(description, split)

    def labels(path):
        try:
            return [each for each in read_labels(label_file(path), description) if each[0] != NONE]
        except ValueError as error:
            return error

    found, problems = {}, Problems()
    for path, read in in_threads(labels, paths, "reading labels"):
        with problems.collecting():
            if isinstance(read, ValueError):
                raise read
            found[path] = read
    problems.check()
    sizes, unreadable = read_sizes([path for path in paths if found[path]])
    records = []
    for path in paths:
        shares = found[path]
        if path in sizes:
            height, width = sizes[path]
            boxes = tuple((brand, (y0 * height, x0 * width, y1 * height, x1 * width)) for brand, (y0, x0, y1, x1) in shares)
            records.append(Photograph(path, None, boxes))
        elif shares:
            # The largest box in shares is the largest in px.
            records.append(Photograph(path, max(shares, key=lambda each: area(each[1]))[0]))
        elif split is not None:
            records.append(Photograph(path, NONE))
    notes = []
    if paths and not any(map(label_file, paths)):
        notes.append("no photograph has a file of labels: those of images/a.jpg are searched in labels/a.txt and images/a.txt")
    if unreadable:
        named = some([*map(os.path.basename, unreadable)])
        notes.append(f"photographs that cannot be read, without boxes: {len(unreadable)} ({named})")
    folder = description.folder if all(path.startswith(os.path.join(description.folder, "")) for path in paths) else None
    names = [name for name in dict.fromkeys(description.names.values()) if name != NONE]
    remarks = [*description.notes, *description.skipped.notes()]
    skipped = description.skipped.paths
    return annotated(records, names, cut, remarks, root=folder, split_name=split, notes=notes, skipped=skipped)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    return {*describe(os.path.abspath(root)).splits} - {""}


def _paths(description: Description, split):
    """The photographs of a split."""
    if split is None:
        return list(dict.fromkeys(path for each in description.splits for path in description.photographs(each)))
    name = description.find(split)
    return list(dict.fromkeys(description.photographs(name)))
