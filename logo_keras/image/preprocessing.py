"""From a photograph to what a model reads: decoded, upright, made a square. Every client does this alike."""

import os
import stat

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image import containers, heif, orientation, transparency

# How a photograph becomes the S x S px that a model reads; the name is stored in every model file. Neither keeps the
# aspect ratio.
# "stretch": stretched to S x S px.
# "paper": stretched to a square of S * 600 / 448 px, of which the middle is taken; in training a random part, mirrored or
# not. Yang et al. 2018, arXiv:1809.00287, and their code: 600 px and 448 px.
PREPROCESSINGS = ("stretch", "paper")
PREPROCESSING = "stretch"
_PAPER = 600 / 448
# A file of a few kilobytes may claim any size, and several are read at once. 120 million px, more than the 102 million of a
# medium format camera, are 360 MB decoded; decoding takes 6 to 13 bytes a px, of AVIF up to 17 (measured, OpenCV 5.0).
MAX_PIXELS = 120_000_000
# The photographs of that camera are 20 to 200 MB.
MAX_BYTES = 256 * 2**20
# Of the decoded px: raised where the same file gives others than before, so that px kept by an older version are not used.
DECODING = 2
_JPEG_END = b"\xff\xd9"
# Bytes at the end of a JPEG's picture of which some change it for certain; the last ones may be padding.
_JPEG_REST = 16
# Eight times bytes that are no marker, between them the eight restart markers, first the one for which a decoder may wait.
# One time would miss a few of a hundred JPEGs that lack no more than the end of a block: the bytes may happen to mean nothing.
_NOISE = np.random.default_rng(0).integers(1, 255, (8, 9, 256), np.uint8)
_TAILS = tuple(
    b"".join(part.tobytes() + bytes([0xFF, 0xD0 + (first + n) % 8]) for n, part in enumerate(parts))
    for first, parts in enumerate(_NOISE)
)
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


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


def decode(data, name="photograph", max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Decodes an image file.

    JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF, and HEIC where pillow-heif is installed (extra `[heic]`), whatever the name
    says. The photograph comes upright: by its EXIF orientation, or by what an AVIF and a HEIC have instead. Grey, CMYK and
    palette colours become RGB, colour profiles are not applied, 16 bits become 8. Of several pictures or an animation the
    first is taken, of a HEIC the main one. What is transparent stands on white, or on grey where what is visible is itself
    nearly white (`logo_keras.image.transparency` has the rule). What an opaque GIF's first frame leaves open has its background
    colour.

    Damage that checksums, lengths or the decoder find is an error. In a JPEG, damage may show in the picture only.

    Args:
        data: bytes of the whole file.
        name: str, names the file in errors.
        max_pixels: int, largest height times width that is decoded. It bounds the memory: 20 bytes a px beside the file,
            of an AVIF with alpha 32.
            The decoders of AVIF and HEIC take up to 16384 x 16384 px and more, whatever the file says its size were.
        max_bytes: int, largest file that is decoded. It bounds the time.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhotograph: if the file is empty, no image, corrupt, truncated or larger than one of the limits.
        ValueError: if a limit is no positive integer.
    """
    photo = _decoded(data, name, cv2.IMREAD_COLOR, max_pixels, max_bytes)
    # In place, which saves memory and the time to get it.
    return cv2.cvtColor(photo, cv2.COLOR_BGR2RGB, dst=photo)


def read(path, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Reads a photograph, as `decode` does.

    Args:
        path: str or path.
        max_pixels: int, as in `decode`.
        max_bytes: int, as in `decode`; no more is read from the disk.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        UnreadablePhotograph: if there is no such file, it is a folder, a pipe or a device, or it cannot be opened or decoded.
        ValueError: if a limit is no positive integer.
    """
    return decode(file_bytes(path, max_bytes), path, max_pixels, max_bytes)


def check(path, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Finds out whether a photograph can be read, somewhat faster than `read`.

    Args:
        path, max_pixels, max_bytes: as in `read`.

    Raises:
        UnreadablePhotograph, ValueError: where `read` raises them.
    """
    # A JPEG is unpacked as a whole also for an eighth of the size; tiny pictures would have no px left.
    _decoded(file_bytes(path, max_bytes), path, cv2.IMREAD_REDUCED_COLOR_8, max_pixels, max_bytes, smallest=64)


def glance(path, smallest, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """Reads a photograph smaller than it is, where its format makes that cheaper: a JPEG by 2, 4 or 8.

    Args:
        path, max_pixels, max_bytes: as in `read`.
        smallest: int, px that both sides keep, unless the photograph has fewer.

    Returns:
        uint8 RGB `[h, w, 3]`, upright, and the height and width of the photograph itself, upright.

    Raises:
        UnreadablePhotograph, ValueError: where `read` raises them.
    """
    data = file_bytes(path, max_bytes)
    try:
        kind, height, width, data = inspected(data, max_pixels)
    except ValueError as error:
        raise UnreadablePhotograph(path, error) from None
    # Of sides that differ by less, the small picture does not tell whether it was turned.
    most = min(height, width) // smallest if kind == "JPEG" and abs(height - width) >= 8 else 1
    how = next((flag for factor, flag in _REDUCED.items() if factor <= most), cv2.IMREAD_COLOR)
    photo = cv2.cvtColor(_decoded(data, path, how, max_pixels, max_bytes), cv2.COLOR_BGR2RGB)
    turned = (photo.shape[0] > photo.shape[1]) != (height > width)
    return photo, (width, height) if turned else (height, width)


def inspected(data, max_pixels=MAX_PIXELS):
    """Reads what an image file says of itself, as `containers.inspect` does, and finds out whether it is whole.

    A JPEG without its end-of-image marker, perhaps with the bytes of something else behind it, is whole if all its px are
    there. The file does not say so: it is decoded with different bytes at its end, which then change nothing.

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
    except containers.EndMissing as error:
        height, width = error.size
        if height * width > max_pixels:
            # It is refused for that.
            return "JPEG", height, width, data
        # Zeros may be padding, or the end of a flat picture; behind an FF one is a part of it.
        bare = error.picture.rstrip(b"\0")
        bare += b"\0" * bare.endswith(b"\xff")
        candidates = [jpeg for jpeg in dict.fromkeys((error.picture, bare)) if height * width and _has_all_pixels(jpeg)]
        for jpeg in candidates:
            if len(jpeg) - _JPEG_REST < error.start or not _has_all_pixels(jpeg[:-_JPEG_REST]):
                return "JPEG", height, width, jpeg + _JPEG_END
        # With bytes to spare a part of the picture may be missing, and px were made of what stands behind it.
        more = ", and unknown bytes stand behind its picture: save it again" if candidates else ""
        raise ValueError(f"{error}{more}") from None


def _has_all_pixels(jpeg):
    """Whether all px of a JPEG are there, of which the end-of-image marker is missing."""
    # An FF would make a marker of what follows.
    jpeg = jpeg.rstrip(b"\xff")
    # A decoder that has all px passes over whatever follows; one that has not makes px of it.
    first = None
    for tail in (b"", *_TAILS):
        photo = cv2.imdecode(np.frombuffer(jpeg + tail + _JPEG_END, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if photo is None or (first is not None and not np.array_equal(photo, first)):
            return False
        first = photo if first is None else first
    return True


def file_bytes(path, max_bytes=MAX_BYTES):
    """The bytes of a photograph's file.

    Args:
        path: str or path.
        max_bytes: int, as in `read`.

    Returns:
        bytes.

    Raises:
        UnreadablePhotograph: if there is no such file, it is a folder, a pipe or a device, too large, or cannot be opened.
        ValueError: if the limit is no positive integer.
    """
    try:
        # Before it is opened: opening a pipe waits for its other end.
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UnreadablePhotograph(path, _why(error)) from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise UnreadablePhotograph(path, f"cannot be opened: it is {kind}, not a file")
    _bound_bytes(path, found.st_size, max_bytes)
    try:
        with open(path, "rb") as file:
            # No more than that: a file may grow meanwhile.
            return file.read(found.st_size)
    except OSError as error:
        raise UnreadablePhotograph(path, _why(error)) from None


def _why(error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    # Of a path with a null character, or one that the file system's encoding lacks, Python says so in a ValueError.
    return f"cannot be opened: {error.strerror if isinstance(error, OSError) else error}"


def _bound_bytes(name, size, max_bytes):
    if size > _limit("max_bytes", max_bytes):
        raise UnreadablePhotograph(name, f"too large: {size:,} bytes, at most {max_bytes:,} are read (max_bytes)")


def _limit(name, limit):
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or limit < 1:
        raise ValueError(f"{name} must be a positive integer, got {limit!r}.")
    return limit


def _decoded(data, name, how, max_pixels, max_bytes, smallest=1):
    """BGR as OpenCV decodes it; pictures with a side below `smallest` px are decoded in full size."""
    _bound_bytes(name, memoryview(data).nbytes, max_bytes)
    data = bytes(data)
    _limit("max_pixels", max_pixels)
    try:
        kind, height, width, data = inspected(data, max_pixels)
    except ValueError as error:
        raise UnreadablePhotograph(name, error) from None
    if height * width > max_pixels:
        raise UnreadablePhotograph(name, f"too large: {width} x {height} px, at most {max_pixels:,} px are read (max_pixels)")
    if min(height, width) < smallest:
        how = cv2.IMREAD_COLOR
    if kind == "HEIC":
        return _heic(data, name)
    if (stored := transparency.stored(kind, data)) is not None:
        return _on_ground(kind, data, name, stored)
    if kind == "AVIF":
        how |= cv2.IMREAD_IGNORE_ORIENTATION
    photo = _opened(kind, containers.plain(kind, data), name, how)
    return orientation.turned(photo, *orientation.turns(kind, data)) if kind == "AVIF" else photo


def _heic(data, name):
    try:
        photo, associated = heif.decode(data)
    except ImportError as error:
        raise UnreadablePhotograph(name, f"a HEIC photograph: {error}") from None
    except ValueError as error:
        raise UnreadablePhotograph(name, error) from None
    return photo if photo.shape[2] == 3 else transparency.composite(photo, associated)


def _opened(kind, data, name, how):
    try:
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise UnreadablePhotograph(name, f"corrupt: the {kind} decoder gave up ({error.err})") from None
    if photo is None:
        raise UnreadablePhotograph(name, f"corrupt or truncated: the {kind} decoder gave up")
    return photo


def _on_ground(kind, data, name, stored):
    """BGR, upright, of a file with alpha."""

    def unchanged(data):
        # Nothing else makes OpenCV give alpha. It then leaves the orientation alone, except that of a TIFF.
        return _opened(kind, data, name, cv2.IMREAD_UNCHANGED)

    photo = levels = transparency.grey_tiff(data, unchanged) if kind == "TIFF" else None
    if photo is None:
        photo = unchanged(transparency.first_of_gif(data) if kind == "GIF" else containers.plain(kind, data))
    if photo.ndim == 2:
        photo = transparency.with_clear_value(photo, transparency.clear_grey_of_png(data) if kind == "PNG" else None)
    # Many programs fill the alpha of a BMP with zeros and mean nothing by it.
    if photo.shape[2] == 4 and not (kind == "BMP" and not photo[..., 3].any()):
        photo = transparency.composite(photo, stored == "associated")
    else:
        photo = transparency.eight_bits(np.ascontiguousarray(photo[..., :3]))
    return photo if kind == "TIFF" and levels is None else orientation.turned(photo, *orientation.turns(kind, data))


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
