"""Height and width of photographs, from what their files say of themselves: nothing is decoded."""

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
# CIPA DC-008: the tag of the orientation, and the orientations that turn the photograph by a quarter.
_ORIENTATION = 0x0112
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
