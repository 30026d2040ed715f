"""What is transparent stands on white, and on grey where the mark itself is white."""

import io
import shutil
import struct
import subprocess
import zlib

import cv2
import numpy as np
import pytest
from hostile import chunk, png, tiff
from photographs import encode, scene
from PIL import Image, ImageDraw, features

from logo_keras.image import preprocessing, transparency

rng = np.random.default_rng(0)
STORED = rng.integers(0, 224, (24, 30, 4), dtype=np.uint8)
STORED[:4, :, 3], STORED[4:8, :, 3] = 0, 255


def on_ground(rgba):
    """The rule in plain whole numbers."""
    colours, alpha = rgba[..., :3].astype(int), rgba[..., 3:].astype(int)
    lightness = (colours * [299, 587, 114] * alpha).sum()
    ground = 128 if lightness > 224 * 1000 * alpha.sum() else 255
    return (colours * alpha + ground * (255 - alpha) + 127) // 255


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def mark(shape, colour, hidden=0):
    """A PNG of a ring or a square on a transparent ground, whose hidden colour nobody sees."""
    image = Image.new("RGBA", (64, 64), (hidden,) * 3 + (0,))
    getattr(ImageDraw.Draw(image), shape)((12, 12, 52, 52), outline=(*colour, 255), width=7)
    return saved(image, "PNG")


def test_black_marks_stand_on_white_whatever_colour_is_hidden():
    ring, square = (preprocessing.decode(mark(shape, (0, 0, 0))) for shape in ("ellipse", "rectangle"))
    assert not np.array_equal(ring, square)
    assert ring[0, 0].tolist() == [255] * 3 and ring.min() == 0
    np.testing.assert_array_equal(ring, preprocessing.decode(mark("ellipse", (0, 0, 0), hidden=200)))


@pytest.mark.parametrize(
    ("colour", "ground"), [((255, 255, 255), 128), ((240, 240, 235), 128), ((210, 210, 210), 255), ((255, 200, 40), 255)]
)
def test_marks_that_are_nearly_white_stand_on_grey(colour, ground):
    photo = preprocessing.decode(mark("ellipse", colour))
    assert photo[0, 0].tolist() == [ground] * 3
    assert tuple(photo[32, 14]) == colour


@pytest.mark.parametrize("lightest", [40, 255])
def test_the_composite_is_the_rule_in_whole_numbers(lightest):
    stored = STORED.copy()
    stored[..., :3] = lightest - stored[..., :3] // 8
    expected = on_ground(stored)
    np.testing.assert_array_equal(transparency.composite(stored), expected)
    deep = stored.astype(np.uint16) * 257
    np.testing.assert_array_equal(transparency.composite(deep), expected)


def test_a_picture_of_many_bands_is_composed_as_one(monkeypatch):
    whole = transparency.composite(STORED)
    monkeypatch.setattr(transparency, "_AT_ONCE", 100)
    np.testing.assert_array_equal(transparency.composite(STORED), whole)


def grey(stored):
    return np.dstack([stored[..., 0]] * 3 + [stored[..., 3]])


def palette(clear):
    """A picture of 8 colours; `clear` says their alpha."""
    places = (np.arange(24 * 30).reshape(24, 30) % 8).astype(np.uint8)
    colours = rng.integers(0, 224, (8, 3), dtype=np.uint8)
    image = Image.fromarray(places, "P")
    image.putpalette(colours.tobytes())
    return image, np.dstack([colours[places], np.array(clear, np.uint8)[places]])


def palette_and_alpha(image):
    """The same with an alpha channel beside the palette."""
    image = image.convert("PA")
    image.putalpha(Image.fromarray(STORED[..., 3]))
    return image


def one_colour(stored):
    """The alpha of a picture in which its first colour is transparent."""
    return np.dstack([stored, np.where((stored == stored[0, 0]).all(axis=2), 0, 255)])


def of_rows(depth, colour, rows, clear):
    """A PNG of rows of packed bytes, with one transparent value."""
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    width = len(rows[0]) * 8 // depth // (3 if colour == 2 else 1)
    return png(len(rows), width, chunk(b"tRNS", clear), data, depth, colour)


def bitmap(stored, header=108, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000), compression=3):
    """A BMP of 32 bits with masks."""
    data = stored[::-1, :, [2, 1, 0, 3]].tobytes()
    height, width = stored.shape[:2]
    info = struct.pack("<IiiHHIIiiII4I", header, width, height, 1, 32, compression, len(data), 0, 0, 0, 0, *masks)
    info = info.ljust(header, b"\0")[:header]
    return b"BM" + struct.pack("<IHHI", 14 + header + len(data), 0, 0, 14 + header) + info + data


def tiff_of(stored, extra, samples=4, bits=8):
    """An uncompressed TIFF with one extra sample."""
    data = stored.tobytes()
    many = dict(_258=bits, _277=samples, _338=extra, _262=2 if samples == 4 else 1)
    return tiff(*stored.shape[:2], data, **many)


def files():
    image = Image.fromarray(STORED)
    grey_image = Image.fromarray(STORED[..., [0, 3]], "LA")
    indexed, indexed_rgba = palette(range(0, 240, 30))
    keyed, keyed_rgba = palette([255, 255, 0] + [255] * 5)
    levels = STORED[..., 0] & 0xF0
    greys = np.dstack([levels] * 3)
    deep = STORED.astype(np.uint16) * 257
    multiplied = np.dstack([STORED[..., :3] * (STORED[..., 3:] / 255), STORED[..., 3:]]).round().astype(np.uint8)
    quarter = np.array([[0b00011011]] * 3, np.uint8)
    two_bits = np.array([[0, 85, 170, 255]] * 3)
    cases = {
        "PNG": (saved(image, "PNG"), STORED, 0),
        "PNG interlaced, 16 bits": (cv2.imencode(".png", deep[..., [2, 1, 0, 3]])[1].tobytes(), STORED, 0),
        "PNG grey and alpha": (saved(grey_image, "PNG"), grey(STORED), 0),
        "PNG palette": (saved(indexed, "PNG", transparency=bytes(range(0, 240, 30))), indexed_rgba, 0),
        "PNG palette, one colour": (saved(keyed, "PNG", transparency=2), keyed_rgba, 0),
        "PNG one grey": (saved(Image.fromarray(levels), "PNG", transparency=int(levels[0, 0])), one_colour(greys), 0),
        "PNG one grey of 2 bits": (
            of_rows(2, 0, quarter, struct.pack(">H", 2)),
            np.dstack([*[two_bits] * 3, np.where(two_bits == 170, 0, 255)]),
            0,
        ),
        "PNG one grey of 16 bits": (
            of_rows(16, 0, np.array([[1000, 1001, 60000]], ">u2").view(np.uint8), struct.pack(">H", 1000)),
            np.array([[[3, 3, 3, 0], [3, 3, 3, 255], [234, 234, 234, 255]]]),
            0,
        ),
        "PNG one colour": (
            saved(Image.fromarray(STORED[..., :3]), "PNG", transparency=tuple(int(level) for level in STORED[0, 0, :3])),
            one_colour(STORED[..., :3]),
            0,
        ),
        "WebP lossless": (saved(image, "WEBP", lossless=True, exact=True), STORED, 0),
        "GIF": (saved(keyed, "GIF", transparency=2), keyed_rgba, 0),
        "TIFF straight": (tiff_of(STORED, 2), STORED, 0),
        "TIFF LZW": (saved(image, "TIFF", compression="tiff_lzw"), STORED, 0),
        "TIFF associated": (tiff_of(multiplied, 1), STORED, 1),
        "TIFF that says nothing": (encode(STORED, ".tiff"), STORED, 0),
        "TIFF of 16 bits": (cv2.imencode(".tiff", deep[..., [2, 1, 0, 3]])[1].tobytes(), STORED, 0),
        "TIFF grey": (saved(grey_image, "TIFF"), grey(STORED), 0),
        "TIFF palette and alpha": (saved(palette_and_alpha(keyed), "TIFF"), np.dstack([keyed_rgba[..., :3], STORED[..., 3]]), 0),
        "TIFF grey, deflate": (saved(grey_image, "TIFF", compression="tiff_adobe_deflate"), grey(STORED), 0),
        "TIFF grey, LZW, differences": (
            saved(grey_image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}),
            grey(STORED),
            0,
        ),
        **{f"BMP, header of {header}": (bitmap(STORED, header), STORED, 0) for header in (56, 108, 124)},
        "BMP, other masks": (bitmap(STORED[..., [2, 1, 0, 3]], masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000)), STORED, 0),
    }
    if features.check("avif"):
        cases["AVIF"] = (saved(image, "AVIF", speed=10, quality=100, subsampling="4:4:4"), STORED, 6)
    return cases


FILES = files()


@pytest.mark.parametrize("name", FILES)
def test_every_format_with_alpha_is_composed_alike(name, tmp_path):
    data, rgba, bound = FILES[name]
    photo = preprocessing.decode(data)
    assert np.abs(photo - on_ground(rgba)).max() <= bound
    assert transparency.has_alpha(data)
    path = tmp_path / "photo"
    path.write_bytes(data)
    preprocessing.check(path)
    glanced, size = preprocessing.glance(path, 4)
    np.testing.assert_array_equal(glanced, photo)
    assert size == photo.shape[:2]


def test_a_transparent_gif_is_composed_whatever_its_later_pictures_say():
    image, rgba = palette([255, 255, 0] + [255] * 5)
    first = saved(image, "GIF", transparency=2)
    opaque = saved(palette([255] * 8)[0], "GIF")
    # A picture without a clear colour behind the first, as an animation holds it: what follows the header and its table.
    animation = first[:-1] + b"\x21\xf9\x04\0\0\0\0\0" + opaque[13 + 3 * 8 :]
    np.testing.assert_array_equal(preprocessing.decode(animation), on_ground(rgba))
    with pytest.raises(preprocessing.UnreadablePhotograph, match="truncated"):
        preprocessing.decode(first[:-9])


def test_a_lossy_webp_keeps_its_alpha():
    smooth = np.dstack([scene(40, 60), np.linspace(0, 255, 2400).reshape(40, 60)]).astype(np.uint8)
    data = saved(Image.fromarray(smooth), "WEBP", quality=95, exact=True)
    assert transparency.has_alpha(data)
    assert np.abs(preprocessing.decode(data) - on_ground(smooth)).mean() < 4


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.parametrize("lightest", [0, 240])
def test_the_page_puts_pixels_on_the_same_ground(root, tmp_path, lightest):
    stored = STORED.copy()
    stored[..., :3] = stored[..., :3] // 16 + lightest
    (tmp_path / "pixels").write_bytes(stored.tobytes())
    code = f"""
        import {{ putOnGround }} from "{(root / "deploy" / "web" / "preprocessing.js").as_uri()}";
        import {{ readFileSync, writeFileSync }} from "node:fs";
        const pixels = new Uint8ClampedArray(readFileSync("pixels"));
        putOnGround(pixels);
        writeFileSync("opaque", pixels);
    """
    subprocess.run(["node", "--input-type=module", "-e", code], cwd=tmp_path, check=True, timeout=60)
    opaque = np.frombuffer((tmp_path / "opaque").read_bytes(), np.uint8).reshape(stored.shape)
    np.testing.assert_array_equal(opaque[..., :3], on_ground(stored))
    assert (opaque[..., 3] == 255).all()


@pytest.mark.parametrize("page", ["docs/android.md", "docs/ios.md"])
def test_the_pages_for_phones_state_the_same_rule(root, page):
    text = (root / page).read_text(encoding="utf-8")
    for number in (*transparency.WEIGHTS, transparency.GREY, f"{transparency.NEAR_WHITE}_000"):
        assert str(number) in text, number


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "TIFF grey"])
def test_a_photograph_with_alpha_is_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = STORED[..., [0, 3]] if kind == "TIFF grey" else STORED
    options = dict(lossless=True, exact=True) if kind == "WEBP" else {}
    image, kind = Image.fromarray(stored), kind.split()[0]
    photo = preprocessing.decode(saved(image, kind, exif=exif, **options))
    plain = preprocessing.decode(saved(image, kind, **options))
    turns = {1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1], 5: plain.transpose(1, 0, 2)}
    turns |= {6: np.rot90(plain, -1), 7: plain[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(plain, 1)}
    np.testing.assert_array_equal(photo, turns[orientation])


def test_a_fourth_byte_that_is_no_alpha_is_passed_over():
    stored = STORED.copy()
    for name, data in {
        "padding": bitmap(stored, 40, compression=0),
        "padding of a long header": bitmap(stored, compression=0),
        "no mask": bitmap(stored, masks=(0xFF0000, 0xFF00, 0xFF, 0)),
        "another sample of a TIFF": tiff_of(stored, 0),
    }.items():
        assert not transparency.has_alpha(data), name
        np.testing.assert_array_equal(preprocessing.decode(data), stored[..., :3], name)
    stored[..., 3] = 0
    # Programs that know no alpha write zeros where the header announces it.
    np.testing.assert_array_equal(preprocessing.decode(bitmap(stored)), stored[..., :3])


def test_a_damaged_tiff_of_two_samples_is_unreadable_or_read():
    for name in ("TIFF grey", "TIFF palette and alpha", "TIFF grey, LZW, differences"):
        data = FILES[name][0]
        for number in range(60):
            broken = bytearray(data)
            # Most of all in the description of the picture, which Pillow writes first.
            for place in np.random.default_rng(number).integers(0, 250, 3):
                broken[place] ^= 1 << (number % 8)
            try:
                assert preprocessing.decode(bytes(broken), max_pixels=10**6).shape[2] == 3
            except preprocessing.UnreadablePhotograph as error:
                assert error.reason


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff"])
def test_photographs_without_alpha_have_none(suffix):
    assert not transparency.has_alpha(encode(scene(), suffix))


def test_what_is_no_image_or_cut_off_has_no_alpha():
    for data, *_ in FILES.values():
        for length in (0, 5, 12, 20, 40):
            assert transparency.has_alpha(data[:length]) in (True, False)
    assert not transparency.has_alpha(b"")
    assert not transparency.has_alpha(b"<html>")
