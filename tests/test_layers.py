import golden
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from logo_keras.network import (
    Augmentation,
    BoxHead,
    CentreScores,
    CosineHead,
    FeaturePyramid,
    FusedClassifier,
    GeneralisedMean,
    GridScores,
    Navigator,
    RandomScores,
    Teacher,
    decision,
)
from logo_keras.network.anchors import make_anchors
from logo_keras.network.augmentation import augmentation_maps, region_crop, region_drop

AUGMENTATION = golden.load("augmentation")
NAVIGATION = golden.load("navigation")

# One row a layer: how to make it, its call arguments.
LAYERS = {
    "navigator": (lambda: Navigator(), [np.ones((2, 3, 3, 5))]),
    "navigator_16": (lambda: Navigator(16, filters=4), [[np.ones((2, 6, 6, 5)), np.ones((2, 3, 3, 7))]]),
    "random_scores": (lambda: RandomScores(7, seed=3), [np.ones((2, 3, 3, 5))]),
    "centre_scores": (lambda: CentreScores(make_anchors(64), 64), [np.ones((2, 2, 2, 5))]),
    "grid_scores": (lambda: GridScores(make_anchors(64), 64, 3), [[np.ones((2, 4, 4, 5)), np.ones((2, 2, 2, 7))]]),
    "teacher": (lambda: Teacher(3), [np.ones((2, 4, 5))]),
    "fused_classifier": (lambda: FusedClassifier(3), [np.ones((2, 4, 5)), np.ones((2, 6))]),
    "cosine_head": (lambda: CosineHead(4, 2, sub_centres=3), [np.ones((2, 5))]),
    "generalised_mean": (lambda: GeneralisedMean(), [np.ones((2, 3, 3, 5))]),
    "feature_pyramid": (lambda: FeaturePyramid(4), [[np.ones((2, 4, 4, 3)), np.ones((2, 2, 2, 5)), np.ones((2, 1, 1, 7))]]),
    "box_head": (lambda: BoxHead((8, 16), 4), [[np.ones((2, 4, 4, 4)), np.ones((2, 2, 2, 4))]]),
    "augmentation": (
        lambda: Augmentation(8, 0.4, 0.6),
        [
            np.ones((2, 16, 16, 3)),
            np.array([[[0, 0, 8, 8]]] * 2),
            np.random.RandomState(0).uniform(size=(2, 1, 2, 2, 4)),
        ],
    ),
}


@pytest.mark.parametrize("make, arguments", LAYERS.values(), ids=LAYERS)
def test_layer_gives_the_same_after_its_configuration_and_weights_moved(make, arguments):
    arguments = keras.tree.map_structure(np.float32, arguments)
    layer = make()
    wanted = layer(*arguments)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    copy(*arguments)
    copy.set_weights(layer.get_weights())
    keras.tree.map_structure(np.testing.assert_array_equal, copy(*arguments), wanted)
    assert copy.get_config() == layer.get_config()


@pytest.mark.parametrize("make, arguments", LAYERS.values(), ids=LAYERS)
def test_layer_creates_its_variables_in_build(make, arguments):
    layer = make()
    if not isinstance(layer, Augmentation):  # has none
        layer.build(*map(_shape, arguments))
    before = len(layer.variables)
    layer(*keras.tree.map_structure(np.float32, arguments))
    assert len(layer.variables) == before


def _shape(argument):
    return [part.shape for part in argument] if isinstance(argument, list) else argument.shape


@pytest.mark.parametrize("make, arguments", LAYERS.values(), ids=LAYERS)
def test_permuting_the_batch_permutes_the_output(make, arguments):
    arguments = keras.tree.map_structure(
        lambda x: (x + np.random.RandomState(1).uniform(size=x.shape)).astype(np.float32), arguments
    )
    layer = make()
    straight = layer(*arguments)
    turned = layer(*keras.tree.map_structure(lambda x: x[::-1], arguments))
    keras.tree.map_structure(lambda a, b: np.testing.assert_allclose(a, b[::-1], atol=1e-5), straight, turned)


def reference_navigator():
    """The navigator with the recipe's weights; kernels are (rows, columns, in, out)."""
    shapes = [(3, 3, 2048, 128), (3, 3, 128, 128), (3, 3, 128, 128), (1, 1, 128, 6), (1, 1, 128, 6), (1, 1, 128, 9)]
    navigator = Navigator()
    navigator.build((None, 14, 14, 2048))
    weights = []
    for number, shape in enumerate(shapes):
        weights.append(golden.normal(100 + number, shape, np.sqrt(2 / np.prod(shape[:3]))))
        weights.append(golden.normal(200 + number, shape[3:], 0.1))
    navigator.set_weights(weights)
    return navigator


def test_scores_equal_the_public_code():
    features = np.maximum(golden.normal(1, (2, 14, 14, 2048)), 0)
    np.testing.assert_allclose(reference_navigator()(features), NAVIGATION["scores"], atol=5e-5)


@pytest.mark.parametrize("stride, grids", [(32, (7, 4, 2)), (16, (14, 7, 4))])
def test_navigator_scores_every_anchor(stride, grids):
    maps = [np.zeros((1, 14, 14, 3), np.float32), np.zeros((1, 7, 7, 3), np.float32)]
    scores = Navigator(stride)(maps if stride == 16 else maps[1])
    assert scores.shape == (1, 6 * grids[0] ** 2 + 6 * grids[1] ** 2 + 9 * grids[2] ** 2)


def test_no_gradient_passes_the_navigator():
    maps = tf.Variable(np.ones((1, 3, 3, 4), np.float32))
    navigator = Navigator()
    with tf.GradientTape() as tape:
        loss = ops.sum(navigator(maps))
    gradients = tape.gradient(loss, [maps.value(), *(v.value for v in navigator.trainable_variables)])
    assert gradients[0] is None
    assert all(gradient is not None for gradient in gradients[1:])


def test_a_navigator_stride_of_8_is_refused():
    with pytest.raises(ValueError, match="16 or 32"):
        Navigator(8)


def test_confidence_is_the_probability_of_the_true_class():
    logits = np.log(np.float32([[[0.2, 0.8], [0.5, 0.5]], [[0.9, 0.1], [0.3, 0.7]]]))
    np.testing.assert_allclose(Teacher.confidence(logits, np.array([1, 0])), [[0.8, 0.5], [0.9, 0.3]], atol=1e-6)


def test_the_teacher_judges_each_region_by_hand():
    teacher = Teacher(2)
    teacher.build((None, 2, 2))
    teacher.set_weights([np.float32([[1, 2], [3, 4]]), np.float32([0.5, 0])])
    # Features (1, 0) and (0, 1) pick a row of the kernel.
    np.testing.assert_array_equal(teacher(np.float32([[[1, 0], [0, 1]]])), [[[1.5, 2], [3.5, 4]]])


def test_the_papers_decide_by_the_fused_classifier_by_hand():
    logits = {name: np.log(np.float32(p)) for name, p in {"whole": [[0.9, 0.1]], "fused": [[0.2, 0.8]]}.items()}
    np.testing.assert_allclose(decision.fused(logits["whole"], logits["fused"]), [[0.2, 0.8]], atol=1e-6)
    regions = np.log(np.float32([[[0.4, 0.6], [0.5, 0.5]]]))
    np.testing.assert_allclose(decision.mean(logits["whole"], logits["fused"], regions), [[0.5, 0.5]], atol=1e-6)
    np.testing.assert_allclose(decision.mean(logits["whole"], logits["fused"]), [[0.55, 0.45]], atol=1e-6)


def test_the_logarithm_keeps_the_order_of_confidences_too_small_for_float32():
    logits, labels = np.float32([[[300, 0], [200, 0]]]), np.array([1])
    np.testing.assert_array_equal(Teacher.confidence(logits, labels), [[0, 0]])
    np.testing.assert_allclose(Teacher.confidence(logits, labels, log=True), [[-300, -200]])


def test_fused_feature_is_the_regions_in_order_and_then_the_whole():
    layer = FusedClassifier(1)
    layer.build((None, 2, 2), (None, 2))
    layer.set_weights([np.float32([[1], [10], [100], [1000], [10000], [100000]]), np.float32([0])])
    fused = layer(np.float32([[[1, 2], [3, 4]]]), np.float32([[5, 6]]))
    assert float(fused[0, 0]) == 654321


def augment():
    features = np.maximum(golden.normal(11, (2, 2, 7, 7, 64)) + 2 * golden.normal(12, (2, 2, 7, 7, 1)), 0)
    features[1, 1] = 0.25
    boxes = NAVIGATION["top_boxes"][:, :2].astype(np.float32)
    return {name: ops.convert_to_numpy(value) for name, value in Augmentation(224)(golden.image(), boxes, features).items()}


def test_augmentation_equals_the_reference():
    views = augment()
    np.testing.assert_allclose(views["maps"], AUGMENTATION["maps"], atol=1e-6)
    np.testing.assert_allclose(views["crop_boxes"], AUGMENTATION["crop_boxes"], atol=1e-4)
    for name in ("crop", "drop"):
        np.testing.assert_allclose(views[name].mean(axis=(2, 3)), AUGMENTATION[f"{name}_mean"], atol=1e-4)
        # A value or two at the threshold may fall either way in float32.
        differences = np.abs(views[name].ravel()[::997] - AUGMENTATION[f"{name}_samples"])
        assert (differences > 1e-4).sum() <= 2
    share = (views["drop"] == 0).all(axis=-1).mean(axis=(2, 3))
    np.testing.assert_allclose(share, AUGMENTATION["drop_share"], atol=1e-4)


def test_a_constant_map_crops_the_region_itself_and_drops_nothing():
    image = np.random.RandomState(0).uniform(0.1, 1, (1, 32, 32, 3)).astype(np.float32)
    boxes = np.float32([[[4, 4, 20, 20]]])
    views = Augmentation(8)(image, boxes, np.full((1, 1, 3, 3, 2), 0.7, np.float32))
    np.testing.assert_array_equal(views["crop_boxes"], boxes)
    np.testing.assert_array_equal(views["crop"], views["drop"])


def test_crop_and_drop_by_hand():
    # One hot corner of a 2 x 2 map, enlarged to 4 x 4: rows 1, 0.75, 0.25, 0 and their products.
    features = np.float32([1, 0, 0, 0]).reshape(1, 1, 2, 2, 1)
    image = np.ones((1, 8, 8, 1), np.float32)
    views = Augmentation(4, crop_threshold=0.5, drop_threshold=0.7)(image, np.float32([[[0, 0, 8, 8]]]), features)
    np.testing.assert_array_equal(views["crop_boxes"], [[[0, 0, 4, 4]]])
    np.testing.assert_array_equal(views["drop"][0, 0, :2, :2, 0], [[0, 0], [0, 1]])


def test_augmentation_maps_by_hand():
    # Two channels, whose means are 1, 2, 3 and 5; then a constant map.
    features = np.float32([[[0, 2], [1, 3]], [[2, 4], [4, 6]]])
    maps = augmentation_maps(np.stack([features, np.ones_like(features)])[None])
    np.testing.assert_array_equal(maps[0], [[[0, 0.25], [0.5, 1]], [[0, 0], [0, 0]]])


def test_region_crop_by_hand():
    # Above theta_c: rows 1 and 2, column 3 of a region of 8 px, so the box from (2, 6) to (6, 8) of it; then nothing.
    maps = np.zeros((1, 2, 4, 4), np.float32)
    maps[0, 0, 1:3, 3] = 0.6
    crops, boxes = region_crop(np.ones((1, 16, 16, 3), np.float32), np.float32([[[4, 4, 12, 12]] * 2]), maps, 0.5)
    np.testing.assert_array_equal(boxes, [[[6, 10, 10, 12], [4, 4, 12, 12]]])
    np.testing.assert_allclose(crops, np.ones((1, 2, 4, 4, 3)), atol=1e-6)


def test_region_drop_by_hand():
    regions, maps = np.float32([[1, 2], [3, 4]]).reshape(1, 1, 2, 2, 1), np.float32([[0.4, 0.5], [0.6, 1]]).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(region_drop(regions, maps, 0.5)[0, 0, ..., 0], [[1, 2], [0, 0]])
    np.testing.assert_array_equal(region_drop(regions, maps, 0.5, fill=(7,))[0, 0, ..., 0], [[1, 2], [7, 7]])


def test_known_regions_are_not_cut_again():
    image, boxes = np.zeros((1, 8, 8, 1), np.float32), np.float32([[[0, 0, 8, 8]]])
    views = Augmentation(4)(image, boxes, np.zeros((1, 1, 2, 2, 1), np.float32), np.ones((1, 1, 4, 4, 1), np.float32))
    np.testing.assert_array_equal(views["drop"], np.ones((1, 1, 4, 4, 1)))


def test_no_gradient_passes_the_augmentation_maps():
    features = tf.Variable(np.random.RandomState(0).uniform(size=(1, 1, 2, 2, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        views = Augmentation(4)(tf.ones((1, 8, 8, 1)), tf.constant([[[0.0, 0, 8, 8]]]), features)
        total = tf.reduce_sum(views["crop"]) + tf.reduce_sum(views["drop"])
    assert tape.gradient(total, features) is None


@pytest.mark.parametrize("name", ["crop_threshold", "drop_threshold"])
@pytest.mark.parametrize("value", [0, 1, -0.1])
def test_thresholds_outside_0_to_1_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Augmentation(8, **{name: value})


def test_a_seed_gives_the_same_weights():
    maps = np.ones((1, 3, 3, 5), np.float32)
    first, second = Navigator(seed=7), Navigator(seed=7)
    np.testing.assert_array_equal(first(maps), second(maps))
    kernels = [layer.kernel.numpy().ravel()[:6] for layer in (first.down2, first.down3, first.tidy1)]
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[0], kernels[2])


def ranked(layer, count):
    """The numbers of the first anchors by their scores."""
    return np.argsort(-np.asarray(layer(np.zeros((1, 2, 2, 1), np.float32)))[0])[:count]


def test_the_centre_comes_first_and_of_equals_the_larger_and_squarer():
    anchors = make_anchors(448)
    best = anchors[ranked(CentreScores(anchors, 448), 6)]
    # Cells of 64 px: the fourth centre is (224, 224); two scales of three ratios.
    np.testing.assert_allclose((best[:, :2] + best[:, 2:]) / 2, 224, atol=1e-3)
    sides = best[:, 2:] - best[:, :2]
    np.testing.assert_allclose(sides[[0, 3]], 96 * 2 ** (np.array([[2], [1]]) / 3) * np.ones(2), rtol=1e-4)
    np.testing.assert_allclose(sides.prod(axis=1)[:3], sides[0].prod(), rtol=1e-4)


def test_distance_decides_before_size():
    boxes = np.float32([[0, 0, 9, 9], [4, 4, 6, 6], [3, 3, 5, 5], [2, 2, 8, 8], [0, 2.5, 10, 7.5]])
    np.testing.assert_array_equal(ranked(CentreScores(boxes, 10), 5), [4, 3, 1, 0, 2])


def test_a_grid_of_four_takes_the_quarters():
    anchors = np.float32([[2, 2, 8, 8], [0, 0, 5, 5], [5, 5, 10, 10], [0, 5, 5, 10], [5, 0, 10, 5], [0, 0, 4, 4]])
    np.testing.assert_array_equal(ranked(GridScores(anchors, 10, 4), 4), [1, 3, 4, 2])


def test_a_grid_passes_over_what_overlaps_one_that_is_taken():
    # Two cells, the upper and the lower half. The second box fits the lower one better than the third does.
    anchors = np.float32([[0, 0, 6, 10], [4, 0, 10, 10], [8, 0, 10, 10]])
    np.testing.assert_array_equal(ranked(GridScores(anchors, 10, 2), 2), [0, 1])
    # Now it shares 30 of 100 px with the first.
    anchors[1, 0] = 3
    np.testing.assert_array_equal(ranked(GridScores(anchors, 10, 2), 3), [0, 2, 1])


def test_random_scores_follow_the_seed_alone():
    maps = np.zeros((3, 2, 2, 1), np.float32)
    scores = np.asarray(RandomScores(20, seed=4)(maps))
    np.testing.assert_array_equal(scores, RandomScores(20, seed=4)(maps + 1))
    np.testing.assert_array_equal(np.sort(scores[0]), -np.arange(20)[::-1])
    assert not np.array_equal(scores, RandomScores(20, seed=5)(maps))
    noisy = RandomScores(20, seed=4)
    assert not np.array_equal(noisy(maps, training=True), noisy(maps, training=True))


@pytest.mark.parametrize("name", ["random_scores", "centre_scores", "grid_scores"])
def test_controls_have_no_weights(name):
    make, arguments = LAYERS[name]
    layer = make()
    layer(*keras.tree.map_structure(np.float32, arguments))
    assert layer.weights == []


def test_a_drop_leaves_out_to_the_fill():
    image, fill = np.ones((1, 8, 8, 3), np.float32), (0.25, 0.5, -1.0)
    features = np.float32([1, 0, 0, 0]).reshape(1, 1, 2, 2, 1)
    layer = Augmentation(4, drop_threshold=0.7, fill=fill)
    views = layer(image, np.float32([[[0, 0, 8, 8]]]), features)
    np.testing.assert_array_equal(views["drop"][0, 0, 0, 0], fill)
    np.testing.assert_array_equal(views["drop"][0, 0, 1, 1], [1, 1, 1])
    beyond = layer(image, np.float32([[[-40, -40, -20, -20]]]), np.ones((1, 1, 2, 2, 1), np.float32))
    np.testing.assert_allclose(beyond["crop"], np.broadcast_to(fill, (1, 1, 4, 4, 3)), atol=1e-6)
    assert Augmentation.from_config(layer.get_config()).fill == fill


def test_a_crop_below_1_px_is_its_one_px():
    # One hot cell of a region of 4 px: the crop is 4 / 8 px wide, inside px (2, 2).
    image = np.arange(64, dtype=np.float32).reshape(1, 8, 8, 1)
    features = np.zeros((1, 1, 8, 8, 1), np.float32)
    features[0, 0, 5, 5] = 1
    views = Augmentation(8)(image, np.float32([[[0, 0, 4, 4]]]), features)
    np.testing.assert_array_equal(views["crop_boxes"], [[[2.5, 2.5, 3, 3]]])
    # Its middle, 2.75, is a quarter px past that of px 2.
    np.testing.assert_allclose(views["crop"], 2.25 * 8 + 2.25, atol=1e-4)
