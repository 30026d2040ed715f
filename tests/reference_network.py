"""The whole public NTS-Net on recipe weights, on the backend of KERAS_BACKEND, through the importer.

`python reference_network.py` prints what it found as JSON, for test_jax.py.
"""

import json

import golden
import keras
import numpy as np
from keras import ops
from recipe_weights import entries

import logo_keras as lk

REFERENCE = golden.load("network")
LABELS = np.array([17, 123])
# The variables of the reference's seven gradient norms, in its order.
PATHS = (
    "stem_conv/kernel",
    "layer4_2_3_conv/kernel",
    "whole_classifier/kernel",
    "navigator/down1/kernel",
    "navigator/tidy1/kernel",
    "teacher/classifier/kernel",
    "fused_classifier/classifier/kernel",
)
LOSSES = ("whole", "ranking", "fused", "region")


def pixels():
    """The two images as pixels 0..255 and beyond: what becomes the reference's normalised images in the model."""
    coarse = np.kron(np.random.RandomState(5).uniform(size=(2, 14, 14, 3)), np.ones((1, 32, 32, 1)))
    fine = 0.1 * np.random.RandomState(6).uniform(size=(2, 448, 448, 3))
    normalized = ((coarse + fine).astype(np.float32) - 0.5) / 0.25
    return (normalized * np.float64([58.395, 57.12, 57.375]) + np.float64([123.675, 116.28, 103.53])).astype(np.float32)


def checkpoint():
    """The 336 entries of the public NTS-Net's checkpoint."""
    return entries(REFERENCE["names"], REFERENCE["shapes"])


def build():
    """Our NTS-Net with the reference's weights, without dropout, and the report of the import."""
    model = lk.NTSNet(num_classes=200, backbone="resnet50", **lk.PAPER["NTSNet"] | {"weights": None, "dropout": 0.0})
    model.compile(optimizer="sgd")
    return model, lk.load_torch_weights(model, checkpoint())


def run(model, training):
    """Outputs, losses, gradient norms and, in training, the running statistics after one step's two updates."""
    outputs, losses, gradients = _RUN[keras.backend.backend()](model, training)
    names = ("region_index", "region_scores", "whole_logits", "fused_logits", "region_logits")
    found = {name: ops.convert_to_numpy(outputs[name]) for name in names}
    found["losses"] = np.array([float(losses[name]) for name in LOSSES])
    found["grad_norms"] = np.array([float(ops.norm(ops.reshape(gradient, (-1,)))) for gradient in gradients])
    norm = model.extractor.get_layer("layer4_2_3_bn")
    found["running_mean"] = ops.convert_to_numpy(norm.moving_mean)[:64]
    found["running_var"] = ops.convert_to_numpy(norm.moving_variance)[:64]
    return found


def _run_tensorflow(model, training):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = model(pixels(), training=training, all_regions=True)
        losses = model.losses_by_name(tf.constant(LABELS), outputs, None)
        total = sum(losses.values())
    variables = {variable.path: variable for variable in model.trainable_variables}
    return outputs, losses, tape.gradient(total, [variables[path] for path in PATHS])


def _run_jax(model, training):
    import jax

    images, labels = ops.convert_to_tensor(pixels()), ops.convert_to_tensor(LABELS)

    def total(trainable, rest):
        outputs, rest = model.stateless_call(trainable, rest, images, training=training, all_regions=True)
        losses = model.losses_by_name(labels, outputs, None)
        return sum(losses.values()), (outputs, losses, rest)

    trainable = [variable.value for variable in model.trainable_variables]
    rest = [variable.value for variable in model.non_trainable_variables]
    gradients, (outputs, losses, rest) = jax.jit(jax.grad(total, has_aux=True))(trainable, rest)
    for variable, value in zip(model.non_trainable_variables, rest, strict=True):
        variable.assign(value)
    by_path = dict(zip((variable.path for variable in model.trainable_variables), gradients, strict=True))
    return outputs, losses, [by_path[path] for path in PATHS]


_RUN = {"tensorflow": _run_tensorflow, "jax": _run_jax}


def check_evaluation(found):
    """Compares evaluation mode with the reference, within the bounds of tests/data/README.md."""
    np.testing.assert_array_equal(found["region_index"], REFERENCE["eval_top_index"])
    np.testing.assert_allclose(found["region_scores"], REFERENCE["eval_top_scores"], atol=1e-4)
    for name in ("whole", "fused", "region"):
        np.testing.assert_allclose(found[f"{name}_logits"], REFERENCE[f"eval_{name}_logits"], atol=1e-4)
    np.testing.assert_allclose(found["losses"], REFERENCE["eval_losses"], rtol=1e-4)
    np.testing.assert_allclose(found["grad_norms"], REFERENCE["eval_grad_norms"], rtol=1e-3)


def check_training(found):
    """Compares training mode, batch statistics and their running means with the reference."""
    np.testing.assert_array_equal(found["region_index"], REFERENCE["train_top_index"])
    for name in ("whole", "fused", "region"):
        np.testing.assert_allclose(found[f"{name}_logits"], REFERENCE[f"train_{name}_logits"], atol=2e-3)
    np.testing.assert_allclose(found["losses"], REFERENCE["train_losses"], rtol=5e-4)
    np.testing.assert_allclose(found["grad_norms"][0], REFERENCE["train_grad_norms"][0], rtol=2e-2)
    np.testing.assert_allclose(found["grad_norms"][1:], REFERENCE["train_grad_norms"][1:], rtol=2e-3)
    np.testing.assert_allclose(found["running_mean"], REFERENCE["train_running_mean"], atol=5e-5)
    # PyTorch puts the unbiased variance into the running one, Keras the biased.
    np.testing.assert_allclose(found["running_var"], REFERENCE["train_running_var"], atol=5e-4)


def main():
    model, _ = build()
    found = {"backend": keras.backend.backend()}
    found["evaluation"] = run(model, training=False)
    found["predict"] = model.predict(pixels(), batch_size=2, verbose=0)["fused_logits"]
    found["evaluate"] = model.evaluate(pixels(), LABELS, batch_size=2, verbose=0, return_dict=True)
    found["training"] = run(model, training=True)
    print(json.dumps(found, default=lambda value: value.tolist() if hasattr(value, "tolist") else float(value)))


if __name__ == "__main__":
    main()
