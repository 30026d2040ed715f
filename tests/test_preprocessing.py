"""Whatever a photograph file holds becomes upright 8-bit RGB, or an error with a reason."""

import io
import os
import pickle
import struct
import sys
import zlib

import cv2
import numpy as np
import pytest
from photographs import encode, flat_jpeg, scene, with_orientation, write
from PIL import Image, features

from logo_keras.datasets.sizes import upright_size
from logo_keras.image import preprocessing
from logo_keras.image.preprocessing import UnreadablePhoto, check, decode, frame, letterbox, prepare, read, resize


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_lossless_formats_give_the_pixels_that_were_written(suffix):
    photo = decode(encode(scene(), suffix))
    np.testing.assert_array_equal(photo, scene())
    assert photo.flags.writeable and photo.flags.c_contiguous


def test_jpeg_and_webp_give_about_the_pixels_that_were_written():
    for suffix in (".jpg", ".webp"):
        assert np.abs(decode(encode(scene(), suffix)).astype(int) - scene()).mean() < 4


def test_colours_come_as_red_green_blue():
    assert decode(encode(np.full((4, 4, 3), (250, 20, 10), np.uint8), ".png"))[0, 0].tolist() == [250, 20, 10]


def test_grey_becomes_three_equal_channels():
    grey = scene()[..., 0]
    np.testing.assert_array_equal(decode(encode(grey, ".png")), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_the_upper_eight(suffix):
    photo = decode(encode(scene().astype(np.uint16) * 256 + 128, suffix))
    # Whether the lower bits round is up to the decoder.
    assert np.abs(photo.astype(int) - scene()).max() <= 1


def test_cmyk_becomes_rgb():
    # Adobe stores CMYK inverted: 255 is no ink. So R = C K / 255 and so on.
    photo = decode(flat_jpeg(200, 100, 50, 255))
    assert photo.shape == (8, 8, 3)
    assert np.abs(photo.reshape(-1, 3).astype(int) - (200, 100, 50)).max() <= 2


def test_a_jpeg_in_rgb_keeps_its_colours():
    assert np.abs(decode(flat_jpeg(200, 100, 50)).astype(int) - (200, 100, 50)).max() <= 1


@pytest.mark.skipif(not hasattr(cv2, "imencodeanimation"), reason="needs OpenCV 4.11 or later to write animations")
@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_an_animation_gives_its_first_frame(suffix):
    animation = cv2.Animation()
    animation.frames = [np.full((20, 30, 4), (level, level, level, 255), np.uint8) for level in (51, 153, 255)]
    animation.durations = np.array([100, 100, 100])
    _, data = cv2.imencodeanimation(suffix, animation)
    photo = decode(data.tobytes())
    assert photo.shape == (20, 30, 3)
    assert abs(photo.mean() - 51) <= 4


# What has to be done to the stored picture, from the EXIF standard (CIPA DC-008, tag 0x0112).
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(orientation, order):
    jpeg = encode(scene(40, 60))
    stored = decode(jpeg)
    np.testing.assert_array_equal(decode(with_orientation(jpeg, orientation, order)), UPRIGHT[orientation](stored))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff"])
def test_a_truncated_file_of_any_format_is_unreadable(suffix):
    data = encode(scene(), suffix)
    for share in (0.4, 0.9):
        with pytest.raises(UnreadablePhoto, match="truncated|corrupt"):
            decode(data[: int(len(data) * share)])


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_blocks": 2},
    "full colour": {"subsampling": 0, "quality": 100},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
}
# What is found behind photographs: nothing, padding, a video of a telephone, another JPEG.
TRAILERS = [
    b"",
    b"\xff",
    bytes(3000),
    b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(20_000),
    encode(scene(20, 20)),
]


def saved(mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(scene(37, 53)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("trailer", TRAILERS, ids=["nothing", "half a marker", "zeros", "video", "JPEG"])
def test_a_jpeg_of_which_only_the_end_is_missing_is_read(tmp_path, options, trailer):
    whole = saved(**options)
    assert whole[-2:] == b"\xff\xd9"
    expected = decode(whole)
    np.testing.assert_array_equal(decode(whole + trailer), expected)
    np.testing.assert_array_equal(decode(whole[:-2] + trailer), expected)
    path = tmp_path / "photo.jpg"
    path.write_bytes(whole[:-2] + trailer)
    check(path)
    glanced, size = preprocessing.glance(path, 60)
    np.testing.assert_array_equal(glanced, expected)
    assert size == (37, 53)


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_that_was_cut_in_its_picture_is_unreadable_wherever(options):
    whole = saved(**options)
    # Of the last bytes some are padding.
    for cut in [*range(10, 40, 3), *range(40, len(whole) - whole.index(b"\xff\xda"), 83)]:
        for trailer in TRAILERS:
            with pytest.raises(UnreadablePhoto, match="truncated|corrupt"):
                decode(whole[:-cut] + trailer)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_flat_jpeg_of_which_only_the_end_is_missing_is_read(progressive):
    # Of a progressive one the last scan has a few bytes.
    file = io.BytesIO()
    Image.new("RGB", (1200, 900), (90, 200, 90)).save(file, "JPEG", progressive=progressive, subsampling=0)
    np.testing.assert_array_equal(decode(file.getvalue()[:-2]), decode(file.getvalue()))


def test_a_jpeg_without_its_end_before_unknown_bytes_is_to_be_saved_again():
    unknown = np.random.default_rng(1).integers(1, 255, 3000, np.uint8).tobytes()
    with pytest.raises(UnreadablePhoto, match="save it again"):
        decode(saved()[:-2] + unknown)
    with pytest.raises(UnreadablePhoto, match="truncated"):
        decode(saved()[:-200] + unknown)


def test_a_progressive_jpeg_that_lacks_a_scan_is_unreadable():
    whole = saved(progressive=True)
    with pytest.raises(UnreadablePhoto, match="truncated: the JPEG ends before its end-of-image marker"):
        decode(whole[: whole.rindex(b"\xff\xda")])


def test_a_jpeg_without_its_end_is_not_decoded_when_it_is_too_large(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UnreadablePhoto, match="too large: 53 x 37 px"):
        decode(saved()[:-2], max_pixels=100)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"hello", "not an image"), (encode(scene())[:20] + bytes(500), "truncated")],
)
def test_what_cannot_be_read_is_named_with_its_reason(data, reason):
    with pytest.raises(UnreadablePhoto, match=reason) as caught:
        decode(data, name="shop/7.jpg")
    assert caught.value.name == "shop/7.jpg"
    assert reason in caught.value.reason
    assert str(caught.value) == f"shop/7.jpg: {caught.value.reason}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_gigantic_photograph_is_refused_before_it_is_decoded(monkeypatch):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 30_000, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UnreadablePhoto, match="too large: 40000 x 30000 px, at most 120,000,000 px are read"):
        decode(b"\x89PNG\r\n\x1a\n" + chunks)


def test_the_limits_on_pixels_and_bytes_are_arguments(tmp_path):
    data = encode(scene(40, 60), ".png")
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    enough = dict(max_pixels=40 * 60, max_bytes=len(data))
    for function in (read, check):
        function(path, **enough)
        with pytest.raises(UnreadablePhoto, match="photo.png: too large: 60 x 40 px, at most 2,399 px are read"):
            function(path, **enough | {"max_pixels": 2399})
        with pytest.raises(UnreadablePhoto, match=f"too large: {len(data):,} bytes, at most {len(data) - 1:,} are read"):
            function(path, **enough | {"max_bytes": len(data) - 1})
    for given in (data, memoryview(data)):
        assert decode(given, **enough).shape == (40, 60, 3)
        with pytest.raises(UnreadablePhoto, match="too large"):
            decode(given, max_bytes=len(data) - 1)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None])
@pytest.mark.parametrize("name", ["max_pixels", "max_bytes"])
def test_a_limit_that_is_no_positive_integer_is_the_callers_mistake(tmp_path, name, limit):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(scene(), ".png"))
    for function in (read, check):
        with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got") as caught:
            function(path, **{name: limit})
        assert not isinstance(caught.value, UnreadablePhoto)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "photo.jpg"
    with open(path, "wb") as file:
        # On most file systems it takes no room on the disk.
        file.truncate(preprocessing.MAX_BYTES + 1)
    with pytest.raises(UnreadablePhoto, match="too large: 268,435,457 bytes, at most 268,435,456 are read"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(UnreadablePhoto, match="photo.jpg: cannot be opened: it is a pipe"):
        read(tmp_path / "photo.jpg")


@pytest.mark.parametrize("name", ["nul\0l.jpg", "lone \ud800.jpg", "long" * 100])
def test_a_name_that_no_file_can_have_is_unreadable(tmp_path, name):
    with pytest.raises(UnreadablePhoto, match="cannot be opened"):
        read(os.path.join(tmp_path, name))


@pytest.mark.skipif(not features.check("avif"), reason="needs a Pillow that writes AVIF")
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_avif_is_turned_as_its_properties_say(orientation):
    # Pillow writes the orientation as the properties `irot` and `imir`.
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(scene(40, 60))
    stored, turned = (saved_as(image, "AVIF", speed=10, exif=given) for given in (Image.Exif(), exif))
    upright = UPRIGHT[orientation](decode(stored))
    np.testing.assert_array_equal(decode(turned), upright)
    assert upright_size(turned) == upright.shape[:2]


def saved_as(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else [])])
def test_without_pillow_the_reason_says_what_to_install(monkeypatch, kind):
    data = saved_as(Image.fromarray(scene(8, 9)), kind)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnreadablePhoto, match=rf"a {kind} photo: .*needs PIL, .*pip install 'logo_keras\[train\]'"):
        decode(data)
    # What the edge runtime reads by OpenCV needs no Pillow.
    for suffix in (".jpg", ".png", ".webp"):
        assert decode(encode(scene(8, 9), suffix)).shape == (8, 9, 3)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_a_tiff_of_32_bits_is_said_to_be_one_and_not_to_be_damaged(mode):
    with pytest.raises(UnreadablePhoto, match="photograph: values of 32 bits are not read$"):
        decode(saved_as(Image.fromarray(scene(8, 9)).convert(mode), "TIFF"))


def test_the_name_of_before_is_the_same_error():
    assert preprocessing.UnreadablePhotograph is UnreadablePhoto


def test_an_error_of_the_decoder_is_an_unreadable_photograph(monkeypatch):
    def fail(*_):
        raise cv2.error("no memory")

    monkeypatch.setattr(cv2, "imdecode", fail)
    with pytest.raises(UnreadablePhoto, match="the PNG decoder gave up"):
        decode(encode(scene(), ".png"))


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path):
    with pytest.raises(UnreadablePhoto, match="gone.jpg: no such file"):
        read(tmp_path / "gone.jpg")
    with pytest.raises(UnreadablePhoto, match="cannot be opened"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff"])
def test_check_finds_what_read_finds(tmp_path, suffix):
    data = encode(scene(80, 90), suffix)
    noise = np.random.default_rng(0)
    variants = [data, data[:40], data[: len(data) // 2], data[:-3], b"", encode(scene(1, 1), suffix)]
    for _ in range(20):
        at = int(noise.integers(len(data) - 16))
        variants.append(data[:at] + noise.bytes(16) + data[at + 16 :])
    for variant in variants:
        path = tmp_path / f"photo{suffix}"
        path.write_bytes(variant)
        reasons = []
        for function in (read, check):
            try:
                function(path)
                reasons.append(None)
            except UnreadablePhoto as error:
                reasons.append(str(error))
        assert reasons[0] == reasons[1]


def test_resize_averages_where_both_axes_shrink():
    photo = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3) * 4
    means = photo.reshape(2, 2, 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(resize(photo, 2) - means).max() <= 0.5


def test_resize_treats_each_axis_on_its_own():
    # Rows 0, 0, 100, 100 shrink to 0, 100 by averages; columns 40, 80 grow to four by interpolation between centres.
    rows = np.repeat(np.array([[0, 0], [0, 0], [100, 100], [100, 100]], np.uint8)[..., None], 3, axis=2)
    assert resize(rows, 2)[:, 0, 0].tolist() == [0, 100]
    tall = np.repeat(np.array([[40, 80]] * 8, np.uint8)[..., None], 3, axis=2)
    assert resize(tall, 4)[0, :, 0].tolist() == [40, 50, 70, 80]


def test_resize_does_not_alias_stripes_that_are_finer_than_the_result():
    stripes = np.zeros((64, 8, 3), np.uint8)
    stripes[::2] = 200
    # Eight rows an average of 100; interpolation alone would keep the stripes. The columns do not change.
    np.testing.assert_array_equal(resize(stripes, 8), 100)


def test_resize_stretches_and_keeps_a_photograph_of_the_right_size():
    assert resize(scene(40, 60), 32).shape == (32, 32, 3)
    np.testing.assert_array_equal(resize(scene(32, 32), 32), scene(32, 32))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2000)])
def test_resize_takes_any_shape(shape):
    np.testing.assert_array_equal(resize(np.full((*shape, 3), 77, np.uint8), 16), 77)


@pytest.mark.parametrize(
    "photo",
    [*(np.zeros(shape, np.uint8) for shape in ((4, 4), (4, 4, 4), (0, 4, 3))), np.zeros((4, 4, 3)), [1]],
)
def test_resize_refuses_other_arrays_and_says_what_came(photo):
    with pytest.raises(ValueError, match=r"uint8 RGB array \[H, W, 3\], got"):
        resize(photo, 8)


@pytest.mark.parametrize("size", [0, -1, 8.0, True])
def test_resize_refuses_a_size_that_is_no_positive_integer(size):
    with pytest.raises(ValueError, match="size must be an integer of at least 1, got"):
        resize(scene(), size)


def test_letterbox_keeps_the_shape_and_lets_the_outermost_px_go_on():
    photo = np.zeros((2, 6, 3), np.uint8)
    photo[0], photo[1], photo[:, 5] = 10, 20, 30
    square, place = letterbox(photo, 6)
    assert place == (2, 0, 4, 6)
    np.testing.assert_array_equal(square[2:4], photo)
    np.testing.assert_array_equal(square[:2], photo[[0, 0]])
    np.testing.assert_array_equal(square[4:], photo[[1, 1]])
    upright, place = letterbox(photo.transpose(1, 0, 2), 6)
    assert place == (0, 2, 6, 4)
    np.testing.assert_array_equal(upright, square.transpose(1, 0, 2))


@pytest.mark.parametrize("shape, place", [((480, 640), (8, 0, 56, 64)), ((5, 4), (0, 6, 64, 57)), ((1, 999), (31, 0, 32, 64))])
def test_letterbox_rounds_the_shorter_side_and_puts_the_photo_in_the_middle(shape, place):
    square, found = letterbox(np.full((*shape, 3), 7, np.uint8), 64)
    assert found == place and (square == 7).all() and square.shape == (64, 64, 3)


def test_letterbox_of_a_square_is_resize():
    photo = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    square, place = letterbox(photo, 32)
    np.testing.assert_array_equal(square, resize(photo, 32))
    assert place == (0, 0, 32, 32)
    with pytest.raises(ValueError, match="photo must be a uint8 RGB array"):
        letterbox(photo[..., 0], 32)
    with pytest.raises(ValueError, match="size must be an integer of at least 1"):
        letterbox(photo, 0)


def test_prepare_gives_the_same_for_a_path_its_bytes_and_its_pixels(tmp_path):
    data = with_orientation(encode(scene()), 6)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    prepared = prepare(path, 32)
    assert prepared.dtype == np.float32 and prepared.shape == (32, 32, 3)
    for photo in (str(path), data, bytearray(data), decode(data)):
        np.testing.assert_array_equal(prepare(photo, 32), prepared)


def test_prepare_refuses_other_types():
    with pytest.raises(ValueError, match="a path, bytes or a uint8 RGB array, got int"):
        prepare(3, 32)


def test_every_photograph_of_the_real_sets_is_readable(shared):
    paths = sorted((shared / "data" / "toplogo10" / "jpg").rglob("*.jpg"))[::20]
    paths += sorted((shared / "data" / "flickrlogos27" / "flickr_logos_27_dataset_images").glob("*.jpg"))[::30]
    assert len(paths) > 60
    for path in paths:
        assert read(path).ndim == 3


def test_the_names_of_the_preprocessings_are_fixed():
    # Model files that exist carry them.
    assert preprocessing.PREPROCESSING == "stretch"
    assert preprocessing.PREPROCESSINGS == ("stretch", "paper")


def test_the_frame_of_the_paper_is_448_px_in_the_middle_of_600():
    assert frame("paper", 448) == (600, 76)
    assert frame("paper", 96) == (129, 16)
    assert frame("stretch", 448) == (448, 0)


def test_paper_takes_the_middle_of_the_stretched_photograph():
    photo = scene(90, 160)
    np.testing.assert_array_equal(prepare(photo, 448, "paper"), resize(photo, 600)[76:524, 76:524])


def test_an_unknown_preprocessing_is_named():
    with pytest.raises(ValueError, match="preprocessing must be one of stretch, paper, got 'letterbox'"):
        prepare(scene(), 32, "letterbox")


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("suffix", "expected"), [(".jpg", (60, 90)), (".png", (240, 360))])
def test_a_glance_is_a_small_photograph_and_the_size_of_the_whole(tmp_path, suffix, expected, orientation):
    path = tmp_path / f"photo{suffix}"
    data = encode(scene(240, 360), suffix)
    path.write_bytes(with_orientation(data, orientation) if suffix == ".jpg" else data)
    photo, size = preprocessing.glance(path, 60)
    turned = orientation == 6 and suffix == ".jpg"
    assert (photo.shape[:2], size) == ((expected[::-1], (360, 240)) if turned else (expected, (240, 360)))
    whole = cv2.resize(preprocessing.read(path), photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(photo.astype(int) - whole).mean() < 3


def test_a_glance_at_a_small_or_square_photograph_is_the_whole_of_it(tmp_path):
    for height, width in ((40, 60), (240, 241)):
        path = write(tmp_path / f"{height}.jpg", height=height, width=width)
        photo, size = preprocessing.glance(path, 60)
        np.testing.assert_array_equal(photo, preprocessing.read(path))
        assert size == (height, width)


def test_a_glance_at_what_is_no_photograph_names_it(tmp_path):
    (tmp_path / "a.jpg").write_text("<html>")
    with pytest.raises(UnreadablePhoto, match="a.jpg: not an image"):
        preprocessing.glance(tmp_path / "a.jpg", 60)
