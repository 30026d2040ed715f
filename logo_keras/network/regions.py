"""Picks regions by greedy non-maximum suppression and cuts them out, in static shapes and builtin operators."""

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from logo_keras.errors import UserError
from logo_keras.network.anchors import truncate


class Proposals(NamedTuple):
    """The regions that deserve a closer look, best first.

    Attributes:
        scores: float `[B, A]`, informativeness I of every anchor.
        index: int32 `[B, M]`, anchor numbers.
        boxes: float `[B, M, 4]`, `(y0, x0, y1, x1)`, whole px.
    """

    scores: object
    index: object
    boxes: object


# Yang et al. 2018, arXiv:1809.00287, section 4.1: regions that share more are suppressed.
IOU_THRESHOLD = 0.25
_LOWEST = float(np.finfo(np.float32).min)


def propose(scores, anchors, count):
    """Proposes the `count` best regions, see `select_regions`; returns Proposals."""
    index = select_regions(scores, anchors, count)
    return Proposals(scores, index, ops.take(ops.convert_to_tensor(truncate(anchors)), index, axis=0))


def close_picks(scores, picks, boxes, tolerance, iou_threshold=IOU_THRESHOLD):
    """Whether another anchor came within `tolerance` of a pick, or, of boxes of an image's own, one of being suppressed.

    Args:
        scores: float numpy array `[B, A]`.
        picks: int numpy array `[B, K]`, what `suppress` gave.
        boxes: float numpy array `[A, 4]`, truncated to whole px, so that what they share is exact; or `[B, A, 4]`.
        tolerance: float, in units of the scores, and of what boxes share.
        iou_threshold: float in (0, 1).

    Returns:
        bool numpy array `[B]`.
    """
    exact = np.ndim(boxes) == 2
    of_images = [boxes] * len(scores) if exact else boxes
    rows = zip(scores, picks, of_images, strict=True)
    return np.array([_close(*row, tolerance, iou_threshold, exact) for row in rows])


def _close(scores, picks, boxes, tolerance, threshold, exact):
    alive = np.ones(len(scores), bool)
    for pick in picks:
        rivals = np.sort(scores[alive])[-2:]
        if len(rivals) == 2 and rivals[1] - rivals[0] < tolerance:
            return True
        common, union = map(ops.convert_to_numpy, shared_areas(boxes, boxes[pick]))
        if not exact and (np.abs(common - threshold * union) < tolerance * union)[alive].any():
            return True
        alive &= common < threshold * union
    return False


def select_regions(scores, anchors, num_proposals, iou_threshold=IOU_THRESHOLD):
    """Greedy non-maximum suppression of the whole batch at once.

    Best first; a tie goes to the lowest anchor number. A box is suppressed when its IoU with a picked one reaches the
    threshold, measured on boxes truncated to whole px and not clipped to the image. When fewer than `num_proposals`
    survive, the suppressed ones follow by score, each once.

    Args:
        scores: float `[B, A]`.
        anchors: float numpy array `[A, 4]`, `(y0, x0, y1, x1)` px.
        num_proposals: int M, at most A.
        iou_threshold: float in (0, 1).

    Returns:
        int32 `[B, M]`, anchor numbers.

    Raises:
        ValueError: if `num_proposals` is not in 1..A or the threshold not in (0, 1).

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.2, and its public code.
    """
    boxes = truncate(anchors)
    if not 1 <= num_proposals <= len(boxes):
        raise UserError(f"num_proposals must lie in 1..{len(boxes)}, the number of anchors, got {num_proposals}.")
    if not 0 < iou_threshold < 1:
        raise UserError(f"iou_threshold must lie in (0, 1), got {iou_threshold!r}.")
    return suppress(scores, boxes, num_proposals, iou_threshold)


def suppress(scores, boxes, count, iou_threshold):
    """Greedy non-maximum suppression as `select_regions`, of boxes as they are.

    Args:
        scores: float `[B, A]`.
        boxes: float `[A, 4]`, those of every image, or `[B, A, 4]`, `(y0, x0, y1, x1)` px.
        count: int, at most A.
        iou_threshold: float in (0, 1).

    Returns:
        int32 `[B, count]`, places of boxes, best first.
    """
    scores = ops.stop_gradient(ops.maximum(ops.convert_to_tensor(scores, dtype="float32"), _LOWEST))
    corners = ops.convert_to_tensor(boxes)
    numbers = ops.arange(corners.shape[-2], dtype="int32")
    picked = ops.zeros_like(scores, dtype="bool")
    suppressed = ops.zeros_like(scores, dtype="bool")
    indices = []
    for _ in range(count):
        alive = ops.where(suppressed, -math.inf, scores)
        rest = ops.where(picked, -math.inf, scores)
        some_alive = ops.max(alive, axis=-1, keepdims=True) > -math.inf
        # Not ops.argmax: in Keras 3.15 it adds BitwiseAnd, which LiteRT cannot run.
        index = ops.top_k(ops.where(some_alive, alive, rest), k=1)[1]
        index = ops.cast(index, "int32")
        indices.append(index)
        picked = ops.logical_or(picked, ops.equal(numbers, index))
        suppressed = ops.logical_or(suppressed, overlaps(corners, _at(corners, index), iou_threshold))
    return ops.concatenate(indices, axis=-1)


def _at(boxes, index):
    """The boxes `[B, K, 4]` of places `[B, K]`, out of `[A, 4]` or `[B, A, 4]`."""
    return ops.take(boxes, index, axis=0) if len(boxes.shape) == 2 else ops.take_along_axis(boxes, index[..., None], axis=1)


def overlaps(boxes, others, threshold=IOU_THRESHOLD):
    """Whether the intersection over union of boxes reaches a threshold.

    Args:
        boxes: float `[..., 4]`, `(y0, x0, y1, x1)` px.
        others: float `[..., 4]`, likewise; the leading axes of both are broadcast.
        threshold: float in (0, 1).

    Returns:
        bool `[...]`.
    """
    common, union = shared_areas(boxes, others)
    # A product instead of a quotient: whole px are exact in float32, and an empty union needs no guard.
    return common >= threshold * union


def shared_areas(boxes, others):
    """The area that boxes have in common, and the area that they cover together.

    Args:
        boxes: float `[..., 4]`, `(y0, x0, y1, x1)` px.
        others: float `[..., 4]`, likewise; the leading axes of both are broadcast.

    Returns:
        Two float `[...]`, px squared.
    """
    y0, x0, y1, x1 = (boxes[..., corner] for corner in range(4))
    top, left, bottom, right = (others[..., corner] for corner in range(4))
    height = ops.relu(ops.minimum(y1, bottom) - ops.maximum(y0, top))
    width = ops.relu(ops.minimum(x1, right) - ops.maximum(x0, left))
    common = height * width
    return common, (y1 - y0) * (x1 - x0) + (bottom - top) * (right - left) - common


def crop_regions(images, boxes, size, antialias=False, largest=None, fill=0.0):
    """Cuts boxes out of images and resamples each to a square.

    Bilinear with aligned corners: sample i lies at `y0 + i (y1 - y0 - 1) / (size - 1)`; `fill` outside the image. All
    samples of a side below 1 px lie at its middle.

    Args:
        images: `[B, H, W, C]`, normalised; integers are read as floats. H, W and C must be known when the graph is built.
        boxes: float `[B, K, 4]`, `(y0, x0, y1, x1)` in px of `images`.
        size: int, px. Side of each crop.
        antialias: bool. Where a box is larger than `size`, widen the filter (a triangle) by the same factor.
        largest: float, px, the largest side of a box that `antialias` is prepared for; larger ones are cut correctly but
            less smoothly. The side of the image by default. It sets the number of px that make a sample, and so the cost.
        fill: float, or C floats, what lies outside the image; `"edge"` lets its outermost px go on.

    Returns:
        float `[B, K, size, size, C]`, in the range and of the type of `images`, float32 for integers; computed in float32
        at least. No gradient reaches the boxes.

    Raises:
        ValueError: if the shape of an image is unknown, `size` is below 2, or `fill` is neither one number, C, nor `"edge"`.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.3.
    """
    height, width, channels = images.shape[1:]
    if None in (height, width, channels):
        raise UserError(f"crop_regions needs images of known height, width and channels, got {tuple(images.shape)}.")
    if size < 2:
        raise UserError(f"size must be at least 2 px, got {size}.")
    # A px of a large image has no number of its own in 16 bits, and what lies between two px none in an integer.
    precise = keras.backend.result_type(images.dtype, "float32")
    given = images.dtype if keras.backend.is_float_dtype(images.dtype) else precise
    images, boxes = ops.cast(images, precise), ops.cast(ops.stop_gradient(ops.convert_to_tensor(boxes)), precise)
    boxes = _at_least_one_px(boxes)
    goes_on = isinstance(fill, str) and fill == "edge"
    fill = None if goes_on else _fill(fill, channels, precise)
    if fill is not None:
        # What lies outside counts 0 below.
        images = images - fill
    reach = math.ceil(((largest or max(height, width)) - 1) / (size - 1)) if antialias else 1
    count = boxes.shape[1]
    options = {"size": size, "reach": max(reach, 1), "goes_on": goes_on}
    rows = ops.reshape(images, (-1, width * channels))
    x = _sample_rows(rows, boxes[..., 0], boxes[..., 2], length=height, per_image=1, **options)
    # The resampling is separable: once the rows are done, columns become rows.
    x = ops.transpose(ops.reshape(x, (-1, count, size, width, channels)), (0, 1, 3, 2, 4))
    columns = ops.reshape(x, (-1, size * channels))
    x = _sample_rows(columns, boxes[..., 1], boxes[..., 3], length=width, per_image=count, **options)
    x = ops.transpose(ops.reshape(x, (-1, count, size, size, channels)), (0, 1, 3, 2, 4))
    return ops.cast(x if fill is None else x + fill, given)


def _at_least_one_px(boxes):
    """The boxes; of a side below 1 px the one px about its middle."""
    start, stop = boxes[..., :2], boxes[..., 2:]
    start = ops.minimum(start, (start + stop - 1) / 2)
    return ops.concatenate([start, ops.maximum(stop, start + 1)], axis=-1)


def _fill(fill, channels, dtype):
    """The colour outside an image as a tensor, or None where it is 0: then nothing needs to be computed."""
    values = np.asarray(fill, np.float64)
    if values.shape not in ((), (channels,)) or not np.isfinite(values).all():
        raise UserError(f"fill must be a number or {channels} numbers, one a channel, got {fill!r}.")
    return ops.convert_to_tensor(values.astype(np.float32), dtype=dtype) if values.any() else None


def _sample_rows(rows, start, stop, size, length, per_image, reach, goes_on):
    """Resamples stacks of rows from `start` to `stop`.

    Gathered rows, not a product with a matrix of weights: 2.5 to 4.5 times as fast without antialiasing, and 1.2 to 2.9 times
    with it (benchmarks/results/crop.md).

    Args:
        rows: float `[stacks * length, row]`; the stacks of an image follow each other.
        start, stop: float `[B, K]`, px.
        size: int, samples a box.
        length: int, rows a stack.
        per_image: int, 1 if the K boxes of an image share a stack, K if each has its own.
        reach: int, the half-width of the widest filter in px.
        goes_on: bool, whether the outermost rows go on beyond the image, or nothing is there.

    Returns:
        float `[B, K, size, row]`.
    """
    count, last = start.shape[1], size - 1
    extent = stop - start - 1
    # Positions in px times `last`: whole numbers for boxes of whole px, so that float32 holds them exactly.
    samples = start[..., None] * last + ops.arange(size, dtype=start.dtype) * extent[..., None]
    half_width = ops.clip(extent / last, 1.0, float(reach))[..., None]
    stack = ops.reshape(ops.arange(ops.shape(start)[0] * per_image, dtype="int32") * length, (-1, per_image, 1))
    first = ops.floor(samples / last - half_width) + 1
    indices = [first + tap for tap in range(2 * reach)]
    weights = [ops.relu(1 - ops.abs(samples - index * last) / (last * half_width)) for index in indices]
    # Divided by the sum over all px, also those outside the image, which then count as 0.
    total = sum(weights)
    result = 0.0
    for index, weight in zip(indices, weights, strict=True):
        weight = weight / total
        if not goes_on:
            weight = ops.where(ops.logical_and(index >= 0, index <= length - 1), weight, 0.0)
        place = ops.cast(ops.clip(index, 0, length - 1), "int32") + stack
        result = result + ops.reshape(ops.take(rows, place, axis=0), (-1, count, size, rows.shape[-1])) * weight[..., None]
    return result
