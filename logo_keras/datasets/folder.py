"""Photographs in folders: `root/BRAND/*`, or `root/SPLIT/BRAND/*`."""

from pathlib import Path

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.textfile import contents

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
# The folder of photographs that show no brand of the set: never a class.
NONE = "none"


def load(root, split=None):
    """Opens photographs sorted into folders.

    The folder of a photograph names its brand; classes are sorted by name and taken from all splits, so that they agree
    between them. Hidden files and files without an image's suffix are skipped. A folder called `none`, in the root or
    in a split, holds photographs without a brand of the set; only `split="none"` reads it.

    Args:
        root: str or path.
        split: str, a folder of the root that holds brand folders, "none" (labels -1), or None for all brands.

    Returns:
        Dataset, without boxes, in the order of the class names and then of the file names.

    Raises:
        FileNotFoundError: if the root or the split is missing.
        ValueError: if the layout is neither of the two, or a brand has no photographs.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}.")
    tops = _folders(root)
    nested = [top for top in tops if _folders(top)]
    flat = [top for top in tops if _photographs(top)]
    if not nested and not flat:
        raise ValueError(f"{root} must hold photographs as BRAND/* or SPLIT/BRAND/*; {contents(root)}.")
    if nested and flat:
        raise ValueError(
            f"{root} must hold either BRAND/* or SPLIT/BRAND/*, "
            f"but {nested[0].name} holds folders and {flat[0].name} holds photographs."
        )
    places = {top.name: _folders(top) for top in tops} if nested else {None: tops}
    names = sorted({brand.name for brands in places.values() for brand in brands})
    photographs = {brand: _photographs(brand) for brands in places.values() for brand in brands}
    for name in names:
        if not any(photographs[brand] for brand in photographs if brand.name == name):
            raise ValueError(f"brand {name!r} has no photographs ({', '.join(SUFFIXES)}) in {root}.")

    if split == NONE:
        paths = [path for top in (root, *tops) if (top / NONE).is_dir() for path in _photographs(top / NONE)]
        if not paths:
            raise FileNotFoundError(f"{root} has no folder {NONE!r} with photographs; {contents(root)}.")
        return Dataset(paths=paths, labels=[-1] * len(paths), class_names=names)
    if split is None:
        chosen = [brand for brands in places.values() for brand in brands]
    elif split in places:
        chosen = places[split]
    elif nested:
        raise FileNotFoundError(f"{root} has no split {split!r}; {contents(root)}.")
    else:
        raise FileNotFoundError(f"{root} has no splits, its folders hold photographs: leave out split={split!r}.")
    found = [(path, names.index(brand.name)) for brand in chosen for path in photographs[brand]]
    if not found:
        raise ValueError(f"{root / (split or '')} holds no photographs.")
    # By class first: the order is the same whether splits are read together or apart.
    found.sort(key=lambda pair: pair[1])
    return Dataset(paths=[path for path, _ in found], labels=[label for _, label in found], class_names=names)


def _folders(folder):
    """The folders inside one, sorted, without hidden ones and `none`."""
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".") and entry.name != NONE)


def _photographs(folder):
    """The photographs inside a folder, sorted."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and not entry.is_dir()
    )
