"""Photographs named in text files, a line `path label` each."""

import csv
import os
import re
from array import array

from logo_keras.datasets.classes import NONE as NO_BRAND
from logo_keras.datasets.classes import composed, ordered
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.formats.boxes_file import BRANDS, boxed, find_boxes
from logo_keras.datasets.paths import Finder, is_written_elsewhere
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import SUFFIXES, is_photograph, photographs_in, some
from logo_keras.errors import UserError

# Labels of photographs that show no brand of the set: never a class.
NONE = (NO_BRAND, "-1")
# Quotes around a path or a label, as spreadsheets and shells put them.
_QUOTES = "\"'"
# How a table's first line calls its paths.
_HEADERS = ("path", "file", "filename", "file_name", "image", "photograph", "photo", "name", "image_path", "filepath")
_MARKS = re.compile(r"[\t,; ]")
# Paths of a list that are looked for, evenly spread; a list of so many is looked through from end to end. More would make
# lists of millions slow.
_TRIED = 10_000
# Bytes of a text file in which a photograph is named, if it is a list.
_HEAD = 2**16


def load(root, split=None, cut=None):
    """Opens lists of photographs.

    A line is a path and a label, separated by a tab, a comma or semicolon, or spaces; both may stand in quotes. The path may
    hold spaces. After a tab, a comma or a semicolon all that follows is the label, else the last word. A first line that
    says "path label" or the like is left out; of a table with more columns it says which two count. So are lines that begin
    with #. Paths are relative to the list's folder, else to the folder that the program
    runs in; those of another machine or tool are searched as `logo_keras.datasets.paths.Finder` says. Labels are names, or
    integers if all of them are: the classes are the different ones, in the order of `logo_keras.datasets.classes.ordered`.
    Labels "none" and "-1" mean no brand of the set. Text files that are no lists are left out, and `notes` names them.

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
        ValueError: if lines have no label, or a photograph two; if a box cannot be read, or `cut` where there are no boxes.
            The error names file and lines, all of them or the first ten.
    """
    root = os.path.abspath(root)
    notes = []
    if os.path.isfile(root):
        if split is not None:
            raise UserError(f"{root} is one list: leave out split={split!r}, or give its folder as root.")
        folder, lists = os.path.dirname(root), [os.path.basename(root)]
    elif os.path.isdir(root):
        folder, lists = root, _lists(root)
        others = [name for name in sorted(os.listdir(root)) if _is_text(root, name) and name not in lists]
        if others and lists:
            notes.append(f"text files that are no lists of photographs, skipped: {len(others)} ({some(others)})")
    else:
        raise FileNotFoundError(f"there is no list or folder {root}.")
    stems = {name[:-4]: name for name in lists}
    found = None if split is None else find_split(split, stems)
    if split is not None and found is None:
        raise FileNotFoundError(f"{root} has no list {split}.txt; {contents(root)}.")
    chosen = lists if split is None else [stems[found]]
    # Label to itself: of millions of equal ones there is one.
    words, problems = {}, Problems()
    rows = {name: _rows(os.path.join(folder, name), words, notes, problems) for name in lists}
    names = ordered(words.keys() - set(NONE))
    paths, labels = _chosen(folder, [(name, rows[name]) for name in chosen], split is None, problems)
    problems.check()
    if not paths:
        where = (
            ", ".join(os.path.join(folder, name) for name in chosen)
            or f"{root}: it has no *.txt with lines of a path and a label"
        )
        raise UserError(f"no labelled photographs in {where}.")
    outside = any(map(os.path.isabs, paths))
    fields = dict(class_names=names, root=None if outside else folder, split_name=split, notes=notes)
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
    return boxed(file, owners, [os.path.join(folder, path) for path in paths], cut, **fields)


def listed_photographs(file):
    """Reads a list of photographs of which the labels do not matter.

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
        # A line may be a path alone, which may hold spaces.
        whole, (path, _) = line.strip().strip(_QUOTES), _split(line)
        found = search.find(whole) or (search.find(path) if path else None)
        if found is None and os.path.isabs(whole):
            found = whole
        if found is None:
            problems.add(f"{file}:{number}: there is no {whole!r}, neither in {' nor in '.join(search.places)}.")
        else:
            paths[found] = None
    problems.check()
    return list(paths)


def _finder(file):
    """Finds the photographs of a text file: in its folder, else in the one that the program runs in, else by their names.

    Args:
        file: str, absolute.

    Returns:
        Finder.
    """
    folder = os.path.dirname(file)
    return Finder([folder, os.getcwd()], lambda: photographs_in(folder))


def _is_text(folder, name):
    return name.lower().endswith(".txt") and not name.startswith(".") and os.path.isfile(os.path.join(folder, name))


def _lists(folder):
    """The lists of a folder: its text files in which a photograph is named."""
    return sorted(name for name in os.listdir(folder) if _is_text(folder, name) and _is_list(folder, name))


def _is_list(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        # Whatever the encoding: letters of suffixes are single bytes, but for the zeros of UTF-16.
        head = file.read(_HEAD).replace(b"\0", b"").decode("latin-1")
    if any(suffix in head.lower() for suffix in SUFFIXES):
        return True
    return any(label and _names_photograph(folder, path) for path, label in map(_split, head.splitlines()[:1]))


def _rows(file, words, notes, problems):
    """Line numbers, paths and labels of a list; the paths are relative to its folder where they lie in it."""
    folder = os.path.dirname(file)
    numbers, paths, labels = array("Q"), [], []
    lines = read_lines(file)
    columns = _columns(lines[0][1]) if lines else None
    for place, (number, line) in enumerate(lines):
        path, label = _split(line) if columns is None or place == 0 else _cells(line, *columns)
        # Otherwise a header, a note or a label of two words would make a class.
        if not label or not _names_photograph(folder, path):
            if place == 0 and (columns or _MARKS.split(line.strip().lower())[0].strip(_QUOTES) in _HEADERS):
                continue
            if line.lstrip().startswith("#"):
                continue
            rule = "the path with the suffix of a photograph, the label one word, or any words after a tab"
            problems.add(f"{file}:{number}: expected a path and a label, got {line.strip()!r}: {rule}.")
            continue
        numbers.append(number)
        paths.append(path)
        labels.append(words.setdefault(label, label))
    return numbers, _found(file, paths, notes), labels


def _columns(header):
    """Mark between cells and places of path and label of a table with three columns or more; None for another line."""
    mark = max(",;\t", key=header.count)
    names = [name.strip().strip(_QUOTES).lower() for name in header.split(mark)]
    path, label = (next((names.index(each) for each in known if each in names), None) for known in (_HEADERS, BRANDS))
    return None if len(names) < 3 or path is None or label is None else (mark, path, label)


def _cells(line, mark, path, label):
    cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True))
    return (cells[path].strip(), composed(cells[label].strip())) if len(cells) > max(path, label) else ("", "")


def _split(line):
    """Path and label of a line; the label is empty where there is none."""
    line = line.strip()
    if line[:1] in _QUOTES and (end := line.find(line[0], 1)) > 0:
        path, label = line[1:end], line[end + 1 :].lstrip(" \t,;")
    else:
        path, label = _parted(line)
    label = label.strip()
    if len(label) > 1 and label[0] in _QUOTES and label[-1] == label[0]:
        label = label[1:-1].strip()
    return path.strip(), composed(label)


def _parted(line):
    if "\t" in line:
        path, _, label = line.rpartition("\t")
        return path, label
    for mark in ",;":
        path, _, label = line.partition(mark)
        # Commas may stand in the name of a photograph: what comes before one that parts has its suffix.
        while label and not path.rstrip().lower().endswith(SUFFIXES):
            more, _, label = label.partition(mark)
            path = f"{path}{mark}{more}"
        if label:
            return path, label
    if line[-1:] in _QUOTES and (start := line.rfind(line[-1], 0, -1)) > 0:
        return line[:start], line[start:]
    path, _, label = line.rpartition(" ")
    return path, label


def _names_photograph(folder, path):
    """Whether a path may be that of a photograph: by its suffix, whatever follows it in an address, or by its content."""
    plain = path.lower()
    if plain.endswith(SUFFIXES) or plain.partition("?")[0].endswith(SUFFIXES) or "?d=" in plain:
        return True
    return bool(path) and "\0" not in path and is_photograph(os.path.join(folder, path.replace("\\", "/")))


def _found(file, paths, notes):
    """The paths as they lie on the disk. Millions of plain ones are taken as they are written, if a sample of them is there."""
    folder = os.path.dirname(file)
    search = _finder(file)
    sample = paths[:: max(1, len(paths) // _TRIED)]
    plain = [path for path in sample if not is_written_elsewhere(path)]
    if all(os.path.isfile(os.path.join(folder, path)) for path in plain):
        found = [search.find(path) or path if is_written_elsewhere(path) else path for path in paths]
    elif len(sample) < len(paths) and not any(map(search.find, sample)):
        # The photographs are not here: searching for every one would take long and find none.
        found = paths
    else:
        search = _finder(file)
        found = [search.find(path) or path for path in paths]
    notes += search.notes(file)
    return [_relative(path, folder) for path in found]


def _relative(path, folder):
    # Whoever writes lists on Windows puts \\ between folders.
    path = os.path.normpath(path if os.path.isabs(path) else path.replace("\\", "/"))
    if os.path.isabs(path) or path.startswith(os.pardir):
        path = os.path.normpath(os.path.join(folder, path))
        if path.startswith(os.path.join(folder, "")):
            path = os.path.relpath(path, folder)
    return path


def split_names(root):
    """What `load` takes as `split`: set of str."""
    return {name[:-4] for name in _lists(root)} if os.path.isdir(root) else set()


def _chosen(folder, lists, once, problems):
    """Paths and labels of the photographs of some lists.

    Args:
        folder: str.
        lists: list of names and rows.
        once: bool. True leaves out repeated photographs, and those without a brand.
        problems: Problems, that gets photographs with two labels.
    """
    paths, labels, seen = [], [], {}
    for name, rows in lists:
        for number, path, label in zip(*rows, strict=True):
            before = seen.setdefault(path, label)
            if before != label:
                file = os.path.join(folder, name)
                problems.add(f"{file}:{number}: {path} has label {label!r} here and {before!r} before.")
            elif not once or label not in NONE:
                paths.append(path)
                labels.append(label)
    if once:
        first = dict(zip(paths, labels, strict=True))
        return list(first), list(first.values())
    return paths, labels
