"""What describes a data set of YOLO, and its labels: `data.yaml` or lists of names, and a text file a photograph."""

import math
import os
from dataclasses import dataclass, field

from logo_keras.datasets.classes import composed
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents, decode, read_lines
from logo_keras.datasets.tree import SUFFIXES, Skipped, find_folder, folders_in, is_written, photographs_in
from logo_keras.extras import require

_DESCRIPTIONS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
# Darknet's lists of names, the last one as Roboflow writes it.
_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
_SPLITS = ("train", "val", "valid", "validation", "test")
# Folders of photographs for which labels/ stands in the path of the labels: Ultralytics' and Darknet's rules.
_IMAGES = ("images", "JPEGImages")
# Bytes of a description: ten thousand names take less, and YAML is slow to read.
_MAX_BYTES = 2**20
# Folders inside each other that are searched for names of classes.
_DEPTH = 2
# Photographs of a list that are searched for, until one is found.
_TRIED = 100
# Folders at the start of a path that may belong to another machine.
_DROPPED = 20
# Sides reach beyond the photograph by rounding; further out, numbers are px.
_SLACK = 0.01


@dataclass(frozen=True)
class Description:
    """What a data set says of itself.

    Attributes:
        file: str, that says it.
        folder: str, in which the photographs lie.
        names: dict, number to name of each class, by number.
        splits: dict, name of a split to the folders and lists of its photographs; "" where there are no splits.
        pose: bool, whether points follow the box of a line.
        skipped: Skipped, what was left out of the folders.
        notes: list of str, what a report must say of the lists that were read.
    """

    file: str
    folder: str
    names: dict
    splits: dict
    pose: bool = False
    skipped: Skipped = field(default_factory=Skipped)
    notes: list = field(default_factory=list)

    def find(self, split):
        """The split as it is called here: "val", "valid" and "validation" are one."""
        if (name := find_split(split, [each for each in self.splits if each])) is not None:
            return name
        known = ", ".join(filter(None, self.splits)) or "photographs: leave it out"
        raise FileNotFoundError(f"{self.file} has no split {split!r}, only {known}.")

    def photographs(self, split):
        """Paths of a split's photographs, absolute; of a folder sorted, of a list in its order."""
        found = []
        for place in self.splits[split]:
            found += self._listed(place) if os.path.isfile(place) else sorted(photographs_in(place, self.skipped))
        return found

    def _listed(self, file):
        """The photographs of a list.

        What comes before a path differs: nothing, the folder of the list or of the set, or a folder of the machine on which
        the list was written. The first photograph that is found decides for all; those that are not there are searched.
        """
        names = [line.strip().strip("\"'") for _, line in read_lines(file)]
        finder = Finder([os.path.dirname(file), self.folder], lambda: photographs_in(self.folder))
        start = _start(names, dict.fromkeys([os.path.dirname(file), self.folder, os.path.dirname(self.folder)]))
        paths, known = [], 0
        for name in names:
            path = None if start is None else _joined(start[0], name.replace("\\", "/"), start[1])
            if path is None or not os.path.isfile(path):
                path = finder.find(name) or path or _joined(os.path.dirname(file), name.replace("\\", "/"), 0)
            else:
                known += 1
            paths.append(path)
        self.notes.extend(finder.notes(file, known))
        return paths


def describe(root):
    """Reads the description of a data set.

    Args:
        root: str, absolute, of a folder or of a YAML file.

    Returns:
        Description.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it cannot be read.
        ImportError: if it is YAML and PyYAML is not installed.
    """
    if os.path.isfile(root):
        return _from_data(root) if root.lower().endswith(".data") else _from_yaml(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no file or folder {root}.")
    own = sorted(name for name in os.listdir(root) if name.lower().endswith((".yaml", ".yml")) and not name.startswith("."))
    known = [name for name in own if name.lower() in _DESCRIPTIONS] or own
    if len(known) == 1 or known and known[0].lower() in _DESCRIPTIONS:
        return _from_yaml(os.path.join(root, known[0]))
    if known:
        raise ValueError(f"{root} holds several descriptions, {', '.join(known)}: give the file of the data set as root.")
    try:
        home = find_folder(root, _DESCRIPTIONS, "YOLO")
    except FileNotFoundError:
        return _from_names(root)
    return _from_yaml(str(next(filter(os.path.isfile, (home / name for name in _DESCRIPTIONS)))))


def label_file(photograph):
    """The path of a photograph's labels, or None if it has none.

    Of `x/images/y/a.jpg` that is `x/labels/y/a.txt`, else `a.txt` beside it, in `labels/` there, or in `labels/` beside its
    folder; `a.jpg.txt` counts as well.
    """
    stem = os.path.splitext(photograph)[0]
    folder, name = os.path.split(stem)
    candidates = []
    for images in _IMAGES:
        above, found, below = stem.rpartition(f"{os.sep}{images}{os.sep}")
        candidates += [os.path.join(above, "labels", below)] if found else []
    candidates += [stem, os.path.join(folder, "labels", name), os.path.join(os.path.dirname(folder), "labels", name)]
    files = [f"{candidate}.txt" for candidate in candidates]
    files += [f"{candidate}{os.path.splitext(photograph)[1]}.txt" for candidate in candidates]
    return next(filter(os.path.isfile, files), None)


def read_labels(file, description):
    """Reads the labels of a photograph.

    Args:
        file: str, or None.
        description: Description.

    Returns:
        Tuple of `(name, (y0, x0, y1, x1))`, in shares of the photograph's height and width.

    Raises:
        ValueError: for lines that cannot be read; the error names file and lines.
    """
    found, problems = [], Problems()
    for number, line in read_lines(file) if file else ():
        with problems.collecting():
            found.append(_label(line, f"{file}:{number}", description))
    problems.check()
    return tuple(found)


def _label(line, where, description):
    words = line.split()
    try:
        kind, *values = map(float, words)
    except ValueError:
        kind, values = math.nan, []
    if description.pose:
        values = values[:4]
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        expected = "class x y width height, or class x1 y1 x2 y2 x3 y3 ..."
        raise ValueError(f"{where}: expected {expected}, got {line.strip()[:80]!r}.")
    if kind not in description.names:
        raise ValueError(f"{where}: class {words[0]} is none of the {len(description.names)} in {description.file}.")
    # NaN compares false.
    if not all(-_SLACK <= value <= 1 + _SLACK for value in values):
        raise ValueError(f"{where}: expected shares of the photograph between 0 and 1, got {line.strip()[:80]!r}.")
    if len(values) == 4:
        x, y, width, height = values
        box = y - height / 2, x - width / 2, y + height / 2, x + width / 2
    else:
        box = min(values[1::2]), min(values[::2]), max(values[1::2]), max(values[::2])
    return description.names[kind], box


def _from_yaml(file):
    yaml = require("yaml", "train")
    with open(file, "rb") as opened:
        data = opened.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{file}: a description has at most {_MAX_BYTES} bytes, this file has more.")
    try:
        # Strings only: a brand called "no", "1e3" or "2024-01-01" is no truth value, number or date.
        content = yaml.load(decode(data, file), Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"{file}:{line}: not YAML ({error.problem}).") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{file}: not YAML ({type(error).__name__}).") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    try:
        names = {int(number): composed(name.strip()) for number, name in names.items()}
    except (AttributeError, ValueError):
        names = {}
    if not names or not all(names.values()):
        raise ValueError(f"{file} needs names, a list of classes or numbers with their names.")
    folder = os.path.dirname(file)
    stated = os.path.normpath(os.path.join(folder, content["path"])) if isinstance(content.get("path"), str) else folder
    base = stated if os.path.isdir(stated) else folder
    splits = {}
    for name in _SPLITS:
        entries = content.get(name) or []
        entries = [entries] if isinstance(entries, str) else entries
        if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
            raise ValueError(f"{file}: {name} must be a folder, a list of photographs, or several of them.")
        places = [_place(each, (base, folder)) for each in entries if each not in ("", "~", "null")]
        # Roboflow names a folder of tests also where there are none.
        if found := [place for place in places if place]:
            splits[name] = found
    if not splits:
        raise FileNotFoundError(f"{file} names no folder or list that exists as train, val or test; {contents(base)}.")
    return Description(file, base, dict(sorted(names.items())), splits, "kpt_shape" in content)


def _place(entry, bases):
    """Where a folder or list of a description is, or None."""
    entry = entry.replace("\\", "/")
    # Roboflow writes ../train/images for train/images beside the description; Ultralytics reads it so as well.
    for base in bases:
        for name in (entry, entry.removeprefix("../")):
            path = os.path.normpath(os.path.join(base, name))
            if os.path.exists(path):
                return path
    # The path on the machine where the set was made: the longest end of it that is there.
    parts = entry.strip("/").split("/")
    ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
    found = (os.path.join(base, end) for end in ends for base in bases) if os.path.isabs(entry) or entry[1:2] == ":" else ()
    return next(filter(os.path.exists, map(os.path.normpath, found)), None)


def _from_names(root):
    levels = [[root]]
    for _ in range(_DEPTH):
        inside = [path for folder in levels[-1] for path in folders_in(folder)]
        levels.append([path for path in inside if not is_written(path, os.listdir(path))])
    folders = [folder for level in levels for folder in level]
    for folder in folders:
        described = sorted(name for name in os.listdir(folder) if name.lower().endswith(".data") and not name.startswith("."))
        for name in described:
            if (found := _from_data(os.path.join(folder, name), root)) is not None:
                return found
    files = [os.path.join(folder, name) for folder in folders for name in _NAMES]
    file = next(filter(os.path.isfile, files), None)
    # Darknet lets the file have any name; one that is called after nothing else is it.
    others = [os.path.join(root, name) for name in sorted(os.listdir(root)) if name.lower().endswith(".names")]
    file = file or (others[0] if len(others) == 1 else None)
    if file is None:
        names = "classes.txt or obj.names with the names of the classes"
        raise FileNotFoundError(f"{root} must hold data.yaml, or {names}; {contents(root)}.")
    return Description(file, root, _names(file), _lists(root, file) or _folders(root))


def _from_data(file, root=None):
    """Reads Darknet's `obj.data`: lines `names = ...`, `train = ...`, `valid = ...`. None if it is something else."""
    folder = os.path.dirname(file)
    pairs = [line.partition("=") for _, line in read_lines(file)]
    entries = {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs}
    if "names" not in entries:
        if root is None:
            raise ValueError(f"{file} needs a line names = FILE, as Darknet's obj.data has it.")
        return None
    root = root or folder
    # Paths start in the folder that Darknet runs in: one above, or another machine's.
    bases = tuple(dict.fromkeys((folder, root, os.path.dirname(folder))))
    ends = {key: _place(value, bases) or _place(f"/{value}", bases) for key, value in entries.items() if value}
    names = ends.get("names") or next(filter(os.path.isfile, (os.path.join(folder, name) for name in _NAMES)), None)
    if names is None:
        raise FileNotFoundError(
            f"{file} names {entries['names']} for its classes, and there is no such file; {contents(folder)}."
        )
    splits = {key: [ends[key]] for key in _SPLITS if ends.get(key)}
    return Description(names, root, _names(names), splits or _lists(root, names) or _folders(root))


def _names(file):
    """Number to name of each class, one a line: an empty line leaves out a number."""
    names = {number - 1: composed(line.strip()) for number, line in read_lines(file)}
    if not names:
        raise ValueError(f"{file} is empty: expected a name a line.")
    return names


def _lists(root, names):
    """Splits that are lists of photographs, in the root or beside the list of names."""
    for folder in dict.fromkeys((root, os.path.dirname(names))):
        found = sorted(name for name in os.listdir(folder) if _is_list(os.path.join(folder, name)))
        if found:
            return {os.path.splitext(name)[0]: [os.path.join(folder, name)] for name in found}
    return {}


def _folders(root):
    """Splits that are folders; what lies outside them belongs to none."""
    images = next(filter(os.path.isdir, (os.path.join(root, name) for name in _IMAGES)), None)
    base = images or root
    splits = {}
    for folder in folders_in(base):
        if any(photographs_in(folder)):
            splits[os.path.basename(folder)] = [folder]
    # The folder's own come first.
    if os.path.dirname(next(photographs_in(base), "")) == base:
        splits[""] = [base]
    return splits or {"": [base]}


def _is_list(file):
    """Whether a text file names photographs."""
    name = os.path.basename(file)
    if not name.lower().endswith(".txt") or name.startswith(".") or not os.path.isfile(file):
        return False
    with open(file, "rb") as opened:
        # Without the zeros of UTF-16.
        head = opened.read(4096).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").splitlines()[:1]
    line = os.fsdecode(head[0]).strip().strip("\"'").lower() if head else ""
    return any(written.endswith(SUFFIXES) for written in spellings(line))


def _start(names, places):
    """Where the paths of a list start: a folder, and how many folders of each path come before it; None if nowhere."""
    for name in names[:_TRIED]:
        written = name.replace("\\", "/")
        for drop in range(min(written.count("/"), _DROPPED) + 1):
            for place in places:
                if os.path.isfile(_joined(place, written, drop)):
                    return place, drop
    return None


def _joined(place, name, drop):
    """The path without the first `drop` folders, after another folder."""
    return os.path.normpath(os.path.join(place, *name.split("/")[drop:] if drop else [name]))
