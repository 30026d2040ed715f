"""Size and orientation of photographs, from what their files say of themselves; only a JPEG without an end is decoded."""

import os

from logo_keras import containers, orientation
from logo_keras.datasets.checking import in_threads
from logo_keras.preprocessing import MAX_BYTES, UnreadablePhotograph, file_bytes, inspected

# The EXIF data of a JPEG stand in a segment of at most so many bytes, mostly the first.
_HEAD = 2**16
# Orientations that exchange rows and columns (CIPA DC-008).
_TURNED = range(5, 9)


def upright_size(data):
    """Reads height and width from an image file, as `logo_keras.preprocessing.decode` will give the photograph.

    Args:
        data: bytes of the whole file.

    Returns:
        Height and width, px, after the EXIF orientation.

    Raises:
        ValueError: with the reason, if the file is no image, truncated or corrupt.
    """
    kind, height, width, _ = inspected(data)
    return (width, height) if orientation.turns(kind, data)[0] % 2 else (height, width)


def read_sizes(paths, max_bytes=MAX_BYTES):
    """Reads the sizes of photographs in several threads.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        sizes: dict, path to height and width in px, upright.
        unreadable: dict, path to reason, of the others.
    """
    sizes, unreadable = {}, {}
    for path, found in in_threads(lambda path: _size_or_reason(path, max_bytes), paths, "sizes of photographs"):
        (unreadable if isinstance(found, str) else sizes)[path] = found
    return sizes, unreadable


def read_turned(paths, max_bytes=MAX_BYTES):
    """Finds the photographs that EXIF turns, in several threads. Of most photographs the first 64 KB are read.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        dict, path to EXIF orientation (2 to 8), height and width in px as stored. Files that cannot be read are not in it.
    """
    found = in_threads(lambda path: _turned(path, max_bytes), paths, "orientations of photographs")
    return {path: turned for path, turned in found if turned is not None}


def upright_box(box, exif, height, width):
    """Turns a box with its photograph.

    Args:
        box: `(y0, x0, y1, x1)`, px of the photograph as it is stored.
        exif: int, its EXIF orientation, 1 to 8.
        height: int, px as stored.
        width: int, px as stored.

    Returns:
        `(y0, x0, y1, x1)`, px of the upright photograph.
    """
    y0, x0, y1, x1 = box
    if exif in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    if exif in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    return (x0, y0, x1, y1) if exif in _TURNED else (y0, x0, y1, x1)


def _turned(path, max_bytes):
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(_HEAD)
            kind = containers.kind(data)
            # A PNG or WebP may have its EXIF data at the end.
            file.seek(max(0, os.fstat(file.fileno()).st_size - _HEAD))
            end = file.read(_HEAD) if kind in ("PNG", "WebP") else b""
        # Of a JPEG other segments may come before the EXIF data, but not its picture, which the scan starts.
        later = kind == "JPEG" and b"Exif" not in data and b"\xff\xda" not in data
        if kind == "TIFF" or later or b"eXIf" in end or b"EXIF" in end:
            data = file_bytes(path, max_bytes)
        exif = orientation.exif(kind, data)
        return None if exif == 1 else (exif, *inspected(file_bytes(path, max_bytes))[1:3])
    except (OSError, ValueError):
        return None


def _size_or_reason(path, max_bytes):
    try:
        return upright_size(file_bytes(path, max_bytes))
    except UnreadablePhotograph as error:
        return error.reason
    except ValueError as error:
        return str(error)
