"""From a photo to what a model reads: a square of RGB. Every client does this alike."""

import numpy as np

from logo_keras.arguments import one_of, whole
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.decode import (
    DECODING,
    MAX_BYTES,
    MAX_PIXELS,
    UnreadablePhoto,
    UnreadablePhotograph,
    check,
    decode,
    file_bytes,
    glance,
    inspected,
    pixels,
    read,
)

# What `lk.preprocessing` gives.
__all__ = [
    "DECODING",
    "MAX_BYTES",
    "MAX_PIXELS",
    "PREPROCESSING",
    "PREPROCESSINGS",
    "UnreadablePhoto",
    "UnreadablePhotograph",
    "check",
    "decode",
    "file_bytes",
    "fit",
    "frame",
    "glance",
    "inspected",
    "pixels",
    "prepare",
    "read",
    "resize",
]

# How a photo becomes the S x S px that a model reads; the name is stored in every model file. Neither keeps the aspect ratio.
# "stretch": stretched to S x S px.
# "paper": stretched to a square of S * 600 / 448 px, of which the middle is taken; in training a random part, mirrored or
# not. Yang et al. 2018, arXiv:1809.00287, and their code: 600 px and 448 px.
PREPROCESSINGS = ("stretch", "paper")
PREPROCESSING = "stretch"
_PAPER = 600 / 448


def resize(photo, size):
    """Stretches a photo to a square: per axis, area average where it shrinks, bilinear where it grows.

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
        raise UserError(f"photo must be a uint8 RGB array [H, W, 3], got {came}.")
    size = whole("size", size, 1)
    height, width = photo.shape[:2]
    # In two steps, because INTER_AREA averages only when no axis grows.
    small = (min(width, size), min(height, size))
    if small != (width, height):
        photo = cv2.resize(photo, small, interpolation=cv2.INTER_AREA)
    if small != (size, size):
        photo = cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR)
    return photo


def frame(preprocessing, size):
    """Says where in the stretched photo a model's image lies.

    Args:
        preprocessing: str, one of `PREPROCESSINGS`.
        size: int, px, side of the image.

    Returns:
        side: int, px, of the square to which the whole photo is stretched.
        offset: int, px; the image is the `size` x `size` px of this square whose corner lies at `(offset, offset)`.

    Raises:
        ValueError: if there is no preprocessing of this name.
    """
    one_of("preprocessing", preprocessing, PREPROCESSINGS)
    side = round(size * _PAPER) if preprocessing == "paper" else size
    return side, (side - size) // 2


def fit(photo, size, preprocessing=PREPROCESSING):
    """Makes the square image that a model reads from a decoded photo.

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
    """Makes the input of a model from a photo.

    Args:
        photo: path, bytes of an image file, or uint8 RGB `[H, W, 3]`.
        size: int, px.
        preprocessing: str, one of `PREPROCESSINGS`; a model says which is its own.

    Returns:
        float32 RGB `[size, size, 3]`, 0..255.

    Raises:
        UnreadablePhoto: if a file cannot be read.
        ValueError: if `photo` is none of these, `size` is no positive integer, or there is no such preprocessing.
    """
    return fit(pixels(photo), size, preprocessing).astype(np.float32)
