"""Image files before they are decoded: format, size, whether the file is complete and decoding it is bounded work."""

import re
import struct
import zlib
from itertools import islice

from logo_keras.errors import UserError
from logo_keras.image import jpeg, pillow

# How the names of photos end. Files of other names are photos where they begin like one.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".apng", ".dib", ".heic", ".heif", ".hif"),
)
# Source of the limits on a PNG: measured with OpenCV 5.0 on one core of a server. Chunks cost a microsecond here.
_PNG_CHUNKS = 100_000
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Compressed text, which libpng unpacks a thousandfold: 2.7 s a million bytes.
_PNG_TEXT_BYTES = 2**20
# Pictures in one AVIF or HEIC: tiles of a grid, alpha planes, thumbnails. A picture beside the main one may have so many px.
_PICTURES, _OTHER_PIXELS = 1_000, 2**24


def kind(data):
    """The format of an image file by its first bytes, one of `FORMATS`, or None."""
    return next((name for name, start in _STARTS.items() if start.match(data)), None)


def inspect(data):
    """Reads what an image file says of itself, and checks that it is complete as far as its format tells.

    JPEG: segments up to the end-of-image marker; PNG: chunks and their checksums up to IEND; WebP: the length in its
    header. Of the other formats only the header is read.

    Args:
        data: bytes of the whole file.

    Returns:
        Tuple of its format (one of `FORMATS`), height and width, px as stored, before any EXIF rotation; of a HEIC upright.

    Raises:
        jpeg.EndMissing: with the reason, if it is a JPEG of which only the end may be missing; it is a ValueError too.
        ValueError: with the reason, if the file is empty, no image of these formats, truncated or corrupt, or if what reads
            its format is not installed.
    """
    if not data:
        raise UserError("the file is empty")
    name = kind(data)
    if name is None:
        raise UserError(f"not an image of a known format ({', '.join(FORMATS)})")
    try:
        height, width = _READERS[name](data) if name in _READERS else pillow.measure(name, data)
    except (struct.error, IndexError):
        raise UserError(f"truncated: the {name} header is incomplete") from None
    if height < 1 or width < 1:
        raise UserError(f"corrupt: its {name} header says {width} x {height} px")
    return name, height, width


def largest_picture(kind, data):
    """The size of the largest picture that an AVIF or HEIC stores, where it is much larger than a picture beside the main one is.

    A part of what is stored may be shown; all of it is decoded.

    Args:
        kind: str, the format.
        data: bytes of the whole file.

    Returns:
        Height and width, px; or None for other formats, and where every picture has at most 16 million px.

    Raises:
        ValueError: if there are more pictures than real files have.
    """
    if kind not in ("AVIF", "HEIC"):
        return None
    # The property of each picture that has its size. Source: ISO/IEC 23008-12, 6.5.3.
    sides = [struct.unpack(">II", found[1]) for found in islice(re.finditer(rb"ispe\0{4}(.{8})", data, re.DOTALL), _PICTURES + 1)]
    if len(sides) > _PICTURES:
        raise UserError(f"corrupt: the {kind} has more than {_PICTURES} pictures")
    width, height = max(sides, key=lambda size: size[0] * size[1], default=(0, 0))
    return (height, width) if height * width > _OTHER_PIXELS else None


def png_chunks(data):
    """The chunks of a PNG: kind, where the chunk and its content begin, and where the content ends."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at, at + 8, at + 8 + length
        if kind == b"IEND":
            break
        at += 12 + length


def _png(data):
    view = memoryview(data)
    size, room, text = None, 0, 0
    for number, (kind, at, start, end) in enumerate(png_chunks(data)):
        if number == _PNG_CHUNKS:
            raise UserError(f"corrupt: the PNG has more than {_PNG_CHUNKS} chunks")
        if end + 4 > len(data):
            raise UserError("truncated: the PNG ends inside a chunk")
        if struct.unpack_from(">I", data, end)[0] != zlib.crc32(view[at + 4 : end]):
            raise UserError(f"corrupt: wrong checksum in the PNG's chunk {kind.decode('ascii', 'replace')}")
        if (kind == b"IHDR") != (size is None):
            raise UserError("corrupt: the PNG does not begin with its one IHDR chunk")
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", data, start)
            size = height, width
            # Uncompressed, and an eighth and a megabyte more for the headers of data that cannot be compressed.
            room = (width * depth * _PNG_CHANNELS.get(colour, 4) // 8 + 2) * height * 9 // 8 + 2**20
        elif kind == b"IDAT":
            room -= end - start
        # Of an iTXt, the byte after the keyword and its final zero says whether it is compressed.
        elif kind == b"zTXt" or (kind == b"iTXt" and data[start:end].partition(b"\0")[2][:1] == b"\1"):
            text += end - start
        elif kind == b"IEND":
            return size
        if room < 0:
            raise UserError("corrupt: the PNG holds more data than its picture needs")
        if text > _PNG_TEXT_BYTES:
            raise UserError(f"corrupt: the PNG has more than {_PNG_TEXT_BYTES} bytes of compressed text")
    raise UserError("truncated: the PNG ends before its IEND chunk")


def still_png(data):
    """A PNG without the announcement of an animation.

    Where the first frame of an animation ends early, OpenCV 5.0 would fill the picture with whatever was in the memory.

    Args:
        data: bytes of a whole PNG.

    Returns:
        bytes of a PNG with the same first picture.
    """
    return data[:8] + b"".join(data[at : end + 4] for kind, at, _, end in png_chunks(data) if kind != b"acTL")


def _webp(data):
    kind = data[12:16]
    if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise UserError("truncated: the WebP is shorter than its header says")
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return (low_h | high_h << 16) + 1, (low_w | high_w << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    raise UserError("corrupt: the WebP holds no picture")


_STARTS = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    # Twelve bytes that differ from file to file, then the length of the second header: 12 to 124.
    "BMP": re.compile(rb"BM.{12}[\x0c-\x7c]\x00\x00\x00", re.DOTALL),
    "TIFF": re.compile(rb"II\*\x00|MM\x00\*"),
    # By the main brand, or one of those that a file with a general brand (mif1) names behind it.
    "AVIF": re.compile(rb"....ftyp(avi[fs]|mif1....(?:....){0,16}?avif)", re.DOTALL),
    "HEIC": re.compile(rb"....ftyp(he[iv][cxms]|mif1|msf1)", re.DOTALL),
}
FORMATS = tuple(_STARTS)
_READERS = {"JPEG": jpeg.inspect, "PNG": _png, "WebP": _webp}
