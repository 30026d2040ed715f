"""Photos with boxes as YOLO has them: a text file a photo, sides in shares of the photo's, and a description of the set."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from logo_keras.datasets.annotations import Photograph, annotated, area
from logo_keras.datasets.checking import read_all
from logo_keras.datasets.classes import NONE, composed
from logo_keras.datasets.formats import home_of, named_split
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.sizes import read_sizes
from logo_keras.datasets.textfile import contents, decode, head, read_bytes, read_lines, texts_in
from logo_keras.datasets.tree import SUFFIXES, Skipped, folders_in, is_written, photographs_in, some
from logo_keras.errors import UserError
from logo_keras.extras import require

_DESCRIPTIONS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
# Darknet's lists of names, the last one as Roboflow writes it.
_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
_SPLITS = ("train", "val", "valid", "validation", "test")
# Folders of photos for which labels/ stands in the path of the labels: Ultralytics' and Darknet's rules.
_IMAGES = ("images", "JPEGImages")
# Bytes of a description: ten thousand names take less, and YAML is slow to read.
_MAX_BYTES = 2**20
# Folders inside each other that are searched for names of classes.
_DEPTH = 2
# Sides reach beyond the photo by rounding; further out, numbers are px.
_SLACK = 0.01


def load(root, split=None, cut=None):
    """Opens photos with boxes in the format of YOLO.

    The root is a `data.yaml`, or a folder that holds one, as Ultralytics and Roboflow write it (`path`, `train`, `val`,
    `test`, `names`); or a folder with `classes.txt` or `obj.names` for Darknet's format, whose splits are folders
    (`SPLIT/`, `images/SPLIT/`) or lists `SPLIT.txt`. The boxes of `images/a.jpg` stand in `labels/a.txt`, else in `a.txt`
    beside it: lines `class x y width height` with the middle of the box, or `class x1 y1 x2 y2 ...` with the corners of an
    outline, around which the box is drawn. A photo without such a file, or with an empty one, shows no brand of the
    set.

    The shares are those of the upright photo (EXIF orientation applied, as YOLO's own loaders do), so the size of
    every photo is read from its file, though nothing is decoded.

    Args:
        root: str or path.
        split: str, or None for all photos with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the lists, else of the names. Classes have the order of the description.
        Photos without a brand have label -1; split=None leaves them out. One that cannot be read keeps its label and
        has no boxes.

    Raises:
        FileNotFoundError: if the root, its description or the split are missing.
        ValueError: if a description, a list or a line cannot be read (the error names file and line), or `cut` where there
            are no boxes.
        ImportError: if there is a `data.yaml` and PyYAML is not installed.
    """
    root = os.path.abspath(root)
    description = describe(root)
    known = [name for name in description.splits if name]
    splits = description.splits if split is None else [named_split(split, known, description.file)]
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
        folder: str, in which the photos lie.
        names: dict, number to name of each class, by number.
        splits: dict, name of a split to the folders and lists of its photos; "" where there are no splits.
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

    def photographs(self, split):
        """Paths of a split's photos, absolute; of a folder sorted, of a list in its order."""
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
        return _from_data(root, os.path.dirname(root)) if root.lower().endswith(".data") else _from_yaml(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no file or folder {root}.")
    suffixes = (".yaml", ".yml")
    own = texts_in(root, *suffixes) or texts_in(home_of(root, _DESCRIPTIONS, "YOLO"), *suffixes)
    known = [file for file in own if os.path.basename(file).lower() in _DESCRIPTIONS][:1] or own
    if len(known) > 1:
        names = ", ".join(map(os.path.basename, known))
        raise UserError(f"{root} holds several descriptions, {names}: give the file of the data set as root.")
    return _from_yaml(known[0]) if known else _from_names(root)


def label_file(photograph):
    """The path of a photo's labels, or None if it has none.

    Of `x/images/y/a.jpg` that is `x/labels/y/a.txt`, else `a.txt` beside it, in `labels/` there, or in `labels/` beside its
    folder; `a.jpg.txt` counts as well.
    """
    stem, suffix = os.path.splitext(photograph)
    folder, name = os.path.split(stem)
    parts = [stem.rpartition(f"{os.sep}{images}{os.sep}") for images in _IMAGES]
    candidates = [os.path.join(above, "labels", below) for above, found, below in parts if found]
    candidates += [stem, os.path.join(folder, "labels", name), os.path.join(os.path.dirname(folder), "labels", name)]
    files = [f"{candidate}{end}" for end in (".txt", f"{suffix}.txt") for candidate in candidates]
    return next(filter(os.path.isfile, files), None)


def read_labels(file, description):
    """Reads the labels of a photo.

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
    data = read_bytes(file, _MAX_BYTES, "a description")
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
    stated = os.path.normpath(os.path.join(folder, str(content.get("path", ""))))
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
    level = folders = [root]
    for _ in range(_DEPTH):
        inside = [path for folder in level for path in folders_in(folder)]
        level = [path for path in inside if not is_written(path, os.listdir(path))]
        folders = folders + level
    for file in (file for folder in folders for file in texts_in(folder, ".data")):
        if "names" in _entries(file):
            return _from_data(file, root)
    # Darknet lets the file have any name; one that is called after nothing else is it.
    others = texts_in(root, ".names")
    files = [os.path.join(folder, name) for folder in folders for name in _NAMES]
    file = next(filter(os.path.isfile, files), others[0] if len(others) == 1 else None)
    if file is None:
        names = "classes.txt or obj.names with the names of the classes"
        raise FileNotFoundError(f"{root} must hold data.yaml, or {names}; {contents(root)}.")
    return _darknet(file, root)


def _entries(file):
    """What Darknet's `obj.data` says in lines `names = ...`, `train = ...`, `valid = ...`."""
    pairs = [line.partition("=") for _, line in read_lines(file)]
    return {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs}


def _from_data(file, root):
    folder, entries = os.path.dirname(file), _entries(file)
    if "names" not in entries:
        raise UserError(f"{file} needs a line names = FILE, as Darknet's obj.data has it.")
    # Paths start in the folder that Darknet runs in: one above, or another machine's.
    bases = (folder, root, os.path.dirname(folder))
    ends = {key: _place(value, bases, ends=True) for key, value in entries.items() if value}
    names = ends.get("names") or next(filter(os.path.isfile, (os.path.join(folder, name) for name in _NAMES)), None)
    if names is None:
        raise FileNotFoundError(
            f"{file} names {entries['names']} for its classes, and there is no such file; {contents(folder)}."
        )
    return _darknet(names, root, {key: [ends[key]] for key in _SPLITS if ends.get(key)})


def _darknet(file, root, splits=None):
    """The description of a set that has a list of names, one a line: an empty line leaves out a number."""
    names = {number - 1: composed(line.strip()) for number, line in read_lines(file)}
    if not names:
        raise UserError(f"{file} is empty: expected a name a line.")
    return Description(file, root, names, splits or _lists(root, file) or _folders(root))


def _lists(root, names):
    """Splits that are lists of photos, in the root or beside the list of names."""
    for folder in (root, os.path.dirname(names)):
        if found := {Path(file).stem: [file] for file in texts_in(folder, ".txt") if _is_list(file)}:
            return found
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
    """Whether a text file names photos."""
    line = head(file).strip().partition("\n")[0].strip(" \t\r\"'").lower()
    return any(written.endswith(SUFFIXES) for written in spellings(line))
