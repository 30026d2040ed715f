"""What boxes cover, and what they have in common: numpy, for clients without Keras (`network.regions` has it in graphs)."""

import numpy as np


def areas(boxes):
    """What boxes cover.

    Args:
        boxes: float `[..., 4]`, `(y0, x0, y1, x1)` px.

    Returns:
        float `[...]`, px squared, 0 of boxes that end before they begin.
    """
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)


def common_areas(boxes, others):
    """What boxes have in common.

    Args:
        boxes: float `[..., 4]`, `(y0, x0, y1, x1)` px.
        others: float `[..., 4]`, likewise; the leading axes of both are broadcast.

    Returns:
        float `[...]`, px squared.
    """
    sides = np.minimum(boxes[..., 2:], others[..., 2:]) - np.maximum(boxes[..., :2], others[..., :2])
    return np.maximum(sides, 0).prod(axis=-1)
