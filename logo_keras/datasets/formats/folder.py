"""Photographs in folders: `root/BRAND/*`, or `root/SPLIT/BRAND/*`."""

import os

from logo_keras.datasets.annotations import NONE, Photograph, annotated
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.formats.boxes_file import find_boxes, read_boxes
from logo_keras.datasets.textfile import JUNK, contents

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")


def load(root, split=None, cut=None):
    """Opens photographs sorted into folders.

    The folder of a photograph names its brand; classes are sorted by name and taken from all splits, so that they agree
    between them. Hidden files and files without an image's suffix are skipped. A folder called `none`, in the root or
    in a split, holds photographs without a brand of the set; only `split="none"` reads it.

    The root may hold boxes in `boxes.csv` or `boxes.json` (`logo_keras.datasets.formats.boxes_file`). A photograph keeps the
    brand of its folder, and the boxes of that brand; with `cut` a box of another brand of the set is a sample of its own.

    Args:
        root: str or path.
        split: str, a folder of the root that holds brand folders, "none" (labels -1), or None for all brands.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset, in the order of the class names and then of the file names.

    Raises:
        FileNotFoundError: if the root or the split is missing.
        ValueError: if the layout is neither of the two, a brand has no photographs, a box cannot be read, or `cut` where
            there are no boxes.
    """
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    root = _home(root)
    brands, without = _tree(root)
    names = sorted({name for place in brands.values() for name in place})
    for name in names:
        if not any(place[name][1] for place in brands.values() if name in place):
            raise ValueError(f"brand {name!r} has no photographs ({', '.join(SUFFIXES)}) in {root}.")
    chosen = _chosen(root, split, brands, without)
    fields = dict(class_names=names, root=root, split_name=split)
    file = find_boxes(root)
    if file is None:
        places = {name: place for place, name in enumerate(names)} | {NONE: -1}
        labels = [places[name] for name, _, files in chosen for _ in files]
        # A generator: a list would hold millions of strings twice.
        paths = (os.path.join(folder, each) for _, folder, files in chosen for each in files)
        return Dataset(paths=paths, labels=labels, **fields).cut(cut)
    everything = [(name, *held) for place in brands.values() for name, held in place.items()]
    everything += [(NONE, *held) for held in without]
    owners = {os.path.join(folder, each): name for name, folder, files in everything for each in files}
    boxes = read_boxes(file, owners, set(names))
    paths = [os.path.join(folder, each) for _, folder, files in chosen for each in files]
    return annotated([Photograph(path, owners[path], boxes.get(path, ())) for path in paths], cut=cut, **fields)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    if not os.path.isdir(root):
        return set()
    # Not _tree: of millions of photographs it would read every name, and load does so anyway.
    home = _home(os.path.abspath(root))
    tops = _scan(home)[0]
    nested = tops if any(_holds_folders(os.path.join(home, top)) for top in tops) else []
    without = any(os.path.isdir(os.path.join(home, top, NONE)) for top in ("", *tops))
    return {*nested, *([NONE] if without else [])}


def _home(root):
    """The root, or the only folder in it that holds two levels of folders or boxes, as archives leave one."""
    folders, photographs = _scan(root)
    if len(folders) != 1 or photographs or find_boxes(root) or os.path.isdir(os.path.join(root, NONE)):
        return root
    only = os.path.join(root, folders[0])
    deeper = any(_scan(os.path.join(only, name))[0] for name in _scan(only)[0])
    return only if deeper or find_boxes(only) else root


def _tree(root):
    """The photographs of the root.

    Returns:
        brands: dict, split (None without splits) to a dict from brand to its folder and its photographs.
        without: list of folders `none` with their photographs.
    """
    tops = _scan(root)[0]
    inside = {top: _scan(os.path.join(root, top)) for top in tops}
    nested = [top for top in tops if inside[top][0]]
    flat = [top for top in tops if inside[top][1]]
    if not nested and not flat:
        raise ValueError(f"{root} must hold photographs as BRAND/* or SPLIT/BRAND/*; {contents(root)}.")
    if nested and flat:
        raise ValueError(
            f"{root} must hold either BRAND/* or SPLIT/BRAND/*, but {nested[0]} holds folders and {flat[0]} holds photographs."
        )
    if nested:
        folders = {top: {name: os.path.join(root, top, name) for name in inside[top][0]} for top in tops}
        brands = {top: {name: (path, _scan(path)[1]) for name, path in each.items()} for top, each in folders.items()}
    else:
        brands = {None: {top: (os.path.join(root, top), inside[top][1]) for top in tops}}
    nowhere = [os.path.join(root, NONE), *(os.path.join(root, top, NONE) for top in tops)]
    return brands, [(path, _scan(path)[1]) for path in nowhere if os.path.isdir(path)]


def _chosen(root, split, brands, without):
    """Tuples of brand, folder and names of the photographs of a split."""
    if split == NONE:
        chosen = [(NONE, *held) for held in without]
        if not any(files for _, _, files in chosen):
            raise FileNotFoundError(f"{root} has no folder {NONE!r} with photographs; {contents(root)}.")
        return chosen
    if split is not None and split not in brands:
        if None in brands:
            raise FileNotFoundError(f"{root} has no splits, its folders hold photographs: leave out split={split!r}.")
        raise FileNotFoundError(f"{root} has no split {split!r}; {contents(root)}.")
    places = brands.values() if split is None else [brands[split]]
    chosen = [(name, *held) for place in places for name, held in place.items()]
    if not any(files for _, _, files in chosen):
        raise ValueError(f"{os.path.join(root, split or '')} holds no photographs.")
    # By class first: the order is the same whether splits are read together or apart.
    return sorted(chosen, key=lambda each: each[0])


def _holds_folders(folder):
    """Whether the first that counts in a folder is a folder; where photographs lie among them, `_tree` refuses both."""
    with os.scandir(folder) as entries:
        return next((kind == "folder" for kind in map(_kind, entries) if kind), False)


def _scan(folder):
    """Names of the folders in one, without `none`, and of the photographs in it, both sorted and without hidden ones."""
    folders, photographs = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            kind = _kind(entry)
            if kind:
                (folders if kind == "folder" else photographs).append(entry.name)
    return sorted(folders), sorted(photographs)


def _kind(entry):
    """What an entry of a folder is: "folder", "photograph", or None for `none`, hidden ones and other files."""
    if entry.name.startswith(".") or entry.name in JUNK:
        return None
    # Before it is looked at: a folder or a broken link of such a name is reported when it is read.
    if os.path.splitext(entry.name)[1].lower() in SUFFIXES:
        return "photograph"
    return "folder" if entry.is_dir() and entry.name != NONE else None
