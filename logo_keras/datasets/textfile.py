"""The text files that data sets come with: where they lie, their lines, and the photographs that they name."""

import codecs
import os
from pathlib import Path

# Folders inside the root that are searched for a set: an archive is often unpacked into a folder of its own, and holds one.
_DEPTH = 2
# What macOS puts into archives beside the files: it repeats their folders.
JUNK = ("__MACOSX",)
# Names of files that an error lists.
_NAMED = 3


def read_lines(path):
    """Reads a text file: UTF-8, or UTF-16 with a byte order mark, any line ends.

    Args:
        path: str or path.

    Returns:
        List of `(number, line)`, numbered from 1, without line ends; blank lines are left out.

    Raises:
        FileNotFoundError: if there is no such file; the error says what the folder holds instead.
        ValueError: if it is no text; the error names file and line.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise FileNotFoundError(f"{path} is missing; {contents(path.parent)}.") from None
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{number}: not text in UTF-8 ({error.reason}).") from None
    # Not splitlines(): a form feed or a Unicode separator in a file name is no line end.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def read_boxes(path):
    """Reads boxes, a line `x y width height` each, after a header of words or none.

    Args:
        path: str or path.

    Returns:
        List of `(y0, x0, y1, x1)`, float px.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for another line; the error names file and line.
    """
    boxes = []
    for place, (number, line) in enumerate(read_lines(path)):
        words = line.split()
        if place == 0 and "".join(words).isalpha():
            continue
        try:
            x, y, width, height = map(float, words)
        except ValueError:
            raise ValueError(f"{path}:{number}: expected x y width height, got {line.strip()!r}.") from None
        boxes.append((y, x, y + height, x + width))
    return boxes


def inside(root, name, file, number):
    """The path of a photograph that a line names, which must lie inside the root.

    Args:
        root: str.
        name: str, with `/` between folders.
        file: path of the list.
        number: int, of the line.

    Returns:
        str.

    Raises:
        ValueError: if the name is empty, absolute, or leads up by `..`; the error names file and line.
    """
    drive = name[1:2] == ":" and name[0].isalpha()
    if not name or name.startswith("/") or drive or "\0" in name or ".." in name and ".." in name.split("/"):
        raise ValueError(f"{file}:{number}: {name!r} does not lie inside {root}: give its path from there, without '..'.")
    return f"{root}/{name}"


def find_folder(root, names, title):
    """The folder that holds a set: the root, or the one folder in it, up to two levels down, that has one of the names.

    Args:
        root: str or path.
        names: iterable of str, files or folders.
        title: str, what the set is called in errors.

    Returns:
        Path, absolute.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if several folders on one level have one.
    """
    root, names = Path(os.path.abspath(root)), tuple(names)
    level = [root]
    for depth in range(_DEPTH + 1):
        found = [folder for folder in level if any(os.path.exists(os.path.join(folder, name)) for name in names)]
        if len(found) > 1:
            raise ValueError(f"{root} holds {title} several times: give one of {', '.join(map(str, found))} as root.")
        if found:
            return Path(found[0])
        if depth < _DEPTH:
            level = [entry for folder in level if os.path.isdir(folder) for entry in _folders(folder)]
    wanted = " or ".join(names[:_NAMED]) + (" or the like" if names[_NAMED:] else "")
    raise FileNotFoundError(f"{root} is no {title}: neither it nor a folder in it has {wanted}; {contents(root)}.")


def contents(folder, most=8):
    """What a folder holds, for error messages.

    Args:
        folder: str or path.
        most: int, names to show.

    Returns:
        str.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(os.listdir(folder))
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{folder} holds {', '.join(names[:most])}{more}"


def _folders(folder):
    """Paths of the folders in one, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        entries = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in JUNK]
        return sorted(entry.path for entry in entries if entry.is_dir())
