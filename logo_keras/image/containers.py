"""Image files before they are decoded: format, size, whether the file is complete and its decoding bounded."""

import re
import struct
import zlib
from itertools import islice

import numpy as np

from logo_keras.image import heif

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")

# JPEG markers, ITU-T T.81, table B.1.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PROGRESSIVE = frozenset((0xC2, 0xCA))
_JPEG_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_JPEG_END, _JPEG_SCAN, _JPEG_RESTARTS = 0xD9, 0xDA, 0xDD
# What may follow a scan: tables, another scan, comments, application segments, the end.
_JPEG_AFTER_SCAN = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xD9, 0xFE, *range(0xE0, 0xF0)})
# The last FF of a run and what follows it; like libjpeg, this skips what lies between two segments.
_JPEG_MARKER = re.compile(rb"\xff([^\xff])")
# What telephones write behind a photograph: the film of a moving one.
_JPEG_TRAILER = re.compile(rb"MotionPhoto_Data|\0...ftyp[0-9A-Za-z ]{4}", re.DOTALL)
_JPEG_CUT = "truncated: the JPEG ends before its end-of-image marker"
# Scans are searched in parts that stay in the processor's cache.
_JPEG_PART = 2**16

# What real files stay far below, and what keeps small files from being long work. Source: measured with OpenCV 5.0 and
# libjpeg-turbo 3.1 on one core of a server.
# Segments: each costs a microsecond here; 64 kB each, these hold more than a file of 256 MB.
_JPEG_SEGMENTS = 10_000
# Scans: a progressive photograph has about ten, and each goes over the whole picture though it may be empty: up to 4 ns a px
# with arithmetic coding. 500 are the limit of libjpeg-turbo's own tests; large pictures have 32.
_JPEG_SCANS, _JPEG_SCANS_OF_LARGE, _JPEG_SCANNED_PIXELS = 500, 32, 4_000_000_000
# Chunks cost a microsecond here.
_PNG_CHUNKS = 100_000
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Compressed text, which libpng unpacks a thousandfold: 2.7 s a million bytes.
_PNG_TEXT_BYTES = 2**20
# Tiles are unpacked as a whole, however small the picture: 16 million px of 16 bits and four channels are 134 MB.
_TIFF_TILE_PIXELS = 2**24
# Pictures in one AVIF: tiles of a grid, alpha planes, thumbnails.
_AVIF_PICTURES = 1_000


class EndMissing(ValueError):
    """A JPEG that ends without its end-of-image marker, though all of its picture may be there: only decoding tells.

    Attributes:
        size: height and width, px as stored.
        picture: bytes, the file up to where the picture must have ended, without what is known to stand behind pictures.
        start: int, where the data of its last scan begin.
    """

    def __init__(self, reason, size, picture, start):
        super().__init__(reason)
        self.size = size
        self.picture = picture
        self.start = start


class _Cut(ValueError):
    """A JPEG that does not go on as it must; where, in the data of a scan."""

    def __init__(self, reason, end=None):
        super().__init__(reason)
        self.end = end


def inspect(data):
    """Reads what an image file says of itself, and checks that it is complete as far as its format tells.

    JPEG: segments up to the end-of-image marker; PNG: chunks and their checksums up to IEND; WebP: the length in its
    header. A JPEG carries no checksum: damage that leaves its markers alone shows in the picture only.

    Args:
        data: bytes of the whole file.

    Returns:
        Tuple of its format (one of `FORMATS`), height and width, px as stored, before any EXIF rotation.

    Raises:
        EndMissing: with the reason, if it is a JPEG of which no more than the end may be missing; it is a ValueError too.
        ValueError: with the reason, if the file is empty, no image of these formats, truncated or corrupt.
    """
    if not data:
        raise ValueError("the file is empty")
    name = kind(data)
    if name is None:
        raise ValueError(f"not an image of a known format ({', '.join(FORMATS)})")
    try:
        height, width = _READERS[name][1](data)
    except (struct.error, IndexError):
        raise ValueError(f"truncated: the {name} header is incomplete") from None
    if height < 1 or width < 1:
        raise ValueError(f"corrupt: its {name} header says {width} x {height} px")
    return name, height, width


def kind(data):
    """The format of an image file by its first bytes, one of `FORMATS`, or None."""
    return next((name for name, (start, _) in _READERS.items() if start.match(data)), None)


def plain(kind, data):
    """Changes what OpenCV (5.0) would not decode as it is stored.

    In a TIFF, unassociated alpha, by which libtiff multiplies the colours, and strips of more rows than the picture, for
    which memory is taken; in a PNG, the announcement of an animation: where its first frame ends early, the rest of the
    picture would be whatever was in the memory.

    Args:
        kind: str, the format.
        data: bytes of a whole file that `inspect` takes.

    Returns:
        bytes or bytearray: a file with the same first picture.
    """
    return _PLAIN[kind](data) if kind in _PLAIN else data


def _jpeg(data):
    at, size, restarts, segments, scans = 2, None, False, 0, 0
    # Of each component the coefficients that are not yet there; where the data of the scan that brings the last start and end.
    wanted, whole = {}, None
    try:
        while (found := _JPEG_MARKER.search(data, at)) is not None:
            marker, at = data[found.end() - 1], found.end()
            segments += 1
            if segments > _JPEG_SEGMENTS:
                raise ValueError(f"corrupt: the JPEG has more than {_JPEG_SEGMENTS} segments")
            if marker == _JPEG_END:
                break
            if marker in _JPEG_ALONE:
                continue
            length = int.from_bytes(data[at : at + 2], "big")
            if at + max(length, 2) > len(data):
                raise _Cut("truncated: the JPEG ends inside a segment")
            if marker in _JPEG_FRAMES:
                # A decoder goes by the first and may be through with it before it meets the second.
                if size is not None:
                    raise (ValueError if whole is None else _Cut)("corrupt: the JPEG has two frame headers")
                size = struct.unpack_from(">HH", data, at + 3)
                progressive = marker in _JPEG_PROGRESSIVE
                components = data[at + 8 : at + 8 + 3 * data[at + 7] : 3]
                wanted = {number: set(range(64)) for number in components}
            elif marker == _JPEG_RESTARTS:
                restarts = struct.unpack_from(">H", data, at + 2) != (0,)
            elif marker == _JPEG_SCAN and wanted:
                _take_scan(data[at : at + length], progressive, wanted)
            at += length
            if marker == _JPEG_SCAN:
                scans += 1
                _bound_scans(scans, size)
                complete = whole is None and bool(wanted) and not any(wanted.values())
                start = at
                try:
                    at = _scan_end(data, at, restarts)
                except _Cut as cut:
                    whole = (start, cut.end) if complete else whole
                    raise
                whole = (start, at) if complete else whole
        else:
            raise _Cut(_JPEG_CUT)
    except _Cut as cut:
        if whole is not None:
            raise EndMissing(str(cut), size, _picture(data, *whole), whole[0]) from None
        raise
    if size is None or not scans:
        raise ValueError("corrupt: the JPEG holds no picture")
    return size


def _picture(data, start, end):
    """A JPEG up to the end of its last scan, whose data start at `start` and end at `end` or before."""
    found = _JPEG_TRAILER.search(data, start, end)
    return data[: found.start() if found else end].rstrip(b"\xff")


def _take_scan(header, progressive, wanted):
    """Takes off what a scan brings: of some components the coefficients from one to another, of each the last bits or not."""
    count = header[2]
    if len(header) < 6 + 2 * count:
        return
    first, last, bits = header[3 + 2 * count : 6 + 2 * count]
    for number in header[3 : 3 + 2 * count : 2]:
        if number in wanted and not progressive:
            wanted[number].clear()
        elif number in wanted and bits & 15 == 0:
            wanted[number] -= set(range(first, last + 1))


def _bound_scans(scans, size):
    height, width = size or (0, 0)
    if scans > _JPEG_SCANS or (scans > _JPEG_SCANS_OF_LARGE and scans * height * width > _JPEG_SCANNED_PIXELS):
        raise ValueError(f"corrupt: the JPEG goes over its {width} x {height} px in {scans} scans or more")


def _scan_end(data, at, restarts):
    """Where the entropy-coded data that starts at `at` ends.

    Inside it FF is followed by 00 (a literal FF) or by a restart marker; anything else ends it.
    """
    values = np.frombuffer(data, np.uint8)
    count = 0
    for start in range(at, len(data) - 1, _JPEG_PART):
        part = values[start : start + _JPEG_PART + 1]
        places = np.flatnonzero((part[:-1] == 0xFF) & (part[1:] != 0x00) & (part[1:] != 0xFF))
        if not places.size:
            continue
        codes = part[places + 1]
        ends = np.flatnonzero((codes < 0xD0) | (codes > 0xD7))
        numbers = codes[: ends[0]] if ends.size else codes
        if numbers.size and not (restarts and np.array_equal(numbers, 0xD0 + np.arange(count, count + numbers.size) % 8)):
            wrong = np.flatnonzero(numbers != 0xD0 + np.arange(count, count + numbers.size) % 8) if restarts else [0]
            raise _Cut("corrupt: restart markers out of order in the JPEG's scan", start + int(places[wrong[0]]))
        count += numbers.size
        if ends.size:
            if int(codes[ends[0]]) not in _JPEG_AFTER_SCAN:
                raise _Cut(f"corrupt: marker 0x{codes[ends[0]]:02X} inside the JPEG's scan", start + int(places[ends[0]]))
            return start + int(places[ends[0]])
    raise _Cut(_JPEG_CUT, len(data))


def _png(data):
    view = memoryview(data)
    at, size, room, text = 8, None, 0, 0
    for _ in range(_PNG_CHUNKS):
        if at + 12 > len(data):
            raise ValueError("truncated: the PNG ends before its IEND chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise ValueError("truncated: the PNG ends inside a chunk")
        if struct.unpack_from(">I", data, end)[0] != zlib.crc32(view[at + 4 : end]):
            raise ValueError(f"corrupt: wrong checksum in the PNG's chunk {kind.decode('ascii', 'replace')}")
        if (kind == b"IHDR") != (size is None):
            raise ValueError("corrupt: the PNG does not begin with its one IHDR chunk")
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", data, at + 8)
            size = height, width
            # Uncompressed, and an eighth and a megabyte more for the headers of data that cannot be compressed.
            room = (width * depth * _PNG_CHANNELS.get(colour, 4) // 8 + 2) * height * 9 // 8 + 2**20
        elif kind == b"IDAT":
            room -= length
        # Of an iTXt, the byte after the keyword and its final zero says whether it is compressed.
        elif kind == b"zTXt" or (kind == b"iTXt" and data[at + 8 : end].partition(b"\0")[2][:1] == b"\1"):
            text += length
        elif kind == b"IEND":
            break
        if room < 0:
            raise ValueError("corrupt: the PNG holds more data than its picture needs")
        if text > _PNG_TEXT_BYTES:
            raise ValueError(f"corrupt: the PNG has more than {_PNG_TEXT_BYTES} bytes of compressed text")
        at = end + 4
    else:
        raise ValueError(f"corrupt: the PNG has more than {_PNG_CHUNKS} chunks")
    return size


def png_chunks(data):
    """The chunks of a whole PNG before its picture: kind, and where the chunk and its content begin, and the latter ends."""
    at = 8
    while (kind := bytes(data[at + 4 : at + 8])) not in (b"IDAT", b"IEND", b""):
        length = struct.unpack_from(">I", data, at)[0]
        yield kind, at, at + 8, at + 8 + length
        at += 12 + length


def _plain_png(data):
    kept, at = [data[:8]], 8
    for kind, start, _, end in png_chunks(data):
        at = end + 4
        if kind != b"acTL":
            kept.append(data[start:at])
    return b"".join([*kept, data[at:]])


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
    sides = {}
    for tag, _, value, _, _ in tiff_entries(data):
        # Which of two entries of one tag counts, is up to the decoder.
        sides[tag] = max(sides.get(tag, 0), value)
    height, width = sides.get(257, 0), sides.get(256, 0)
    tile_height, tile_width = sides.get(323, 0), sides.get(322, 0)
    if tile_height * tile_width > max(height * width, _TIFF_TILE_PIXELS):
        raise ValueError(f"corrupt: tiles of {tile_width} x {tile_height} px in a TIFF of {width} x {height} px")
    return height, width


def tiff_entries(data):
    """Of what a TIFF says of its first picture: tag, count, first value (if it fits), its format and place."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, entry)
        form = f"{order}H" if kind == 3 else f"{order}I"
        yield tag, number, *struct.unpack_from(form, data, entry + 8), form, entry + 8


def _plain_tiff(data):
    height, _ = _tiff(data)
    changed = bytearray(data)
    for tag, number, value, form, at in tiff_entries(data):
        # RowsPerStrip; and ExtraSamples, where 1 is associated, 2 unassociated alpha. Source: TIFF 6.0, p. 31 and 39.
        if tag == 278 and value > height:
            struct.pack_into(form, changed, at, height)
        elif tag == 338 and number <= 2 and value == 2:
            struct.pack_into(form, changed, at, 1)
    return changed


def _avif(data):
    # One `ispe` property for each stored picture; thumbnails and alpha planes are no larger than the main one.
    places = [found.start() for found in islice(re.finditer(b"ispe", data), _AVIF_PICTURES + 1)]
    if len(places) > _AVIF_PICTURES:
        raise ValueError(f"corrupt: the AVIF has more than {_AVIF_PICTURES} pictures")
    sizes = [struct.unpack_from(">II", data, place + 8) for place in places]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return height, width


_READERS = {
    "JPEG": (re.compile(rb"\xff\xd8\xff"), _jpeg),
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    "WebP": (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    "GIF": (re.compile(rb"GIF8[79]a"), _gif),
    # Twelve bytes that differ from file to file, then the length of the second header: 12 to 124.
    "BMP": (re.compile(rb"BM.{12}[\x0c-\x7c]\x00\x00\x00", re.DOTALL), _bmp),
    "TIFF": (re.compile(rb"II\*\x00|MM\x00\*"), _tiff),
    # By the main brand, or one of those that a file with a general brand (mif1) names behind it.
    "AVIF": (re.compile(rb"....ftyp(avi[fs]|mif1....(?:....){0,16}?avif)", re.DOTALL), _avif),
    "HEIC": (re.compile(rb"....ftyp(he[iv][cxms]|mif1|msf1)", re.DOTALL), heif.measure),
}
_PLAIN = {"PNG": _plain_png, "TIFF": _plain_tiff}
