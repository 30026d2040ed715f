"""Photographs as a folder from the internet holds them: odd, damaged, or made to do harm; the same for the same seed.

`write` makes them, one kind after the other, under names that are odd themselves, and says of each what is right.
"""

import io
import os
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from photographs import encode, flat_jpeg, scene, with_orientation
from PIL import Image, features

# What of a damaged file is right: its picture, as Pillow reads it; a reason; or either, where the format has no checksum.
READ, UNREADABLE, EITHER = "read", "unreadable", "either"
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else [])]
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tiff", "AVIF": ".avif"}
_TALL = 60_000
NAMES = [
    "",
    " with  spaces ",
    " 'quoted'",
    " 商标 可口可乐",
    " été",
    " e\u0301",
    " 😀🥤",
    " %20%s{}",
    " $(x);&",
    " #[a-z]",
    " .jpg.",
]
# What Windows does not take, and a name that is no UTF-8.
NAMES += [' "quoted"', " new\nline", " tab\t*?", " <b>|\\", " .jpg.", os.fsdecode(b" \xff\xfe")] if os.name == "posix" else []


@dataclass(frozen=True)
class Made:
    """A file: its bytes, or what makes it at a path; what is right; how far its px may lie from Pillow's, or from `truth`."""

    data: object
    suffix: str
    expected: str = READ
    reason: str = ""
    bound: int = 0
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class Case:
    """A file on the disk: its path, the name of its kind, and what was made."""

    path: str
    kind: str
    made: Made


def write(folder, count, seed=0):
    """Writes files, every kind in turn.

    Args:
        folder: str or path; made where it is missing.
        count: int.
        seed: int.

    Returns:
        List of `count` Cases, in the order of their names.
    """
    os.makedirs(folder, exist_ok=True)
    cases = []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        rng = np.random.default_rng([seed, number])
        made = KINDS[kind](rng)
        stem = f"{number:05d}{NAMES[rng.integers(len(NAMES))]}"
        if number % 50 == 7:
            # Names have at most 255 bytes on the file systems of today.
            stem = (stem + "標" * 85).encode(errors="surrogateescape")[: 255 - len(made.suffix)].decode(errors="ignore")
        cases.append(Case(_place(folder, number, stem, made), kind, made))
    return cases


def _place(folder, number, stem, made):
    path = os.path.join(folder, stem + made.suffix)
    try:
        if callable(made.data):
            made.data(path)
        else:
            with open(path, "xb") as file:
                file.write(made.data)
    except (OSError, UnicodeEncodeError):
        # A file system that does not take the name.
        return _place(folder, number, f"{number:05d}", made)
    return path


def saved(image, kind="PNG", **options):
    """The bytes of an image file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(height, width, chunks=b"", data=None, depth=8, colour=2):
    """A PNG of zeros, with chunks between its header and its data."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    data = zlib.compress(bytes(((width * samples * depth + 7) // 8 + 1) * height)) if data is None else data
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def segment(marker, body=b""):
    """A segment of a JPEG."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(height, width, *scans, frame=0xC0, bits=8):
    """A grey JPEG written by hand; scans are (first coefficient, last coefficient, bytes)."""
    table = segment(0xDB, b"\0" + bytes([8] * 64))
    # Categories 0 to 8 have four bits each; end of block is 0, a run of 2^14 blocks without coefficients 10 and 14 bits more.
    codes = segment(0xC4, b"\0" + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9)))
    codes += segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\x00\xe0")
    start = segment(frame, struct.pack(">BHHB3B", bits, height, width, 1, 1, 0x11, 0))
    parts = [segment(0xDA, bytes([1, 1, 0, first, last, 0])) + data for first, last, data in scans]
    return b"\xff\xd8" + table + codes + start + b"".join(parts) + b"\xff\xd9"


def tiff(height, width, data=None, order="<", **changed):
    """An uncompressed RGB TIFF of zeros; names of `changed` are `_` and a tag, values one number or None to leave it out."""
    data = bytes(height * width * 3) if data is None else data
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 2, 273: 8, 277: 3, 278: height, 279: len(data)}
    tags |= {int(name[1:]): value for name, value in changed.items()}
    entries = sorted((tag, value) for tag, value in tags.items() if value is not None)
    packed = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    header = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(data))
    return header + data + struct.pack(f"{order}H", len(entries)) + packed + bytes(4)


def bmp(height, width, data, bits=24, compression=0, palette=b""):
    """A BMP with the header of 40 bytes."""
    at = 54 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at) + info + palette + data


def webp(canvas, frame):
    """An extended WebP: the bytes of a WebP in a canvas `(height, width)`."""
    height, width = (side - 1 for side in canvas)
    sides = struct.pack("<HBHB", width & 0xFFFF, width >> 16, height & 0xFFFF, height >> 16)
    body = b"WEBPVP8X" + struct.pack("<I4x", 10) + sides + frame[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _photo(rng, low=8, high=64):
    height, width = rng.integers(low, high, 2)
    return scene(int(height), int(width), int(rng.integers(1 << 30)))


def _image(rng, mode="RGB", **sides):
    photo = _photo(rng, **sides)
    image = Image.fromarray(photo)
    if mode in ("RGBA", "LA"):
        alpha = np.linspace(0, 255, photo.shape[0] * photo.shape[1]).reshape(photo.shape[:2]).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
        return image.convert(mode)
    if mode == "CMYK":
        # With black, which Pillow's own conversion leaves out.
        inks = np.dstack([255 - photo, photo[..., 0] // 2])
        return Image.fromarray(inks, "CMYK")
    return image.quantize(64) if mode == "P" else image.convert(mode)


def _whole(rng, kind, **options):
    usual = {"JPEG": {"quality": int(rng.integers(50, 98))}, "AVIF": {"speed": 10}}
    return saved(_image(rng), kind, **usual.get(kind, {}), **options)


# Lossy formats: other builds of the decoders round otherwise; here the difference is 0.
_BOUNDS = {"JPEG": 4, "WEBP": 4, "AVIF": 4}


def _as(kind, mode="RGB", bound=None, **options):
    """A kind: Pillow's own file of a format and a mode."""
    bound = _BOUNDS.get(kind, 0) if bound is None else bound
    return lambda rng: Made(saved(_image(rng, mode), kind, **options), _SUFFIXES[kind], bound=bound)


def _refused(make, suffix, reason):
    return lambda rng: Made(make(rng), suffix, UNREADABLE, reason)


def _sixteen_bits(mode, suffix):
    """The upper eight bits are right; Pillow cuts grey off at 255. Whether the lower ones round is up to the decoder."""

    def make(rng):
        photo = _photo(rng) if mode == "RGB" else _photo(rng)[..., 0]
        deep = photo.astype(np.uint16) * 256 + rng.integers(0, 256, photo.shape, dtype=np.uint16)
        truth = photo if mode == "RGB" else np.repeat(photo[..., None], 3, axis=2)
        return Made(encode(deep, suffix), suffix, bound=1, truth=truth)

    return make


def _ycck(rng):
    data = saved(_image(rng, "CMYK"), "JPEG", quality=95)
    at = data.index(b"Adobe") + 11
    return Made(data[:at] + b"\2" + data[at + 1 :], ".jpg", bound=6)


def _cmyk_without_adobe(rng):
    data = saved(_image(rng, "CMYK"), "JPEG", quality=95)
    at = data.index(b"Adobe")
    return Made(data[: at - 4] + data[at + 12 :], ".jpg", bound=4)


def _oriented(kind):
    def make(rng):
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(1, 9))
        return Made(saved(_image(rng), kind, exif=exif), _SUFFIXES[kind], bound=_BOUNDS.get(kind, 0))

    return make


def _little_endian_exif(rng):
    return Made(with_orientation(encode(_photo(rng)), int(rng.integers(1, 9)), "<"), ".jpg", bound=4)


def _oriented_alpha(kind, **options):
    def make(rng):
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(1, 9))
        return Made(saved(_image(rng, "RGBA"), kind, exif=exif, **options), _SUFFIXES[kind])

    return make


def _single(kind):
    return lambda rng: Made(saved(_image(rng, low=1, high=2), kind), _SUFFIXES[kind], bound=_BOUNDS.get(kind, 0))


def _animation(kind, mode="RGB", **options):
    def make(rng):
        first = _image(rng, mode)
        others = [Image.fromarray(scene(*first.size[::-1], seed)).convert(mode) for seed in range(3)]
        data = saved(first, kind, save_all=True, append_images=others, **options)
        return Made(data, _SUFFIXES[kind] if kind in _SUFFIXES else ".jpg", bound=_BOUNDS.get(kind, 4 if kind == "MPO" else 0))

    return make


def _transparent_gif(rng):
    # Every colour occurs: Pillow leaves out the others.
    places = rng.permutation(np.arange(320) % 16).reshape(16, 20).astype(np.uint8)
    palette = rng.integers(0, 256, (16, 3), dtype=np.uint8)
    clear, ground = (int(place) for place in rng.integers(0, 16, 2))
    image = Image.fromarray(places, "P")
    image.putpalette(palette.tobytes())
    # The background colour is no matter, as in browsers.
    truth = palette[places]
    lightness = (truth[places != clear] @ np.array([0.299, 0.587, 0.114])).mean()
    truth[places == clear] = 128 if lightness > 224 else 255
    return Made(saved(image, "GIF", transparency=clear, background=ground), ".gif", truth=truth)


def _gif_of_frame(rng, height, width):
    """A GIF whose first frame has these sides on a screen of half of them."""
    data = bytearray(saved(Image.fromarray(scene(height, width, int(rng.integers(99)))).quantize(16), "GIF"))
    data[6:10] = struct.pack("<HH", width // 2, height // 2)
    return bytes(data)


def _truncated(kind):
    def make(rng):
        data = _whole(rng, kind)
        reason = "truncated|corrupt|empty|not an image"
        return Made(data[: int(len(data) * rng.uniform(0, 0.97))], _SUFFIXES[kind], UNREADABLE, reason)

    return make


def _damaged(kind, damage, **options):
    def make(rng):
        data = bytearray(_whole(rng, kind, **options))
        damage(data, rng)
        # A PNG has checksums all over.
        expected = (UNREADABLE, "corrupt|truncated|not an image") if kind == "PNG" else (EITHER, "")
        return Made(bytes(data), _SUFFIXES[kind], *expected)

    return make


def _flip(data, rng):
    for place in rng.choice(len(data), int(rng.integers(1, 9)), replace=False):
        data[place] ^= 1 << int(rng.integers(8))


def _blank(data, rng):
    # A sector of the disk that was never written, or a piece of a download that never came.
    start = int(rng.integers(len(data)))
    data[start : start + 512] = bytes(b ^ 0xFF if b == 0 else 0 for b in data[start : start + 512])


def _splice(data, rng):
    start, end = sorted(int(place) for place in rng.choice(len(data), 2, replace=False))
    data[start:end] = rng.bytes(int(rng.integers(1, 64)))


def _huge(rng):
    photo = Image.fromarray(scene(16, 16))
    jpg = bytearray(saved(photo, "JPEG"))
    at = jpg.index(b"\xff\xc0")
    jpg[at + 5 : at + 9] = struct.pack(">HH", _TALL, _TALL)
    gif = bytearray(saved(photo.quantize(8), "GIF"))
    gif[6:10] = struct.pack("<HH", _TALL, _TALL)
    files = [(bytes(jpg), ".jpg"), (png(_TALL, _TALL, data=zlib.compress(bytes(99))), ".png"), (bytes(gif), ".gif")]
    files += [(tiff(_TALL, _TALL, b"", _278=1), ".tif"), (bmp(_TALL, _TALL, b""), ".bmp")]
    files += [(webp((_TALL, _TALL), saved(photo, "WEBP")), ".webp")]
    return Made(*files[rng.integers(len(files))], UNREADABLE, f"too large: {_TALL} x {_TALL} px")


def _junk_between_segments(rng):
    data = encode(_photo(rng))
    # Fill bytes, and what no marker starts, before the first table.
    at = data.index(b"\xff\xdb")
    return Made(
        data[:at] + rng.bytes(20).replace(b"\xff", b"\0") + b"\xff" * int(rng.integers(1, 50)) + data[at:], ".jpg", bound=4
    )


def _behind_the_start(more, expected=READ):
    def make(rng):
        data = encode(_photo(rng))
        return Made(data[:2] + more(rng) + data[2:], ".jpg", expected, bound=4)

    return make


def _lossless_jpeg(rng):
    codes = segment(0xC4, b"\0" + bytes([0, 1] + [0] * 14) + b"\0")
    start = segment(0xC3, struct.pack(">BHHB3B", 8, 16, 16, 1, 1, 0x11, 0))
    data = b"\xff\xd8" + codes + start + segment(0xDA, bytes([1, 1, 0, 1, 0, 0])) + bytes(64) + b"\xff\xd9"
    return Made(data, ".jpg", EITHER)


def _written(text, suffix=".jpg", reason="not an image of a known format"):
    data = text if isinstance(text, bytes) else text.encode()
    return lambda rng: Made(data, suffix, UNREADABLE, reason)


def _random_behind(start, suffix):
    return lambda rng: Made(start + rng.bytes(int(rng.integers(4, 400))), suffix, EITHER)


def _short_animated_png(rng):
    frame = struct.pack(">IIIIIHHBB", 0, 30, 20, 0, 0, 1, 10, 0, 0)
    chunks = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", frame)
    return Made(png(20, 30, chunks, zlib.compress(bytes(91 * int(rng.integers(20))))), ".png", UNREADABLE, "corrupt or truncated")


def _linked(rng):
    data = encode(_photo(rng), ".png")

    def make(path):
        # Hidden, so that it is no photograph of the folder.
        target = os.path.join(os.path.dirname(path), f".{zlib.crc32(os.fsencode(path))}.png")
        with open(target, "wb") as file:
            file.write(data)
        os.symlink(target, path)

    return Made(make, ".png")


_BLACK = np.zeros((9, 9, 3), np.uint8)
_BIG = zlib.compress(bytes(7_900_000), 9)
_HTML = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>" + "nothing here " * 50 + "</body></html>"
_SVG = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="60000" height="60000"><rect width="9" height="9"/></svg>'
)
_NO_SCAN = (0, 0, bytes(8))
_FRAME = segment(0xC0, struct.pack(">BHHB3B", 8, _TALL, _TALL, 1, 1, 0x11, 0))
_TWO_FRAMES = jpeg(16, 16, (0, 63, bytes(99))).replace(b"\xff\xc0", _FRAME + b"\xff\xc0")

KINDS = {
    # Read as Pillow reads them.
    "JPEG": _as("JPEG", quality=90),
    "JPEG 4:4:4": _as("JPEG", subsampling=0),
    "JPEG 4:2:2": _as("JPEG", subsampling=1),
    "JPEG grey": _as("JPEG", "L"),
    "JPEG RGB": _as("JPEG", keep_rgb=True),
    "JPEG progressive": _as("JPEG", progressive=True),
    "JPEG progressive grey": _as("JPEG", "L", progressive=True),
    "JPEG with restart markers": _as("JPEG", restart_marker_blocks=2),
    # OpenCV and Pillow round the products of ink and black differently: 2 levels measured.
    "JPEG CMYK": _as("JPEG", "CMYK", bound=4, quality=95),
    "JPEG CMYK without Adobe's segment": _cmyk_without_adobe,
    "JPEG YCCK": _ycck,
    "JPEG CMYK by hand": lambda rng: Made(flat_jpeg(*map(int, rng.integers(0, 256, 4))), ".jpg", bound=4),
    "JPEG with bytes behind": lambda rng: Made(encode(_photo(rng)) + rng.bytes(300), ".jpg", bound=4),
    "JPEG behind a JPEG": lambda rng: Made(encode(_photo(rng)) + encode(_photo(rng)), ".jpg", bound=4),
    "JPEG with junk between its segments": _junk_between_segments,
    "JPEG with a long comment": _behind_the_start(lambda rng: segment(0xFE, b"\xff\xd9" * 32_000)),
    "JPEG with broken EXIF": _behind_the_start(lambda rng: segment(0xE1, b"Exif\0\0MM\0*" + rng.bytes(60)), EITHER),
    "JPEG with a thumbnail": _behind_the_start(lambda rng: segment(0xE0, b"JFXX\0\x10" + encode(scene(8, 8)))),
    "MPO": _animation("MPO"),
    "PNG": _as("PNG"),
    "PNG grey": _as("PNG", "L"),
    "PNG of 1 bit": _as("PNG", "1"),
    "PNG palette": _as("PNG", "P"),
    "PNG palette of 4 bits": lambda rng: Made(saved(_image(rng).quantize(9), bits=4), ".png"),
    "PNG palette with one colour clear": _as("PNG", "P", transparency=3),
    "PNG palette with alpha": _as("PNG", "P", transparency=bytes(range(0, 256, 4))),
    "PNG alpha": _as("PNG", "RGBA"),
    "PNG grey and alpha": _as("PNG", "LA"),
    "PNG with one grey clear": _as("PNG", "L", transparency=100),
    "PNG with one colour clear": _as("PNG", transparency=(9, 9, 9)),
    "PNG of 16 bits": _sixteen_bits("RGB", ".png"),
    "PNG grey of 16 bits": _sixteen_bits("L", ".png"),
    "PNG animated": _animation("PNG", duration=80),
    "PNG animated with alpha": _animation("PNG", "RGBA", duration=80),
    "PNG with a default picture": _animation("PNG", default_image=True),
    "WebP": _as("WEBP"),
    "WebP lossless": _as("WEBP", bound=0, lossless=True),
    "WebP alpha": _as("WEBP", "RGBA"),
    "WebP lossless alpha": _as("WEBP", "RGBA", bound=0, lossless=True, exact=True),
    "WebP animated with alpha": _animation("WEBP", "RGBA", duration=80, lossless=True, exact=True),
    "WebP animated": _animation("WEBP", duration=80),
    "GIF": _as("GIF", "P"),
    "GIF interlaced": _as("GIF", "P", interlace=1),
    "GIF transparent": _transparent_gif,
    "GIF animated, transparent": _animation("GIF", "RGBA", duration=80),
    "GIF animated": _animation("GIF", duration=80),
    "BMP": _as("BMP"),
    "BMP palette": _as("BMP", "P"),
    "BMP of 1 bit": _as("BMP", "1"),
    "BMP from the top": lambda rng: Made(bmp(-8, 8, rng.bytes(192)), ".bmp"),
    "BMP run lengths": lambda rng: Made(bmp(1, 8, b"\5\1\3\2\0\1", 8, 1, rng.bytes(12)), ".bmp"),
    "TIFF": _as("TIFF"),
    "TIFF big-endian": lambda rng: Made(tiff(8, 9, rng.bytes(216), ">"), ".tif"),
    "TIFF LZW": _as("TIFF", compression="tiff_lzw"),
    "TIFF deflate": _as("TIFF", compression="tiff_adobe_deflate"),
    "TIFF JPEG": _as("TIFF", bound=4, compression="jpeg"),
    "TIFF group 4": _as("TIFF", "1", compression="group4"),
    "TIFF palette": _as("TIFF", "P"),
    "TIFF alpha": _as("TIFF", "RGBA"),
    "TIFF LZW alpha": _as("TIFF", "RGBA", compression="tiff_lzw"),
    "TIFF grey and alpha": _as("TIFF", "LA"),
    "TIFF CMYK": _as("TIFF", "CMYK", bound=2),
    "TIFF of 16 bits": _sixteen_bits("RGB", ".tiff"),
    "TIFF grey of 16 bits": _sixteen_bits("L", ".tiff"),
    "TIFF of several pages": _animation("TIFF"),
    "TIFF with endless strips": lambda rng: Made(tiff(8, 9, rng.bytes(216), _278=2**32 - 1), ".tif"),
    "TIFF with strips of 16 million rows": lambda rng: Made(tiff(8, 9, rng.bytes(216), _278=2**24), ".tif"),
    **{f"{kind} oriented": _oriented(kind) for kind in FORMATS if kind not in ("GIF", "BMP")},
    "PNG alpha oriented": _oriented_alpha("PNG"),
    "WebP alpha oriented": _oriented_alpha("WEBP", lossless=True, exact=True),
    # Pillow 13 maps an uncompressed one into memory and then turns it twice.
    "TIFF alpha oriented": _oriented_alpha("TIFF", compression="tiff_lzw"),
    "JPEG oriented, little-endian": _little_endian_exif,
    "PNG called .jpg": lambda rng: Made(encode(_photo(rng), ".png"), ".jpg"),
    "JPEG called .PNG": lambda rng: Made(encode(_photo(rng)), ".PNG", bound=4),
    "WebP called .jpeg": lambda rng: Made(saved(_image(rng), "WEBP"), ".JPEG", bound=4),
    **{f"{kind} of 1 px": _single(kind) for kind in FORMATS},
    "JPEG of one row": lambda rng: Made(encode(scene(1, 3000)), ".jpg", bound=4),
    "PNG of one column": lambda rng: Made(encode(scene(3000, 1), ".png"), ".png"),
    # Pillow refuses what is unpacked to more than a megabyte.
    "PNG with a profile of 8 MB": lambda rng: Made(png(9, 9, chunk(b"iCCP", b"x\0\0" + _BIG)), ".png", truth=_BLACK),
    "PNG with a text of 8 MB": lambda rng: Made(png(9, 9, chunk(b"zTXt", b"x\0\0" + _BIG)), ".png", truth=_BLACK),
    # Damaged. Pillow reads some of them; their end is missing, or a checksum says that they are not what was written.
    **{f"{kind} truncated": _truncated(kind) for kind in FORMATS},
    **{f"{kind} with flipped bits": _damaged(kind, _flip) for kind in FORMATS},
    **{f"{kind} with a blank sector": _damaged(kind, _blank) for kind in FORMATS},
    "JPEG spliced": _damaged("JPEG", _splice),
    "WebP spliced": _damaged("WEBP", _splice),
    "JPEG progressive with flipped bits": _damaged("JPEG", _flip, progressive=True),
    "PNG animated, first frame short": _short_animated_png,
    "GIF with a frame beyond its screen": lambda rng: Made(_gif_of_frame(rng, 20, 30), ".gif"),
    "GIF without a frame": _written(b"GIF89a\x09\0\x09\0\0\0\0\x3b", ".gif", "GIF decoder gave up"),
    "JPEG without height": _written(jpeg(0, 16, (0, 63, bytes(99))), reason="says 16 x 0 px"),
    "JPEG without a picture": _written(b"\xff\xd8\xff\xd9", reason="holds no picture|not an image"),
    "JPEG of 12 bits": lambda rng: Made(jpeg(16, 16, (0, 63, bytes(99)), frame=0xC1, bits=12), ".jpg", EITHER),
    "JPEG arithmetic": lambda rng: Made(jpeg(16, 16, (0, 63, rng.bytes(9).replace(b"\xff", b"")), frame=0xC9), ".jpg", EITHER),
    "JPEG lossless": _lossless_jpeg,
    "JPEG hierarchical": _written(jpeg(16, 16, (0, 63, bytes(99)), frame=0xC5), reason="JPEG decoder gave up"),
    "TIFF of 32-bit floats": _written(
        tiff(8, 8, struct.pack("<192f", *range(192)), _258=32, _339=3), ".tif", "TIFF decoder gave up"
    ),
    "BigTIFF": _written(b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", ".tif"),
    # Made to do harm.
    **{f"60000 x 60000 px, {number}": _huge for number in range(3)},
    "JPEG with a huge frame before a small one": _written(_TWO_FRAMES, reason="two frame headers"),
    "JPEG of 600 scans": _written(jpeg(64, 64, _NO_SCAN, *[(1, 63, b"")] * 600, frame=0xC2), reason="64 x 64 px in 501 scans"),
    "JPEG of 100 large scans": _written(jpeg(9000, 9000, _NO_SCAN, *[(1, 63, b"")] * 100, frame=0xC2), reason="px in 50 scans"),
    "JPEG of 20000 segments": _written(b"\xff\xd8" + segment(0xFE) * 20_000 + encode(scene())[2:], reason="10000 segments"),
    "JPEG with a megabyte of fill bytes": _behind_the_start(lambda rng: b"\xff" * 2**20),
    "PNG with 1.5 MB of compressed text": _written(
        png(9, 9, chunk(b"zTXt", b"x\0\0" + _BIG) * 200), ".png", "bytes of compressed text"
    ),
    "PNG with compressed XMP": _written(
        png(9, 9, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _BIG) * 200), ".png", "bytes of compressed text"
    ),
    "PNG with two headers": _written(
        png(_TALL, _TALL, chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)), b""), ".png", "one IHDR chunk"
    ),
    "PNG with too much data": _written(png(9, 9, data=_BIG * 300), ".png", "more data than its picture needs"),
    "PNG of 100000 chunks": _written(png(9, 9, chunk(b"teSt", b"") * 100_000), ".png", "100000 chunks"),
    "TIFF with a tile of 60000 x 60000 px": _written(
        tiff(8, 8, _278=None, _322=_TALL, _323=_TALL, _324=8, _325=192, _273=None, _279=None), ".tif", "tiles of 60000 x 60000 px"
    ),
    "WebP with a canvas beside its picture": _refused(
        lambda rng: webp((999, 999), _whole(rng, "WEBP")), ".webp", "WebP decoder gave up"
    ),
    # No image at all.
    "empty": _written(b"", reason="the file is empty"),
    "zeros": _written(bytes(5000)),
    "HTML": _written(_HTML),
    "SVG": _written(_SVG),
    "SVG called .png": _written("\ufeff" + _SVG, ".png"),
    "JSON": _written('{"error": "access denied"}', ".webp"),
    "PDF": _written(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", ".png"),
    "HEIC without a picture": _written(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ".jpg", "HEIC decoder gave up"),
    "random HEIC": _random_behind(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\1\0meta\0\0\0\0", ".heic"),
    "archive": _written(b"PK\3\4" + bytes(200), ".jpg"),
    "random": lambda rng: Made(b"\0" + rng.bytes(999), ".jpg", UNREADABLE, "not an image of a known format"),
    "random JPEG": _random_behind(b"\xff\xd8\xff", ".jpg"),
    "random WebP": _random_behind(b"RIFF\x20\0\0\0WEBPVP8 ", ".webp"),
    "random GIF": _random_behind(b"GIF89a\x20\0\x20\0", ".gif"),
    "random BMP": _random_behind(b"BM" + bytes(12) + b"\x28\0\0\0\x20\0\0\0\x20\0\0\0", ".bmp"),
    "random TIFF": _random_behind(b"II*\0\x08\0\0\0\x0c\0", ".tif"),
    "folder": lambda rng: Made(os.mkdir, ".jpg", UNREADABLE, "cannot be opened: it is a folder"),
}
if os.name == "posix":
    KINDS |= {
        "pipe": lambda rng: Made(os.mkfifo, ".jpg", UNREADABLE, "it is a pipe"),
        "link to nothing": lambda rng: Made(lambda path: os.symlink("nothing", path), ".jpg", UNREADABLE, "no such file"),
        "link to itself": lambda rng: Made(lambda path: os.symlink(path, path), ".jpg", UNREADABLE, "cannot be opened"),
        "link to a photograph": _linked,
    }
