"""What describes a data set of YOLO, and its labels: `data.yaml` or lists of names, and a text file a photograph."""

import math
import os
from dataclasses import dataclass

from logo_keras.datasets.formats.folder import SUFFIXES
from logo_keras.datasets.formats.tree import walk
from logo_keras.datasets.textfile import contents, find_folder, read_lines
from logo_keras.extras import require

_DESCRIPTIONS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
# Darknet's lists of names, the last one as Roboflow writes it.
_NAMES = ("classes.txt", "obj.names", "_darknet.labels")
_SPLITS = ("train", "val", "valid", "validation", "test")
_VALIDATION = ("val", "valid", "validation")
# Bytes of a description: ten thousand names take less, and YAML is slow to read.
_MAX_BYTES = 2**20
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
    """

    file: str
    folder: str
    names: dict
    splits: dict
    pose: bool = False

    def find(self, split):
        """The split as it is called here: "val", "valid" and "validation" are one."""
        for name in (split, *(_VALIDATION if split in _VALIDATION else ())):
            if name in self.splits:
                return name
        known = ", ".join(filter(None, self.splits)) or "photographs: leave it out"
        raise FileNotFoundError(f"{self.file} has no split {split!r}, only {known}.")

    def photographs(self, split):
        """Paths of a split's photographs, absolute; of a folder sorted, of a list in its order."""
        found = []
        for place in self.splits[split]:
            found += _listed(place, self.folder) if os.path.isfile(place) else list(_walk(place))
        return found


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
        return _from_yaml(root)
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
    """The path of a photograph's labels, or None if it has none."""
    stem = os.path.splitext(photograph)[0]
    above, images, below = stem.rpartition(f"{os.sep}images{os.sep}")
    swapped = [f"{above}{os.sep}labels{os.sep}{below}.txt"] if images else []
    return next(filter(os.path.isfile, [*swapped, f"{stem}.txt"]), None)


def read_labels(file, description):
    """Reads the labels of a photograph.

    Args:
        file: str, or None.
        description: Description.

    Returns:
        Tuple of `(name, (y0, x0, y1, x1))`, in shares of the photograph's height and width.

    Raises:
        ValueError: for a line that cannot be read; the error names file and line.
    """
    found = []
    for number, line in read_lines(file) if file else ():
        words = line.split()
        try:
            kind, *values = map(float, words)
        except ValueError:
            kind, values = math.nan, []
        where = f"{file}:{number}"
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
        found.append((description.names[kind], box))
    return tuple(found)


def _from_yaml(file):
    yaml = require("yaml", "train")
    with open(file, "rb") as opened:
        data = opened.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{file}: a description has at most {_MAX_BYTES} bytes, this file has more.")
    try:
        # Strings only: a brand called "no", "1e3" or "2024-01-01" is no truth value, number or date.
        content = yaml.load(data, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"{file}:{line}: not YAML ({error.problem}).") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{file}: not YAML ({type(error).__name__}).") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    try:
        names = {int(number): name.strip() for number, name in names.items()}
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
    folders = [root, *sorted(entry.path for entry in os.scandir(root) if entry.is_dir())]
    files = [os.path.join(folder, name) for name in _NAMES for folder in folders]
    file = next(filter(os.path.isfile, files), None)
    if file is None:
        names = "classes.txt or obj.names with the names of the classes"
        raise FileNotFoundError(f"{root} must hold data.yaml, or {names}; {contents(root)}.")
    # By line: an empty one leaves out a number.
    names = {number - 1: line.strip() for number, line in read_lines(file)}
    if not names:
        raise ValueError(f"{file} is empty: expected a name a line.")
    lists = sorted(name for name in os.listdir(root) if _is_list(os.path.join(root, name)))
    splits = {os.path.splitext(name)[0]: [os.path.join(root, name)] for name in lists}
    return Description(file, root, names, splits or _folders(root))


def _folders(root):
    """Splits that are folders; what lies outside them belongs to none."""
    images = os.path.join(root, "images")
    base = images if os.path.isdir(images) else root
    splits = {}
    for entry in sorted(os.scandir(base), key=lambda entry: entry.name):
        if entry.is_dir() and not entry.name.startswith(".") and any(_walk(entry.path)):
            splits[entry.name] = [entry.path]
    # The folder's own come first.
    if os.path.dirname(next(_walk(base), "")) == base:
        splits[""] = [base]
    return splits or {"": [base]}


def _is_list(file):
    """Whether a text file names photographs."""
    name = os.path.basename(file)
    if not name.lower().endswith(".txt") or name.startswith(".") or not os.path.isfile(file):
        return False
    with open(file, "rb") as opened:
        first = opened.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").splitlines()[:1]
    return bool(first) and os.path.splitext(os.fsdecode(first[0]).strip())[1].lower() in SUFFIXES


def _listed(file, folder):
    """The photographs of a list.

    What comes before a path differs: nothing, the folder of the list or of the set, or a folder of the machine on which
    the list was written. The first photograph that is found decides for all.
    """
    names = [line.strip().replace("\\", "/") for _, line in read_lines(file)]
    places = dict.fromkeys([os.path.dirname(file), folder, os.path.dirname(folder)])
    for name in names[:_TRIED]:
        for drop in range(min(name.count("/"), _DROPPED) + 1):
            for place in places:
                if os.path.isfile(_joined(place, name, drop)):
                    return [_joined(place, each, drop) for each in names]
    return [_joined(os.path.dirname(file), name, 0) for name in names]


def _joined(place, name, drop):
    """The path without the first `drop` folders, after another folder."""
    return os.path.normpath(os.path.join(place, *name.split("/")[drop:] if drop else [name]))


def _walk(folder):
    """Photographs in a folder and in those inside it, sorted."""
    for place, files in walk(folder):
        yield from (os.path.join(place, name) for name in files if os.path.splitext(name)[1].lower() in SUFFIXES)
