"""The cells of a detector's maps: where they lie, and which of them is to find which box."""

from typing import NamedTuple

import numpy as np
from keras import ops

# Tian et al. 2019, arXiv:1904.01355, in the version with centre sampling: cells within so many strides of the middle of a box are
# to find it.
RADIUS = 1.5
# Longer sides of the boxes that a level is to find, in its strides: at 8, 16, 32 px up to 56 px, 40 to 112, and from 80. Ours:
# as in arXiv:1904.01355, section 3.2, a level has those of about its own size, but the ranges overlap, since a box between two
# is found as well by both.
LONGER_SIDES = (2.5, 7.0)


class Cells(NamedTuple):
    """The cells of all levels, in the order level, row, column.

    Attributes:
        centres: float32 numpy array `[A, 2]`, `(y, x)` px of the whole image as it is seen.
        strides: float32 numpy array `[A]`, px.
        longer_sides: float32 numpy array `[A, 2]`, px: from, to, of the boxes that a cell is to find.
    """

    centres: np.ndarray
    strides: np.ndarray
    longer_sides: np.ndarray


def make_cells(whole_size, strides):
    """Makes the cells of an image.

    Args:
        whole_size: int, px, side of the image.
        strides: ints, px, rising; one a level. Grids are `ceil(whole_size / stride)`.

    Returns:
        Cells. The first level has the smallest boxes too, and the last one the largest.
    """
    levels = []
    for stride in strides:
        axis = (np.arange(-(-whole_size // stride)) + 0.5) * stride
        centres = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        shortest = 0 if stride == min(strides) else LONGER_SIDES[0] * stride
        longest = np.inf if stride == max(strides) else LONGER_SIDES[1] * stride
        sides = np.full((len(centres), 2), (shortest, longest))
        levels.append((centres, np.full(len(centres), stride), sides))
    return Cells(*(np.concatenate(part).astype(np.float32) for part in zip(*levels, strict=True)))


def assign(cells, boxes, labels):
    """The box that each cell is to find.

    A cell is to find a box whose longer side is in its range and whose middle is within `RADIUS` strides of the cell's centre,
    along both axes, but not beyond the box; of several the one with the smallest area. Of a box that is so thin that it may lie
    between two rows or columns of centres, those within half a stride find it too, so that no box is left out.

    Args:
        cells: Cells.
        boxes: float `[B, M, 4]`, `(y0, x0, y1, x1)`, px of the whole image as it is seen.
        labels: int `[B, M]`; below 0 there is no box.

    Returns:
        found: bool `[B, A]`, whether a cell is to find a box.
        wanted: float `[B, A, 4]`, which one; anything where it is none.

    Source:
        Tian et al. 2019, arXiv:1904.01355, sections 3.1 and 3.2.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    strides = cells.strides[:, None, None]
    # [B, A, M, 2]. Not ops.clip, whose bounds TensorFlow does not broadcast.
    within = ops.minimum(ops.maximum(sides[:, None] / 2, 0.5 * strides), RADIUS * strides)
    near = ops.all(ops.abs(cells.centres[:, None] - middles[:, None]) <= within, axis=-1)
    longer = ops.max(sides, axis=-1)[:, None]
    shortest, longest = cells.longer_sides[:, :1], cells.longer_sides[:, 1:]
    fits = ops.logical_and(longer >= shortest, longer < longest)
    claims = ops.logical_and(ops.logical_and(near, fits), (labels >= 0)[:, None])
    areas = ops.where(claims, ops.prod(sides, axis=-1)[:, None], np.inf)
    smallest = ops.argmin(areas, axis=-1)
    return ops.any(claims, axis=-1), ops.take_along_axis(boxes, smallest[..., None], axis=1)
