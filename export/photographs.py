"""The photographs that an exported file is checked with."""

import contextlib
import os
import tempfile
from pathlib import Path

from logo_keras import datasets
from logo_keras.datasets.formats.folder import SUFFIXES

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
        photos: a path or several: of a folder, searched to the bottom for the suffixes of photographs; of a `.txt` file
            with one path a line, relative ones from the folder that the command runs in; or of a photograph.

    Returns:
        list of Path, each once, in the order given, folders sorted.

    Raises:
        ValueError: if nothing is found.
        FileNotFoundError: if a path does not exist.
    """
    paths = [Path(photos)] if isinstance(photos, (str, os.PathLike)) else [Path(photo) for photo in photos]
    found = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if _is_photograph(file))
        elif not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder.")
        elif path.suffix.lower() == ".txt":
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [Path(line.strip()) for line in lines if line.strip()]
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
    return class_names.index(folder) if folder in class_names else -1


def spread(paths, limit=None):
    """At most `limit` of the paths, evenly spread and in order: a folder sorted by brand gives some of each brand."""
    if limit is None or limit >= len(paths):
        return list(paths)
    if limit < 1:
        raise ValueError(f"limit must be at least 1 or None, got {limit}.")
    return [paths[place * len(paths) // limit] for place in range(limit)]


def _is_photograph(path):
    # macOS leaves ._NAME.jpg, which is none, beside NAME.jpg.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
