"""The region augmentation: crops and drops each region along its own feature map."""

import numbers

import keras
import numpy as np
from keras import ops

from logo_keras.errors import UserError
from logo_keras.network.regions import crop_regions


@keras.saving.register_keras_serializable("logo_keras")
class Augmentation(keras.layers.Layer):
    """Looks closer at what a region's feature map marks (crop), and past it (drop).

    Args:
        region_size: int R, px, side of the crops and drops.
        crop_threshold: float in (0, 1), theta_c: the crop is the box about what lies above it.
        drop_threshold: float in (0, 1), theta_d: the drop is the region, `fill` where the map lies above it.
        antialias: bool, for crops from larger boxes; see `lk.regions.crop_regions`.
        largest: float, px, the largest side of a box, or None; see there.
        fill: float, or a float a channel: what lies outside the image, and what a drop leaves out; see there.

    Call arguments:
        images: `[B, S, S, 3]`, normalised; integers are read as floats.
        boxes: float `[B, K, 4]`, `(y0, x0, y1, x1)` px.
        features: float `[B, K, h, w, C]`, the last feature maps of the regions.
        regions: float `[B, K, R, R, 3]`, the crops of `boxes` where they are known already.

    Returns:
        dict of `maps` `[B, K, h, w]`, the augmentation maps R* in 0..1 (0 where constant), `crop_boxes` `[B, K, 4]` px,
        `crop` and `drop` `[B, K, R, R, 3]`.

    It computes in float32 unless `dtype` says otherwise: 16 bits do not hold the px of a box.

    Raises:
        ValueError: if a threshold is no number in (0, 1).

    Source:
        Wang et al. 2020, arXiv:1911.07924, section 3.3, equations 4 to 7.
    """

    def __init__(self, region_size, crop_threshold=0.5, drop_threshold=0.5, antialias=False, largest=None, fill=0.0, **kwargs):
        super().__init__(**({"dtype": "float32"} | kwargs))
        for name, value in (("crop_threshold", crop_threshold), ("drop_threshold", drop_threshold)):
            if not isinstance(value, numbers.Real) or not 0 < value < 1:
                raise UserError(f"{name} must be a number in (0, 1), got {value!r}.")
        self.region_size = region_size
        self.crop_threshold = crop_threshold
        self.drop_threshold = drop_threshold
        self.antialias = antialias
        self.largest = largest
        self.fill = fill

    def call(self, images, boxes, features, regions=None):
        # Keras's own casting leaves integers as they are.
        images, boxes, features = (ops.cast(value, self.compute_dtype) for value in (images, boxes, features))
        if regions is None:
            regions = crop_regions(images, boxes, self.region_size, self.antialias, self.largest, self.fill)
        maps = augmentation_maps(features)
        return self.views(images, boxes, maps, regions)

    def views(self, images, boxes, maps, regions):
        """Crops and drops along augmentation maps that are known; arguments and what is given as in the class."""
        cutting = {"antialias": self.antialias, "largest": self.largest, "fill": self.fill}
        enlarged = enlarge(maps, self.region_size)
        crop, crop_boxes = region_crop(images, boxes, enlarged, self.crop_threshold, **cutting)
        drop = region_drop(ops.cast(regions, self.compute_dtype), enlarged, self.drop_threshold, self.fill)
        return {"maps": maps, "crop_boxes": crop_boxes, "crop": crop, "drop": drop}


def augmentation_maps(features):
    """R*: the mean over channels, min-max normalised; 0 where it is constant. No gradient passes.

    Args:
        features: float `[B, K, h, w, C]`.

    Returns:
        float `[B, K, h, w]`, in 0..1.

    Source:
        Wang et al. 2020, arXiv:1911.07924, section 3.3, equations 4 and 5.
    """
    means = ops.mean(ops.stop_gradient(features), axis=-1)
    lowest = ops.min(means, axis=(-2, -1), keepdims=True)
    span = ops.max(means, axis=(-2, -1), keepdims=True) - lowest
    return (means - lowest) / ops.where(span > 0, span, 1.0)


def region_crop(images, boxes, maps, threshold, antialias=False, largest=None, fill=0.0):
    """Looks closer: cuts the box about R* > theta_c out of the image anew.

    Args:
        images: float `[B, S, S, C]`, normalised.
        boxes: float `[B, K, 4]`, `(y0, x0, y1, x1)` px.
        maps: float `[B, K, R, R]`, the augmentation maps R* of the boxes, enlarged to the side R of the crops.
        threshold: float in (0, 1), theta_c.
        antialias, largest, fill: see `lk.regions.crop_regions`.

    Returns:
        The crops `[B, K, R, R, C]`, and their boxes `[B, K, 4]` px; where nothing lies above theta_c, the region itself.

    Source:
        Wang et al. 2020, arXiv:1911.07924, section 3.3, equation 6.
    """
    size = maps.shape[-1]
    places = ops.arange(size, dtype="float32")
    first, last = [], []
    for axis in (-1, -2):  # rows: over their columns; columns: over their rows
        above = ops.max(maps, axis=axis) > threshold
        first.append(ops.min(ops.where(above, places, float(size)), axis=-1))
        last.append(ops.max(ops.where(above, places, -1.0), axis=-1))
    start, stop = boxes[..., :2], boxes[..., 2:]
    share0 = ops.stack(first, axis=-1) / size
    share1 = (ops.stack(last, axis=-1) + 1) / size
    about = ops.concatenate([start + share0 * (stop - start), start + share1 * (stop - start)], axis=-1)
    about = ops.where(last[0][..., None] >= 0, about, boxes)
    return crop_regions(images, about, size, antialias, largest, fill), about


def region_drop(regions, maps, threshold, fill=0.0):
    """Looks past what is found: leaves out what has R* > theta_d.

    Args:
        regions: float `[B, K, R, R, C]`, the crops of the regions.
        maps: float `[B, K, R, R]`, their augmentation maps R*, enlarged.
        threshold: float in (0, 1), theta_d.
        fill: float, or C floats, what stands in its place.

    Returns:
        float `[B, K, R, R, C]`.

    Source:
        Wang et al. 2020, arXiv:1911.07924, section 3.3, equation 7.
    """
    blank = ops.convert_to_tensor(fill, dtype=regions.dtype) if np.any(fill) else 0.0
    return ops.where(maps[..., None] > threshold, blank, regions)


def enlarge(maps, size):
    """Enlarges `maps [B, K, h, w]` to `[B, K, size, size]`, bilinear with half-pixel centres."""
    rows, columns = (ops.convert_to_tensor(_bilinear(length, size)) for length in maps.shape[-2:])
    return ops.matmul(ops.matmul(rows, maps), ops.transpose(columns))


def _bilinear(length, size):
    """How much each of `length` cells counts in each of `size` samples: float32 `[size, length]`."""
    samples = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    return np.maximum(0, 1 - np.abs(samples[:, None] - np.arange(length))).astype(np.float32)
