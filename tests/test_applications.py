"""`keras/NAME`: which networks of keras.applications fit, how they are fed, and what is said of the others."""

import importlib

import keras
import numpy as np
import pytest
from keras import ops

from logo_keras.backbones import Backbone, applications, backbone

# One network of every family, with the channels of its maps of stride 16 (the deepest one, inside a block or not) and 32.
FITTING = {
    "ConvNeXtTiny": {16: 384, 32: 768},
    "DenseNet121": {16: 512, 32: 1024},
    "EfficientNetB0": {16: 672, 32: 1280},
    "EfficientNetV2B0": {16: 672, 32: 1280},
    "MobileNet": {16: 512, 32: 1024},
    "MobileNetV2": {16: 576, 32: 1280},
    "MobileNetV3Small": {16: 288, 32: 576},
    "ResNet50": {16: 1024, 32: 2048},
    "ResNet50V2": {16: 256, 32: 2048},
    "VGG16": {16: 512, 32: 512},
    "Xception": {16: 1024, 32: 2048},
}
REFUSED = ("InceptionResNetV2", "InceptionV3")
MODULES = {
    "ConvNeXtTiny": "convnext",
    "DenseNet121": "densenet",
    "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "NASNetMobile": "nasnet",
    "ResNet50": "resnet",
    "ResNet50V2": "resnet_v2",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}


def grids(network, size):
    maps = network.extractor().compute_output_spec(keras.KerasTensor((1, size, size, 3)))
    return {int(stride): spec.shape[1:3] for stride, spec in maps.items()}


@pytest.mark.parametrize("name", FITTING)
def test_a_network_of_every_family_gives_its_last_maps(name):
    network = backbone(f"keras/{name}", weights=None)
    assert {stride: network.channels(stride) for stride in network.levels} == FITTING[name]
    assert grids(network, 96) == {16: (6, 6), 32: (3, 3)}
    assert network.source.startswith("random")


def test_a_network_whose_grid_does_not_fit_is_refused_with_the_grid_it_has(monkeypatch):
    # Before anything is downloaded: weights are asked for.
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", _no_network)
    with pytest.raises(ValueError, match="keras/InceptionV3.*5 x 5 cells at 224 px, where 7 x 7 are needed"):
        backbone("keras/InceptionV3")


@pytest.mark.slow
def test_every_network_of_keras_applications_fits_or_is_refused():
    found = set()
    for name in applications.application_names():
        keras.backend.clear_session()
        try:
            network = backbone(f"keras/{name}", weights=None)
        except ValueError as error:
            assert "does not fit" in str(error)
            found.add(name)
        else:
            assert set(network.levels) == {16, 32} and grids(network, 96) == {16: (6, 6), 32: (3, 3)}
    assert found == set(REFUSED)


def test_nasnet_on_an_open_input_is_keras_own():
    network = backbone("keras/NASNetMobile", weights=None)
    assert {stride: network.channels(stride) for stride in network.levels} == {16: 528, 32: 1056}
    fixed = keras.applications.NASNetMobile(include_top=False, weights=None, input_shape=(96, 96, 3))
    fixed.set_weights(network.model.get_weights())
    image = np.random.RandomState(0).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    np.testing.assert_allclose(network.extractor()(image)["32"], fixed(image), atol=1e-6)


@pytest.mark.parametrize("name", MODULES)
def test_photographs_are_normalised_as_keras_does(name):
    keras_way = importlib.import_module(f"keras.applications.{MODULES[name]}").preprocess_input
    image = np.random.RandomState(0).uniform(0, 255, (1, 4, 4, 3)).astype(np.float32)
    ours = applications.preprocessing(name) or keras.layers.Identity()
    np.testing.assert_allclose(ours(image), keras_way(image.copy()), atol=1e-4)


def test_no_network_of_keras_is_without_a_family():
    assert [name for name in applications.application_names() if applications.family(name) is None] == []


def test_a_network_survives_its_configuration():
    original = backbone("keras/MobileNetV3Small", weights=None)
    copy = Backbone.from_config(original.get_config())
    copy.model.set_weights(original.model.get_weights())
    image = np.random.RandomState(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    found, expected = (network.extractor()(image, training=False)["32"] for network in (copy, original))
    np.testing.assert_array_equal(ops.convert_to_numpy(found), ops.convert_to_numpy(expected))


def _no_network(*args, **kwargs):
    raise Exception("URL fetch failure on https://example.org/weights.h5: None")  # what Keras raises


def test_weights_that_cannot_be_fetched_say_what_to_put_where(monkeypatch):
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", _no_network)
    with pytest.raises(OSError, match="keras/MobileNetV2.*URL fetch failure.*~/.keras/models.*weights=None") as caught:
        backbone("keras/MobileNetV2")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "near"), [("mobilenetv2", "MobileNetV2"), ("ResNet51", "ResNet50"), ("LeNet", None)])
def test_an_unknown_network_is_refused_with_the_nearest(name, near):
    with pytest.raises(ValueError, match=f"unknown backbone 'keras/{name}'.*VGG16") as caught:
        backbone(f"keras/{name}")
    assert near is None or near in str(caught.value).partition("Did you mean")[2]


@pytest.mark.parametrize("name", ["ConvNeXtTiny", "EfficientNetV2B0", "MobileNetV3Small"])
def test_the_fill_is_what_a_network_moves_to_0(name):
    kinds = (keras.layers.Rescaling, keras.layers.Normalization)
    model = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(32, 32, 3))
    layers = [layer for layer in model.layers if isinstance(layer, kinds)]
    x = np.broadcast_to(np.float32(applications.fill(name)), (1, 1, 1, 3))
    for layer in layers:
        x = layer(x)
    assert layers and np.abs(x).max() < 1e-5
    assert 100 < np.min(applications.fill(name)) < np.max(applications.fill(name)) + 1 < 130


def test_networks_that_are_given_centred_images_are_filled_with_0():
    for name in FITTING:
        assert (applications.fill(name) == 0) is (applications.preprocessing(name) is not None)
    assert backbone("keras/MobileNetV3Small", weights=None).fill == 127.5


def test_a_file_of_an_efficientnet_keeps_the_layer_of_its_imagenet_weights(monkeypatch, tmp_path):
    import logo_keras as lk

    # Weights as Keras's own file has them, for a network with one more Rescaling than without weights.
    given = keras.applications.EfficientNetB0(include_top=False, weights=None)
    given.save_weights(tmp_path / "b0.weights.h5")
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(tmp_path / "b0.weights.h5"))
    model = lk.Classifier(num_classes=2, backbone="keras/EfficientNetB0", image_size=32)
    scalings = [sum(isinstance(layer, keras.layers.Rescaling) for layer in each.layers) for each in (given, model.extractor)]
    assert scalings == [1, 2]
    model.save(tmp_path / "model.keras")
    loaded = lk.load(tmp_path / "model.keras")
    assert loaded.backbone == "keras/EfficientNetB0"
    same = [[type(layer) for layer in each.extractor.layers] for each in (model, loaded)]
    assert same[0] == same[1]
    pixels = np.full((1, 1, 1, 3), 100, np.float32)
    moved = []
    for each in (model, loaded):
        x = pixels
        for layer in each.extractor.layers[1:4]:
            x = layer(x)
        moved.append(x)
    np.testing.assert_allclose(*moved, atol=1e-6)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
