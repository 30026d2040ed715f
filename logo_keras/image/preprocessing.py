"""From a photo file to what a model reads: checked, decoded, turned upright and made a square. Every client does this alike."""

import os
import stat

import numpy as np

from logo_keras.arguments import one_of, whole
from logo_keras.errors import FileError, UserError
from logo_keras.extras import cv2
from logo_keras.image import containers, orientation, pillow, transparency
from logo_keras.image.jpeg import EndMissing

# How a photo becomes the S x S px that a model reads; the name is stored in every model file. Neither keeps the aspect ratio.
# "stretch": stretched to S x S px.
# "paper": stretched to a square of S * 600 / 448 px, of which the middle is taken; in training a random part, mirrored or
# not. Yang et al. 2018, arXiv:1809.00287, and their code: 600 px and 448 px.
PREPROCESSINGS = ("stretch", "paper")
PREPROCESSING = "stretch"
_PAPER = 600 / 448
# A file of a few kilobytes may claim any size, and several are read at once. 120 million px, more than the 102 million of a
# medium format camera, are 360 MB decoded; decoding takes 6 to 17 bytes a px (measured, OpenCV 5.0 and Pillow 13.0).
MAX_PIXELS = 120_000_000
# The photos of that camera are 20 to 200 MB.
MAX_BYTES = 256 * 2**20
# Of the decoded px: raised where a file gives other px than before, so that px that an older version cached are not used.
DECODING = 3
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


class UnreadablePhoto(FileError):
    """A file that cannot be read as a photo, by its name and the reason."""


# Its old name.
UnreadablePhotograph = UnreadablePhoto


def decode(data, name="photograph", max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Decodes an image file.

    JPEG, PNG and WebP by OpenCV; GIF, BMP, TIFF and AVIF where Pillow is installed (extra `[train]`), HEIC where pillow-heif
    is (extra `[heic]`), whatever the name says. The photo comes upright, by its EXIF orientation or by what an AVIF and a
    HEIC have instead. Grey, CMYK and palette colours become RGB, colour profiles are not applied, 16 bits become 8. Of
    several pictures or an animation the first is decoded, of a HEIC the main one. What is transparent stands on white, or on
    grey where what is visible is itself nearly white (`logo_keras.image.transparency` has the rule).

    Damage that checksums, lengths or the decoder find is an error. In a JPEG, damage may show in the picture only.

    Args:
        data: bytes of the whole file.
        name: str, names the file in errors.
        max_pixels: int, largest height times width that is decoded. It bounds the memory: 20 bytes a px beside the file.
            The decoders of AVIF and HEIC take up to 16384 x 16384 px and more, whatever size the file claims.
        max_bytes: int, largest file that is decoded. It bounds the time.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhoto: if the file is empty, no image, corrupt, truncated, larger than one of the limits, or of a format
            whose decoder is not installed.
        ValueError: if a limit is no positive integer.
    """
    return _decoded(data, name, max_pixels, max_bytes)[0]


def decode_with_alpha(data, name="photograph", max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Decodes an image file as `decode` does, and keeps its transparency.

    Args:
        data, name, max_pixels, max_bytes: as in `decode`.

    Returns:
        uint8 RGBA `[H, W, 4]`, or RGB `[H, W, 3]` of a file without transparency.

    Raises:
        UnreadablePhoto, ValueError: where `decode` raises them.
    """
    return transparency.eight_bits(_layers(data, name, max_pixels, max_bytes)[0])


def read(path, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Reads a photo, as `decode` does.

    Args:
        path: str or path.
        max_pixels: int, as in `decode`.
        max_bytes: int, as in `decode`; no more is read from the disk.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhoto: if there is no such file, it is a folder, a pipe or a device, or it cannot be opened or decoded.
        ValueError: if a limit is no positive integer.
    """
    return decode(file_bytes(path, max_bytes), path, max_pixels, max_bytes)


def pixels(photo, name="photograph"):
    """Decodes a photo, unless it is an array already.

    Args:
        photo: path, bytes of an image file, or uint8 RGB `[H, W, 3]`.
        name: str, names bytes in errors.

    Returns:
        uint8 RGB `[H, W, 3]`, upright; an array as it came.

    Raises:
        UnreadablePhoto: if a file cannot be read.
        ValueError: if `photo` is none of these.
    """
    if isinstance(photo, (str, os.PathLike)):
        return read(photo)
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return decode(photo, name)
    if not isinstance(photo, np.ndarray):
        raise UserError(f"photo must be a path, bytes or a uint8 RGB array, got {type(photo).__name__}.")
    return photo


def is_one(photos):
    """Whether something is a single photo, as `pixels` takes it, and not several: bool."""
    return isinstance(photos, (str, os.PathLike, bytes, bytearray, memoryview)) or getattr(photos, "ndim", 4) == 3


def check(path, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Finds out whether a photo can be read, faster than `read` where the photo is a JPEG that is not square.

    Args:
        path, max_pixels, max_bytes: as in `read`.

    Raises:
        UnreadablePhoto, ValueError: where `read` raises them.
    """
    # A glance unpacks the whole JPEG too.
    glance(path, 8, max_pixels, max_bytes)


def glance(path, smallest, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Reads a photo smaller than it is, where its format makes that cheaper: a JPEG by 2, 4 or 8.

    Args:
        path, max_pixels, max_bytes: as in `read`.
        smallest: int, px that both sides keep, unless the photo has fewer.

    Returns:
        uint8 RGB `[h, w, 3]`, upright, and the height and width of the photo itself, upright.

    Raises:
        UnreadablePhoto, ValueError: where `read` raises them.
    """
    photo, (height, width) = _decoded(file_bytes(path, max_bytes), path, max_pixels, max_bytes, smallest)
    turned = (photo.shape[0] > photo.shape[1]) != (height > width)
    return photo, (width, height) if turned else (height, width)


def inspected(data, max_pixels=MAX_PIXELS):
    """Reads what an image file says of itself, as `containers.inspect` does, and finds out whether it is complete.

    A JPEG without its end-of-image marker, perhaps with the bytes of something else behind it, is complete if all its px are
    there.

    Args:
        data: bytes of the whole file.
        max_pixels: int, the largest picture that is decoded for that.

    Returns:
        Tuple of its format, height and width, px as stored, and the file: `data`, or a JPEG with its end.

    Raises:
        ValueError: with the reason, if the file is empty, no image of the formats that are read, truncated or corrupt.
    """
    try:
        return *containers.inspect(data), data
    except EndMissing as error:
        # A larger one is refused for its size.
        too_large = error.size[0] * error.size[1] > max_pixels
        return "JPEG", *error.size, data if too_large else error.mended()


def file_bytes(path, max_bytes=MAX_BYTES):
    """The bytes of a photo file.

    Args:
        path: str or path.
        max_bytes: int, as in `read`.

    Returns:
        bytes.

    Raises:
        UnreadablePhoto: if there is no such file, it is a folder, a pipe or a device, too large, or cannot be opened.
        ValueError: if the limit is no positive integer.
    """
    try:
        # Before it is opened: opening a pipe waits for its other end.
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UnreadablePhoto(path, _why(error)) from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise UnreadablePhoto(path, f"cannot be opened: it is {kind}, not a file")
    _bound_bytes(path, found.st_size, max_bytes)
    try:
        with open(path, "rb") as file:
            # No more than that: a file may grow meanwhile.
            return file.read(found.st_size)
    except OSError as error:
        raise UnreadablePhoto(path, _why(error)) from None


def check_pixels(name, photo, order="RGB"):
    """Checks that an argument holds the px of a photo.

    Args:
        name: str, the argument.
        photo: what was given; uint8 `[H, W, 3]` is right.
        order: str, the order of its colours.

    Raises:
        ValueError: naming the argument and what came, if it is anything else.
    """
    array = isinstance(photo, np.ndarray)
    if not array or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        came = f"{photo.dtype} {list(photo.shape)}" if array else type(photo).__name__
        raise UserError(f"{name} must be a uint8 {order} array [H, W, 3], got {came}.")


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
    check_pixels("photo", photo)
    size = whole("size", size, 1)
    return _resized(photo, size, size)


def letterbox(photo, size):
    """Makes a photo a square without changing its shape: as `resize`, and beyond its shorter sides its outermost px go on.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px, what the longer side becomes.

    Returns:
        uint8 RGB `[size, size, 3]`, and four int `(y0, x0, y1, x1)`, px of it: where the photo lies, in the middle.

    Raises:
        ValueError: if `photo` has another shape or type, or `size` is no positive integer.
    """
    check_pixels("photo", photo)
    size = whole("size", size, 1)
    longest = max(photo.shape[:2])
    # Rounded, halves up, in whole numbers: any client can do the same.
    height, width = (max(1, (2 * side * size + longest) // (2 * longest)) for side in photo.shape[:2])
    top, left = (size - height) // 2, (size - width) // 2
    beyond = (top, size - height - top, left, size - width - left)
    square = cv2.copyMakeBorder(_resized(photo, height, width), *beyond, cv2.BORDER_REPLICATE)
    return square, (top, left, top + height, left + width)


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


def _resized(photo, height, width):
    # In two steps, because INTER_AREA averages only when no axis grows.
    small = (min(photo.shape[1], width), min(photo.shape[0], height))
    if small != (photo.shape[1], photo.shape[0]):
        photo = cv2.resize(photo, small, interpolation=cv2.INTER_AREA)
    if small != (width, height):
        photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR)
    return photo


def _why(error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    # Of a path with a null character, or one that the file system's encoding lacks, Python says so in a ValueError.
    return f"cannot be opened: {error.strerror if isinstance(error, OSError) else error}"


def _bound_bytes(name, size, max_bytes):
    if size > whole("max_bytes", max_bytes, 1):
        raise UnreadablePhoto(name, f"too large: {size:,} bytes, at most {max_bytes:,} are read (max_bytes)")


def _decoded(data, name, max_pixels, max_bytes, smallest=None):
    """The upright photo, uint8 RGB, and its height and width as stored.

    With `smallest`, a JPEG comes smaller by 2, 4 or 8 as long as both sides keep so many px.
    """
    photo, size = _layers(data, name, max_pixels, max_bytes, smallest)
    return transparency.composite(photo) if photo.shape[2] == 4 else photo, size


def _layers(data, name, max_pixels, max_bytes, smallest=None):
    """As `_decoded`, but RGBA, uint8 or uint16, where the file has transparency."""
    _bound_bytes(name, memoryview(data).nbytes, max_bytes)
    whole("max_pixels", max_pixels, 1)
    try:
        kind, height, width, data = inspected(bytes(data), max_pixels)
        for sides in ((height, width), containers.largest_picture(kind, data) or (0, 0)):
            if sides[0] * sides[1] > max_pixels:
                raise UserError(f"too large: {sides[1]} x {sides[0]} px, at most {max_pixels:,} px are read (max_pixels)")
        if kind in pillow.FORMATS:
            photo = pillow.decode(kind, data)
        elif transparency.has_alpha(data):
            photo = _with_alpha(kind, data)
        else:
            # Where the sides differ by less, the small picture does not tell whether it was turned.
            may_shrink = smallest and kind == "JPEG" and abs(height - width) >= 8
            most = min(height, width) // smallest if may_shrink else 1
            photo = _opencv(kind, data, next((flag for factor, flag in _REDUCED.items() if factor <= most), cv2.IMREAD_COLOR))
            # In place, which saves memory and the time to get it.
            photo = cv2.cvtColor(photo, cv2.COLOR_BGR2RGB, dst=photo)
    except ValueError as error:
        raise UnreadablePhoto(name, error) from None
    return photo, (height, width)


def _opencv(kind, data, how):
    try:
        photo = cv2.imdecode(np.frombuffer(containers.still_png(data) if kind == "PNG" else data, np.uint8), how)
    except cv2.error as error:
        raise UserError(f"corrupt: the {kind} decoder gave up ({error.err})") from None
    if photo is None:
        raise UserError(f"corrupt or truncated: the {kind} decoder gave up")
    return photo


def _with_alpha(kind, data):
    """RGBA, upright, of a PNG or WebP with alpha; uint8 or uint16. RGB where OpenCV finds none."""
    # Nothing else makes OpenCV give alpha. It then leaves the orientation alone.
    photo = _opencv(kind, data, cv2.IMREAD_UNCHANGED)
    if photo.ndim == 2:
        photo = transparency.with_clear_value(photo, transparency.clear_grey_of_png(data))
    elif photo.shape[2] == 4:
        photo = cv2.cvtColor(photo, cv2.COLOR_BGRA2RGBA, dst=photo)
    else:
        photo = transparency.eight_bits(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB))
    return orientation.turned(photo, *orientation.turns(kind, data))
