import golden
import numpy as np
import pytest
from keras import ops

from logo_keras.network.anchors import make_anchors, truncate
from logo_keras.network.regions import IOU_THRESHOLD, crop_regions, overlaps, select_regions, shared_areas, suppress

NAVIGATION = golden.load("navigation")


def pick(scores, anchors, count, **options):
    return ops.convert_to_numpy(select_regions(np.asarray(scores, np.float32), np.asarray(anchors, np.float32), count, **options))


def cut(images, boxes, size, **options):
    return ops.convert_to_numpy(crop_regions(np.asarray(images, np.float32), np.asarray(boxes, np.float32), size, **options))


def hills():
    """The scores of suppression.npz: hills of six summits and some noise, so that neighbours compete."""
    anchors = make_anchors(448).astype(np.float64)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    rows = []
    for row in range(256):
        random = np.random.RandomState(5000 + row)
        tops, heights = random.uniform(0, 448, (6, 2)), random.uniform(1, 2, 6)
        distances = ((centres[None] - tops[:, None]) ** 2).sum(-1)
        values = (heights[:, None] * np.exp(-distances / (2 * 60**2))).max(0)
        rows.append((values + 0.05 * random.standard_normal(1614)).astype(np.float32))
    return np.array(rows)


def test_picks_equal_the_public_code():
    index = pick(NAVIGATION["scores"], make_anchors(448), 6)
    np.testing.assert_array_equal(index, NAVIGATION["top_index"])
    np.testing.assert_array_equal(truncate(make_anchors(448))[index], NAVIGATION["top_boxes"])


def test_picks_equal_the_public_code_where_neighbours_compete():
    np.testing.assert_array_equal(pick(hills(), make_anchors(448), 6), golden.load("suppression")["top_index"])


@pytest.mark.parametrize("threshold", [0.24, 0.26])
def test_another_threshold_picks_differently(threshold):
    index = pick(hills(), make_anchors(448), 6, iou_threshold=threshold)
    assert (index != golden.load("suppression")["top_index"]).any(axis=1).sum() > 10


def test_a_tie_goes_to_the_lowest_number():
    apart = [[0, 0, 4, 4], [10, 10, 14, 14], [20, 20, 24, 24]]
    np.testing.assert_array_equal(pick([[1, 1, 1], [0, 2, 2]], apart, 3), [[0, 1, 2], [1, 2, 0]])


def test_the_suppressed_follow_by_score_each_once():
    same = [[0, 0, 4, 4]] * 3 + [[10, 10, 14, 14]]
    np.testing.assert_array_equal(pick([[1, 3, 2, 0]], same, 4), [[1, 3, 2, 0]])


def test_scores_of_minus_infinity_are_picked_last_and_once():
    apart = [[0, 0, 4, 4], [10, 10, 14, 14], [20, 20, 24, 24]]
    np.testing.assert_array_equal(np.sort(pick([[-np.inf, 1, -np.inf]], apart, 3)), [[0, 1, 2]])


def test_all_anchors_can_be_picked():
    anchors = make_anchors(32)
    index = pick(np.random.RandomState(0).standard_normal((2, len(anchors))), anchors, len(anchors))
    np.testing.assert_array_equal(np.sort(index), [np.arange(len(anchors))] * 2)


def test_boxes_are_suppressed_at_the_threshold_itself():
    # Two boxes of 4 x 5 px that share 4 x 2: IoU 8 / 32 = 0.25.
    boxes = [[0, 0, 4, 5], [0, 3, 4, 8], [50, 50, 54, 55]]
    np.testing.assert_array_equal(pick([[3, 2, 1]], boxes, 2), [[0, 2]])


def test_overlap_is_measured_on_whole_px():
    # Untruncated the boxes share less than a quarter.
    boxes = [[0, 0, 4, 5.9], [0, 3.9, 4, 8.9], [50, 50, 54, 55]]
    np.testing.assert_array_equal(pick([[3, 2, 1]], boxes, 2), [[0, 2]])


def test_permuting_the_batch_permutes_the_picks():
    scores = hills()[:8]
    np.testing.assert_array_equal(pick(scores[::-1], make_anchors(448), 6), pick(scores, make_anchors(448), 6)[::-1])


@pytest.mark.parametrize("count", [0, 5])
def test_more_proposals_than_anchors_are_refused(count):
    with pytest.raises(ValueError, match="num_proposals"):
        pick(np.zeros((1, 4)), np.zeros((4, 4)), count)


@pytest.mark.parametrize("threshold", [0, 1])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(ValueError, match="iou_threshold"):
        pick(np.zeros((1, 4)), np.zeros((4, 4)), 1, iou_threshold=threshold)


def test_crops_equal_the_public_code():
    crops = cut(golden.image(), NAVIGATION["top_boxes"], 224)
    np.testing.assert_allclose(crops.mean(axis=(2, 3)), NAVIGATION["crop_mean"], atol=1e-5)
    np.testing.assert_allclose(crops.ravel()[::997], NAVIGATION["crop_samples"], atol=1e-5)


def test_a_box_of_the_crops_size_is_cut_px_by_px():
    image = np.random.RandomState(0).uniform(size=(1, 8, 9, 3))
    np.testing.assert_allclose(cut(image, [[[2, 3, 6, 7]]], 4)[0, 0], image[0, 2:6, 3:7], atol=1e-6)


@pytest.mark.parametrize("antialias", [False, True])
def test_outside_the_image_is_zero(antialias):
    crop = cut(
        np.ones((1, 8, 8, 1)),
        [
            [[-20, -20, -10, -10]],
        ],
        4,
        antialias=antialias,
    )
    assert np.abs(crop).max() == 0


def test_corners_lie_on_the_corner_px():
    ramp = np.arange(16.0)[None, :, None, None] * np.ones((1, 16, 16, 1))
    rows = cut(ramp, [[[4, 4, 12, 12]]], 4)[0, 0, :, 1, 0]
    np.testing.assert_allclose(rows, 4 + np.arange(4) * 7 / 3, atol=1e-5)


def test_antialiasing_averages_a_checkerboard():
    board = (np.indices((64, 64)).sum(0) % 2)[None, :, :, None]
    plain, smooth = (cut(board, [[[8, 8, 56, 56]]], 8, antialias=antialias) for antialias in (False, True))
    assert np.abs(smooth - 0.5).max() < 0.01 < np.abs(plain - 0.5).max()


def test_antialiasing_keeps_a_constant_image():
    crop = cut(np.ones((1, 64, 64, 2)), [[[10, 12, 50, 53]]], 9, antialias=True)
    np.testing.assert_allclose(crop, 1, atol=1e-6)


def test_antialiasing_changes_nothing_where_nothing_shrinks():
    image = np.random.RandomState(0).uniform(size=(1, 32, 32, 3))
    boxes = [[[3, 4, 11, 12]]]
    np.testing.assert_allclose(cut(image, boxes, 16, antialias=True), cut(image, boxes, 16), atol=1e-6)


def test_images_of_unknown_size_are_refused():
    import keras

    with pytest.raises(ValueError, match="known height"):
        crop_regions(keras.KerasTensor((1, None, None, 3)), keras.KerasTensor((1, 2, 4)), 8)


def test_shared_areas_by_hand():
    common, union = shared_areas(np.float32([[0, 0, 4, 5], [9, 9, 9, 9]]), np.float32([0, 3, 4, 8]))
    np.testing.assert_array_equal(common, [8, 0])
    np.testing.assert_array_equal(union, [32, 20])


def test_the_papers_threshold_counts_as_reached():
    assert IOU_THRESHOLD == 0.25
    np.testing.assert_array_equal(overlaps(np.float32([[0, 0, 4, 5], [0, 0, 4, 4]]), np.float32([0, 3, 4, 8])), [True, False])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits_are_cut_at_the_same_px(dtype):
    # Column 400 of a ramp: 16 bits of either kind would put the box elsewhere.
    image = (np.arange(448.0) % 16)[None, None, :, None] * np.ones((1, 448, 1, 1))
    boxes = np.float32([[[401, 403, 418, 420]]])
    crop = crop_regions(ops.cast(image, dtype), boxes, 17)
    assert crop.dtype == dtype
    np.testing.assert_array_equal(ops.cast(crop, "float32")[0, 0, :, :, 0], cut(image, boxes, 17)[0, 0, :, :, 0])


@pytest.mark.parametrize("antialias", [False, True])
def test_outside_the_image_is_the_fill_of_each_channel(antialias):
    image = np.random.RandomState(0).uniform(size=(2, 16, 16, 3))
    boxes = [[[-40, -40, -20, -20], [2, 3, 12, 13], [-6, -6, 10, 10]]] * 2
    fill = (0.5, -1.0, 2.0)
    plain, filled = (cut(image, boxes, 4, antialias=antialias, **options) for options in ({}, {"fill": fill}))
    np.testing.assert_allclose(filled[:, 0], np.broadcast_to(fill, (2, 4, 4, 3)), atol=1e-6)
    np.testing.assert_allclose(filled[:, 1], plain[:, 1], atol=1e-6)
    # Wherever the image counts 0, the fill counts in full.
    ones = cut(np.ones((2, 16, 16, 3)), boxes, 4, antialias=antialias)
    np.testing.assert_allclose(filled, plain + (1 - ones) * fill, atol=1e-5)


def test_a_fill_of_0_adds_nothing_to_the_graph():
    import tensorflow as tf

    def operations(**options):
        function = tf.function(lambda images, boxes: crop_regions(images, boxes, 4, **options))
        graph = function.get_concrete_function(tf.TensorSpec((1, 8, 8, 3)), tf.TensorSpec((1, 1, 4))).graph
        return [operation.type for operation in graph.get_operations()]

    assert operations() == operations(fill=(0.0, 0.0, 0.0))
    assert len(operations(fill=0.5)) > len(operations())


@pytest.mark.parametrize("fill", [(1, 2), np.nan])
def test_a_fill_that_is_no_colour_is_refused(fill):
    with pytest.raises(ValueError, match="fill must be a number or 3 numbers"):
        cut(np.zeros((1, 8, 8, 3)), [[[0, 0, 4, 4]]], 4, fill=fill)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("height", [1.0, 0.75, 0.25, 0.0, -0.5])
def test_a_side_of_1_px_or_less_is_sampled_at_its_middle(height, antialias):
    # The middle of px 5 is at 5.5, where the box is too; a ramp tells where the samples lie.
    ramp = np.arange(16.0)[None, :, None, None] * np.ones((1, 16, 16, 1))
    box = [5.5 - height / 2, 2, 5.5 + height / 2, 10]
    crop = cut(np.concatenate([ramp, ramp.transpose(0, 2, 1, 3)], -1), [[box]], 4, antialias=antialias)[0, 0]
    np.testing.assert_allclose(crop[..., 0], 5, atol=1e-5)
    assert (np.diff(crop[..., 1], axis=1) > 0).all()


def test_a_box_shrinks_to_its_middle_without_a_leap():
    ramp = np.arange(16.0)[None, :, None, None] * np.ones((1, 16, 16, 1))
    sides = (1.1, 1.0, 0.9, 0.5, 0.1)
    crops = cut(ramp, [[[6.25 - side / 2, 0, 6.25 + side / 2, 8] for side in sides]], 3)[0, :, :, 0, 0]
    np.testing.assert_allclose(crops, 5.75 + np.maximum(np.float32(sides) - 1, 0)[:, None] * [-0.5, 0, 0.5], atol=1e-4)


def test_boxes_of_each_image_are_suppressed_as_if_it_were_alone():
    random = np.random.RandomState(0)
    corners = random.uniform(0, 50, (4, 30, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 40, (4, 30, 2))], axis=-1).astype(np.float32)
    scores = random.standard_normal((4, 30)).astype(np.float32)
    together = ops.convert_to_numpy(suppress(scores, boxes, 6, 0.3))
    alone = [ops.convert_to_numpy(suppress(scores[row : row + 1], boxes[row], 6, 0.3))[0] for row in range(4)]
    np.testing.assert_array_equal(together, alone)


def test_suppression_measures_boxes_as_they_are_by_hand():
    # The IoU of the first two is 0.6, truncated to whole px 1.
    boxes = np.float32([[[0, 0, 1.0, 1], [0.25, 0, 1.25, 1], [9, 9, 10, 10]]])
    scores = np.float32([[3, 2, 1]])
    for threshold, picks in ((0.5, [0, 2]), (0.7, [0, 1])):
        np.testing.assert_array_equal(suppress(scores, boxes, 2, threshold), [picks])


@pytest.mark.parametrize("antialias", [False, True])
def test_beyond_the_edge_the_outermost_px_go_on(antialias):
    image = np.random.RandomState(0).uniform(size=(1, 16, 16, 3))
    padded = np.pad(image, ((0, 0), (12, 12), (12, 12), (0, 0)), "edge")
    boxes = np.float32([[[-6, 3, 10, 19], [12, -8, 20, 0]]])
    wanted = cut(padded, boxes + 12, 6, antialias=antialias)
    np.testing.assert_allclose(cut(image, boxes, 6, antialias=antialias, fill="edge"), wanted, atol=1e-5)
