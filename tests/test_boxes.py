"""What boxes cover and have in common, by hand and beside what the networks compute."""

import numpy as np
from keras import ops

from logo_keras.image.boxes import areas, common_areas
from logo_keras.network.regions import shared_areas


def test_areas_by_hand():
    boxes = np.float32([[0, 0, 2, 3], [1, 1, 1, 5], [4, 0, 2, 3]])
    # Of height 0, and one that ends before it begins.
    assert areas(boxes).tolist() == [6, 0, 0]


def test_common_areas_by_hand():
    boxes = np.float32([[0, 0, 4, 4], [2, 1, 6, 3], [10, 10, 12, 12]])
    assert common_areas(boxes[:, None], boxes).tolist() == [[16, 4, 0], [4, 8, 0], [0, 0, 4]]
    assert common_areas(boxes[:0], boxes[0]).shape == (0,)


def test_networks_compute_the_same():
    corners = np.random.default_rng(0).integers(0, 50, (2, 30, 4)).astype(np.float32)
    boxes, others = np.concatenate([corners[..., :2], corners[..., :2] + corners[..., 2:]], axis=-1)
    common, union = map(ops.convert_to_numpy, shared_areas(boxes[:, None], others))
    ours = common_areas(boxes[:, None], others)
    np.testing.assert_array_equal(ours, common)
    np.testing.assert_array_equal(areas(boxes)[:, None] + areas(others) - ours, union)
