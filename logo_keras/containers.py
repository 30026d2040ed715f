"""Image files before they are decoded: format, size, and whether the file is complete."""

import re
import struct
import zlib

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF")

# JPEG markers, ITU-T T.81, table B.1.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_JPEG_END, _JPEG_SCAN, _JPEG_RESTARTS = 0xD9, 0xDA, 0xDD
# What may follow a scan: tables, another scan, comments, application segments, the end.
_JPEG_AFTER_SCAN = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xD9, 0xFE, *range(0xE0, 0xF0)})
# Inside a scan FF is followed by 00 (a literal FF) or by a restart marker; anything else ends it.
_JPEG_SCAN_END = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_JPEG_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


def inspect(data):
    """Reads what an image file says of itself, and checks that it is complete as far as its format tells.

    JPEG: segments up to the end-of-image marker; PNG: chunks and their checksums up to IEND; WebP: the length in its
    header. A JPEG carries no checksum: damage that leaves its markers alone shows in the picture only.

    Args:
        data: bytes of the whole file.

    Returns:
        Tuple of its format (one of `FORMATS`), height and width, px as stored, before any EXIF rotation.

    Raises:
        ValueError: with the reason, if the file is empty, no image of these formats, truncated or corrupt.
    """
    if not data:
        raise ValueError("the file is empty")
    for name, start, measure in _READERS:
        if start.match(data):
            try:
                height, width = measure(data)
            except (struct.error, IndexError):
                raise ValueError(f"truncated: the {name} header is incomplete") from None
            if height < 1 or width < 1:
                raise ValueError(f"corrupt: its {name} header says {width} x {height} px")
            return name, height, width
    raise ValueError(f"not an image of a known format ({', '.join(FORMATS)})")


def _jpeg(data):
    at, size, restarts, scans = 2, None, False, 0
    while True:
        # Like libjpeg, skip what lies between two segments.
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) and data[at] == 0xFF:
            at += 1
        if not 0 <= at < len(data):
            raise ValueError("truncated: the JPEG ends before its end-of-image marker")
        marker, at = data[at], at + 1
        if marker == _JPEG_END:
            break
        if marker in _JPEG_ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if at + length > len(data):
            raise ValueError("truncated: the JPEG ends inside a segment")
        if marker in _JPEG_FRAMES:
            size = struct.unpack_from(">HH", data, at + 3)
        elif marker == _JPEG_RESTARTS:
            restarts = struct.unpack_from(">H", data, at + 2) != (0,)
        at += length
        if marker == _JPEG_SCAN:
            scans += 1
            at = _scan_end(data, at, restarts)
    if size is None or not scans:
        raise ValueError("corrupt: the JPEG holds no picture")
    return size


def _scan_end(data, at, restarts):
    """Where the entropy-coded data that starts at `at` ends."""
    end = _JPEG_SCAN_END.search(data, at)
    if end is None:
        raise ValueError("truncated: the JPEG ends before its end-of-image marker")
    marker = end.group(1)[0]
    if marker not in _JPEG_AFTER_SCAN:
        raise ValueError(f"corrupt: marker 0x{marker:02X} inside the JPEG's scan")
    numbers = [number[0] - 0xD0 for number in _JPEG_RESTART.findall(data[at : end.start()])]
    if numbers != [count % 8 for count in range(len(numbers))] or (numbers and not restarts):
        raise ValueError("corrupt: restart markers out of order in the JPEG's scan")
    return end.start()


def _png(data):
    at, size = 8, None
    while True:
        if at + 12 > len(data):
            raise ValueError("truncated: the PNG ends before its IEND chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise ValueError("truncated: the PNG ends inside a chunk")
        if struct.unpack_from(">I", data, end)[0] != zlib.crc32(data[at + 4 : end]):
            raise ValueError(f"corrupt: wrong checksum in the PNG's chunk {kind.decode('ascii', 'replace')}")
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data, at + 8)
            size = height, width
        if kind == b"IEND":
            break
        at = end + 4
    if size is None:
        raise ValueError("corrupt: the PNG has no IHDR chunk")
    return size


def _webp(data):
    kind = data[12:16]
    if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise ValueError("truncated: the WebP is shorter than its header says")
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return (low_h | high_h << 16) + 1, (low_w | high_w << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    raise ValueError("corrupt: the WebP holds no picture")


def _gif(data):
    width, height = struct.unpack_from("<HH", data, 6)
    return height, width


def _bmp(data):
    # The oldest header, 12 bytes long, has 16-bit sides; a negative height means rows from the top.
    old = struct.unpack_from("<I", data, 14) == (12,)
    width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
    return abs(height), width


def _tiff(data):
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    sides = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if tag in (256, 257):
            (sides[tag],) = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", data, entry + 8)
    return sides.get(257, 0), sides.get(256, 0)


def _avif(data):
    # One `ispe` property for each stored picture; thumbnails and alpha planes are no larger than the main one.
    sizes = [struct.unpack_from(">II", data, found.start() + 8) for found in re.finditer(b"ispe", data)]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return height, width


_READERS = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), _jpeg),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    ("GIF", re.compile(rb"GIF8[79]a"), _gif),
    # Twelve bytes that differ from file to file, then the length of the second header: 12 to 124.
    ("BMP", re.compile(rb"BM.{12}[\x0c-\x7c]\x00\x00\x00", re.DOTALL), _bmp),
    ("TIFF", re.compile(rb"II\*\x00|MM\x00\*"), _tiff),
    ("AVIF", re.compile(rb"....ftypavi[fs]", re.DOTALL), _avif),
)
