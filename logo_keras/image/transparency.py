"""What lies behind the transparent px of a photograph: white, or grey where the mark itself is white.

The rule, the same in every client. Of each px let Y = 0.299 R + 0.587 G + 0.114 B, 0..255. Where the mean of Y, each px
weighted by its alpha, is above 224, the mark would vanish on white, so the ground is grey, 128; elsewhere it is white, 255.
Then each of R, G, B becomes (colour * alpha + ground * (255 - alpha) + 127) // 255, with alpha 0..255.
"""

import re
import struct

import numpy as np

from logo_keras.extras import cv2
from logo_keras.image import containers

WHITE, GREY = 255, 128
# Seven eighths of the way to white: cream and silver-white marks are above it, yellow ones (226 at most, mostly 200) about it.
NEAR_WHITE = 224
# Of B, G, R in Y, in thousandths: whole numbers, so that every client finds the same ground. Source: ITU-R BT.601.
WEIGHTS = (114, 587, 299)
# What is computed in wider numbers at a time, px.
_AT_ONCE = 2**18
# Of a GIF: blocks of a picture that are looked at, enough for 256 MB; bytes before the first picture, which are text.
_GIF_BLOCKS, _GIF_EXTENSIONS = 2**21, 2**22


def has_alpha(data):
    """Tells whether an image file says that its picture may be transparent: by an alpha channel or a transparent colour.

    Nothing is decoded, so a file whose alpha channel is opaque all over counts too.

    Args:
        data: bytes of the whole file.

    Returns:
        bool; False for what is no image of these formats.
    """
    return stored(containers.kind(data), data) is not None


def stored(kind, data):
    """How the first picture of an image file stores what of it is transparent.

    Args:
        kind: str, the format, or None.
        data: bytes of the whole file.

    Returns:
        None where the picture is opaque; "straight" where alpha leaves the colours alone; "associated" where the colours are
        stored multiplied by it.
    """
    try:
        return _ALPHA[kind](data) if kind in _ALPHA else None
    except (struct.error, IndexError):
        # `inspect` says what is missing.
        return None


def composite(photo, associated=False):
    """Puts a photograph on its ground.

    Args:
        photo: uint8 or uint16 BGRA `[H, W, 4]`; of 16 bits the upper 8 count.
        associated: bool, whether the colours are multiplied by alpha already.

    Returns:
        uint8 BGR `[H, W, 3]`.
    """
    bands = [photo[start : start + _rows(photo)] for start in range(0, len(photo), _rows(photo))]
    lightness = opacity = 0
    for band in bands:
        fronts, alpha = _parts(band, associated)
        opacity += int(alpha.sum(dtype=np.uint64))
        lightness += sum(weight * int(front.sum(dtype=np.uint64)) for weight, front in zip(WEIGHTS, fronts, strict=True))
    ground = GREY if lightness > NEAR_WHITE * sum(WEIGHTS) * opacity else WHITE
    whole = np.empty((*photo.shape[:2], 3), np.uint8)
    for number, band in enumerate(bands):
        fronts, alpha = _parts(band, associated)
        behind = (255 - alpha) * np.uint16(ground) + np.uint16(127)
        for channel, front in enumerate(fronts):
            # At most 255 * 255 + 127, of which 16 bits hold the division by 255, too.
            levels = front + behind
            whole[number * _rows(photo) :][: len(band), :, channel] = (levels + 1 + (levels >> 8)) >> 8
    return whole


def with_clear_value(grey, value):
    """Makes the alpha channel of a grey picture in which one value stands for transparent.

    Args:
        grey: uint8 or uint16 `[H, W]`.
        value: int, or None where nothing is transparent.

    Returns:
        BGRA `[H, W, 4]` of the same type.
    """
    most = np.iinfo(grey.dtype).max
    alpha = np.full_like(grey, most) if value is None else np.where(grey == value, 0, most).astype(grey.dtype)
    return cv2.merge([grey, grey, grey, alpha])


def eight_bits(photo):
    """The upper 8 of 16 bits, uint8; what is uint8 as it came."""
    return photo if photo.dtype == np.uint8 else (photo >> 8).astype(np.uint8)


def _rows(photo):
    return max(1, _AT_ONCE // photo.shape[1])


def _parts(band, associated):
    """Of B, G and R the colours times alpha, 0..255 * 255, and alpha, 0..255, all uint16."""
    *colours, alpha = (part.astype(np.uint16) for part in cv2.split(eight_bits(band)))
    # Multiplied by alpha, no colour is above it; a damaged file may say so.
    return [np.minimum(colour, alpha) * np.uint16(255) if associated else colour * alpha for colour in colours], alpha


def _png_alpha(data):
    # 4 and 6: grey and colour with an alpha channel. tRNS: alpha of a palette, or one transparent colour.
    stored = data[25] in (4, 6) or any(kind == b"tRNS" for kind, *_ in containers.png_chunks(data))
    return "straight" if stored else None


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
    flagged = (kind == b"VP8X" and data[20] & 0x10) or (kind == b"VP8L" and data[24] & 0x10)
    return "straight" if flagged else None


def first_of_gif(data):
    """A GIF of the first picture alone: of an animation, OpenCV (5.0) gives alpha by what its last picture says.

    Args:
        data: bytes of a GIF.

    Returns:
        bytes; where the first picture does not end, `data`.
    """
    try:
        _, at = _gif_picture(data)
        at += 10 + _gif_colours(data[at + 9])
        # The size of the first codes, then the blocks of the picture.
        return data[: _end_of_blocks(data, at + 1)] + b"\x3b"
    except IndexError:
        return data


def _gif_alpha(data):
    clear, _ = _gif_picture(data)
    return "straight" if clear else None


def _gif_picture(data):
    """Whether the first picture of a GIF has a clear colour, and where it begins."""
    at, clear = 13 + _gif_colours(data[10]), False
    # 0x21 begins an extension; 0xF9 is the one that controls the next picture, with this flag.
    while data[at] == 0x21 and at < _GIF_EXTENSIONS:
        if data[at + 1] == 0xF9:
            clear = bool(data[at + 3] & 1)
        at = _end_of_blocks(data, at + 2)
    if data[at] != 0x2C:
        raise IndexError
    return clear, at


def _gif_colours(flags):
    """Bytes of a colour table, by the flags before it."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data, at):
    """Where the blocks at `at` end: of up to 255 bytes each, an empty one last."""
    for _ in range(_GIF_BLOCKS):
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    raise IndexError


def _bmp_alpha(data):
    (header,) = struct.unpack_from("<I", data, 14)
    if header < 56:
        return None
    bits, compression = struct.unpack_from("<HI", data, 28)
    (mask,) = struct.unpack_from("<I", data, 66)
    # Masks count where the compression says so (3, BI_BITFIELDS); elsewhere the fourth byte is padding.
    return "straight" if bits == 32 and compression == 3 and mask else None


def _tiff_alpha(data):
    facts = {tag: (number, value) for tag, number, value, *_ in containers.tiff_entries(data)}
    samples, (many, extra) = facts.get(277, (1, 1))[1], facts.get(338, (0, 2))
    # Photometric 0 and 1 are grey, 2 is RGB, 3 a palette.
    photometric = facts.get(262, (1, 2))[1]
    if samples != (4 if photometric == 2 else 2) or photometric > 3 or many > 2:
        return None
    # Two depths of one sample are in the entry, four where it points to.
    count, place = facts.get(258, (0, 0))
    order = "<" if data[:2] == b"II" else ">"
    depth = place if count <= 2 else struct.unpack_from(f"{order}H", data, place)[0]
    # Of other depths OpenCV gives what it can without alpha. Nothing said of a further sample: most programs mean alpha.
    return {1: "associated", 2: "straight"}.get(extra) if depth in (8, 16) else None


def grey_tiff(data, decode):
    """Decodes a TIFF of grey levels or palette colours with an alpha channel, of which OpenCV (5.0) gives no alpha.

    The file is rewritten as a grey picture of twice the width: level, alpha, level, alpha.

    Args:
        data: bytes of a TIFF.
        decode: function from bytes of a TIFF to its array, as it is stored, or None.

    Returns:
        uint8 or uint16 BGRA `[H, W, 4]`; or None if it is no such file, it is packed in a way that this does not undo, or
        `decode` gives none.
    """
    facts = {tag: value for tag, _, value, *_ in containers.tiff_entries(data)}
    width, tile = facts.get(256, 0), facts.get(322)
    # Photometric 1: 0 is black; 3: a palette. Samples side by side. Packed by none, LZW, deflate or PackBits. Source: TIFF 6.0.
    if (
        facts.get(262) not in (1, 3)
        or facts.get(277) != 2
        or facts.get(284, 1) != 1
        or facts.get(259) not in (1, 5, 8, 32946, 32773)
    ):
        return None
    order = "<" if data[:2] == b"II" else ">"
    new = {256: 2 * width, 258: facts[258], 262: 1, 277: 1} | ({} if tile is None else {322: 2 * tile})
    # Memory is taken for the rows of a strip, though the picture may have fewer.
    new |= {278: min(facts[278], facts.get(257, 0))} if 278 in facts else {}
    kept = (257, 259, 273, 279, 323, 324, 325)
    palette = facts.get(320, len(data)) if facts[262] == 3 else None
    if palette is not None and (facts[258] != 8 or palette + 2 * 3 * 256 > len(data)):
        return None
    entries = {tag: data[at - 8 : at + 4] for tag, *_, at in containers.tiff_entries(data) if tag in kept}
    entries |= {tag: struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in new.items()}
    packed = b"".join(entries[tag] for tag in sorted(entries))
    place, count = struct.pack(f"{order}I", len(data)), struct.pack(f"{order}H", len(entries))
    wide = decode(data[:4] + place + data[8:] + count + packed + bytes(4))
    if wide is None or wide.ndim != 2 or wide.shape[1] != 2 * width:
        return None
    photo = wide.reshape(len(wide), width, 2)
    if facts.get(317, 1) == 2:
        # Predictor 2: each sample less its left neighbour, anew in each tile.
        for start in range(0, width, tile or width):
            part = photo[:, start : start + (tile or width)]
            np.cumsum(part, axis=1, dtype=photo.dtype, out=part)
    levels, alpha = photo[..., 0], photo[..., 1]
    if palette is None:
        return cv2.merge([levels, levels, levels, alpha])
    # Red, green, blue, 16 bits each.
    red, green, blue = np.frombuffer(data, f"{order}u2", 3 * 256, palette).reshape(3, 256)
    return cv2.merge([*((colour >> 8).astype(np.uint8)[levels] for colour in (blue, green, red)), alpha])


def _avif_alpha(data):
    # Source: the AVIF specification, 4.1, and ISO/IEC 23008-12.
    named = re.search(rb"auxC....urn:mpeg:(mpegB:cicp:systems:auxiliary:alpha|hevc:2015:auxid:1)\0", data, re.DOTALL)
    return "straight" if named else None


_ALPHA = {
    "PNG": _png_alpha,
    "WebP": _webp_alpha,
    "GIF": _gif_alpha,
    "BMP": _bmp_alpha,
    "TIFF": _tiff_alpha,
    "AVIF": _avif_alpha,
    "HEIC": _avif_alpha,
}
