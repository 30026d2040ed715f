"""Size and orientation of photographs, from what their files say of themselves: nothing is decoded."""

import os
import re
import struct

from logo_keras import containers
from logo_keras.datasets.checking import in_threads
from logo_keras.preprocessing import MAX_BYTES, UnreadablePhotograph, file_bytes

# What stands before the EXIF data. CIPA DC-008 (JPEG), the PNG extension eXIf, the RIFF chunk of WebP; a TIFF is its own.
_EXIF = {
    "JPEG": re.compile(rb"\xff\xe1..Exif\x00\x00", re.DOTALL),
    "PNG": re.compile(rb"eXIf"),
    "WebP": re.compile(rb"EXIF....(?:Exif\x00\x00)?", re.DOTALL),
    "TIFF": re.compile(rb""),
}
_BEGIN = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG", "WebP": b"RIFF", "TIFF": (b"II*\x00", b"MM\x00*")}
# CIPA DC-008: the tag of the orientation, and the orientations that turn the photograph by a quarter.
_ORIENTATION = 0x0112
_TURNED = range(5, 9)
# The EXIF data of a JPEG stand at its start, in a segment of at most so many bytes.
_HEAD = 2**16


def upright_size(data):
    """Reads height and width from an image file, as `logo_keras.preprocessing.decode` will give the photograph.

    Args:
        data: bytes of the whole file.

    Returns:
        Height and width, px, after the EXIF orientation.

    Raises:
        ValueError: with the reason, if the file is no image, truncated or corrupt.
    """
    kind, height, width = containers.inspect(data)
    if kind == "AVIF":
        return (width, height) if containers.avif_turns(data)[0] % 2 else (height, width)
    return (width, height) if _orientation(kind, data) in _TURNED else (height, width)


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
    """Finds the photographs that are not upright as they are stored, in several threads. Of a JPEG its first bytes are read.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        dict, path to EXIF orientation (2 to 8), height and width in px as stored. Files that cannot be read are not in it.
    """
    found = in_threads(lambda path: _turned(path, max_bytes), paths, "orientations of photographs")
    return {path: turned for path, turned in found if turned is not None}


def upright_box(box, orientation, height, width):
    """Turns a box with its photograph.

    Args:
        box: `(y0, x0, y1, x1)`, px of the photograph as it is stored.
        orientation: int, 1 to 8 (CIPA DC-008).
        height: int, px as stored.
        width: int, px as stored.

    Returns:
        `(y0, x0, y1, x1)`, px of the upright photograph.
    """
    y0, x0, y1, x1 = box
    # 5 to 8 exchange rows and columns, before or after the others mirror them: rows from the bottom, columns from the right.
    if orientation in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    if orientation in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    return (x0, y0, x1, y1) if orientation in _TURNED else (y0, x0, y1, x1)


def _turned(path, max_bytes):
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD)
            kind = next((kind for kind, begin in _BEGIN.items() if head.startswith(begin)), None)
            if kind is None:
                return None
            if len(head) == _HEAD and not _EXIF[kind].search(head):
                # Other segments may come before; a PNG or WebP may have its EXIF data at the end.
                file.seek(-min(_HEAD, os.fstat(file.fileno()).st_size), os.SEEK_END)
                tail = b"" if kind == "JPEG" else file.read(_HEAD)
                whole = b"\xff\xda" not in head if kind == "JPEG" else _EXIF[kind].search(tail)
            else:
                whole = kind == "TIFF"
        if whole:
            head = file_bytes(path, max_bytes)
        orientation = _orientation(kind, head)
        if not 2 <= orientation <= 8:
            return None
        return orientation, *containers.inspect(file_bytes(path, max_bytes))[1:]
    except (OSError, ValueError):
        return None


def _size_or_reason(path, max_bytes):
    try:
        return upright_size(file_bytes(path, max_bytes))
    except UnreadablePhotograph as error:
        return error.reason
    except ValueError as error:
        return str(error)


def _orientation(kind, data):
    """The EXIF orientation, 1 where none is stated."""
    found = _EXIF[kind].search(data) if kind in _EXIF else None
    if found is None:
        return 1
    start = found.end()
    order = {b"II": "<", b"MM": ">"}.get(data[start : start + 2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", data, start + 4)
        (count,) = struct.unpack_from(f"{order}H", data, start + at)
        for entry in range(start + at + 2, start + at + 2 + 12 * count, 12):
            if struct.unpack_from(f"{order}H", data, entry) == (_ORIENTATION,):
                return struct.unpack_from(f"{order}H", data, entry + 8)[0]
    except struct.error:
        # Broken EXIF data turns nothing.
        return 1
    return 1
