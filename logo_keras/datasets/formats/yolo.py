"""Photos with boxes as YOLO has them: a text file a photo, sides in shares of the photo's, and a description of the set."""

import math
import os
from dataclasses import dataclass, field

from logo_keras.datasets.annotations import Photograph, annotated, area
from logo_keras.datasets.checking import read_all
from logo_keras.datasets.classes import NONE, composed
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.sizes import read_sizes
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents, decode, read_lines
from logo_keras.datasets.tree import SUFFIXES, Skipped, find_folder, folders_in, is_written, photographs_in, some
from logo_keras.errors import UserError
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
# Sides reach beyond the photograph by rounding; further out, numbers are px.
_SLACK = 0.01


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
    splits = description.splits if split is None else [description.find(split)]
    paths = list(dict.fromkeys(path for each in splits for path in description.photographs(each)))
    found = read_all(lambda path: read_labels(label_file(path), description), paths, "reading labels")
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
        """The photos of a list, in its order.

        What comes before a path differs: nothing, the folder of the list or of the set, or a folder of the machine on which
        the list was written.
        """
        folder = os.path.dirname(file)
        places = [folder, self.folder, os.path.dirname(self.folder)]
        finder = Finder(places, lambda: photographs_in(self.folder), ends=True)
        names = [line.strip().strip("\"'") for _, line in read_lines(file)]
        found = [finder.find(name) for name in names]
        self.notes.extend(finder.notes(file))
        return [path or finder.guess(name) for name, path in zip(names, found, strict=True)]


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
        raise UserError(f"{root} holds several descriptions, {', '.join(known)}: give the file of the data set as root.")
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
        List of `(name, (y0, x0, y1, x1))`, in shares of the photo's height and width, without those of the class "none".

    Raises:
        ValueError: for lines that cannot be read; the error names file and lines.
    """
    found, problems = [], Problems()
    for number, line in read_lines(file) if file else ():
        with problems.collecting():
            found.append(_label(line, f"{file}:{number}", description))
    problems.check()
    return [each for each in found if each[0] != NONE]


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
        raise UserError(f"{where}: expected {expected}, got {line.strip()[:80]!r}.")
    if kind not in description.names:
        raise UserError(f"{where}: class {words[0]} is none of the {len(description.names)} in {description.file}.")
    # NaN compares false.
    if not all(-_SLACK <= value <= 1 + _SLACK for value in values):
        raise UserError(f"{where}: expected shares of the photograph between 0 and 1, got {line.strip()[:80]!r}.")
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
        raise UserError(f"{file}: a description has at most {_MAX_BYTES} bytes, this file has more.")
    try:
        # Strings only: a brand called "no", "1e3" or "2024-01-01" is no truth value, number or date.
        content = yaml.load(decode(data, file), Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{file}:{line}: not YAML ({error.problem}).") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"{file}: not YAML ({type(error).__name__}).") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    try:
        names = {int(number): composed(name.strip()) for number, name in names.items()}
    except (AttributeError, ValueError):
        names = {}
    if not names or not all(names.values()):
        raise UserError(f"{file} needs names, a list of classes or numbers with their names.")
    folder = os.path.dirname(file)
    stated = os.path.normpath(os.path.join(folder, content["path"])) if isinstance(content.get("path"), str) else folder
    base = stated if os.path.isdir(stated) else folder
    splits = {}
    for name in _SPLITS:
        entries = content.get(name) or []
        entries = [entries] if isinstance(entries, str) else entries
        if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
            raise UserError(f"{file}: {name} must be a folder, a list of photographs, or several of them.")
        places = [_place(each, (base, folder)) for each in entries if each not in ("", "~", "null")]
        # Roboflow names a folder of tests also where there are none.
        if found := [place for place in places if place]:
            splits[name] = found
    if not splits:
        raise FileNotFoundError(f"{file} names no folder or list that exists as train, val or test; {contents(base)}.")
    return Description(file, base, dict(sorted(names.items())), splits, "kpt_shape" in content)


def _place(entry, bases, ends=False):
    """Where a folder or list of a description is, or None: Roboflow writes ../train/images for what lies beside it."""
    return Finder(bases, tuple, os.path.exists, ends).find(entry)


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
            raise UserError(f"{file} needs a line names = FILE, as Darknet's obj.data has it.")
        return None
    root = root or folder
    # Paths start in the folder that Darknet runs in: one above, or another machine's.
    bases = tuple(dict.fromkeys((folder, root, os.path.dirname(folder))))
    ends = {key: _place(value, bases, ends=True) for key, value in entries.items() if value}
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
        raise UserError(f"{file} is empty: expected a name a line.")
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
