"""Photographs decoded and resized in a TensorFlow graph: px by px what OpenCV gives, and errors for all else."""

import io
import struct
import zlib

import cv2
import numpy as np
import photographs as files
import pytest
import tensorflow as tf
from PIL import Image

from logo_keras.export.passes import graph_preprocessing
from logo_keras.image import preprocessing

SIZE = 64
# Height and width of photographs, for a model of 64 px: as they are, halved, whole factors, shrunk on one axis or both by
# factors with and without ties, grown, shrunk here and grown there, one px, one line.
SIZES = [
    (64, 64), (128, 128), (128, 64), (64, 128), (192, 192), (192, 320), (256, 192), (128, 40),
    (73, 49), (65, 65), (96, 96), (80, 60), (91, 64), (101, 233), (480, 640), (341, 512),
    (32, 32), (63, 63), (40, 27), (3, 5), (200, 20), (20, 200), (63, 65),
    (1, 1), (1, 64), (64, 1), (1, 700), (700, 1), (2, 900),
]  # fmt: skip
INVALID = tf.errors.InvalidArgumentError


def noise(height, width, seed=0):
    """Every grey level anywhere: uint8 `[height, width, 3]`."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def chunk(kind, data):
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(height, width, suffix):
    """A small file whose header claims another size."""
    data = files.encode(files.scene(16, 16), suffix)
    if suffix == ".png":
        return data[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.fixture(scope="module")
def resize():
    signature = [tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([], tf.int32)]
    return tf.function(graph_preprocessing.resize, input_signature=signature)


@pytest.fixture(scope="module")
def prepare():
    signature = [tf.TensorSpec([None], tf.string)]
    return tf.function(lambda data: graph_preprocessing.prepare(data, SIZE), input_signature=signature)


@pytest.mark.parametrize("sides", SIZES, ids=lambda sides: "x".join(map(str, sides)))
def test_the_graph_resizes_to_the_same_px(resize, sides):
    photo = noise(*sides)
    np.testing.assert_array_equal(resize(photo, SIZE), preprocessing.resize(photo, SIZE))


def test_the_graph_resizes_a_camera_photograph_to_the_same_px(resize):
    # 640 and 480 to 448 px: every hundredth average lies halfway between two grey levels.
    for photo, size in ((noise(1512, 2016), 448), (noise(480, 640), 448), (files.scene(1200, 900), 600)):
        np.testing.assert_array_equal(resize(photo, size), preprocessing.resize(photo, size))


def palette_png():
    """A PNG of 9 x 5 px that point into a palette of four colours, the first of them transparent."""
    levels = noise(9, 5)[..., 0] % 4
    rows = b"".join(b"\x00" + row.tobytes() for row in levels)
    body = {
        b"IHDR": struct.pack(">IIBBBBB", 5, 9, 8, 3, 0, 0, 0),
        b"PLTE": noise(4, 1, seed=1).tobytes(),
        b"tRNS": b"\x00",
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in body.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _pillow_png(photo, mode, **options):
    file = io.BytesIO()
    Image.fromarray(photo, mode).save(file, "PNG", **options)
    return file.getvalue()


def encoded(kind):
    """A file of each kind that TensorFlow decodes as OpenCV does."""
    photo = files.scene(91, 120)
    alpha = np.dstack([photo, noise(91, 120)[..., 0]])
    deep = np.random.default_rng(0).integers(0, 65536, (91, 120, 4), dtype=np.uint16)
    jpeg = {
        "jpeg": [],
        "jpeg 4:4:4": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
        "jpeg poor": [cv2.IMWRITE_JPEG_QUALITY, 20],
        "jpeg progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    }
    if kind in jpeg:
        return cv2.imencode(".jpg", photo, jpeg[kind])[1].tobytes()
    return {
        "jpeg grey": lambda: files.encode(photo[..., 0], ".jpg"),
        "jpeg rgb": lambda: files.flat_jpeg(10, 200, 30),
        "jpeg and more": lambda: files.encode(photo) + b"more",
        "png": lambda: files.encode(photo, ".png"),
        "png grey": lambda: files.encode(photo[..., 0], ".png"),
        "png alpha": lambda: files.encode(alpha, ".png"),
        "png white on clear": lambda: files.encode(np.dstack([255 - photo // 16, alpha[..., 3]]), ".png"),
        "png grey and alpha": lambda: _pillow_png(alpha[..., [0, 3]], "LA"),
        "png one clear colour": lambda: _pillow_png(photo // 64 * 64, "RGB", transparency=(64, 64, 64)),
        "png one clear grey": lambda: _pillow_png(photo[..., 0] // 64 * 64, "L", transparency=64),
        "png palette": palette_png,
        "png 1 bit": lambda: cv2.imencode(".png", photo[..., 0] // 128 * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes(),
        "png 16 bits": lambda: cv2.imencode(".png", deep[..., :3])[1].tobytes(),
        "png 16 bits grey": lambda: cv2.imencode(".png", deep[..., 0])[1].tobytes(),
        "png 16 bits alpha": lambda: cv2.imencode(".png", deep)[1].tobytes(),
    }[kind]()


KINDS = [
    "jpeg", "jpeg 4:4:4", "jpeg poor", "jpeg progressive", "jpeg grey", "jpeg rgb", "jpeg and more",
    "png", "png grey", "png alpha", "png white on clear", "png grey and alpha",
    "png one clear colour", "png one clear grey", "png palette", "png 1 bit", "png 16 bits", "png 16 bits grey",
    "png 16 bits alpha",
]  # fmt: skip


@pytest.mark.parametrize("name", preprocessing.PREPROCESSINGS)
def test_the_graph_prepares_every_kind_of_file_to_the_same_px(name):
    data = [encoded(kind) for kind in KINDS]
    images, sizes = graph_preprocessing.prepare(tf.constant(data), SIZE, name)
    for kind, file, image, size in zip(KINDS, data, images, sizes, strict=True):
        np.testing.assert_array_equal(image, preprocessing.prepare(file, SIZE, name), err_msg=kind)
        assert tuple(size) == preprocessing.decode(file).shape[:2]


def test_cmyk_differs_by_a_grey_level():
    data = files.flat_jpeg(10, 200, 30, 90)
    ours, theirs = graph_preprocessing.decode(tf.constant(data)).numpy(), preprocessing.decode(data)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_orientation_is_the_callers():
    upright = files.encode(files.scene(40, 60))
    np.testing.assert_array_equal(
        graph_preprocessing.decode(tf.constant(files.with_orientation(upright, 6))), preprocessing.decode(upright)
    )


BROKEN = {
    "empty": b"",
    "text": b"no photograph at all, but long enough for a header",
    "half a signature": b"\xff\xd8",
    "a signature": b"\xff\xd8\xff",
    "a PNG's header": files.encode(files.scene(), ".png")[:33],
    "a cut JPEG": files.encode(files.scene())[:-40],
    "a JPEG without its end": files.encode(files.scene())[:-2],
    "a cut PNG": files.encode(files.scene(), ".png")[:-40],
    "a PNG without its end": files.encode(files.scene(), ".png")[:-12],
    "a damaged PNG": files.encode(files.scene(), ".png")[:80] + b"\x00\x01\x02" + files.encode(files.scene(), ".png")[83:],
    "WebP": files.encode(files.scene(), ".webp"),
    "BMP": files.encode(files.scene(), ".bmp"),
    "GIF": b"GIF89a" + bytes(40),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_whole_jpeg_or_png_fails_the_call(prepare, kind):
    with pytest.raises(INVALID):
        prepare([files.encode(files.scene()), BROKEN[kind]])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_photograph_that_claims_too_many_px_is_refused_by_its_header(prepare, suffix):
    with pytest.raises(INVALID, match="must have 1 to 50000000 px"):
        prepare([claiming(50_000, 50_000, suffix)])


def test_a_png_of_negative_sides_is_refused(prepare):
    with pytest.raises(INVALID, match="must have 1 to 50000000 px"):
        prepare([claiming(2**31 + 5, 2**31 + 5, ".png")])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_bound_on_px_is_exact(monkeypatch, suffix):
    monkeypatch.setattr(graph_preprocessing, "MAX_PIXELS", 200)
    assert graph_preprocessing.decode(tf.constant(files.encode(files.scene(10, 20), suffix))).shape == (10, 20, 3)
    with pytest.raises(INVALID):
        graph_preprocessing.decode(tf.constant(files.encode(files.scene(3, 67), suffix)))
