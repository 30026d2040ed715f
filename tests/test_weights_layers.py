"""PyTorch's kernels in Keras layers, checked by convolutions written out."""

import keras
import numpy as np
import pytest

from logo_keras.weights.layers import check, entries_of, load_layers, read_layers, set_layer


def filled(layer, shape, seed=1):
    """A built layer with random entries in it, and those."""
    layer.build(shape)
    random = np.random.RandomState(seed)
    entries = {name: random.uniform(0.5, 1.5, size).astype(np.float32) for name, size in entries_of(layer, "m").items()}
    set_layer(layer, entries, "m")
    return layer, entries


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_computes_what_pytorch_defines(bias):
    layer, entries = filled(keras.layers.Conv2D(4, (2, 3), use_bias=bias), (None, 5, 6, 3))
    assert list(entries) == (["m.weight", "m.bias"] if bias else ["m.weight"])
    kernel = entries["m.weight"]
    assert kernel.shape == (4, 3, 2, 3)
    image = np.random.RandomState(2).standard_normal((3, 5, 6)).astype(np.float32)  # channels, rows, columns
    wanted = np.sum(kernel * image[:, 1:3, 2:5], axis=(1, 2, 3)) + (entries["m.bias"] if bias else 0)
    np.testing.assert_allclose(layer(image.transpose(1, 2, 0)[None])[0, 1, 2], wanted, rtol=1e-5)


def test_a_depthwise_convolution_computes_what_pytorch_defines():
    layer, entries = filled(keras.layers.DepthwiseConv2D((2, 3)), (None, 5, 6, 4))
    kernel = entries["m.weight"]
    assert kernel.shape == (4, 1, 2, 3)
    image = np.random.RandomState(2).standard_normal((4, 5, 6)).astype(np.float32)
    wanted = np.sum(kernel[:, 0] * image[:, 1:3, 2:5], axis=(1, 2)) + entries["m.bias"]
    np.testing.assert_allclose(layer(image.transpose(1, 2, 0)[None])[0, 1, 2], wanted, rtol=1e-5)


def test_a_dense_layer_computes_what_pytorch_defines():
    layer, entries = filled(keras.layers.Dense(4), (None, 3))
    vector = np.float32([1, -2, 3])
    assert entries["m.weight"].shape == (4, 3)
    np.testing.assert_allclose(layer(vector[None])[0], entries["m.weight"] @ vector + entries["m.bias"], rtol=1e-5)


def test_a_batch_norm_computes_what_pytorch_defines():
    layer, entries = filled(keras.layers.BatchNormalization(epsilon=1e-5), (None, 2, 2, 3))
    assert list(entries) == ["m.weight", "m.bias", "m.running_mean", "m.running_var"]
    x = np.random.RandomState(2).standard_normal((1, 2, 2, 3)).astype(np.float32)
    scaled = (x - entries["m.running_mean"]) / np.sqrt(entries["m.running_var"] + 1e-5)
    np.testing.assert_allclose(layer(x, training=False), scaled * entries["m.weight"] + entries["m.bias"], rtol=1e-5, atol=1e-6)


def test_a_batch_norm_without_scale_and_offset_has_statistics_alone():
    layer, entries = filled(keras.layers.BatchNormalization(scale=False, center=False), (None, 3))
    assert list(entries) == ["m.running_mean", "m.running_var"]
    np.testing.assert_array_equal(layer.moving_variance, entries["m.running_var"])


def test_what_does_not_fit_is_refused_and_nothing_is_copied():
    layer, entries = filled(keras.layers.Dense(4), (None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"m.bias is \(5,\), wanted \(4,\)"):
        set_layer(layer, {"m.weight": np.zeros((4, 3)), "m.bias": np.zeros(5)}, "m")
    with pytest.raises(ValueError, match="1 missing: m.bias"):
        set_layer(layer, {"m.weight": np.zeros((4, 3))}, "m")
    for ours, theirs in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_layers_without_counterpart_or_numbers_are_refused():
    with pytest.raises(ValueError, match="a ReLU .* has no counterpart"):
        entries_of(keras.layers.ReLU(), "m")
    for layer in (keras.layers.Conv2D(4, 3, name="stem"), keras.layers.BatchNormalization(name="stem")):
        with pytest.raises(ValueError, match="stem is not built"):
            entries_of(layer, "m")
    with pytest.raises(ValueError, match="depth_multiplier 2"):
        entries_of(keras.layers.DepthwiseConv2D(3, depth_multiplier=2), "m")


@pytest.fixture
def model():
    """Two layers, `one` and `two`."""
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, name="two")(keras.layers.Dense(4, name="one")(inputs)))


def test_a_model_is_loaded_by_names(model):
    entries = {
        "a.weight": np.full((4, 3), 2.0),
        "a.bias": np.arange(4.0),
        "b.0.weight": np.full((2, 4), 3.0),
        "b.0.bias": np.ones(2),
    }
    load_layers(model, {"one": "a", "two": "b.0"}, entries | {"unused": np.zeros(1)})
    np.testing.assert_array_equal(model.get_layer("one").bias, np.arange(4))
    np.testing.assert_array_equal(model.get_layer("two").kernel, np.full((4, 2), 3))


def test_one_error_lists_all_and_the_model_stays(model):
    before = model.get_weights()
    entries = {"a.weight": np.zeros((4, 3)), "a.bias": np.zeros(4), "b.weight": np.zeros((2, 5))}
    with pytest.raises(ValueError, match=r"1 missing: b.bias; 1 of another shape: b.weight is \(2, 5\), wanted \(2, 4\)"):
        load_layers(model, {"one": "a", "two": "b"}, entries)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_long_lists_end():
    with pytest.raises(ValueError, match="25 missing: w0, .*, w9 and 15 more"):
        check({f"w{number}": (1,) for number in range(25)}, {})


def test_what_is_read_out_of_layers_is_what_was_loaded():
    images = keras.Input((8, 8, 3))
    x = keras.layers.DepthwiseConv2D((2, 3), name="each")(keras.layers.Conv2D(4, (2, 3), name="conv")(images))
    model = keras.Model(images, keras.layers.Dense(5, name="out")(keras.layers.BatchNormalization(name="norm")(x)))
    names = {"conv": "a.0", "each": "a.1", "norm": "a.2", "out": "b"}
    wanted = {name: shape for ours, theirs in names.items() for name, shape in entries_of(model.get_layer(ours), theirs).items()}
    random = np.random.RandomState(1)
    entries = {name: random.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in wanted.items()}
    load_layers(model, names, entries)
    found = read_layers(model, names)
    assert found.keys() == entries.keys() and all(np.array_equal(found[name], entries[name]) for name in entries)
