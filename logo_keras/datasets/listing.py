"""Photographs named in text files, a line `path label` each."""

import os
from pathlib import Path

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.textfile import contents, read_lines

# Labels of photographs that show no brand of the set: never a class.
NONE = ("none", "-1")


def load(root, split=None):
    """Opens lists of photographs.

    A line is a path and a label, separated by a tab or by spaces; the path may hold spaces, the label is the last word
    (after a tab: all that follows). Paths are relative to the list's folder. Labels are names, or integers if all of
    them are: the classes are the different ones, sorted. Labels "none" and "-1" mean no brand of the set.

    Args:
        root: str or path of one list, or of a folder of lists `SPLIT.txt`; classes are taken from all lists of the
            folder, so that they agree between splits.
        split: str, the list `root/SPLIT.txt`, or None for all labelled photographs of all lists.

    Returns:
        Dataset, without boxes, in the order of the lines (a photograph in several lists comes once for split=None).

    Raises:
        FileNotFoundError: if the root or the list is missing.
        ValueError: if a line has no label, or a photograph two; the error names file and line.
    """
    root = Path(root)
    if root.is_file():
        if split is not None:
            raise ValueError(f"{root} is one list: leave out split={split!r}, or give its folder as root.")
        lists = [root]
    elif root.is_dir():
        lists = sorted(path for path in root.glob("*.txt") if path.is_file() and not path.name.startswith("."))
    else:
        raise FileNotFoundError(f"there is no list or folder {root}.")
    rows = {path: _rows(path) for path in lists}
    if split is None:
        chosen = lists
    elif root / f"{split}.txt" in rows:
        chosen = [root / f"{split}.txt"]
    else:
        raise FileNotFoundError(f"{root} has no list {split}.txt; {contents(root)}.")

    words = {label for each in rows.values() for _, _, label in each if label not in NONE}
    numeric = all(word.isascii() and word.isdigit() for word in words)
    names = sorted(words, key=int) if numeric else sorted(words)
    places = {name: place for place, name in enumerate(names)} | dict.fromkeys(NONE, -1)
    paths, labels, seen = [], [], {}
    for file in chosen:
        for number, path, label in rows[file]:
            if seen.setdefault(path, label) != label:
                raise ValueError(f"{file}:{number}: {path} has label {label!r} here and {seen[path]!r} before.")
            if split is not None or places[label] >= 0:
                paths.append(path)
                labels.append(places[label])
    if split is None:
        first = {path: place for place, path in reversed(list(enumerate(paths)))}
        kept = sorted(first.values())
        paths, labels = [paths[i] for i in kept], [labels[i] for i in kept]
    if not paths:
        raise ValueError(f"no labelled photographs in {', '.join(map(str, chosen)) or f'{root}: it has no *.txt'}.")
    return Dataset(paths=paths, labels=labels, class_names=names)


def _rows(file):
    """`(line number, absolute path, label)` of every line."""
    rows = []
    for number, line in read_lines(file):
        path, _, label = line.strip().rpartition("\t") if "\t" in line.strip() else line.strip().rpartition(" ")
        path, label = path.strip(), label.strip()
        if not path or not label:
            raise ValueError(f"{file}:{number}: expected a path and a label, got {line.strip()!r}.")
        rows.append((number, os.path.abspath(file.parent / path), label))
    return rows
