"""The photographs that an exported file is checked with."""

import contextlib
import os
import tempfile
from pathlib import Path

from logo_keras import datasets
from logo_keras.datasets.classes import matching
from logo_keras.datasets.formats.listing import listed_photographs
from logo_keras.datasets.tree import SUFFIXES, photographs_in

# 8 brands x 8 photographs: 64, enough that a file that goes wrong on one photograph in twenty is caught 19 times in 20.
_SYNTHETIC = {"preset": "demo", "brands": 8, "train": 0, "validation": 0, "test": 8, "none": 0}


@contextlib.contextmanager
def chosen(photos=None, limit=None):
    """Yields the paths of the photographs to check with; a synthetic set is gone after the block.

    Args:
        photos: as for `find`, or None for a small synthetic set.
        limit: int, at most so many, spread evenly over those found; None takes all.

    Yields:
        list of Path.

    Raises:
        ValueError: if `limit` is below 1, or there is no photograph.
        FileNotFoundError: if a path does not exist.
        ImportError: if what draws the synthetic set is not installed.
    """
    if photos is not None:
        yield spread(find(photos), limit)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield spread(find(datasets.synthesize(os.path.join(folder, "synthetic"), **_SYNTHETIC)), limit)


def find(photos):
    """Lists photographs.

    Args:
        photos: a path or several: of a folder, searched to the bottom for photographs, as
            `logo_keras.datasets.tree.photographs_in` tells them; of a `.txt` file with one path a line, or a path and a label
            as the data sets called "list" have them, relative ones from its folder, else from the one that the command runs
            in; or of a photograph.

    Returns:
        list of Path, each once, in the order given, folders sorted.

    Raises:
        ValueError: if nothing is found, or photographs that a `.txt` file names; the error has all of these, or the first ten.
        FileNotFoundError: if a path does not exist.
    """
    paths = [Path(photos)] if isinstance(photos, (str, os.PathLike)) else [Path(photo) for photo in photos]
    found = []
    for path in paths:
        if path.is_dir():
            # Files that cannot be opened as such, like folders of a photograph's name, are none here.
            found += sorted(file for file in map(Path, photographs_in(str(path))) if file.is_file())
        elif not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder.")
        elif path.suffix.lower() == ".txt":
            found += map(Path, listed_photographs(path))
        else:
            found.append(path)
    if not found:
        names = ", ".join(str(path) for path in paths)
        raise ValueError(f"no photographs in {names}: looked for {', '.join(SUFFIXES)}.")
    return list(dict.fromkeys(found))


def label(photo, class_names):
    """The class of a photograph: that of the folder that it lies in, or -1 where that names none.

    Args:
        photo: path, or anything else, which has no folder.
        class_names: N str.

    Returns:
        int.
    """
    folder = Path(photo).parent.name if isinstance(photo, (str, os.PathLike)) else None
    name = folder and matching(folder, class_names)
    return class_names.index(name) if name else -1


def spread(paths, limit=None):
    """At most `limit` of the paths, evenly spread and in order: a folder sorted by brand gives some of each brand."""
    if limit is None or limit >= len(paths):
        return list(paths)
    if limit < 1:
        raise ValueError(f"limit must be at least 1 or None, got {limit}.")
    return [paths[place * len(paths) // limit] for place in range(limit)]
