"""Photos named in text files, a line `path label` each."""

import csv
import os
import re
from array import array
from pathlib import Path

from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.formats.boxes_file import BRANDS, PATHS, boxed, find_boxes
from logo_keras.datasets.paths import Finder, is_written_elsewhere
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import columns_of, contents, head, read_lines, texts_in
from logo_keras.datasets.tree import SUFFIXES, is_photograph, photographs_in, some
from logo_keras.errors import UserError

# Quotes around a path or a label, as spreadsheets and shells put them.
_QUOTES = "\"'"
# How a table's first line calls its paths.
_HEADERS = (*PATHS, "photo", "name", "image_path", "filepath")
# What a line may be, the first that fits: a path in quotes; whatever a tab parts; a comma or semicolon after the suffix of a
# photo, since others may stand in its name; a label in quotes; a label of one word.
_LINES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"""(["'])(?P<path>.*?)\1[ \t,;]*(?P<label>.*)""",
        r"(?P<path>.*)\t(?P<label>.*)",
        rf"(?P<path>.*?(?:{'|'.join(map(re.escape, SUFFIXES))})) *[,;](?P<label>.+)",
        r"""(?P<path>.+)(?P<label>(["'])(?:(?!\3).)*\3)""",
        r"(?P<path>(?:.* )?)(?P<label>.*)",
    )
)
_LABEL = re.compile(r"""(["']?)(.*)\1""")
# Paths of a list that are looked for, evenly spread; a list of so many is looked through from end to end. More would make
# lists of millions slow.
_TRIED = 10_000


def load(root, split=None, cut=None):
    """Opens lists of photos.

    A line is a path and a label, separated by a tab, a comma or semicolon, or spaces; both may stand in quotes. The path may
    hold spaces. After a tab, a comma or a semicolon all that follows is the label, else the last word. A first line that
    says "path label" or the like is left out; of a table with more columns it says which two count. So are lines that begin
    with #. Paths are relative to the list's folder, else to the folder that the program
    runs in; those of another machine or tool are searched as `logo_keras.datasets.paths.Finder` says. Labels are names, or
    integers if all of them are: the classes are the different ones, in the order of `logo_keras.datasets.classes.ordered`.
    Labels "none" and "-1" mean no brand of the set. Text files that are no lists are left out, and `notes` names them.

    The folder of the lists may hold boxes in `boxes.csv` or `boxes.json` (`logo_keras.datasets.formats.boxes_file`). A
    photo keeps the label of its line, and the boxes of that brand; with `cut` a box of another brand of the set is a
    sample of its own.

    Args:
        root: str or path of one list, or of a folder of lists `SPLIT.txt`; classes are taken from all lists of the
            folder, so that they agree between splits.
        split: str, the list `root/SPLIT.txt`, or None for all labelled photos of all lists.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset, in the order of the lines (a photo in several lists comes once for split=None). `root` is the folder
        of the lists, or None if a photo lies outside it.

    Raises:
        FileNotFoundError: if the root or the list is missing.
        ValueError: if lines have no label, or a photo two; if a box cannot be read, or `cut` where there are no boxes.
            The error names file and lines, all of them or the first ten.
    """
    root = os.path.abspath(root)
    notes = []
    if os.path.isfile(root):
        if split is not None:
            raise UserError(f"{root} is one list: leave out split={split!r}, or give its folder as root.")
        folder, lists = os.path.dirname(root), {"": root}
    elif os.path.isdir(root):
        folder, lists = root, _lists(root)
        others = [os.path.basename(file) for file in texts_in(root, ".txt") if file not in lists.values()]
        if others and lists:
            notes.append(f"text files that are no lists of photographs, skipped: {len(others)} ({some(others)})")
    else:
        raise FileNotFoundError(f"there is no list or folder {root}.")
    chosen = lists
    if split is not None:
        if (found := find_split(split, lists)) is None:
            raise FileNotFoundError(f"{root} has no list {split}.txt; {contents(root)}.")
        chosen = {found: lists[found]}
    # Label to itself: of millions of equal ones there is one.
    words, problems = {}, Problems()
    rows = {file: _rows(file, words, notes, problems) for file in lists.values()}
    labels = {}
    for file in chosen.values():
        for number, path, label in zip(*rows[file], strict=True):
            if (before := labels.setdefault(path, label)) != label:
                name = os.path.relpath(path, folder)
                problems.add(f"{file}:{number}: {name} has label {label!r} here and {before!r} before.")
    problems.check()
    if split is None:
        paths = [path for path, label in labels.items() if label != NONE]
    else:
        paths = [path for file in chosen.values() for path in rows[file][1]]
    if not paths:
        where = ", ".join(chosen.values()) or f"{root}: it has no *.txt with lines of a path and a label"
        raise UserError(f"no labelled photographs in {where}.")
    inside = all(path.startswith(os.path.join(folder, "")) for path in paths)
    names = ordered(words)
    fields = dict(class_names=names, root=folder if inside else None, split_name=split, notes=notes)
    if (file := find_boxes(folder)) is not None:
        owners = {path: label for _, *each in rows.values() for path, label in zip(*each, strict=True)}
        return boxed(file, owners | labels, paths, cut, **fields)
    places = {name: place for place, name in enumerate(names)} | {NONE: -1}
    return Dataset(paths=paths, labels=[places[labels[path]] for path in paths], **fields).cut(cut)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    return {*_lists(root)} if os.path.isdir(root) else set()


def listed_photographs(file):
    """Reads a list of photos of which the labels do not matter.

    Args:
        file: str or path, of a text file with lines `path` or `path label`.

    Returns:
        List of str, absolute paths, each once. An absolute path that leads nowhere stays as it is: who reads it is told.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if others are not there; the error says where they were looked for.
    """
    file = os.path.abspath(file)
    search, problems, paths = _finder(file), Problems(), {}
    for number, line in read_lines(file):
        # A line may be only a path, which may hold spaces.
        whole, (path, _) = line.strip().strip(_QUOTES), _split(line)
        found = search.find(whole) or (search.find(path) if path else None) or (whole if os.path.isabs(whole) else None)
        if found is None:
            problems.add(f"{file}:{number}: there is no {whole!r}, neither in {' nor in '.join(search.places)}.")
        else:
            paths[found] = None
    problems.check()
    return list(paths)


def _finder(file):
    """Finds the photos of a text file: in its folder, else in the one that the program runs in, else by their names.

    Args:
        file: str, absolute.

    Returns:
        Finder.
    """
    folder = os.path.dirname(file)
    return Finder([folder, os.getcwd()], lambda: photographs_in(folder))


def _lists(folder):
    """Split to its list: the text files of a folder in which a photo is named."""
    return {Path(file).stem: file for file in texts_in(folder, ".txt") if _is_list(file)}


def _is_list(file):
    text = head(file)
    if any(suffix in text.lower() for suffix in SUFFIXES):
        return True
    return any(label and _names_photograph(file, path) for path, label in map(_split, text.splitlines()[:1]))


def _rows(file, words, notes, problems):
    """Line numbers, paths and labels of a list; the paths are absolute."""
    numbers, paths, labels = array("Q"), [], []
    lines = read_lines(file)
    columns = _columns(lines[0][1]) if lines else None
    for place, (number, line) in enumerate(lines):
        path, label = _split(line) if columns is None or place == 0 else _cells(line, *columns)
        # Otherwise a header, a note or a label of two words would make a class.
        if label and _names_photograph(file, path):
            numbers.append(number)
            paths.append(path)
            labels.append(words.setdefault(label, label))
            continue
        header = place == 0 and (columns or re.split(r"[\t,; ]", line.strip().lower())[0].strip(_QUOTES) in _HEADERS)
        if not header and not line.lstrip().startswith("#"):
            rule = "the path with the suffix of a photograph, the label one word, or any words after a tab"
            problems.add(f"{file}:{number}: expected a path and a label, got {line.strip()!r}: {rule}.")
    return numbers, _found(file, paths, notes), labels


def _columns(header):
    """Mark between cells and places of path and label of a table with three columns or more; None for another line."""
    mark, columns = columns_of(header)
    path, label = (next((columns[name] for name in names if name in columns), None) for names in (_HEADERS, BRANDS))
    return None if len(columns) < 3 or path is None or label is None else (mark, path, label)


def _cells(line, mark, path, label):
    cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True))
    return (cells[path].strip(), _label(cells[label])) if len(cells) > max(path, label) else ("", "")


def _split(line):
    """Path and label of a line; one of them is empty where there is only one."""
    line = line.strip()
    found = next(filter(None, (pattern.fullmatch(line) for pattern in _LINES)))
    return found["path"].strip(), _label(_LABEL.fullmatch(found["label"].strip())[2])


def _label(text):
    label = composed(text.strip())
    return NONE if label == "-1" else label


def _names_photograph(file, path):
    """Whether a path in a list may be that of a photo: by its suffix, whatever follows it in an address, or by its content."""
    plain = path.lower()
    if plain.endswith(SUFFIXES) or plain.partition("?")[0].endswith(SUFFIXES) or "?d=" in plain:
        return True
    return bool(path) and is_photograph(os.path.join(os.path.dirname(file), path.replace("\\", "/")))


def _found(file, paths, notes):
    """The paths as they lie on the disk. Millions of plain ones are taken as they are written, if a sample of them is there."""
    folder = os.path.dirname(file)
    search = _finder(file)
    sample = paths[:: max(1, len(paths) // _TRIED)]
    plain = [path for path in sample if not is_written_elsewhere(path)]
    if all(os.path.isfile(os.path.join(folder, path)) for path in plain):
        found = [search.find(path) or path if is_written_elsewhere(path) else path for path in paths]
    elif len(sample) < len(paths) and not any(map(search.find, sample)):
        # The photos are not here: searching for every one would take long and find none.
        found = paths
    else:
        search = _finder(file)
        found = [search.find(path) or path for path in paths]
    notes += search.notes(file)
    # Whoever writes lists on Windows puts \\ between folders.
    found = (path if os.path.isabs(path) else os.path.join(folder, path.replace("\\", "/")) for path in found)
    return [os.path.normpath(path) for path in found]
