"""A user's own settings of Keras: they change nothing, or the error names them."""

import contextlib

import keras
import numpy as np
import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import backbones
from logo_keras.keras_settings import own_settings
from logo_keras.network import Augmentation, FusedClassifier, Navigator, RandomScores, Teacher
from logo_keras.network.resampling import shrink

SETTINGS = {
    "channels_first": {"image_data_format": "channels_first"},
    "float16": {"floatx": "float16", "dtype_policy": "float16"},
    "bfloat16": {"floatx": "bfloat16", "dtype_policy": "bfloat16"},
    "float64": {"floatx": "float64", "dtype_policy": "float64"},
    "policy": {"dtype_policy": "float16"},
}
OPTIONS = {"image_size": 64, "region_size": 32, "num_proposals": 2, "num_regions": 1, "whole_size": 32, "weights": None}


@contextlib.contextmanager
def settings(**values):
    """Keras with these settings; a keras.json gives a policy of its floatx too."""
    before = {name: getattr(keras.config, name)() for name in ("image_data_format", "floatx", "dtype_policy")}
    for name, value in values.items():
        getattr(keras.config, f"set_{name}")(value)
    try:
        yield
        assert all(getattr(keras.config, name)() == value for name, value in values.items() if name != "dtype_policy")
    finally:
        for name, value in before.items():
            getattr(keras.config, f"set_{name}")(value)


def images():
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")


def network():
    """A network of every layer of this package on a named backbone of Keras's kinds of layers."""
    keras.utils.set_random_seed(0)
    return lk.DRNANet(num_classes=3, backbone="small", dropout=0.0, **OPTIONS)


@pytest.fixture(scope="module", autouse=True)
def small():
    """A small backbone that is known by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones._BUILDERS, "small", lambda *_: tiny_backbone())
        yield


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """A file, what it answers, and what a step of training makes of it, with Keras's own settings."""
    model = network()
    path = tmp_path_factory.mktemp("settings") / "model.keras"
    model.save(path)
    return path, model(images()), _trained(model)


def _trained(model):
    model.compile(run_eagerly=True)
    history = model.fit(images(), np.arange(2), verbose=0).history
    return history | model.evaluate(images(), np.arange(2), verbose=0, return_dict=True)


@pytest.mark.parametrize("chosen", SETTINGS)
def test_a_file_answers_and_learns_alike_whatever_the_settings(expected, chosen):
    path, answers, trained = expected
    with settings(**SETTINGS[chosen]):
        model = lk.load(path)
        assert {variable.dtype for variable in model.weights if "float" in variable.dtype} == {"float32"}
        found, again = model(images()), _trained(model)
        assert {metric.dtype for metric in model.metrics} == {"float32"}
    for name, value in answers.items():
        np.testing.assert_array_equal(found[name], value)
    assert again.keys() == trained.keys()
    for name, value in trained.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-6)


@pytest.mark.parametrize("name", ["alexnet", "keras/MobileNetV3Small"])
@pytest.mark.parametrize("chosen", ["channels_first", "float16"])
def test_backbones_by_name_are_built_channels_last_in_float32(name, chosen):
    with settings(**SETTINGS[chosen]):
        value = backbones.backbone(name, weights=None)
        assert {weight.dtype for weight in value.model.weights} == {"float32"}
        assert {layer.data_format for layer in value.model.layers if hasattr(layer, "data_format")} == {"channels_last"}


def _answers_of_layers(weights=None):
    """What each layer gives by itself, and the weights that it has or was given."""
    maps = np.random.default_rng(0).uniform(size=(2, 4, 4, 5)).astype("float32")
    features, boxes = np.ones((2, 1, 5), "float32"), np.float32([[[4, 4, 40, 40]]] * 2)
    layers = {
        "navigator": (Navigator(seed=1, filters=4), [maps]),
        "teacher": (Teacher(3, seed=1), [features]),
        "fused": (FusedClassifier(3, seed=1), [features, features[:, 0]]),
        "random": (RandomScores(7), [maps]),
    }
    answers = {}
    for name, (layer, arguments) in layers.items():
        layer(*arguments)
        if weights is not None:
            layer.set_weights(weights[name])
        answers[name] = layer(*arguments)
    answers["noise"] = RandomScores(7)(maps, training=True)
    answers["crop"] = Augmentation(8)(images(), boxes, maps[:, None])["crop"]
    answers |= {"shrunk": shrink(images(), 32), "shrunk by a part": shrink(images(), 48)}
    return answers, {name: layer.get_weights() for name, (layer, _) in layers.items()}


@pytest.mark.parametrize("chosen", SETTINGS)
def test_layers_work_alone(chosen):
    wanted, weights = _answers_of_layers()
    with settings(**SETTINGS[chosen]):
        found, _ = _answers_of_layers(weights)
    # A layer computes in the user's own precision; bfloat16 has 8 bits.
    for name, value in wanted.items():
        np.testing.assert_allclose(keras.ops.cast(found[name], "float32"), value, rtol=0.02, atol=0.02, err_msg=name)


def test_a_backbone_for_channels_first_is_refused_by_the_name_of_the_setting():
    with settings(image_data_format="channels_first"):
        pixels = keras.Input((3, None, None))
        model = keras.Model(pixels, keras.layers.Conv2D(4, 3, 32, "same")(pixels))
    with pytest.raises(ValueError, match="channels first.*image_data_format"):
        lk.backbones.Backbone(model, None, {32: model.output})


def test_a_backbone_of_16_bits_is_refused_by_the_name_of_the_setting():
    with settings(**SETTINGS["float16"]), pytest.raises(ValueError, match="are float16, wanted float32.*floatx"):
        tiny_backbone()


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8_from_float32"])
def test_a_policy_that_a_model_cannot_have_is_refused(dtype):
    with pytest.raises(ValueError, match="dtype must be one of float32, mixed_float16, mixed_bfloat16"):
        lk.Classifier(num_classes=2, backbone=tiny_backbone(), image_size=32, weights=None, dtype=dtype)


def test_settings_return_after_an_error():
    with settings(image_data_format="channels_first", floatx="float16"):
        with pytest.raises(RuntimeError), own_settings("mixed_float16"):
            assert keras.config.image_data_format() == "channels_last" and keras.config.floatx() == "float32"
            raise RuntimeError
        assert keras.config.image_data_format() == "channels_first" and keras.config.floatx() == "float16"
