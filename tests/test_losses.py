import golden
import numpy as np
import pytest
import tensorflow as tf

from logo_keras.network.losses import cross_entropy, generalised_iou, quality_focal_loss, ranking_loss, weighted_mean

NAVIGATION = golden.load("navigation")


def test_region_loss_equals_the_public_code():
    labels = np.repeat([[3], [1], [4], [1]], 6, axis=1)
    loss = cross_entropy(labels, golden.normal(3, (4, 6, 10), 2))
    np.testing.assert_allclose(loss, NAVIGATION["region_loss"], atol=2e-6)


def test_ranking_loss_and_its_gradient_equal_the_public_code():
    scores = tf.Variable(golden.normal(4, (4, 6)))
    with tf.GradientTape() as tape:
        loss = ranking_loss(scores, np.exp(-NAVIGATION["region_loss"]))
    np.testing.assert_allclose(loss, NAVIGATION["ranking_loss"][0], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, scores), NAVIGATION["ranking_grad"], atol=1e-6)


def test_ranking_loss_is_zero_when_scores_follow_confidence():
    assert float(ranking_loss(np.float32([[3, 2, 1, -5]]), np.float32([[0.4, 0.3, 0.2, 0.1]]))) == 0


def test_ranking_loss_counts_each_pair_in_the_wrong_order_by_hand():
    # The teacher is surer of region 1, the navigator of region 0: hinge 1 - (1 - 3).
    assert float(ranking_loss(np.float32([[3, 1]]), np.float32([[0.1, 0.2]]))) == pytest.approx(3)


def test_regions_of_equal_confidence_are_not_ranked():
    assert float(ranking_loss(np.float32([[3, 1]]), np.float32([[0.5, 0.5]]))) == 0


def test_ranking_needs_the_order_of_confidences_only():
    scores, confidences = golden.normal(4, (4, 6)), np.exp(-NAVIGATION["region_loss"])
    assert float(ranking_loss(scores, np.log(confidences))) == float(ranking_loss(scores, confidences))


def test_no_gradient_reaches_the_teacher_through_the_ranking():
    confidences = tf.Variable([[0.1, 0.2]])
    with tf.GradientTape() as tape:
        loss = ranking_loss(tf.constant([[3.0, 1.0]]), confidences)
    assert tape.gradient(loss, confidences) is None


def test_label_smoothing_equals_keras():
    import keras

    logits, labels = golden.normal(3, (5, 4)), np.array([0, 1, 2, 3, 0])
    wanted = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction=None)
    np.testing.assert_allclose(cross_entropy(labels, logits, 0.1), wanted(np.eye(4)[labels], logits), atol=1e-6)


def test_sample_weights_multiply_before_the_mean():
    assert float(weighted_mean(np.float32([1, 2]), np.float32([2, 0]))) == 1


def test_the_quality_focal_loss_by_hand():
    # Probabilities 0.5 and 0.8; of a background 0.5.
    logits, quality = np.float32([0, np.log(4), 0]), np.float32([0.75, 0.8, 0])
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert entropy > 0.5  # of what is known exactly, which costs nothing all the same
    np.testing.assert_allclose(quality_focal_loss(logits, quality), [0.25**2 * np.log(2), 0, 0.5**2 * np.log(2)], atol=1e-6)


def test_no_gradient_of_the_quality_focal_loss_reaches_the_quality():
    logits, quality = tf.Variable([1.0]), tf.Variable([0.5])
    with tf.GradientTape() as tape:
        loss = quality_focal_loss(logits.value(), quality.value())
    gradients = tape.gradient(loss, [logits, quality])
    assert float(gradients[0][0]) > 0 and gradients[1] is None


def test_generalised_iou_by_hand():
    boxes = np.float32([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 2, 2], [0, 0, 4, 4]])
    others = np.float32([[0, 0, 4, 4], [0, 2, 4, 6], [2, 2, 4, 4], [1, 1, 1, 1]])
    # Equal; 8 of 24 px, which fill their hull; apart, with 8 of 16 px of the hull; an empty one inside.
    np.testing.assert_allclose(generalised_iou(boxes, others), [1, 1 / 3, -0.5, 0], atol=1e-6)
