"""The pictures of a reference: its crop, which embeddings read, and a thumbnail, which people look at."""

from dataclasses import dataclass

from logo_keras.errors import UserError
from logo_keras.gallery.artwork import ARTWORK
from logo_keras.image.draw import encoded, scaled
from logo_keras.image.preprocessing import decode

# px, side of a thumbnail.
THUMBNAIL = 64
# Of a photo's crop; its file is a tenth of what it is without loss.
_QUALITY = 95


@dataclass(frozen=True, eq=False)
class Pictures:
    """Two image files in memory.

    Attributes:
        crop: bytes, PNG or JPEG; None where it was not kept.
        thumbnail: bytes, JPEG; None where it was not kept.
    """

    crop: bytes | None
    thumbnail: bytes | None


def pictures(crop, kind):
    """Makes the files of a reference.

    Args:
        crop: uint8 RGB `[s, s, 3]`.
        kind: str, of the reference. Artwork is kept without loss: its flat colours take little room.

    Returns:
        Pictures, and the crop as its file gives it back, uint8 RGB `[s, s, 3]`.
    """
    file = encoded(crop, ".png") if kind == ARTWORK else encoded(crop, ".jpg", _QUALITY)
    small = scaled(crop, THUMBNAIL / len(crop))
    return Pictures(file, encoded(small, ".jpg", _QUALITY)), decode(file)


def crop_of(picture, name):
    """The crop of a reference: uint8 RGB `[s, s, 3]`.

    Args:
        picture: Pictures.
        name: str, names it in errors.

    Raises:
        UnreadablePhoto: if it is damaged.
        ValueError: if it was not kept.
    """
    if picture.crop is None:
        raise UserError(f"the crop of {name} was not kept.")
    return decode(picture.crop, name)
