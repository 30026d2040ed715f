"""How a photo is turned upright, as its file says."""

import re
import struct

import numpy as np

from logo_keras.image import containers, pillow

# Quarter turns anticlockwise, done first, and the axis that is mirrored then, if any. Source: CIPA DC-008 (Exif), tag 0x0112.
_ORIENTATION = 0x0112
_UPRIGHT = {1: (0, None), 2: (0, 1), 3: (2, None), 4: (0, 0), 5: (1, 0), 6: (3, None), 7: (3, 0), 8: (1, None)}
# Chunks of a file that are looked at.
_CHUNKS = 100_000


def turns(kind, data):
    """How the picture of an image file is to be turned.

    Args:
        kind: str, the format.
        data: bytes of a whole file that `containers.inspect` takes. Its size is that of the upright picture in a HEIC.

    Returns:
        Two values: int, quarter turns anticlockwise, 0 to 3, done first; and the axis that is mirrored then, 0 for top and
        bottom, 1 for left and right, None for neither.
    """
    return _UPRIGHT[pillow.orientation(kind, data) if kind == "AVIF" else exif(kind, data)]


def turned(photo, quarters, axis):
    """Turns a picture.

    Args:
        photo: array `[H, W, ...]`.
        quarters, axis: what `turns` gives.

    Returns:
        The picture upright; the array itself where nothing is to be done.
    """
    if not quarters and axis is None:
        return photo
    photo = np.rot90(photo, quarters)
    return np.ascontiguousarray(photo if axis is None else np.flip(photo, axis))


def exif(kind, data):
    """The EXIF orientation of an image file, 1 to 8; 1 where none is stated, or where it is damaged.

    Args:
        kind: str, the format.
        data: bytes of a whole file that `inspect` takes.

    Source: CIPA DC-008 (Exif), tag 0x0112.
    """
    facts = _EXIF[kind](data) if kind in _EXIF else None
    order = {b"II": "<", b"MM": ">"}.get(facts[:2]) if facts else None
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", facts, 4)
        (count,) = struct.unpack_from(f"{order}H", facts, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            if struct.unpack_from(f"{order}H", facts, entry) == (_ORIENTATION,):
                (value,) = struct.unpack_from(f"{order}H", facts, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        # Broken EXIF data turns nothing.
        return 1
    return 1


def _jpeg_exif(data):
    found = re.search(rb"\xff\xe1..Exif\x00\x00", data, re.DOTALL)
    # A segment is no longer.
    return data[found.end() : found.end() + 2**16] if found else None


def _png_exif(data):
    # It may also stand behind the picture. Source: PNG 1.6, 11.3.3.7.
    return next((data[start:end] for kind, _, start, end in containers.png_chunks(data) if kind == b"eXIf"), None)


def _webp_exif(data):
    at = 12
    for _ in range(_CHUNKS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            # Some programs keep the mark that a JPEG has before it.
            return data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2
    return None


# A TIFF is its own EXIF data.
_EXIF = {"JPEG": _jpeg_exif, "PNG": _png_exif, "WebP": _webp_exif, "TIFF": lambda data: data}
