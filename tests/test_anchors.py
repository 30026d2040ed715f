import golden
import numpy as np
import pytest

from logo_keras.network.anchors import make_anchors, truncate


def test_anchors_equal_the_public_code():
    np.testing.assert_allclose(make_anchors(448), golden.load("navigation")["anchors"], atol=5e-5)


def test_there_are_1614_anchors_for_448_px():
    assert make_anchors(448).shape == (1614, 4)


@pytest.mark.parametrize("size", [32, 96, 224, 320, 448, 608])
def test_every_level_has_a_cell_for_each_stride_begun(size):
    cells = [(-(-size // stride)) ** 2 for stride in (32, 64, 128)]
    assert len(make_anchors(size)) == 6 * cells[0] + 6 * cells[1] + 9 * cells[2]


def test_first_centre_lies_in_the_middle_of_the_first_cell():
    y0, x0, y1, x1 = make_anchors(448)[0]
    assert ((y0 + y1) / 2, (x0 + x1) / 2) == pytest.approx((16, 16))


def test_sizes_are_in_proportion_to_the_image():
    large, small = make_anchors(448)[0], make_anchors(224)[0]
    np.testing.assert_allclose(large[2:] - large[:2], 2 * (small[2:] - small[:2]), rtol=1e-6)


def test_a_smaller_whole_image_keeps_boxes_in_px_of_the_input():
    anchors = make_anchors(448, whole_size=224)
    assert len(anchors) == len(make_anchors(224))
    np.testing.assert_allclose(anchors, 2 * make_anchors(224), rtol=1e-6)


def test_strides_sizes_scales_and_ratios_are_arguments():
    anchors = make_anchors(64, strides=(32,), sizes=(10,), scales=(2,), ratios=(4,))
    np.testing.assert_allclose(anchors[0], [11, -4, 21, 36])
    assert len(anchors) == 4


def test_levels_that_disagree_are_refused():
    with pytest.raises(ValueError, match="one entry a level"):
        make_anchors(64, strides=(32, 64))


def test_truncation_rounds_down_left_of_the_image_too():
    np.testing.assert_array_equal(truncate([[-1.5, 1.5, 2, 3.99]]), [[-2, 1, 2, 3]])
