"""The square around a box: what an embedder sees of a mark in a photo. Every client cuts it alike."""

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.preprocessing import check_pixels

# Side of the square in longer sides of the box: a mark is drawn with 5 to 70 % of context around it in training, and real
# boxes were measured with this (docs/embedding.md).
CONTEXT = 1.25
# px. A larger square is shrunk as it is cut, so that a long, narrow photo does not fill the memory; eight times what
# an embedder of 128 px reads.
LARGEST = 1024


def square(photo, box, context=CONTEXT, largest=LARGEST):
    """Cuts the square around a box out of a photo; beyond the photo its outermost px go on.

    Whole px. What reaches beyond the photo counts neither for the middle nor for the side.

    Args:
        photo: uint8 RGB `[H, W, 3]`, upright.
        box: four floats `(y0, x0, y1, x1)`, px of the photo; may reach beyond it.
        context: float, side of the square in longer sides of the box.
        largest: int, px. Of a larger square each px is the mean of 2 x 2, 3 x 3, ... px.

    Returns:
        uint8 RGB `[side, side, 3]`, side at most `largest`.

    Raises:
        ValueError: if `photo` is no such array, or the box is no four numbers, is empty or lies outside the photo.
    """
    check_pixels("photo", photo)
    height, width = photo.shape[:2]
    y0, x0, y1, x1 = _within(box, height, width)
    side = max(1, round(context * max(y1 - y0, x1 - x0)))
    # px that become one.
    step = -(-side // largest)
    side = -(-side // step) * step
    top, left = (round((first + last - side) / 2) for first, last in ((y0, y1), (x0, x1)))
    seen = photo[max(top, 0) : top + side, max(left, 0) : left + side]
    # How far the square reaches beyond what is seen, above, below, to the left and to the right.
    above, before = max(-top, 0), max(-left, 0)
    beyond = (above, side - above - seen.shape[0], before, side - before - seen.shape[1])
    if step > 1:
        seen = _continued(seen, [length % step for length in beyond])
        beyond = [length // step for length in beyond]
        size = (seen.shape[1] // step, seen.shape[0] // step)
        seen = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
    return _continued(seen, beyond)


def squares(photo, boxes=None):
    """What an embedder sees of a photo: the square around each box, or, without boxes, around the whole photo.

    A photo that is no square becomes one by its outermost px going on, so that a mark keeps its shape.

    Args:
        photo: uint8 RGB `[H, W, 3]`, upright.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the photo; None for the photo as a whole.

    Returns:
        list of uint8 RGB `[side, side, 3]`.

    Raises:
        ValueError: as `square` and `several`.
    """
    if boxes is None:
        return [square(photo, whole_box(photo), context=1)]
    return [square(photo, box) for box in several(boxes)]


def several(boxes):
    """Boxes as a list of tuples of floats.

    Raises:
        ValueError: if they are none, for instance a single box.
    """
    try:
        return [tuple(map(float, box)) for box in boxes]
    except (TypeError, ValueError):
        raise UserError(f"boxes must be a list of boxes (y0, x0, y1, x1), px of the photo, got {boxes!r}.") from None


def whole_box(photo):
    """The box of a whole photo: `(0, 0, H, W)`, floats."""
    return 0.0, 0.0, float(photo.shape[0]), float(photo.shape[1])


def _within(box, height, width):
    """The part of a box inside a photo, four floats."""
    try:
        corners = np.asarray(box, np.float64)
    except (TypeError, ValueError):
        corners = np.zeros(0)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise UserError(f"a box must be four numbers (y0, x0, y1, x1), px of the photo, got {box!r}.")
    y0, x0, y1, x1 = np.clip(corners, 0, [height, width, height, width]).tolist()
    if y0 >= y1 or x0 >= x1:
        raise UserError(f"the box {corners.tolist()} is empty, or lies outside the photo of {height} x {width} px.")
    return y0, x0, y1, x1


def _continued(picture, beyond):
    # Always a copy, so that the photo need not stay in memory.
    return cv2.copyMakeBorder(picture, *beyond, cv2.BORDER_REPLICATE)
