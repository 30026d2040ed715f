"""Files in a folder and in the folders inside it."""

import os


def walk(folder):
    """Walks through a folder, without hidden files and folders. Links are followed, though no folder is visited twice.

    Args:
        folder: str.

    Yields:
        Tuples of a folder's path and the sorted names of the files in it; folders come sorted.
    """
    visited = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        # A link to a folder above would lead round in a circle.
        real = os.path.realpath(place)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield place, sorted(name for name in files if not name.startswith("."))
