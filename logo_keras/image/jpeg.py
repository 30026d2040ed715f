"""JPEG files before they are decoded: their size, whether the picture is complete, and whether decoding it is bounded work."""

import re
import struct

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2

# Markers. Source: ITU-T T.81, table B.1.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xCA))
_WITHOUT_SEGMENT = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_END, _SCAN, _RESTARTS = 0xD9, 0xDA, 0xDD
# What may follow a scan: tables, another scan, comments, application segments, the end.
_AFTER_SCAN = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xD9, 0xFE, *range(0xE0, 0xF0)})
# The last FF of a run and what follows it; like libjpeg, this skips what lies between two segments.
_MARKER = re.compile(rb"\xff([^\xff])")
# What phones write behind a photo: the film of a moving one.
_TRAILER = re.compile(rb"MotionPhoto_Data|\0...ftyp[0-9A-Za-z ]{4}", re.DOTALL)
_CUT = "truncated: the JPEG ends before its end-of-image marker"
# Scans are searched in parts that stay in the processor's cache.
_PART = 2**16
# Real files stay far below these limits, which keep small files from causing long work. Source: measured with OpenCV 5.0 and
# libjpeg-turbo 3.1 on one core of a server.
# Each segment costs a microsecond here; of 64 kB each, these hold more than a file of 256 MB.
_SEGMENTS = 10_000
# A progressive photo has about ten scans. Each goes over the whole picture though it may be empty: up to 4 ns a px with
# arithmetic coding. 500 are the limit of libjpeg-turbo's own tests; large pictures have 32.
_SCANS, _SCANS_OF_LARGE, _SCANNED_PIXELS = 500, 32, 4_000_000_000
# The last bytes of a picture may be padding; of so many, some change it for certain.
_REST = 16
# Eight tails of bytes that are no marker, between them the eight restart markers, each tail beginning with another one: the one
# for which a decoder may wait. A single tail would miss a few of a hundred JPEGs that lack only the end of a block, since the
# bytes may happen to mean nothing.
_NOISE = np.random.default_rng(0).integers(1, 255, (8, 9, 256), np.uint8)
_TAILS = tuple(
    b"".join(part.tobytes() + bytes([0xFF, 0xD0 + (first + n) % 8]) for n, part in enumerate(parts))
    for first, parts in enumerate(_NOISE)
)


class EndMissing(UserError):
    """A JPEG without its end-of-image marker, though all of its picture may be there: only decoding tells.

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

    def mended(self):
        """The JPEG with its end, if all px are there.

        The file does not say so: it is decoded with different bytes at its end, which then change nothing.

        Returns:
            bytes.

        Raises:
            ValueError: with the reason, if px are missing or unknown bytes stand behind the picture.
        """
        # Zeros may be padding, or the end of a flat picture; behind an FF one belongs to it.
        bare = self.picture.rstrip(b"\0")
        bare += b"\0" * bare.endswith(b"\xff")
        whole = [jpeg for jpeg in dict.fromkeys((self.picture, bare)) if all(self.size) and _has_all_pixels(jpeg)]
        for jpeg in whole:
            if len(jpeg) - _REST < self.start or not _has_all_pixels(jpeg[:-_REST]):
                return jpeg + b"\xff\xd9"
        # With bytes to spare, a part of the picture may be missing, and px were made of what stands behind it.
        more = ", and unknown bytes stand behind its picture: save it again" if whole else ""
        raise UserError(f"{self}{more}")


class _Broken(UserError):
    """A JPEG that does not go on as it must: an EndMissing where all of its scans came before."""


def inspect(data):
    """Reads the size of a JPEG and checks its segments up to the end-of-image marker.

    A JPEG carries no checksum: damage that leaves its markers alone shows in the picture only.

    Args:
        data: bytes of the whole file.

    Returns:
        Height and width, px as stored.

    Raises:
        EndMissing: if only the end may be missing; it is a ValueError too.
        ValueError: with the reason, if it is truncated or corrupt.
        struct.error, IndexError: if it ends inside its frame header.
    """
    at, size, restarts, segments, scans = 2, None, False, 0, 0
    # The coefficients of each component that have not come yet; where the data of the scan that brings the last start and end.
    wanted, whole = {}, None
    try:
        while (found := _MARKER.search(data, at)) is not None:
            marker, at = data[found.end() - 1], found.end()
            segments += 1
            if segments > _SEGMENTS:
                raise UserError(f"corrupt: the JPEG has more than {_SEGMENTS} segments")
            if marker == _END:
                break
            if marker in _WITHOUT_SEGMENT:
                continue
            length = int.from_bytes(data[at : at + 2], "big")
            if at + max(length, 2) > len(data):
                raise _Broken("truncated: the JPEG ends inside a segment")
            if marker in _FRAMES:
                # A decoder goes by the first and may be done with it before it meets the second.
                if size is not None:
                    raise _Broken("corrupt: the JPEG has two frame headers")
                size = struct.unpack_from(">HH", data, at + 3)
                progressive = marker in _PROGRESSIVE
                wanted = {number: set(range(64)) for number in data[at + 8 : at + 8 + 3 * data[at + 7] : 3]}
            elif marker == _RESTARTS:
                restarts = struct.unpack_from(">H", data, at + 2) != (0,)
            elif marker == _SCAN and wanted:
                _take_scan(data[at : at + length], progressive, wanted)
            at += length
            if marker == _SCAN:
                scans += 1
                _bound_scans(scans, size)
                start, (at, wrong) = at, _scan_end(data, at, restarts)
                if whole is None and wanted and not any(wanted.values()):
                    whole = start, at
                if wrong:
                    raise _Broken(wrong)
        else:
            raise _Broken(_CUT)
    except _Broken as broken:
        if whole is not None:
            start, end = whole
            trailer = _TRAILER.search(data, start, end)
            picture = data[: trailer.start() if trailer else end].rstrip(b"\xff")
            raise EndMissing(str(broken), size, picture, start) from None
        raise
    if size is None or not scans:
        raise UserError("corrupt: the JPEG holds no picture")
    return size


def _take_scan(header, progressive, wanted):
    """Removes from `wanted` what a scan brings: of some components a range of coefficients, with their last bits or not."""
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
    if scans > _SCANS or (scans > _SCANS_OF_LARGE and scans * height * width > _SCANNED_PIXELS):
        raise UserError(f"corrupt: the JPEG goes over its {width} x {height} px in {scans} scans or more")


def _scan_end(data, at, restarts):
    """Where the entropy-coded data that start at `at` end, and what is wrong there or None.

    Inside them, FF is followed by 00 (a literal FF) or by a restart marker; anything else ends them.
    """
    values = np.frombuffer(data, np.uint8)
    count = 0
    for start in range(at, len(data) - 1, _PART):
        part = values[start : start + _PART + 1]
        places = np.flatnonzero((part[:-1] == 0xFF) & (part[1:] != 0x00) & (part[1:] != 0xFF))
        if not places.size:
            continue
        codes = part[places + 1]
        ends = np.flatnonzero((codes < 0xD0) | (codes > 0xD7))
        numbers = codes[: ends[0]] if ends.size else codes
        wrong = np.flatnonzero(numbers != 0xD0 + np.arange(count, count + numbers.size) % 8) if restarts else range(numbers.size)
        if len(wrong):
            return start + int(places[wrong[0]]), "corrupt: restart markers out of order in the JPEG's scan"
        count += numbers.size
        if ends.size:
            marker = int(codes[ends[0]])
            foreign = None if marker in _AFTER_SCAN else f"corrupt: marker 0x{marker:02X} inside the JPEG's scan"
            return start + int(places[ends[0]]), foreign
    return len(data), _CUT


def _has_all_pixels(jpeg):
    """Whether all px of a JPEG without its end-of-image marker are there."""
    # An FF would make a marker of what follows.
    jpeg = jpeg.rstrip(b"\xff")
    # A decoder that has all px skips whatever follows; one that lacks some makes px of it.
    files = (np.frombuffer(jpeg + tail + b"\xff\xd9", np.uint8) for tail in (b"", *_TAILS))
    photos = (cv2.imdecode(file, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION) for file in files)
    first = next(photos)
    return first is not None and all(np.array_equal(photo, first) for photo in photos)
