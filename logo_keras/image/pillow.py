"""GIF, BMP, TIFF and AVIF by Pillow (extra `[train]`), HEIC by its plugin pillow-heif (extra `[heic]`)."""

import contextlib
import io

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import require

# Format: module, class of an image file of this format, extra that installs it.
_PLUGINS = {
    "GIF": ("PIL.GifImagePlugin", "GifImageFile", "train"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile", "train"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile", "train"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile", "train"),
    "HEIC": ("pillow_heif", "HeifImageFile", "heic"),
}
FORMATS = tuple(_PLUGINS)
# ImageWidth, ImageLength, TileWidth, TileLength. Source: TIFF 6.0.
_TIFF_SIDES = (256, 257, 322, 323)
# Tiles are unpacked as a whole, however small the picture: 16 million px of 16 bits and four channels are 134 MB.
_TILE_PIXELS = 2**24
_ORIENTATION = 0x0112


def open_image(kind, data):
    """Reads the header of an image file; the picture is not decoded.

    Args:
        kind: str, one of `FORMATS`.
        data: bytes of the whole file.

    Returns:
        PIL.Image.Image.

    Raises:
        ValueError: with the reason, if the file is truncated or corrupt, or what reads it is not installed.
    """
    module, name, extra = _PLUGINS[kind]
    try:
        # First, since the error names it.
        require(module.partition(".")[0], extra)
        plugin = getattr(require(module, extra), name)
    except ImportError as error:
        raise UserError(f"a {kind} photo: {error}") from None
    with _reasons(kind):
        # Not Image.open, whose limit on px (MAX_IMAGE_PIXELS) holds for the whole process: `max_pixels` counts here. A TIFF meets
        # that limit all the same when it is decoded: it warns above 89 million px and refuses 179 million.
        return plugin(io.BytesIO(data))


def measure(kind, data):
    """Reads the size of an image file.

    Args:
        kind, data: as for `open_image`.

    Returns:
        Height and width, px: of a HEIC upright, of the others as stored.

    Raises:
        ValueError: as `open_image`; or if the tiles of a TIFF are much larger than its picture.
    """
    image = open_image(kind, data)
    if kind != "TIFF":
        return image.size[::-1]
    with _reasons(kind):
        # Not image.size: Pillow has exchanged the sides already where the picture is to be turned.
        width, height, tile_width, tile_height = (int(image.tag_v2.get(tag, 0)) for tag in _TIFF_SIDES)
    if tile_width * tile_height > max(width * height, _TILE_PIXELS):
        raise UserError(f"corrupt: tiles of {tile_width} x {tile_height} px in a TIFF of {width} x {height} px")
    return height, width


def orientation(kind, data):
    """The EXIF orientation of an image file, 1 to 8; that of an AVIF's own properties, in which it has no EXIF data.

    Args:
        kind, data: as for `open_image`.

    Returns:
        int; 1 where none is stated.

    Raises:
        ValueError: as `open_image`.
    """
    image = open_image(kind, data)
    with _reasons(kind):
        return image.getexif().get(_ORIENTATION, 1)


def decode(kind, data):
    """Decodes the first picture of an image file, of a HEIC the main one.

    Args:
        kind, data: as for `open_image`.

    Returns:
        The upright picture, uint8 RGB `[H, W, 3]` or RGBA `[H, W, 4]`; of 16 bits the upper 8.

    Raises:
        ValueError: with the reason, if the file is truncated or corrupt, or its values are neither 8 nor 16 bits wide.
    """
    from PIL import ImageOps

    image = open_image(kind, data)
    with _reasons(kind):
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I;16"):
            return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
        if image.mode in ("I", "F"):
            raise UserError("values of 32 bits are not read")
        if image.mode == "La":
            # Otherwise its alpha is lost on the way to RGBA.
            image = image.convert("LA")
        mode = "RGBA" if image.has_transparency_data else "RGB"
        image = image if image.mode == mode else image.convert(mode)
        # Many programs fill the alpha of a BMP with zeros and mean nothing by it.
        if kind == "BMP" and mode == "RGBA" and image.getextrema()[3] == (0, 0):
            image = image.convert("RGB")
        # A copy, which can be written to.
        return np.array(image)


@contextlib.contextmanager
def _reasons(kind):
    """Raises whatever a decoder raises as a UserError with the reason: Pillow and its plugins have no one error for damage."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise UserError(f"corrupt or truncated: the {kind} decoder gave up ({said or type(error).__name__})") from None
