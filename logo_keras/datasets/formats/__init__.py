"""How data sets lie on disk, one file a format."""

from logo_keras.datasets.splits import find_split
from logo_keras.datasets.tree import find_folder


def named_split(split, names, where):
    """The split that is meant, as `find_split` says.

    Args:
        split: str, as it is asked for.
        names: collection of str, the splits that there are.
        where: str, what has them, for the error.

    Returns:
        str of `names`.

    Raises:
        FileNotFoundError: if it is none of them; the error lists them.
    """
    if (found := find_split(split, names)) is None:
        known = ", ".join(sorted(names)) or "photographs: leave it out"
        raise FileNotFoundError(f"{where} has no split {split!r}, only {known}.")
    return found


def home_of(root, names, title):
    """The folder that holds a set, as `find_folder` finds it: an archive is often unpacked into one of its own; else the root."""
    try:
        return str(find_folder(root, names, title))
    except FileNotFoundError:
        return root
