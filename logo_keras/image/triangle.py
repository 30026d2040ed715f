"""The triangle filter that makes images smaller inside the graphs of models."""

import numpy as np


def triangle(length, size):
    """The filter of each of `size` samples at each of `length` px, as wide as their step (bilinear, half-pixel centres).

    Args:
        length: int, px.
        size: int, at most `length`.

    Returns:
        float `[size, length]`, 1 at the sample itself.
    """
    step = length / size
    samples = (np.arange(size) + 0.5) * step - 0.5
    return np.maximum(0, 1 - np.abs(samples[:, None] - np.arange(length)) / step)


def widening(size, length):
    """The other way: weights of `size` px in `length` px, of which `triangle`, its sums being 1, makes the same `size` px again.

    Of all such weights these give the least px; they may lie a little below or above what they are made of.

    Args:
        size: int, px, at most `length`.
        length: int, px.

    Returns:
        float32 `[length, size]`.
    """
    weights = triangle(length, size)
    return np.linalg.pinv(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
