"""What lies behind the transparent px of a photo: white, or grey where the mark itself is white.

The rule, the same in every client. Of each px let Y = 0.299 R + 0.587 G + 0.114 B, 0..255. Where the mean of Y, each px
weighted by its alpha, is above 224, the mark would vanish on white, so the ground is grey, 128; elsewhere it is white, 255.
Then each of R, G, B becomes (colour * alpha + ground * (255 - alpha) + 127) // 255, with alpha 0..255.
"""

import struct

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image import containers, pillow

WHITE, GREY = 255, 128
# Seven eighths of the way to white: cream and silver-white marks are above it, yellow ones (226 at most, mostly 200) about it.
NEAR_WHITE = 224
# Of R, G, B in Y, in thousandths: whole numbers, so that every client finds the same ground. Source: ITU-R BT.601.
WEIGHTS = (299, 587, 114)
# What is computed in wider numbers at a time, px.
_AT_ONCE = 2**18


def has_alpha(data):
    """Tells whether an image file says that its picture may be transparent: by an alpha channel or a transparent colour.

    Nothing is decoded, so a file whose alpha channel is opaque all over counts too.

    Args:
        data: bytes of the whole file.

    Returns:
        bool; False for what is no image of these formats.
    """
    kind = containers.kind(data)
    try:
        if kind in pillow.FORMATS:
            return pillow.open_image(kind, data).has_transparency_data
        return kind in _ALPHA and _ALPHA[kind](data)
    except (ValueError, struct.error, IndexError):
        # `inspect` says what is missing.
        return False


def luminance(colours):
    """Y of colours, RGB 0..255 `[..., 3]`: float32 `[...]`, 0..255."""
    return np.asarray(colours, np.float32) @ (np.array(WEIGHTS, np.float32) / sum(WEIGHTS))


def composite(photo):
    """Puts a photo on its ground.

    Args:
        photo: uint8 or uint16 RGBA `[H, W, 4]`; of 16 bits the upper 8 count.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    rows = max(1, _AT_ONCE // photo.shape[1])
    bands = [photo[start : start + rows] for start in range(0, len(photo), rows)]
    lightness = opacity = 0
    for band in bands:
        fronts, alpha = _parts(band)
        opacity += int(alpha.sum(dtype=np.uint64))
        lightness += sum(weight * int(front.sum(dtype=np.uint64)) for weight, front in zip(WEIGHTS, fronts, strict=True))
    ground = GREY if lightness > NEAR_WHITE * sum(WEIGHTS) * opacity else WHITE
    return np.concatenate([_on_ground(band, ground) for band in bands])


def with_clear_value(grey, value):
    """Makes the alpha channel of a grey picture in which one value stands for transparent.

    Args:
        grey: uint8 or uint16 `[H, W]`.
        value: int, or None where nothing is transparent.

    Returns:
        RGBA `[H, W, 4]` of the same type.
    """
    most = np.iinfo(grey.dtype).max
    alpha = np.where(grey == value, 0, most).astype(grey.dtype)
    return cv2.merge([grey, grey, grey, alpha])


def eight_bits(photo):
    """The upper 8 of 16 bits, uint8; what is uint8 as it came."""
    return photo if photo.dtype == np.uint8 else (photo >> 8).astype(np.uint8)


def _on_ground(band, ground):
    fronts, alpha = _parts(band)
    # At most 255 * 255 + 127, of which 16 bits hold the division by 255, too.
    levels = [front + (255 - alpha) * np.uint16(ground) + np.uint16(127) for front in fronts]
    return np.dstack([(level + 1 + (level >> 8)) >> 8 for level in levels]).astype(np.uint8)


def _parts(band):
    """R, G and B times alpha, 0..255 * 255, and alpha, 0..255, all uint16."""
    *colours, alpha = (part.astype(np.uint16) for part in cv2.split(eight_bits(band)))
    return [colour * alpha for colour in colours], alpha


def _png_alpha(data):
    # 4 and 6: grey and colour with an alpha channel. tRNS: alpha of a palette, or one transparent colour.
    return data[25] in (4, 6) or any(kind == b"tRNS" for kind, *_ in containers.png_chunks(data))


def clear_grey_of_png(data):
    """The value that stands for transparent in a grey PNG, on the scale on which OpenCV decodes it; None without one."""
    depth, colour = struct.unpack_from("BB", data, 24)
    for kind, _, start, _ in containers.png_chunks(data):
        if kind == b"tRNS" and colour == 0:
            (value,) = struct.unpack_from(">H", data, start)
            # Fewer bits than 8 are stretched to 0..255.
            return value * 255 // (2**depth - 1) if depth < 8 else value
    return None


def _webp_alpha(data):
    kind = data[12:16]
    # Source: RFC 9649, 2.7 (the flag L of VP8X) and 3.4 (alpha_is_used of VP8L).
    return (kind == b"VP8X" and data[20] & 0x10 != 0) or (kind == b"VP8L" and data[24] & 0x10 != 0)


_ALPHA = {"PNG": _png_alpha, "WebP": _webp_alpha}
