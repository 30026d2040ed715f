"""HEIC photographs, as iPhones write them: size and turns from their boxes, px by pillow-heif (extra `[heic]`)."""

import io
import struct

import numpy as np

from logo_keras.extras import cv2, require

# Boxes that are looked at, and pictures in one file: tiles of a grid, alpha, depth, thumbnails.
_BOXES, _PICTURES = 10_000, 10_000
# A picture beside the main one, px: what is decoded with it is no larger, and other pictures of a series may be.
_LARGEST_OTHER = 2**24


def measure(data):
    """Reads how large the main picture of a HEIC file is.

    Args:
        data: bytes of the whole file.

    Returns:
        Height and width, px, before it is turned.

    Raises:
        ValueError: with the reason, if the file is truncated or corrupt.
    """
    sides, _ = _main(data)
    return sides


def turns(data):
    """How the main picture of a HEIC file is to be turned; `decode` has done it.

    Args:
        data: bytes of a whole file that `measure` takes.

    Returns:
        As `logo_keras.image.orientation.turns`. What the EXIF data say is meant for the turned picture and is left alone.
    """
    _, turned = _main(data)
    return turned


def decode(data):
    """Decodes the main picture of a HEIC file, upright.

    Args:
        data: bytes of a whole file that `measure` takes.

    Returns:
        uint8 BGR `[H, W, 3]` or BGRA `[H, W, 4]`, and bool, whether the colours are multiplied by alpha.

    Raises:
        ImportError: naming the extra, if pillow-heif is not installed.
        ValueError: with the reason, if the decoder gives up.
    """
    pillow_heif = require("pillow_heif", "heic")
    try:
        found = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        picture = found[found.primary_index]
        mode, photo = picture.mode, np.asarray(picture)
    # Its exceptions have no base of their own, and damaged files raise Python's.
    except Exception as error:
        raise ValueError(f"corrupt or truncated: the HEIC decoder gave up ({' '.join(str(error).split())})") from None
    if photo.dtype != np.uint8 or photo.ndim not in (2, 3):
        raise ValueError(f"corrupt: the HEIC decoder gave {photo.dtype} {list(photo.shape)}")
    if photo.ndim == 2:
        return cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR), False
    if photo.shape[2] == 2:
        return cv2.merge([photo[..., 0]] * 3 + [photo[..., 1]]), mode == "La"
    how = cv2.COLOR_RGBA2BGRA if photo.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return cv2.cvtColor(photo, how), mode == "RGBa"


def _main(data):
    """The sides of the main picture, height and width, and its turns."""
    try:
        return _of_boxes(data)
    except (struct.error, IndexError):
        raise ValueError("truncated: the HEIC ends inside its description") from None


def _of_boxes(data):
    boxes = dict(_boxes(data, 0, len(data)))
    if b"meta" not in boxes:
        raise ValueError("truncated: the HEIC ends before its description")
    start, end = boxes[b"meta"]
    meta = dict(_boxes(data, start + 4, end))
    if not {b"pitm", b"iprp"} <= set(meta):
        raise ValueError("corrupt: the HEIC does not describe its picture")
    at, _ = meta[b"pitm"]
    (item,) = struct.unpack_from(">I" if data[at] else ">H", data, at + 4)
    properties = dict(_boxes(data, *meta[b"iprp"]))
    if not {b"ipco", b"ipma"} <= set(properties):
        raise ValueError("corrupt: the HEIC does not describe its picture")
    kinds = list(_boxes(data, *properties[b"ipco"]))
    height = width = stored = quarters = 0
    stored_sides = (0, 0)
    mirrored = None
    for number in _properties_of(data, *properties[b"ipma"], item):
        kind, (at, _) = kinds[number - 1] if 0 < number <= len(kinds) else (b"", (0, 0))
        if kind == b"ispe":
            width, height = struct.unpack_from(">II", data, at + 4)
            stored, stored_sides = height * width, (height, width)
        elif kind == b"clap":
            # The part of it that is shown; fractions. Source: ISO/IEC 14496-12, 12.1.4.
            across, part, down, of = struct.unpack_from(">4I", data, at)
            width, height = (min(width, across // part), min(height, down // of)) if part and of else (width, height)
        elif kind == b"irot":
            # Turned after it was mirrored is mirrored after it is turned the other way.
            quarters = (quarters + (data[at] & 3) * (-1 if mirrored is not None else 1)) % 4
        elif kind == b"imir":
            mirrored, quarters = (data[at] & 1, quarters) if mirrored is None else _unmirrored(mirrored, data[at] & 1, quarters)
    for kind, (at, _) in kinds:
        if kind == b"ispe":
            across, down = struct.unpack_from(">II", data, at + 4)
            if across * down > max(stored, _LARGEST_OTHER):
                raise ValueError(f"corrupt: a picture of {across} x {down} px in a HEIC of {width} x {height} px")
    # A part of what is stored is shown; all of it is decoded.
    return ((height, width) if stored <= 4 * height * width + _LARGEST_OTHER else stored_sides), (quarters, mirrored)


def _unmirrored(first, second, quarters):
    """Mirrored twice: along one axis nothing happened, along both it was turned by two quarters."""
    return None, quarters if first == second else (quarters + 2) % 4


def _properties_of(data, at, end, item):
    """The numbers, from 1, of what is said of an item."""
    version, flags = data[at], data[at + 3]
    (entries,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    for _ in range(min(entries, _PICTURES)):
        if at >= end:
            break
        (number,) = struct.unpack_from(">H" if version < 1 else ">I", data, at)
        at += 2 if version < 1 else 4
        count, step = data[at], 2 if flags & 1 else 1
        if number == item:
            return [
                struct.unpack_from(">H", data, at + 1 + 2 * n)[0] & 0x7FFF if step == 2 else data[at + 1 + n] & 0x7F
                for n in range(count)
            ]
        at += 1 + count * step
    return []


def _boxes(data, at, end):
    """The boxes between two places: type, and where the content begins and ends."""
    for _ in range(_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        size = size or end - at
        if at + size > end or size < start - at:
            raise ValueError("truncated: the HEIC ends inside a box")
        yield kind, (start, at + size)
        at += size
