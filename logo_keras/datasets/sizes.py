"""Size and orientation of photographs, from what their files say of themselves; only a JPEG without an end is decoded."""

import os
import struct

from logo_keras.datasets.checking import in_threads
from logo_keras.image import containers, orientation
from logo_keras.image.preprocessing import MAX_BYTES, UnreadablePhotograph, file_bytes, inspected

# The EXIF data of a JPEG stand in a segment of at most so many bytes, mostly the first.
_HEAD = 2**16
# Orientations that exchange rows and columns (CIPA DC-008).
_TURNED = range(5, 9)


def upright_size(data):
    """Reads height and width from an image file, as `logo_keras.image.preprocessing.decode` will give the photograph.

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


def read_stored(paths, max_bytes=MAX_BYTES):
    """Reads how photographs are stored, in several threads. Of most photographs the first 64 KB are read.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        dict, path to EXIF orientation (1 to 8), height and width in px as stored. Files that cannot be read are not in it, nor
        are upright ones of formats other than JPEG and PNG.
    """
    found = in_threads(lambda path: _stored(path, max_bytes), paths, "orientations of photographs")
    return {path: stored for path, stored in found if stored is not None}


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


def _stored(path, max_bytes):
    try:
        with open(path, "rb", buffering=0) as file:
            head = data = file.read(_HEAD)
            kind = containers.kind(head)
            # A PNG or WebP may have its EXIF data at the end.
            file.seek(max(0, os.fstat(file.fileno()).st_size - _HEAD))
            end = file.read(_HEAD) if kind in ("PNG", "WebP") else b""
        # Of a JPEG other segments may come before the EXIF data, but not its picture, which the scan starts.
        later = kind == "JPEG" and b"Exif" not in head and b"\xff\xda" not in head
        if kind == "TIFF" or later or b"eXIf" in end or b"EXIF" in end:
            data = file_bytes(path, max_bytes)
        exif = orientation.exif(kind, data)
        if exif == 1:
            size = _size_at_the_start(kind, head)
            return size and (exif, *size)
        return exif, *inspected(file_bytes(path, max_bytes))[1:3]
    except (OSError, ValueError, struct.error, IndexError):
        return None


def _size_at_the_start(kind, head):
    """Height and width of a JPEG or PNG from its first bytes; None where they do not say."""
    if kind == "PNG":
        return struct.unpack_from(">II", head, 16)[::-1]
    at = 2
    while kind == "JPEG" and head[at] == 0xFF:
        # ITU-T T.81, table B.1: frame headers, but for tables and arithmetic conditioning.
        if 0xC0 <= head[at + 1] <= 0xCF and head[at + 1] not in (0xC4, 0xC8, 0xCC):
            return struct.unpack_from(">HH", head, at + 5)
        at += 2 + struct.unpack_from(">H", head, at + 2)[0]
    return None


def _size_or_reason(path, max_bytes):
    try:
        return upright_size(file_bytes(path, max_bytes))
    except UnreadablePhotograph as error:
        return error.reason
    except ValueError as error:
        return str(error)
