"""Height and width of photographs, from what their files say of themselves; only a JPEG without an end is decoded."""

from logo_keras import orientation
from logo_keras.datasets.checking import in_threads
from logo_keras.preprocessing import MAX_BYTES, UnreadablePhotograph, file_bytes, inspected


def upright_size(data):
    """Reads height and width from an image file, as `logo_keras.preprocessing.decode` will give the photograph.

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
    """Reads the sizes of photographs in several threads.

    Args:
        paths: list of str.
        max_bytes: int, largest file that is read.

    Returns:
        sizes: dict, path to height and width in px, upright.
        unreadable: dict, path to reason, of the others.
    """
    sizes, unreadable = {}, {}
    for path, found in in_threads(lambda path: _size_or_reason(path, max_bytes), paths, "sizes of photographs"):
        (unreadable if isinstance(found, str) else sizes)[path] = found
    return sizes, unreadable


def _size_or_reason(path, max_bytes):
    try:
        return upright_size(file_bytes(path, max_bytes))
    except UnreadablePhotograph as error:
        return error.reason
    except ValueError as error:
        return str(error)
