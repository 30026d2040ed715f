"""Size and orientation of photos, from what their files say of themselves; only a JPEG without an end is decoded."""

from logo_keras.datasets.checking import in_threads
from logo_keras.image import orientation
from logo_keras.image.preprocessing import MAX_BYTES, file_bytes, inspected


def upright_size(data):
    """Reads height and width from an image file, as `logo_keras.image.preprocessing.decode` will give the image.

    Args:
        data: bytes of the whole file.

    Returns:
        Height and width, px, after the EXIF orientation.

    Raises:
        ValueError: with the reason, if the file is no image, truncated or corrupt.
    """
    kind, height, width, _ = inspected(data)
    return (width, height) if orientation.turns(kind, data)[0] % 2 else (height, width)


def read_sizes(paths, max_bytes=MAX_BYTES):
    """Reads the sizes of photos in several threads.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        sizes: dict, path to height and width in px, upright.
        unreadable: dict, path to reason, of the others.
    """
    return _measured(upright_size, paths, max_bytes, "sizes of photographs")


def read_stored(paths, max_bytes=MAX_BYTES):
    """Reads how photos are stored, in several threads.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        dict, path to EXIF orientation (1 to 8), height and width in px as stored. Files that cannot be read are not in it.
    """
    return _measured(_stored, paths, max_bytes, "orientations of photographs")[0]


def upright_box(box, exif, height, width):
    """Turns a box with its photo.

    Args:
        box: `(y0, x0, y1, x1)`, px of the photo as it is stored.
        exif: int, its EXIF orientation, 1 to 8.
        height: int, px as stored.
        width: int, px as stored.

    Returns:
        `(y0, x0, y1, x1)`, px of the upright photo.
    """
    y0, x0, y1, x1 = box
    if exif in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    if exif in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    # These exchange rows and columns. Source: CIPA DC-008 (Exif), tag 0x0112.
    return (x0, y0, x1, y1) if exif >= 5 else (y0, x0, y1, x1)


def _stored(data):
    kind, height, width, _ = inspected(data)
    return orientation.exif(kind, data), height, width


def _measured(measure, paths, max_bytes, what):
    """Two dicts: path to what `measure` finds in the bytes of a file, and path to the reason where it cannot be read."""

    def attempt(path):
        try:
            return measure(file_bytes(path, max_bytes))
        except ValueError as error:
            return getattr(error, "reason", str(error))

    measured, unreadable = {}, {}
    for path, found in in_threads(attempt, paths, what):
        (unreadable if isinstance(found, str) else measured)[path] = found
    return measured, unreadable
