"""From what a user gives for a brand to reference crops: artwork, drawn on light and dark, and photos with boxes."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logo_keras.datasets.tree import photographs_in, walk
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image import containers, svg
from logo_keras.image.preprocessing import UnreadablePhoto, check_pixels, decode_with_alpha, file_bytes, fit
from logo_keras.image.surroundings import CONTEXT, square, whole_box
from logo_keras.image.transparency import composite, luminance

# What a reference is.
ARTWORK, PHOTO = "artwork", "photo"
# How artwork is drawn in one colour.
IN_ONE_COLOUR = BLACK, WHITE = "black on light", "white on dark"
# px, longer side of drawn artwork and side of a kept crop: twice and more of what embeddings read, so that a later one with
# larger images finds them sharp.
DRAWN, KEPT = 512, 320
# Grounds and inks, not quite white and black, as prints have them.
LIGHT, DARK = 250, 18
# Levels of 255 by which a mark must differ from its ground somewhere, or it is not seen.
_SEEN = 40
# A px whose opacity is below shows nothing; what is left is the mark.
_OPAQUE = 24
# Share of the mark's own box that ink may cover: above it is a plain patch, in which nothing is to be recognised.
_PATCH = 0.97
# Levels by which the px along the edge of a picture may differ for it to stand on a plain ground; JPEG adds some.
_PLAIN = 20


@dataclass(frozen=True, eq=False)
class Crop:
    """One reference before it is embedded.

    Attributes:
        image: uint8 RGB `[s, s, 3]`, s at most `KEPT` px, the mark with its surroundings.
        kind: str, `ARTWORK` or `PHOTO`.
        drawn: str, how artwork was drawn, for instance "black on light"; "as it is" for what is opaque, and for photos.
        source: str, the name that was given.
        box: four floats `(y0, x0, y1, x1)`, px of the photo; None for artwork.
        file: str, 32 hexadecimal digits of the px that it comes from, so that a photo that is a reference can be told.
    """

    image: np.ndarray
    kind: str
    drawn: str
    source: str
    box: tuple | None
    file: str


def crops(given):
    """Makes the reference crops of what was given for a brand.

    Args:
        given: artwork: a path of an SVG or an image file, its bytes, or uint8 RGB or RGBA `[H, W, 3 or 4]`; a photo with the
            box of the logo: `(path, bytes or uint8 RGB, (y0, x0, y1, x1))`, px, with None for a photo that shows nothing else;
            a path of a folder of artwork, searched to the bottom; or a list of any of these.

    Returns:
        List of Crop, in the order given.

    Raises:
        UnreadablePhoto: naming the file, if one cannot be read, or shows nothing.
        ValueError: if nothing was given, a folder is empty, or something is none of these.
    """
    if isinstance(given, (str, os.PathLike, bytes, bytearray, np.ndarray)) or _is_photo_with_box(given):
        given = [given]
    elif not isinstance(given, Iterable):
        raise UserError(f"references must be artwork, photos with boxes, or a folder, got {type(given).__name__}.")
    found = []
    for each in given:
        if _is_photo_with_box(each):
            found.append(_of_photo(*each))
        elif isinstance(each, (str, os.PathLike)) and os.path.isdir(each):
            paths = files_in(each)
            if not paths:
                raise UserError(f"{each}: no artwork in this folder; SVG, PNG, JPEG and the like are taken.")
            found += [crop for path in paths for crop in _of_artwork(path)]
        else:
            found += _of_artwork(each)
    if not found:
        raise UserError("no references were given: give artwork, photos with boxes, or a folder.")
    return found


def files_in(folder):
    """The artwork and photos in a folder and in those inside it: list of str, paths, sorted."""
    drawings = {os.path.join(place, name) for place, names in walk(str(folder)) for name in names if _is_svg_name(name)}
    return sorted(drawings.union(photographs_in(str(folder))))


def read(given, name=None):
    """Reads a picture, artwork or photo.

    Args:
        given: a path, bytes of a file, or uint8 `[H, W, 3 or 4]`.
        name: str, names bytes and arrays in errors.

    Returns:
        uint8 RGB or RGBA `[H, W, 3 or 4]`, and the digest of its px, 32 hexadecimal digits: the same for a file, its bytes and
        the array that was read of it, with transparency or on the ground that photos get.

    Raises:
        UnreadablePhoto: if it cannot be read.
        ValueError: if it is none of these.
    """
    if isinstance(given, np.ndarray):
        if given.ndim != 3 or given.shape[2] != 4:
            check_pixels("artwork", given)
        elif given.dtype != np.uint8 or not given.size:
            raise UserError(f"artwork must be uint8 RGB or RGBA [H, W, 3 or 4], got {given.dtype} {list(given.shape)}.")
        return given, _digest_of(given)
    if isinstance(given, (str, os.PathLike)):
        data, name = file_bytes(given), given
    elif isinstance(given, (bytes, bytearray)):
        data, name = bytes(given), name or "artwork"
    else:
        raise UserError(f"artwork must be a path, bytes or a uint8 array, got {type(given).__name__}.")
    # Not every file with an `svg` element: photos have texts about them.
    if _is_svg_name(str(name)) or (containers.kind(data) is None and svg.is_svg(data)):
        picture = svg.draw(data, DRAWN, name)
    else:
        picture = decode_with_alpha(data, name)
    return picture, _digest_of(picture)


def photo_of(given):
    """Reads a photo, or artwork as if it were one: what is transparent gets the ground that photos get.

    Args, Returns, Raises:
        As `read`, but uint8 RGB `[H, W, 3]`.
    """
    picture, file = read(given, "photo")
    return _as_photo(picture), file


def digest(data):
    """What tells a file or a crop from others: 32 hexadecimal digits of its bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def drawings(picture, name="artwork"):
    """Draws a mark on light and dark, in its own colours and in one.

    What cannot be seen on its ground is left out. In one colour, dark parts of the mark are the ink and light ones the ground, so
    that a white letter on a blue disc stays a letter; a mark of one colour is all ink. Opaque artwork on a plain ground stays as
    it is and is drawn in one colour too; other opaque pictures stay as they are.

    Args:
        picture: uint8 RGB or RGBA `[H, W, 3 or 4]`.
        name: str, names it in errors.

    Returns:
        dict from how it was drawn to uint8 RGB `[s, s, 3]`, the mark in a square of 1.25 times its longer side.

    Raises:
        UnreadablePhoto: if it is transparent, or of one colour, all over.
    """
    ground = None
    if picture.shape[2] == 3 or picture[..., 3].min() == 255:
        ground = _plain_ground(picture)
        if ground is None:
            return {"as it is": square(picture[..., :3], whole_box(picture), 1)}
        picture = _lifted(picture[..., :3], ground)
    rows, columns = (np.flatnonzero((picture[..., 3] >= _OPAQUE).any(axis)) for axis in (1, 0))
    if not len(rows):
        raise UnreadablePhoto(name, "shows nothing: it is transparent, or of one colour, all over")
    box = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
    mark = picture[box[0] : box[2], box[1] : box[3]]
    opacity = mark[..., 3].astype(np.float32) / 255
    ink = _ink(mark[..., :3], opacity)
    found = {}
    if ground is not None:
        found["as it is"] = _on(mark[..., :3], np.ones_like(opacity), ground)
    else:
        found["own colours on light"] = _on(mark[..., :3], opacity, LIGHT)
        found["own colours on dark"] = _on(mark[..., :3], opacity, DARK)
    if ink.mean() < _PATCH:
        found[BLACK] = _on(np.zeros((1, 1, 3)), ink, LIGHT)
        found[WHITE] = _on(np.full((1, 1, 3), 255), ink, DARK)
    shown = {how: image for how, image in found.items() if np.ptp(image.reshape(-1, 3), axis=0).max() >= _SEEN}
    if not shown:
        raise UnreadablePhoto(name, "shows nothing: it is of one colour all over")
    return shown


def _of_artwork(given):
    picture, file = read(given)
    source = str(given) if isinstance(given, (str, os.PathLike)) else "artwork"
    made, seen = [], set()
    for how, image in drawings(picture, source).items():
        image = _kept(image)
        # A black mark is the same in its own colour and in black.
        if (key := digest(image.tobytes())) not in seen:
            seen.add(key)
            made.append(Crop(image, ARTWORK, how, Path(source).name, None, file))
    return made


def _of_photo(given, box):
    photo, file = photo_of(given)
    source = Path(given).name if isinstance(given, (str, os.PathLike)) else "photo"
    box, context = (whole_box(photo), 1) if box is None else (box, CONTEXT)
    try:
        image = square(photo, box, context)
        box = tuple(map(float, box))
    except UserError as error:
        raise UnreadablePhoto(source, error) from None
    if np.ptp(image.reshape(-1, 3), axis=0).max() == 0:
        raise UnreadablePhoto(source, "shows nothing in the box: it is of one colour all over")
    return Crop(_kept(image), PHOTO, "as it is", source, box, file)


def _kept(image):
    """The crop at the size at which it is kept."""
    return image if len(image) <= KEPT else fit(image, KEPT)


def _is_photo_with_box(given):
    """Whether something is `(photo, box)`: a tuple of two, of which the second is no picture."""
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    if isinstance(given[1], (str, bytes, bytearray, os.PathLike)):
        return False
    try:
        return np.ndim(given[1]) < 3
    except ValueError:
        # Lists of different lengths: nothing, but no picture.
        return True


def _is_svg_name(name):
    # A compressed one is refused by name, not passed over.
    return name.lower().endswith((".svg", ".svgz"))


def _as_photo(picture):
    return composite(picture) if picture.shape[2] == 4 else picture


def _digest_of(picture):
    """The digest of what a photo of a picture shows."""
    return digest(_as_photo(picture).tobytes())


def _plain_ground(photo):
    """The colour on which an opaque picture stands, float `[3]`, by the px along its edge; None where they differ."""
    edge = np.concatenate([photo[0], photo[-1], photo[:, 0], photo[:, -1]])[:, :3].astype(np.int16)
    ground = np.median(edge, axis=0)
    # Most of them: something may touch the edge.
    return ground if np.percentile(np.abs(edge - ground).max(1), 98) <= _PLAIN else None


def _lifted(photo, ground):
    """RGBA of an opaque picture whose plain ground becomes transparent."""
    away = np.abs(photo - ground.astype(np.int16)).max(2)
    # Half opaque between what noise does and what is seen.
    return np.dstack([photo, np.clip((away - _PLAIN) * (255 / _SEEN), 0, 255).astype(np.uint8)])


def _ink(colours, opacity):
    """How much ink each px gets where the mark is printed in one colour: float32 `[h, w]`, 0..1."""
    lightness = luminance(colours)
    darkest, lightest = np.percentile(lightness[opacity > 0.5], (2, 98)) if (opacity > 0.5).any() else (0, 0)
    if lightest - darkest < _SEEN:
        return opacity
    return opacity * np.clip((lightest - lightness) / (lightest - darkest), 0, 1)


def _on(colours, opacity, ground):
    """A mark on a ground of one colour or grey level, in the middle of its square."""
    height, width = opacity.shape
    side = max(1, round(CONTEXT * max(height, width)))
    made = np.full((side, side, 3), ground, np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    part = made[top : top + height, left : left + width]
    part += (colours - part) * opacity[..., None]
    return cv2.convertScaleAbs(made)
