"""Shrinks images inside the graph, smoothly and with builtin operators."""

import numpy as np
from keras import ops

from logo_keras.errors import UserError
from logo_keras.image.triangle import triangle


def shrink(images, size):
    """Shrinks square images with a triangle filter as wide as the step (bilinear, half-pixel centres, anti-aliased).

    Equal to `keras.ops.image.resize(..., antialias=True)`, whose operator TFLite lacks.

    Args:
        images: float `[B, S, S, C]`; S and C must be known when the graph is built.
        size: int, px, at most S.

    Returns:
        float `[B, size, size, C]`.

    Raises:
        ValueError: if `size` is larger than S, or the images are not square.
    """
    rows, columns, channels = images.shape[1:]
    if rows is None or rows != columns or size > rows:
        raise UserError(f"shrink makes square images smaller, got {tuple(images.shape)} and a size of {size} px.")
    if size == rows:
        return images
    weights = triangle(rows, size)
    if rows % size == 0:
        return _strided(images, rows // size, weights.sum(axis=1))
    # What a sample takes from the px sums to 1, at the border too.
    weights = ops.convert_to_tensor((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))
    x = ops.matmul(weights, ops.reshape(images, (-1, rows, columns * channels)))
    x = ops.transpose(ops.reshape(x, (-1, size, columns, channels)), (0, 2, 1, 3))
    x = ops.matmul(weights, ops.reshape(x, (-1, columns, size * channels)))
    return ops.transpose(ops.reshape(x, (-1, size, size, channels)), (0, 2, 1, 3))


def _strided(images, factor, inside):
    """The same for a whole factor, as a convolution that keeps the channels apart; `inside` is each filter's sum in the image.

    For 448 to 224 px it multiplies 7.2 million times, the matrix products 202 million times. A depthwise convolution would
    multiply a third of that, but runtimes are slow at it with three channels: the whole TFLite file of a DRNA-Net took 4 to
    10 % longer.
    """
    pad = factor // 2
    # A triangle of half-width `factor` about a centre between or on px covers 2 factor px, one less if factor is odd.
    width = 2 * factor - factor % 2
    line = 1 - np.abs(np.arange(width) - (width - 1) / 2) / factor
    kernel = (np.outer(line, line)[:, :, None, None] * np.eye(images.shape[3]) / line.sum() ** 2).astype(np.float32)
    # Zeros beyond the border take weight away; what the triangle has inside the image gives it back.
    border = (line.sum() ** 2 / np.outer(inside, inside))[None, :, :, None].astype(np.float32)
    x = ops.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    x = ops.conv(x, ops.convert_to_tensor(kernel), strides=factor, padding="valid", data_format="channels_last")
    return x * ops.convert_to_tensor(border)
