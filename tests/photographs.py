"""Small image files that tests write, some of them broken on purpose."""

import struct

import cv2
import numpy as np


def scene(height=40, width=60, seed=0):
    """A smooth coloured picture: uint8 RGB `[height, width, 3]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encode(photo, suffix=".jpg"):
    """The bytes of an image file of an RGB, RGBA or grey array."""
    if photo.ndim == 3:
        photo = cv2.cvtColor(photo, cv2.COLOR_RGBA2BGRA if photo.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(suffix, photo)
    assert done
    return data.tobytes()


def write(path, seed=0, height=40, width=60):
    """Writes a photograph, the format from the suffix, and its folders; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(scene(height, width, seed), path.suffix))
    return path


def with_orientation(jpeg, orientation, order=">"):
    """A JPEG with an EXIF segment that holds the orientation, 1 to 8."""
    tiff = {">": b"MM\x00*", "<": b"II*\x00"}[order]
    tiff += struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def flat_jpeg(*levels, adobe=True):
    """An 8 x 8 JPEG of one colour, written by hand: one to four components with the given levels 0..255.

    Quantised by 8, a block of level v has the DC coefficient v - 128. Huffman codes: categories 0 to 8 have four bits
    each, end of block is a single 0.
    """
    count = len(levels)
    bits = ""
    for level in levels:
        value = level - 128
        category = abs(value).bit_length()
        bits += f"{category:04b}"
        if category:
            bits += f"{value if value > 0 else value + (1 << category) - 1:0{category}b}"
        bits += "0"
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\x00")

    def segment(marker, body):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body

    components = b"".join(bytes([1 + i, 0x11, 0]) for i in range(count))
    return b"".join(
        [
            b"\xff\xd8",
            # Transform 0: the components are the colours themselves, no YCbCr.
            segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x00") if adobe else b"",
            segment(0xDB, b"\x00" + bytes([8] * 64)),
            segment(0xC0, struct.pack(">BHHB", 8, 8, 8, count) + components),
            segment(0xC4, b"\x00" + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))),
            segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00"),
            segment(0xDA, bytes([count]) + b"".join(bytes([1 + i, 0]) for i in range(count)) + b"\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        ]
    )


def two_brands(folder):
    """Writes six photos of each of two brands, and returns the folder."""
    for number in range(12):
        write(folder / ("acme", "globex")[number % 2] / f"{number}.png", seed=number)
    return folder


def two_brands_and_none(folder):
    """Writes photos of two brands in two parts, to learn from and to score, and of none; returns the folder."""
    for number in range(8):
        for part, first in (("train", 0), ("validation", 20)):
            write(folder / part / ("acme", "globex")[number % 2] / f"{number}.png", seed=first + number)
    for number in range(4):
        write(folder / "none" / f"{number}.png", seed=100 + number)
    return folder
