"""From a photograph to what a model reads: decoded, upright, made a square. Every client does this alike."""

import os
from pathlib import Path

import numpy as np

from logo_keras import containers
from logo_keras.extras import cv2

# How a photograph becomes the S x S px that a model reads; the name is stored in every model file. Neither keeps the
# aspect ratio.
# "stretch": stretched to S x S px.
# "paper": stretched to a square of S * 600 / 448 px, of which the middle is taken; in training a random part, mirrored or
# not. Yang et al. 2018, arXiv:1809.00287, and their code: 600 px and 448 px.
PREPROCESSINGS = ("stretch", "paper")
PREPROCESSING = "stretch"
_PAPER = 600 / 448
# A file of a few kilobytes may claim any size; 200 million px are 600 MB decoded, more than any camera of today.
MAX_PIXELS = 200_000_000


class UnreadablePhotograph(ValueError):
    """A file that cannot be read as a photograph.

    Attributes:
        name: str, the path of the file, or what else names it.
        reason: str.
    """

    def __init__(self, name, reason):
        super().__init__(name, reason)
        self.name = str(name)
        self.reason = str(reason)

    def __str__(self):
        return f"{self.name}: {self.reason}"


def decode(data, name="photograph"):
    """Decodes an image file.

    JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF. The EXIF orientation is applied, so the photograph is upright. Grey, CMYK
    and palette colours become RGB, 16 bits become 8, an alpha channel is left out, of an animation the first frame is
    taken.

    Args:
        data: bytes of the whole file.
        name: str, names the file in errors.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhotograph: if the file is empty, no image, corrupt, truncated or larger than `MAX_PIXELS`.
    """
    return cv2.cvtColor(_decoded(bytes(data), name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read(path):
    """Reads a photograph, as `decode` does.

    Args:
        path: str or path.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhotograph: if there is no such file or it cannot be opened or decoded.
    """
    return decode(_contents(path), name=path)


def check(path):
    """Finds out whether a photograph can be read, somewhat faster than `read`.

    Args:
        path: str or path.

    Raises:
        UnreadablePhotograph: where `read` raises it.
    """
    # A JPEG is unpacked as a whole also for an eighth of the size; tiny pictures would have no px left.
    _decoded(_contents(path), path, cv2.IMREAD_REDUCED_COLOR_8, smallest=64)


def _contents(path):
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadablePhotograph(path, "no such file") from None
    except OSError as error:
        raise UnreadablePhotograph(path, f"cannot be opened: {error.strerror}") from error


def _decoded(data, name, how, smallest=1):
    """BGR as OpenCV decodes it; pictures with a side below `smallest` px are decoded in full size."""
    try:
        kind, height, width = containers.inspect(data)
    except ValueError as error:
        raise UnreadablePhotograph(name, error) from None
    if height * width > MAX_PIXELS:
        limit = f"at most {MAX_PIXELS // 10**6} million are read"
        raise UnreadablePhotograph(name, f"too large: {width} x {height} px, {limit}")
    if min(height, width) < smallest:
        how = cv2.IMREAD_COLOR
    try:
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise UnreadablePhotograph(name, f"corrupt: the {kind} decoder gave up ({error.err})") from None
    if photo is None:
        raise UnreadablePhotograph(name, f"corrupt or truncated: the {kind} decoder gave up")
    return photo


def resize(photo, size):
    """Stretches a photograph to a square: per axis, area average where it shrinks, bilinear where it grows.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px.

    Returns:
        uint8 RGB `[size, size, 3]`.

    Raises:
        ValueError: if `photo` has another shape or type, or `size` is no positive integer.
    """
    array = isinstance(photo, np.ndarray)
    if not array or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        came = f"{photo.dtype} {photo.shape}" if array else type(photo).__name__
        raise ValueError(f"photo must be a uint8 RGB array [H, W, 3], got {came}.")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"size must be a positive integer, got {size!r}.")
    size = int(size)
    height, width = photo.shape[:2]
    # In two steps, because INTER_AREA averages only when no axis grows.
    small = (min(width, size), min(height, size))
    if small != (width, height):
        photo = cv2.resize(photo, small, interpolation=cv2.INTER_AREA)
    if small != (size, size):
        photo = cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR)
    return photo


def frame(preprocessing, size):
    """Says where in the stretched photograph a model's image lies.

    Args:
        preprocessing: str, one of `PREPROCESSINGS`.
        size: int, px, side of the image.

    Returns:
        side: int, px, of the square to which the whole photograph is stretched.
        offset: int, px; the image is the `size` x `size` px of this square whose corner lies at `(offset, offset)`.

    Raises:
        ValueError: if there is no preprocessing of this name.
    """
    if preprocessing not in PREPROCESSINGS:
        raise ValueError(f"preprocessing must be one of {', '.join(PREPROCESSINGS)}, got {preprocessing!r}.")
    side = round(size * _PAPER) if preprocessing == "paper" else size
    return side, (side - size) // 2


def fit(photo, size, preprocessing=PREPROCESSING):
    """Makes the square image that a model reads of a decoded photograph.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px.
        preprocessing: str, one of `PREPROCESSINGS`.

    Returns:
        uint8 RGB `[size, size, 3]`.

    Raises:
        ValueError: if an argument is none of these.
    """
    if preprocessing == "stretch":
        return resize(photo, size)
    side, offset = frame(preprocessing, size)
    return resize(photo, side)[offset : offset + size, offset : offset + size]


def prepare(photo, size, preprocessing=PREPROCESSING):
    """Makes the input of a model from a photograph.

    Args:
        photo: path, bytes of an image file, or uint8 RGB `[H, W, 3]`.
        size: int, px.
        preprocessing: str, one of `PREPROCESSINGS`; a model says which is its own.

    Returns:
        float32 RGB `[size, size, 3]`, 0..255.

    Raises:
        UnreadablePhotograph: if a file cannot be read.
        ValueError: if `photo` is none of these, `size` is no positive integer, or there is no such preprocessing.
    """
    if isinstance(photo, (str, os.PathLike)):
        photo = read(photo)
    elif isinstance(photo, (bytes, bytearray, memoryview)):
        photo = decode(photo)
    elif not isinstance(photo, np.ndarray):
        raise ValueError(f"photo must be a path, bytes or a uint8 RGB array, got {type(photo).__name__}.")
    return fit(photo, size, preprocessing).astype(np.float32)
