"""Photographs named in text files, a line `path label` each."""

import os
from array import array

from logo_keras.datasets.annotations import NONE as NO_BRAND
from logo_keras.datasets.annotations import Photograph, annotated
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.formats.boxes_file import find_boxes, read_boxes
from logo_keras.datasets.formats.folder import SUFFIXES
from logo_keras.datasets.textfile import contents, read_lines

# Labels of photographs that show no brand of the set: never a class.
NONE = (NO_BRAND, "-1")


def load(root, split=None, cut=None):
    """Opens lists of photographs.

    A line is a path and a label, separated by a tab or by spaces; the path may hold spaces, the label is the last word
    (after a tab: all that follows). Paths are relative to the list's folder. Labels are names, or integers if all of
    them are: the classes are the different ones, sorted. Labels "none" and "-1" mean no brand of the set.

    The folder of the lists may hold boxes in `boxes.csv` or `boxes.json` (`logo_keras.datasets.formats.boxes_file`). A
    photograph keeps the label of its line, and the boxes of that brand; with `cut` a box of another brand of the set is a
    sample of its own.

    Args:
        root: str or path of one list, or of a folder of lists `SPLIT.txt`; classes are taken from all lists of the
            folder, so that they agree between splits.
        split: str, the list `root/SPLIT.txt`, or None for all labelled photographs of all lists.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset, in the order of the lines (a photograph in several lists comes once for split=None). `root` is the folder
        of the lists, or None if a photograph lies outside it.

    Raises:
        FileNotFoundError: if the root or the list is missing.
        ValueError: if a line has no label, or a photograph two; if a box cannot be read, or `cut` where there are no boxes.
            The error names file and line.
    """
    root = os.path.abspath(root)
    if os.path.isfile(root):
        if split is not None:
            raise ValueError(f"{root} is one list: leave out split={split!r}, or give its folder as root.")
        folder, lists = os.path.dirname(root), [os.path.basename(root)]
    elif os.path.isdir(root):
        folder, lists = root, sorted(name for name in os.listdir(root) if _is_list(root, name))
    else:
        raise FileNotFoundError(f"there is no list or folder {root}.")
    if split is not None and f"{split}.txt" not in lists:
        raise FileNotFoundError(f"{root} has no list {split}.txt; {contents(root)}.")
    chosen = lists if split is None else [f"{split}.txt"]
    # Label to itself: of millions of equal ones there is one.
    words = {}
    rows = {name: _rows(os.path.join(folder, name), words) for name in lists}
    classes = words.keys() - set(NONE)
    numeric = all(word.isascii() and word.isdigit() for word in classes)
    names = sorted(classes, key=int) if numeric else sorted(classes)
    paths, labels = _chosen(folder, [(name, rows[name]) for name in chosen], once=split is None)
    if not paths:
        where = ", ".join(os.path.join(folder, name) for name in chosen) or f"{root}: it has no *.txt"
        raise ValueError(f"no labelled photographs in {where}.")
    fields = dict(class_names=names, root=None if any(map(os.path.isabs, paths)) else folder, split_name=split)
    places = {name: place for place, name in enumerate(names)} | dict.fromkeys(NONE, -1)
    file = find_boxes(folder)
    if file is None:
        # A generator: a list would hold millions of strings twice.
        absolute = (os.path.join(folder, path) for path in paths)
        return Dataset(paths=absolute, labels=[places[label] for label in labels], **fields).cut(cut)
    owners = {}
    for each in (*((paths, labels) for _, paths, labels in rows.values()), (paths, labels)):
        owners.update(
            (os.path.join(folder, path), NO_BRAND if label in NONE else label) for path, label in zip(*each, strict=True)
        )
    boxes = read_boxes(file, owners, set(names))
    absolute = [os.path.join(folder, path) for path in paths]
    return annotated([Photograph(path, owners[path], boxes.get(path, ())) for path in absolute], cut=cut, **fields)


def _is_list(folder, name):
    return name.endswith(".txt") and not name.startswith(".") and os.path.isfile(os.path.join(folder, name))


def _rows(file, words):
    """Line numbers, paths and labels of a list; the paths are relative to its folder where they lie in it."""
    folder = os.path.dirname(file)
    numbers, paths, labels = array("Q"), [], []
    for number, line in read_lines(file):
        line = line.strip()
        path, _, label = line.rpartition("\t" if "\t" in line else " ")
        path, label = path.strip(), label.strip()
        # Otherwise a header, a note or a label of two words would make a class.
        if not label or not path.lower().endswith(SUFFIXES):
            rule = "the path with the suffix of a photograph, the label one word, or any words after a tab"
            raise ValueError(f"{file}:{number}: expected a path and a label, got {line!r}: {rule}.")
        numbers.append(number)
        paths.append(_relative(path, folder))
        labels.append(words.setdefault(label, label))
    return numbers, paths, labels


def _relative(path, folder):
    # Whoever writes lists on Windows puts \\ between folders.
    path = os.path.normpath(path.replace("\\", "/"))
    if os.path.isabs(path) or path.startswith(os.pardir):
        path = os.path.normpath(os.path.join(folder, path))
        if path.startswith(os.path.join(folder, "")):
            path = os.path.relpath(path, folder)
    return path


def split_names(root):
    """What `load` takes as `split`: set of str."""
    return {name[:-4] for name in os.listdir(root) if _is_list(root, name)} if os.path.isdir(root) else set()


def _chosen(folder, lists, once):
    """Paths and labels of the photographs of some lists.

    Args:
        folder: str.
        lists: list of names and rows.
        once: bool. True leaves out repeated photographs, and those without a brand.
    """
    paths, labels, seen = [], [], {}
    for name, rows in lists:
        for number, path, label in zip(*rows, strict=True):
            before = seen.get(path)
            if before not in (None, label):
                file = os.path.join(folder, name)
                raise ValueError(f"{file}:{number}: {path} has label {label!r} here and {before!r} before.")
            seen[path] = label
            if not once or (before is None and label not in NONE):
                paths.append(path)
                labels.append(label)
    return paths, labels
