"""Photos in folders: `root/BRAND/*`, or `root/SPLIT/BRAND/*`."""

import os
from typing import NamedTuple

from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.formats.boxes_file import CSV, JSON, boxed, find_boxes
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents
from logo_keras.datasets.tree import (
    BARE,
    BESIDE,
    INSIDE,
    OTHER,
    SUFFIXES,
    SYSTEM,
    WRITTEN,
    Skipped,
    is_photograph,
    is_system,
    is_text,
    is_written,
)
from logo_keras.errors import UserError

# What belongs to a set and is no photograph: boxes, and what a synthetic set is made from.
_OWN = frozenset({CSV, JSON, "synthetic.json"})
# Names of folders that an error lists.
_NAMED = 3


def load(root, split=None, cut=None):
    """Opens photos sorted into folders.

    The folder of a photo names its brand; classes are taken from all splits, so that they agree between them, and
    have the order of `logo_keras.datasets.classes.ordered`. A file is a photo by its suffix, else by its first bytes.
    Hidden files are left out, and so are other files, folders of file systems and servers, and folders that this package
    wrote: `skipped` has their paths, `notes` their numbers. A folder called `none`, in the root or in a split, holds
    photos without a brand of the set; only `split="none"` reads it.

    The root may hold boxes in `boxes.csv` or `boxes.json` (`logo_keras.datasets.formats.boxes_file`). A photo keeps the
    brand of its folder, and the boxes of that brand; with `cut` a box of another brand of the set is a sample of its own.

    Args:
        root: str or path.
        split: str, a folder of the root that holds brand folders, "none" (labels -1), or None for all brands.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset, in the order of the class names and then of the file names.

    Raises:
        FileNotFoundError: if the root or the split is missing.
        ValueError: if the layout is neither of the two, a brand has no photos, a box cannot be read, or `cut` where
            there are no boxes.
    """
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    skipped, given = Skipped(), root
    root = _home(root)
    if root != given:
        _note(skipped, given, _scan(given), BESIDE)
    folders = _brands(root, skipped)
    names = ordered(folder.brand for folder in folders)
    filled = {folder.brand for folder in folders if folder.photographs}
    if (empty := next((name for name in names if name not in filled), None)) is not None:
        raise UserError(f"brand {empty!r} has no photographs in {root}: its folder is empty or holds other files.")
    places = {name: place for place, name in enumerate(names)} | {NONE: -1}
    chosen = sorted(_chosen(root, split, folders), key=lambda folder: places[folder.brand])
    fields = dict(class_names=names, root=root, split_name=split, notes=skipped.notes(), skipped=skipped.paths)
    if (file := find_boxes(root)) is not None:
        owners = {path: folder.brand for folder in folders for path in folder.paths()}
        return boxed(file, owners, [path for folder in chosen for path in folder.paths()], cut, **fields)
    labels = [places[folder.brand] for folder in chosen for _ in folder.photographs]
    # A generator: a list would hold millions of strings twice.
    return Dataset(paths=(path for folder in chosen for path in folder.paths()), labels=labels, **fields).cut(cut)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    if not os.path.isdir(root):
        return set()
    folders = _brands(_home(os.path.abspath(root)), Skipped())
    return {folder.split or folder.brand for folder in folders if folder.split or folder.brand == NONE}


class _Brand(NamedTuple):
    """A folder of photos of one brand, or of `NONE`; `split` is None without splits."""

    split: str | None
    brand: str
    path: str
    photographs: list

    def paths(self):
        return (os.path.join(self.path, name) for name in self.photographs)


class _Held(NamedTuple):
    """What a folder holds: names, sorted.

    Attributes:
        folders: list of str, without `none` and what is skipped.
        photographs: list of str.
        system: list of str, files and folders of file systems and servers.
        others: list of str, files that are no photos.
        written: bool, whether a program wrote the folder.
    """

    folders: list
    photographs: list
    system: list
    others: list
    written: bool


def _home(root):
    """The root, or the only folder in it that holds two levels of folders or boxes, as archives leave one."""
    held = _scan(root)
    if held.photographs or find_boxes(root) or os.path.isdir(os.path.join(root, NONE)):
        return root
    folders = [path for path in (os.path.join(root, name) for name in held.folders) if not is_written(path, os.listdir(path))]
    if len(folders) != 1:
        return root
    (only,) = folders
    deeper = any(_scan(os.path.join(only, name)).folders for name in _scan(only).folders)
    return only if deeper or find_boxes(only) else root


def _brands(root, skipped):
    """The folders of brands, and those called `none`: list of _Brand. One brand may have folders in two Unicode forms."""
    held = _scan(root)
    _note(skipped, root, held, BESIDE)
    inside = {}
    for top in held.folders:
        each = _scan(os.path.join(root, top))
        if each.written:
            skipped.add(os.path.join(root, top), WRITTEN)
        elif each.others and not each.photographs and not each.folders and all(map(is_text, each.others)):
            skipped.add(os.path.join(root, top), BARE)
        else:
            inside[top] = each
    nested = [top for top, each in inside.items() if each.folders]
    flat = [top for top, each in inside.items() if each.photographs]
    if not nested and not flat:
        notes = "; ".join(skipped.notes())
        raise UserError(f"{root} must hold photographs as BRAND/* or SPLIT/BRAND/*; {contents(root)}. {notes}".rstrip())
    if nested and flat:
        folders = ", ".join(inside[nested[0]].folders[:_NAMED])
        raise UserError(
            f"{root} must hold either BRAND/* or SPLIT/BRAND/*, but {nested[0]} holds folders and "
            f"{flat[0]} holds photographs. The folders in {nested[0]}: {folders}; take away those that hold no brand."
        )
    found = []
    for top, each in inside.items():
        place = os.path.join(root, top)
        _note(skipped, place, each, BESIDE if nested else None)
        if flat:
            found.append(_Brand(None, composed(top), place, each.photographs))
            continue
        for name in each.folders:
            path = os.path.join(place, name)
            deep = _scan(path)
            if deep.written:
                skipped.add(path, WRITTEN)
            else:
                _note(skipped, path, deep)
                found.append(_Brand(top, composed(name), path, deep.photographs))
    nowhere = [os.path.join(root, NONE), *(os.path.join(root, top, NONE) for top in inside)]
    return found + [_Brand(None, NONE, path, _scan(path).photographs) for path in nowhere if os.path.isdir(path)]


def _note(skipped, folder, held, photographs=None):
    """Notes what is left out of a folder; its photos where they have no brand, else the folders in it."""
    kinds = [(SYSTEM, held.system), (OTHER, [name for name in held.others if name not in _OWN])]
    kinds.append((photographs, held.photographs) if photographs else (INSIDE, held.folders))
    for why, names in kinds:
        for name in names:
            skipped.add(os.path.join(folder, name), why)


def _chosen(root, split, folders):
    """The folders of a split."""
    chosen = [folder for folder in folders if (folder.brand == NONE) == (split == NONE)]
    if split == NONE:
        if not any(folder.photographs for folder in chosen):
            raise FileNotFoundError(f"{root} has no folder {NONE!r} with photographs; {contents(root)}.")
    elif split is not None:
        splits = {folder.split for folder in chosen}
        if None in splits:
            raise FileNotFoundError(f"{root} has no splits, its folders hold photographs: leave out split={split!r}.")
        if (found := find_split(split, splits)) is None:
            raise FileNotFoundError(f"{root} has no split {split!r}; {contents(root)}.")
        chosen = [folder for folder in chosen if folder.split == found]
    if not any(folder.photographs for folder in chosen):
        raise UserError(f"{os.path.join(root, split or '')} holds no photographs.")
    return chosen


def _scan(folder):
    """What a folder holds, as _Held."""
    found = {"folder": [], "photograph": [], "system": [], "other": []}
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            kind = _kind(entry)
            if kind:
                found[kind].append(entry.name)
    return _Held(*map(sorted, found.values()), written=is_written(folder, names))


def _kind(entry):
    """What an entry of a folder is: "folder", "photo", "system", "other", or None for `none` and hidden ones."""
    if is_system(entry.name):
        return "system"
    if entry.name.startswith("."):
        return None
    # Before it is looked at: a folder or a broken link of such a name is reported when it is read.
    if os.path.splitext(entry.name)[1].lower() in SUFFIXES:
        return "photograph"
    if entry.is_dir():
        return "folder" if entry.name != NONE else None
    return "photograph" if is_photograph(entry.path, texts=True) else "other"
