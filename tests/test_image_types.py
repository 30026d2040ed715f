"""Images of any numeric type mean the same: every way in times every type."""

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.backbones import Normalize
from logo_keras.network import Augmentation
from logo_keras.network.regions import crop_regions

TYPES = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16", ml_dtypes.bfloat16, "float64")
LABELS = np.array([0, 1, 2])
BOXES = np.float32([[[4, 4, 40, 40], [-8, 10, 30, 60]]] * 3)


def _run(kind, models, images):
    """What one way in gives, as a list of arrays."""
    model = models["regions" if kind in ("call", "predict", "near_ties") else "plain"]
    model.set_weights(WEIGHTS[id(model)])
    if kind in ("fit", "train_on_batch"):
        model.fit(images, LABELS, shuffle=False, verbose=0) if kind == "fit" else model.train_on_batch(images, LABELS)
        return model.get_weights()
    given = {
        "call": lambda: model(images, embedding=True),
        "predict": lambda: model.predict(images, verbose=0),
        "predict_on_batch": lambda: model.predict_on_batch(images),
        "tf.data": lambda: model.predict(tf.data.Dataset.from_tensor_slices(images).batch(2), verbose=0),
        "evaluate": lambda: model.evaluate(images, LABELS, verbose=0),
        "test_on_batch": lambda: model.test_on_batch(images, LABELS),
        "near_ties": lambda: model.near_ties(images, 0.05),
        "normalized": lambda: model.normalized(images),
        "Normalize": lambda: Normalize((123.675, 116.28, 103.53), (58.4, 57.1, 57.4))(images),
        "crop_regions": lambda: crop_regions(tf.convert_to_tensor(images), BOXES, 8),
        "Augmentation": lambda: Augmentation(8)(images, BOXES, FEATURES),
    }[kind]()
    return [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(given)]


WAYS = ("call", "predict", "predict_on_batch", "tf.data", "evaluate", "test_on_batch", "fit", "train_on_batch")
WAYS += ("near_ties", "normalized", "Normalize", "crop_regions", "Augmentation")
FEATURES = np.random.default_rng(0).uniform(size=(3, 2, 2, 2, 4)).astype("float32")
WEIGHTS = {}


@pytest.fixture(scope="module")
def models():
    """A network with regions and views and one without, run without graphs, so that ten types do not trace them ten times."""
    keras.utils.set_random_seed(0)
    options = {"num_classes": 3, "weights": None, "dropout": 0.0}
    regions = {"image_size": 64, "region_size": 32, "num_proposals": 2, "num_regions": 1, "whole_size": 32}
    made = {
        "regions": lk.DRNANet(backbone=tiny_backbone(), views=("region", "crop", "drop"), **regions, **options),
        "plain": lk.Classifier(backbone=tiny_backbone(), image_size=64, **options),
    }
    for model in made.values():
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        WEIGHTS[id(model)] = model.get_weights()
    return made


@pytest.fixture(scope="module")
def pixels():
    # Up to 127, which int8 holds too, and above the means that a uint8 would wrap around.
    return np.random.default_rng(1).integers(0, 128, (3, 64, 64, 3))


@pytest.fixture(scope="module")
def expected(models, pixels):
    return {way: _run(way, models, pixels.astype("float32")) for way in WAYS}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: np.dtype(kind).name)
@pytest.mark.parametrize("way", WAYS)
def test_the_type_of_images_changes_nothing(models, pixels, expected, way, kind):
    images = pixels.astype(kind)
    if way == "crop_regions" and kind in ("float16", "float64", ml_dtypes.bfloat16):
        pytest.skip("a crop of floats has the type of its image")
    for found, wanted in zip(_run(way, models, images), expected[way], strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["bool", "complex64"])
@pytest.mark.parametrize("way", ["call", "predict", "evaluate", "fit", "near_ties"])
def test_images_that_are_no_numbers_are_refused(models, pixels, way, kind):
    with pytest.raises(ValueError, match=f"images must be numbers 0..255, got {kind}"):
        _run(way, models, (pixels > 60).astype(kind))


def test_graphs_take_uint8_as_eager_calls_do(pixels):
    made = lk.Classifier(num_classes=3, backbone="efficientnet_lite0", image_size=64, weights=None)
    images = pixels.astype("uint8")
    assert float(made.normalized(np.full((1, 64, 64, 3), 100, "uint8"))[0, 0, 0, 0]) == (100 - 127) / 128
    found = made.predict(images, verbose=0)["probabilities"]
    np.testing.assert_array_equal(found, made.predict(images.astype("float32"), verbose=0)["probabilities"])


def test_a_graph_for_floats_has_no_cast():
    made = lk.Classifier(num_classes=3, backbone=tiny_backbone(), image_size=64, weights=None)
    graph = tf.function(made.normalized).get_concrete_function(tf.TensorSpec((1, 64, 64, 3), tf.float32)).graph
    assert "Cast" not in {operation.type for operation in graph.get_operations()}
