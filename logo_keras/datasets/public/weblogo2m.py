"""WebLogo-2M: photos from the web with the brand that was searched for (Su, Gong and Zhu, ICCV Workshops 2017)."""

import os

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.public import archive
from logo_keras.datasets.textfile import contents
from logo_keras.datasets.tree import SUFFIXES, folders_in
from logo_keras.errors import UserError

# Folders from the root down to a photo: `WebLogo-2M/part_1/brand/` is three.
_DEPTH = 3


def load(root, split=None, cut=None):
    """Opens the unpacked WebLogo-2M: a folder of photos a brand, in the root or up to two folders below it.

    The parts may be unpacked over one another or each into a folder of its own: brands of the same name are one class. The paper
    counts 1,861,177 photos of 194 brands, the distribution has 1,867,177. A label is what was searched for, so many are
    wrong: test on photos that people have labelled.

    Args:
        root: str or path.
        split: None, there are no splits.
        cut: float, or None (`logo_keras.datasets.load`): there are no boxes, so it is refused.

    Returns:
        Dataset, brands sorted by code point, within a brand by folder and file name.

    Raises:
        FileNotFoundError: if the root is missing, or holds no photos in folders; where it holds the archives as they came,
            the error says what to do.
        ValueError: for a split, or `cut`.
    """
    if split is not None:
        raise UserError(f"WebLogo-2M has no splits, got split={split!r}: leave it out, and use Dataset.split or Dataset.folds.")
    about, root = ABOUT["weblogo2m"], os.path.abspath(root)
    brands = {}
    for folder, names in _folders(root, _DEPTH) if os.path.isdir(root) else ():
        brands.setdefault(os.path.basename(folder), []).append((folder, names))
    if not brands:
        raise FileNotFoundError(_nothing(root))
    class_names, paths, labels = sorted(brands), [], []
    for label, brand in enumerate(class_names):
        # Taken out, so that names and paths of all photos are not held at once.
        for folder, names in sorted(brands.pop(brand)):
            paths += [f"{folder}/{name}" for name in names]
            labels += [label] * len(names)
    notes = ["labels are what was searched for on the web, and many are wrong"]
    if len(class_names) != about.brands:
        notes.append(f"{len(class_names)} of {about.brands} brands are here, and labels count these")
    return Dataset(paths, labels, class_names, root=root, about=about, notes=notes).cut(cut)


def stream(root, class_names=None):
    """Reads the photos straight from the archives `part_N.tar.gz`, without unpacking them.

    Nothing is written. Links, paths that lead outside, and what is too large are left out or refused, as
    `logo_keras.datasets.public.archive.stream` says.

    Args:
        root: str or path of the folder of the archives, or of one archive.
        class_names: sequence of str, the brands to give; None for all.

    Returns:
        Iterator of `(path, brand, data)`: str, the path in the archive; str, the folder that the photo lies in; bytes, the
        file as it is (`logo_keras.image.preprocessing` decodes it). In the order of the archives, parts by number.

    Raises:
        FileNotFoundError: if there is no archive.
        ArchiveError: a ValueError, while it is read, for an archive that is damaged or cut short.
    """
    archives = archive.parts(root) if os.path.exists(root) else []
    if not archives:
        raise FileNotFoundError(f"{root} holds no archives of WebLogo-2M; {contents(root)}.")
    return _stream(archives, None if class_names is None else frozenset(class_names))


def _stream(archives, brands):
    for path, data in archive.stream(archives):
        brand = path.rpartition("/")[0].rpartition("/")[2]
        if brand and (brands is None or brand in brands):
            yield path, brand, data


def _folders(folder, depth):
    """Folders with photos inside one, and their sorted names."""
    for path in folders_in(folder):
        with os.scandir(path) as inner:
            names = [each.name for each in inner if each.name.lower().endswith(SUFFIXES)]
        names = sorted(name for name in names if not name.startswith("."))
        if names:
            yield path, names
        elif depth > 1:
            yield from _folders(path, depth - 1)


def _nothing(root):
    """What to say where there are no photos."""
    archives = archive.parts(root) if os.path.isdir(root) else []
    if archives:
        more = f" and {len(archives) - 1} more archives" if archives[1:] else ""
        return (
            f"{root} holds {archives[0].name}{more}, not unpacked. Unpack them with logo-data get weblogo2m --out {root}, or "
            'with tar -xzf in that folder; or read them as they are with lk.datasets.stream("weblogo2m", root).'
        )
    return f"{root} is no WebLogo-2M, it has no folders of photographs; {contents(root)}."
