"""The fixed boxes that the navigator scores."""

import numpy as np

from logo_keras.errors import UserError

# NTS-Net's grid (Yang et al. 2018, arXiv:1809.00287, section 4.1, and its public code): px of a 448 px image.
REFERENCE_SIZE = 448
STRIDES = (32, 64, 128)
SIZES = (48, 96, 192)
SCALES = ((2 ** (1 / 3), 2 ** (2 / 3)), (2 ** (1 / 3), 2 ** (2 / 3)), (1, 2 ** (1 / 3), 2 ** (2 / 3)))
RATIOS = (0.667, 1, 1.5)
# How many anchors share a cell of each level.
ANCHORS_PER_CELL = tuple(len(level) * len(RATIOS) for level in SCALES)


def make_anchors(image_size, strides=STRIDES, sizes=None, scales=SCALES, ratios=RATIOS, whole_size=None):
    """Makes the anchors of an image, in the order level, scale, aspect ratio, row, column.

    Args:
        image_size: int, px, side of the image; boxes are in its px.
        strides: ints, px of the whole image as the navigator sees it; one a level. Grids are `ceil(whole_size / stride)`.
        sizes: floats, px of `image_size`; one a level. By default 48, 96, 192 at 448 px and in proportion elsewhere.
        scales: floats that multiply each size; one tuple for all levels or one tuple a level.
        ratios: floats, width by height.
        whole_size: int, px, the size at which the navigator sees the image; `image_size` by default.

    Returns:
        float32 numpy array `[A, 4]`, `(y0, x0, y1, x1)` px. Boxes may reach beyond the image.

    Raises:
        ValueError: if a size is not positive, or the levels disagree in number.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 4.1; 1,614 anchors for 448 px.
    """
    whole_size = image_size if whole_size is None else whole_size
    if sizes is None:
        sizes = tuple(size * image_size / REFERENCE_SIZE for size in SIZES)
    if not all(isinstance(level, (tuple, list)) for level in scales):
        scales = (tuple(scales),) * len(strides)
    if not len(strides) == len(sizes) == len(scales):
        raise UserError(
            f"strides, sizes and scales must have one entry a level, got {len(strides)}, {len(sizes)} and {len(scales)}."
        )
    if min(image_size, whole_size, *strides, *sizes) <= 0:
        raise UserError(
            f"image_size, whole_size, strides and sizes must be positive, got {image_size}, {whole_size}, {strides}, {sizes}."
        )
    anchors = []
    for stride, size, level_scales in zip(strides, sizes, scales, strict=True):
        centres = (np.arange(-(-whole_size // stride)) + 0.5) * stride * (image_size / whole_size)
        y, x = (axis.ravel() for axis in np.meshgrid(centres, centres, indexing="ij"))
        for scale in level_scales:
            for ratio in ratios:
                height, width = size * scale / np.sqrt(ratio), size * scale * np.sqrt(ratio)
                anchors.append(np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1))
    return np.concatenate(anchors).astype(np.float32)


def truncate(anchors):
    """Moves the corners of boxes to whole px, as the public code does before it suppresses and cuts.

    Args:
        anchors: float `[..., 4]`, px.

    Returns:
        float32 numpy array of the same shape. Corners are rounded down: the public code adds its padding, which makes
        them positive, truncates, and takes the padding off.
    """
    return np.floor(np.asarray(anchors, np.float32))
