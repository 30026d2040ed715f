"""Regions beside true logos: by hand, beside the best any anchor could do and beside controls."""

import numpy as np
import pytest

from logo_keras.evaluation.localisation import FIGURES, localise, overlap

# 32 px images, a logo each in the upper left and the lower right quarter.
LOGOS = [np.float32([[0, 0, 16, 16]]), np.float32([[16, 16, 32, 32]])]


def figures(found, name="model"):
    return [found["figures"][name][figure] for figure in FIGURES]


def test_regions_that_are_the_logos_have_all_figures():
    found = localise(LOGOS, np.stack([[logo[0]] for logo in LOGOS]), 32)
    assert (found["samples"], found["logos"], found["regions"]) == (2, 2, 1)
    assert figures(found) == [1] * 6
    # Dealt to the other image they have none.
    assert figures(found, "other_images") == [0] * 6


def test_a_region_of_twice_the_height_by_hand():
    # Both hold the centre; the second region's centre lies on the edge of the logo; half of it is the logo.
    found = localise(LOGOS, np.float32([[[0, 0, 32, 16]], [[0, 16, 32, 32]]]), 32)
    assert figures(found) == [1, 1, 1, 0.5, 1, 1]


def test_the_second_region_counts_for_any_and_for_recall():
    regions = np.float32([[[16, 16, 32, 32], [0, 0, 16, 16]], [[0, 0, 16, 16], [0, 0, 8, 8]]])
    assert figures(localise(LOGOS, regions, 32)) == [0, 0.5, 0, 0, 0.5, 0.5]


def test_recall_is_of_logos_and_the_rest_of_images():
    logos = [np.float32([[0, 0, 16, 16], [16, 16, 32, 32]]), LOGOS[0]]
    found = localise(logos, np.float32([[[0, 0, 16, 16]], [[0, 0, 16, 16]]]), 32)
    assert found["logos"] == 3
    assert figures(found) == [1, 1, 1, 1, pytest.approx(2 / 3), pytest.approx(2 / 3)]


def test_what_lies_outside_the_image_shares_nothing():
    # 16 x 32 px, of which the half in the image is the logo.
    assert figures(localise(LOGOS[:1], np.float32([[[0, -16, 16, 16]]]), 32))[3] == 1


def test_anchors_set_the_ceiling_and_random_ones_lie_between():
    anchors = np.float32([[0, 0, 16, 16], [0, 0, 16, 24], [4, 4, 12, 12], [0, 0, 32, 32]])
    found = localise(LOGOS, np.float32([[[4, 4, 12, 12]]] * 2), 32, anchors)
    assert figures(found, "any_anchor") == [1, 1, 1, pytest.approx((1 + 0.25) / 2), 0.5, 0.5]
    # All cover the first centre, one in four the second; the whole image is the largest.
    assert figures(found, "random_anchors")[0] == pytest.approx((1 + 0.25) / 2, abs=0.1)
    assert figures(found, "largest_anchor")[:4] == [1, 1, 1, 0.25]
    assert 0 < found["figures"]["random_anchors"]["iou"] < found["figures"]["any_anchor"]["iou"]
    assert localise(LOGOS, np.float32([[[4, 4, 12, 12]]] * 2), 32, anchors) == found


def test_the_centre_square_is_as_large_as_the_best_regions():
    middle = [np.float32([[12, 12, 20, 20]])]
    found = localise(middle, np.float32([[[0, 0, 8, 8]]]), 32)
    assert figures(found, "centre_square") == [1, 1, 1, pytest.approx(1), 1, 1]
    # There is no other image, and no anchor is known.
    assert list(found["figures"]) == ["model", "centre_square"]


def test_images_without_a_logo_do_not_count():
    none = np.zeros((0, 4), np.float32)
    assert localise([none], np.zeros((1, 1, 4)), 32) is None
    assert localise([none, LOGOS[0]], np.float32([[[16, 16, 32, 32]], [[0, 0, 16, 16]]]), 32)["figures"]["model"]["iou"] == 1


def test_empty_boxes_share_nothing():
    assert overlap(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0]]
