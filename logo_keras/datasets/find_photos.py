"""The photos that a user names: folders, lists and single files."""

import os
from pathlib import Path

from logo_keras.datasets.formats.listing import listed_photographs
from logo_keras.datasets.tree import photographs_in
from logo_keras.errors import UserError
from logo_keras.image.containers import SUFFIXES


def find(photos):
    """Lists photos.

    Args:
        photos: a path or several: of a folder, searched to the bottom for photos, as
            `logo_keras.datasets.tree.photographs_in` tells them; of a `.txt` file with one path a line, or a path and a label
            as the data sets called "list" have them, relative ones from its folder, else from the one that the command runs
            in; or of a photo.

    Returns:
        list of Path, each once, in the order given, folders sorted.

    Raises:
        ValueError: if nothing is found, or photos that a `.txt` file names; the error has all of these, or the first ten.
        FileNotFoundError: if a path does not exist.
    """
    paths = [Path(photos)] if isinstance(photos, (str, os.PathLike)) else [Path(photo) for photo in photos]
    found = []
    for path in paths:
        if path.is_dir():
            # Not what cannot be opened as a file, such as a folder that is called like a photo.
            found += sorted(file for file in map(Path, photographs_in(str(path))) if file.is_file())
        elif not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder.")
        elif path.suffix.lower() == ".txt":
            found += map(Path, listed_photographs(path))
        else:
            found.append(path)
    if not found:
        raise UserError(f"no photographs in {', '.join(map(str, paths))}: looked for {', '.join(SUFFIXES)}.")
    return list(dict.fromkeys(found))
