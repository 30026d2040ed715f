"""Batch norm in one operation gives what Keras's own gives: values, statistics, gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from logo_keras.backbones.batch_norm import BatchNorm

IMAGES = np.random.default_rng(0).normal(3.0, 2.0, (4, 5, 6, 7)).astype(np.float32)
OPTIONS = {"epsilon": 1e-3, "momentum": 0.9}


def both(**options):
    """Our layer and Keras's, with the same scale and offset."""
    layers = [kind(**OPTIONS, **options) for kind in (BatchNorm, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.build(IMAGES.shape)
        layer.gamma.assign(np.linspace(0.5, 2, 7))
        layer.beta.assign(np.linspace(-1, 1, 7))
    return layers


def trained(layer, images=IMAGES):
    """What a training step gives: outputs, statistics after it, and gradients of a loss."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=True)
        loss = tf.reduce_sum(tf.sin(tf.cast(outputs, "float32")))
    return outputs, layer.moving_mean, layer.moving_variance, *tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])


def test_a_training_step_gives_what_keras_s_own_gives():
    for ours, theirs in zip(*map(trained, both()), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)


def test_one_operation_normalises():
    layer, _ = both()
    graph = tf.function(lambda images: layer(images, training=True)).get_concrete_function(tf.constant(IMAGES)).graph
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


def test_images_of_a_single_px_leave_a_variance_of_none():
    for ours, theirs in zip(*(trained(layer, IMAGES[:1, :1, :1])[:3] for layer in both()), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_frozen_layer_and_inference_use_the_running_statistics(training):
    layer, theirs = both()
    for each in (layer, theirs):
        each.moving_mean.assign(np.full(7, 2.0))
        each.trainable = not training
    np.testing.assert_allclose(layer(IMAGES, training=training), theirs(IMAGES, training=training), atol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, np.full(7, 2.0))


def test_16_bits_are_normalised_in_32():
    ours, theirs = (trained(layer, IMAGES.astype(np.float16)) for layer in both(dtype="mixed_float16"))
    assert ours[0].dtype == tf.float16
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-5)
    np.testing.assert_allclose(ours[0], theirs[0], atol=2e-3)


def test_a_backbone_as_a_value_travels_in_a_file(tmp_path):
    import logo_keras as lk

    value = lk.backbones.backbone("efficientnet_lite0", None)
    model = lk.Classifier(num_classes=2, image_size=32, backbone=value)
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(1).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    again = lk.load(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0)["probabilities"], model.predict(images, verbose=0)["probabilities"]
    )
