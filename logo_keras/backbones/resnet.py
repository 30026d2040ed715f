"""ResNet in torchvision's layout: the stride of a block sits in its 3 x 3 convolution, padding is explicit.

Source: He et al. 2016, arXiv:1512.03385, table 1; torchvision/models/resnet.py.
"""

import keras

from logo_keras.backbones.batch_norm import BatchNorm
from logo_keras.backbones.torchvision import torchvision_backbone

# How many blocks each of the four stages has.
RESNETS = {"resnet50": (3, 4, 6, 3), "resnet152": (3, 8, 36, 3)}


def _conv_norm(x, filters, kernel, stride, name, relu=True):
    if kernel > 1:  # PyTorch pads both sides alike; Keras's "same" pads one side at stride 2.
        x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        use_bias=False,
        # torchvision's kaiming_normal_(mode="fan_out").
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        name=f"{name}_conv",
    )(x)
    # PyTorch's momentum 0.1 is 0.9 here; its epsilon is 1e-5.
    x = BatchNorm(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _bottleneck(x, filters, stride, name):
    shortcut = x
    x = _conv_norm(x, filters, 1, 1, f"{name}_1")
    x = _conv_norm(x, filters, 3, stride, f"{name}_2")
    x = _conv_norm(x, 4 * filters, 1, 1, f"{name}_3", relu=False)
    if shortcut.shape[-1] != 4 * filters or stride > 1:
        shortcut = _conv_norm(shortcut, 4 * filters, 1, stride, f"{name}_downsample", relu=False)
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def resnet(name, weights="imagenet"):
    """ResNet-50: 23.5 M parameters. ResNet-152: 58.1 M. Maps of 1,024 channels at stride 16 and 2,048 at stride 32.

    Args:
        name: `"resnet50"` or `"resnet152"`.
        weights: `"imagenet"` (torchvision's V1 weights, downloaded) or `None`, the published initialiser.

    Returns:
        Backbone on torchvision's normalisation.

    Raises:
        OSError: if the weights cannot be downloaded; says what to put where.
    """
    repeats = RESNETS[name]
    images = keras.Input((None, None, 3), name="normalized_images")
    x = _conv_norm(images, 64, 7, 2, "stem")
    # Zeros are as good as PyTorch's minus infinity here: what they pad has passed a ReLU.
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    blocks, levels = ["stem_pool"], {}
    for stage, count in enumerate(repeats):
        for repeat in range(count):
            x = _bottleneck(x, 64 * 2**stage, 2 if stage > 0 and repeat == 0 else 1, f"layer{stage + 1}_{repeat}")
            blocks.append(x._keras_history.operation.name)
        levels[4 * 2**stage] = x
    levels = {stride: levels[stride] for stride in (16, 32)}
    names = _torch_names(repeats)
    norms = [name for name in names if name.endswith("_3_bn")]
    return torchvision_backbone(name, images, levels, blocks, weights, torch_names=names, torch_head="fc", residual_norms=norms)


def _torch_names(repeats):
    """What torchvision calls each layer."""
    names = {"stem_conv": "conv1", "stem_bn": "bn1"}
    for stage, count in enumerate(repeats, start=1):
        for block in range(count):
            ours, theirs = f"layer{stage}_{block}", f"layer{stage}.{block}"
            for number in (1, 2, 3):
                names |= {f"{ours}_{number}_conv": f"{theirs}.conv{number}", f"{ours}_{number}_bn": f"{theirs}.bn{number}"}
        # The first block of every stage changes the number of channels.
        ours, theirs = f"layer{stage}_0_downsample", f"layer{stage}.0.downsample"
        names |= {f"{ours}_conv": f"{theirs}.0", f"{ours}_bn": f"{theirs}.1"}
    return names
