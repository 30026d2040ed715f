"""The whole public NTS-Net (ResNet-50, 200 classes, M = 6, K = 4), forward and backward, on the weights of a recipe."""

import ast

import golden
import keras
import numpy as np
import pytest
import tensorflow as tf

import logo_keras as lk

# 6.6 GB at the peak.
pytestmark = pytest.mark.slow

REFERENCE = golden.load("network")
LABELS = np.array([17, 123])
BACKBONE = "pretrained_model."


def entries():
    """The checkpoint, in PyTorch's layout, by name; entry i is drawn from seed 1000 + i."""
    found = {}
    for number, (name, text) in enumerate(zip(REFERENCE["names"], REFERENCE["shapes"], strict=True)):
        shape, random = ast.literal_eval(str(text)), np.random.RandomState(1000 + number)
        if name.endswith(("running_mean", "bias")):
            value = random.standard_normal(shape) * 0.1
        elif name.endswith("running_var"):
            value = random.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            value = random.uniform(0.5, 0.8, shape)
        else:
            value = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        found[str(name)] = np.asarray(value, np.float32)
    return found


def images():
    """Already normalised."""
    coarse = np.kron(np.random.RandomState(5).uniform(size=(2, 14, 14, 3)), np.ones((1, 32, 32, 1)))
    fine = 0.1 * np.random.RandomState(6).uniform(size=(2, 448, 448, 3))
    return ((coarse + fine).astype(np.float32) - 0.5) / 0.25


@pytest.fixture(scope="module")
def model():
    """Our NTS-Net with the reference's weights, without dropout, on normalised images."""
    network = lk.NTSNet(num_classes=200, backbone="resnet50", weights=None, dropout=0.0)
    network.normalize = keras.layers.Identity()
    network.compile(optimizer="sgd")
    checkpoint = entries()
    layers = {layer.name: layer for layer in network.extractor.layers}

    def kernel(name):
        return np.transpose(checkpoint[f"{name}.weight"], (2, 3, 1, 0))

    def load(ours, conv, norm):
        layers[f"{ours}_conv"].set_weights([kernel(BACKBONE + conv)])
        parts = ("weight", "bias", "running_mean", "running_var")
        layers[f"{ours}_bn"].set_weights([checkpoint[f"{BACKBONE}{norm}.{part}"] for part in parts])

    load("stem", "conv1", "bn1")
    for stage, count in enumerate((3, 4, 6, 3), start=1):
        load(f"layer{stage}_0_downsample", f"layer{stage}.0.downsample.0", f"layer{stage}.0.downsample.1")
        for block in range(count):
            for conv in (1, 2, 3):
                load(f"layer{stage}_{block}_{conv}", f"layer{stage}.{block}.conv{conv}", f"layer{stage}.{block}.bn{conv}")
    heads = {
        network.whole_classifier: "pretrained_model.fc",
        network.teacher: "partcls_net",
        network.fused_classifier: "concat_net",
    }
    for layer, name in heads.items():
        layer.set_weights([checkpoint[f"{name}.weight"].T, checkpoint[f"{name}.bias"]])
    parts = [f"proposal_net.{part}" for part in ("down1", "down2", "down3", "tidy1", "tidy2", "tidy3")]
    network.navigator.set_weights([value for part in parts for value in (kernel(part), checkpoint[f"{part}.bias"])])
    return network


def run(model, training):
    """Outputs, losses and the gradient norms of the reference's seven entries."""
    paths = (
        "stem_conv/kernel",
        "layer4_2_3_conv/kernel",
        "whole_classifier/kernel",
        "navigator/down1/kernel",
        "navigator/tidy1/kernel",
        "teacher/classifier/kernel",
        "fused_classifier/classifier/kernel",
    )
    with tf.GradientTape() as tape:
        outputs = model(images(), training=training, all_regions=True)
        losses = model.losses_by_name(tf.constant(LABELS), outputs, None)
        total = sum(losses.values())
    variables = {variable.path: variable for variable in model.trainable_variables}
    chosen = [variables[path] for path in paths]
    norms = [float(tf.norm(gradient)) for gradient in tape.gradient(total, chosen)]
    return outputs, [float(losses[name]) for name in ("whole", "ranking", "fused", "region")], norms


def test_evaluation_mode_equals_the_public_code(model):
    outputs, losses, norms = run(model, training=False)
    np.testing.assert_array_equal(outputs["region_index"], REFERENCE["eval_top_index"])
    np.testing.assert_allclose(outputs["region_scores"], REFERENCE["eval_top_scores"], atol=1e-4)
    for name in ("whole", "fused", "region"):
        np.testing.assert_allclose(outputs[f"{name}_logits"], REFERENCE[f"eval_{name}_logits"], atol=1e-4)
    np.testing.assert_allclose(losses, REFERENCE["eval_losses"], rtol=1e-4)
    np.testing.assert_allclose(norms, REFERENCE["eval_grad_norms"], rtol=1e-3)


def test_training_mode_equals_the_public_code(model):
    outputs, losses, norms = run(model, training=True)
    np.testing.assert_array_equal(outputs["region_index"], REFERENCE["train_top_index"])
    for name in ("whole", "fused", "region"):
        np.testing.assert_allclose(outputs[f"{name}_logits"], REFERENCE[f"train_{name}_logits"], atol=2e-3)
    np.testing.assert_allclose(losses, REFERENCE["train_losses"], rtol=5e-4)
    np.testing.assert_allclose(norms[0], REFERENCE["train_grad_norms"][0], rtol=2e-2)
    np.testing.assert_allclose(norms[1:], REFERENCE["train_grad_norms"][1:], rtol=2e-3)
    norm = model.extractor.get_layer("layer4_2_3_bn")
    np.testing.assert_allclose(norm.moving_mean[:64], REFERENCE["train_running_mean"], atol=5e-5)
    # PyTorch puts the unbiased variance into the running one, Keras the biased.
    np.testing.assert_allclose(norm.moving_variance[:64], REFERENCE["train_running_var"], atol=5e-4)
