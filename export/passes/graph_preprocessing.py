"""From the bytes of a photo to what a model reads, inside a TensorFlow graph.

The same numbers as `logo_keras.image.preprocessing`, which is written in OpenCV 5: what comes of an upright JPEG or PNG file is
equal px by px (tests/test_export_graph_preprocessing.py).
"""

import tensorflow as tf

from logo_keras.image import transparency
from logo_keras.image.preprocessing import PREPROCESSING, frame

# A file of a few kilobytes may claim any size. Less than preprocessing.MAX_PIXELS, because a server decodes for many callers
# at once: 150 MB a photo.
MAX_PIXELS = 50_000_000
# Photos that one call decodes at the same time.
_AT_ONCE = 4

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
# Length of a PNG's signature and of its first chunk, which holds the width and the height in bytes 16 to 24.
_PNG_HEADER = 33
# OpenCV's bilinear weights are whole numbers, 11 bits for each axis.
_BITS = 11


def prepare(photographs, size, preprocessing=PREPROCESSING):
    """Makes the input of a model from photos; the counterpart of `logo_keras.image.preprocessing.prepare`.

    EXIF orientation is not applied: TensorFlow's decoders do not read it.

    Args:
        photographs: string `[B]`, each the bytes of a JPEG or PNG file.
        size: int S, px.
        preprocessing: str, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.

    Returns:
        images: uint8 RGB `[B, S, S, 3]`.
        sizes: int32 `[B, 2]`, height and width of each photo as decoded, px.

    Raises:
        ValueError: when traced, if there is no such preprocessing.
        tf.errors.InvalidArgumentError: when run, if a photo is no JPEG or PNG file, corrupt, truncated or of more than
            MAX_PIXELS px.
    """
    side, offset = frame(preprocessing, size)

    def prepared(photograph):
        photo = decode(photograph)
        image = resize(photo, side)[offset : offset + size, offset : offset + size]
        return tf.ensure_shape(image, [size, size, 3]), tf.shape(photo)[:2]

    kinds = (tf.TensorSpec([size, size, 3], tf.uint8), tf.TensorSpec([2], tf.int32))
    return tf.map_fn(prepared, photographs, fn_output_signature=kinds, parallel_iterations=_AT_ONCE)


def decode(photograph):
    """Decodes a JPEG or PNG file.

    Grey and palette colours become RGB, 16 bits become 8, what is transparent stands on white, or on grey where what is
    visible is nearly white (`logo_keras.image.transparency` has the rule). The colours of a CMYK JPEG differ
    from OpenCV's by one grey level, and are others where the file does not say how they are stored (no Adobe segment). Of
    an animated PNG the default picture is taken.

    Args:
        photograph: string scalar.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: as `prepare`.
    """
    jpeg = tf.equal(tf.strings.substr(photograph, 0, len(_JPEG)), _JPEG)
    png = tf.equal(tf.strings.substr(photograph, 0, len(_PNG)), _PNG) & (tf.strings.length(photograph) >= _PNG_HEADER)
    # TensorFlow's decoders take GIF and WebP too, by rules of their own.
    known = tf.debugging.Assert(jpeg | png, ["A photograph must be the bytes of a JPEG or PNG file, which this is not."])
    with tf.control_dependencies([known]):
        photo = tf.cond(jpeg, lambda: _decoded_jpeg(photograph), lambda: _decoded_png(photograph))
    return tf.ensure_shape(photo, [None, None, 3])


def resize(photo, size):
    """Stretches a photo to a square: per axis, area average where it shrinks, bilinear where it grows.

    Args:
        photo: uint8 `[H, W, 3]`.
        size: int, px.

    Returns:
        uint8 `[size, size, 3]`.
    """
    return _grown(_shrunk(photo, size), size)


def _decoded_jpeg(photograph):
    # Reads the header only.
    sides = tf.io.extract_jpeg_shape(photograph, tf.int64)[:2]
    with tf.control_dependencies([_bounded(sides)]):
        # Not the default, which is faster, coarser, and no other client's.
        return tf.io.decode_jpeg(photograph, channels=3, dct_method="INTEGER_ACCURATE")


def _decoded_png(photograph):
    sides = tf.io.decode_raw(tf.strings.substr(photograph, 16, 8), tf.int32, little_endian=False)
    with tf.control_dependencies([_bounded(tf.cast(sides, tf.int64))]):
        photo = tf.io.decode_png(photograph, channels=4)
    # Where a file has no alpha, TensorFlow fills in the largest value of its own depth, which is less than 255 below 8 bits.
    depth = tf.cast(tf.io.decode_raw(tf.strings.substr(photograph, 24, 1), tf.uint8)[0], tf.int32)
    most = tf.cast(tf.minimum(tf.bitwise.left_shift(1, depth) - 1, 255), tf.uint8)
    opaque = tf.reduce_all(tf.equal(photo[..., 3], most))
    return tf.cond(opaque, lambda: photo[..., :3], lambda: _composite(photo))


def _composite(photo):
    """RGBA on its ground: `transparency.composite` in the same whole numbers."""
    colours, alpha = tf.cast(photo[..., :3], tf.uint16), tf.cast(photo[..., 3:], tf.uint16)
    fronts = colours * alpha
    parts = [weight * tf.reduce_sum(tf.cast(fronts[..., n], tf.int64)) for n, weight in enumerate(transparency.WEIGHTS)]
    opacity = tf.reduce_sum(tf.cast(alpha, tf.int64))
    nearly_white = tf.add_n(parts) > transparency.NEAR_WHITE * sum(transparency.WEIGHTS) * opacity
    ground = tf.where(nearly_white, tf.constant(transparency.GREY, tf.uint16), tf.constant(transparency.WHITE, tf.uint16))
    # At most 255 * 255 + 127, of which 16 bits hold the division by 255, too.
    levels = fronts + ground * (255 - alpha) + 127
    return tf.cast(tf.bitwise.right_shift(levels + 1 + tf.bitwise.right_shift(levels, 8), 8), tf.uint8)


def _bounded(sides):
    small = tf.reduce_all(sides >= 1) & (tf.reduce_prod(tf.clip_by_value(sides, 0, MAX_PIXELS + 1)) <= MAX_PIXELS)
    return tf.debugging.Assert(small, [f"A photograph must have 1 to {MAX_PIXELS} px; its sides:", sides])


def _shrunk(photo, size):
    """OpenCV's INTER_AREA on the axes that are longer than `size`, in its order and its floats: equal to the last half level."""
    sides = tf.shape(photo)[:2]
    small = tf.minimum(sides, size)
    # Where both factors are whole numbers OpenCV adds px and divides once.
    whole = tf.reduce_all(tf.equal(sides % small, 0))
    area = tf.reduce_prod(tf.cast(sides // small, tf.float32))
    x = tf.transpose(photo, (1, 0, 2))
    x = tf.transpose(_averaged(x, sides[1], small[1], whole), (1, 0, 2))
    x = _averaged(x, sides[0], small[0], whole) * tf.where(whole, 1 / area, 1.0)
    # A half is rounded to the even number, but up where both axes are halved, for which OpenCV has code of its own.
    halved = tf.reduce_all(tf.equal(sides, 2 * small))
    return tf.cast(tf.where(halved, tf.floor(x + 0.5), tf.round(x)), tf.uint8)


def _averaged(x, length, size, whole):
    """Averages, or with `whole` sums, of the `length` rows of x over `size` equal parts: float32 `[size, ..., 3]`."""
    # Sides are float64, weights float32, as OpenCV's; it leaves out what a part covers of a row by less than a thousandth.
    step = tf.cast(length, tf.float64) / tf.cast(size, tf.float64)
    start = tf.range(size, dtype=tf.float64) * step
    covered = tf.where(whole, tf.ones_like(start), tf.minimum(step, tf.cast(length, tf.float64) - start))
    first = tf.cast(tf.floor(start), tf.int32)

    def add(number, total):
        row = first + number
        low = tf.cast(row, tf.float64)
        inside = tf.minimum(start + step, low + 1) - tf.maximum(start, low)
        weights = tf.cast(tf.where(inside > 1e-3, inside, tf.zeros_like(inside)) / covered, tf.float32)
        rows = tf.cast(tf.gather(x, tf.minimum(row, length - 1)), tf.float32)
        return number + 1, total + rows * weights[:, None, None]

    most = tf.cast(tf.math.ceil(step), tf.int32) + 1
    total = tf.zeros([size, tf.shape(x)[1], 3], tf.float32)
    shapes = (tf.TensorShape([]), tf.TensorShape([None, None, 3]))
    return tf.while_loop(lambda number, _: number < most, add, (0, total), shape_invariants=shapes, parallel_iterations=1)[1]


def _grown(photo, size):
    """OpenCV's INTER_LINEAR in its whole numbers; axes of `size` px stay as they are."""
    sides = tf.shape(photo)[:2]
    photo = tf.cast(photo, tf.int32)
    upper, lower, weights = _neighbours(sides[0], size)
    left, right, across = _neighbours(sides[1], size)
    # OpenCV lets columns beyond the border count nothing. Rows it repeats: the same but for the rounding.
    inside = (left != right)[:, None]
    across = tf.where(inside, across, [[1 << _BITS, 0]])
    x = tf.gather(photo, left, axis=1) * across[:, :1] + tf.gather(photo, right, axis=1) * across[:, 1:]
    x = tf.bitwise.right_shift(x, 4)
    weights = weights[:, None]
    x = tf.bitwise.right_shift(tf.gather(x, upper) * weights[..., :1], 16) + tf.bitwise.right_shift(
        tf.gather(x, lower) * weights[..., 1:], 16
    )
    return tf.cast(tf.bitwise.right_shift(x + 2, 2), tf.uint8)


def _neighbours(length, size):
    """The two px of `length` that each of `size` samples lies between: int32 `[size]` twice, and their weights `[size, 2]`."""
    # In float64 as OpenCV, whose samples are then float32.
    step = tf.cast(length, tf.float64) / tf.cast(size, tf.float64)
    samples = (tf.range(size, dtype=tf.float64) + 0.5) * step - 0.5
    samples = tf.cast(samples, tf.float32)
    first = tf.floor(samples)
    share = samples - first
    weights = tf.cast(tf.round(tf.stack([1 - share, share], axis=-1) * (1 << _BITS)), tf.int32)
    first = tf.cast(first, tf.int32)
    return tf.clip_by_value(first, 0, length - 1), tf.clip_by_value(first + 1, 0, length - 1), weights
