"""GoogLeNet in torchvision's layout: with batch norm, and 3 x 3 where the paper has 5 x 5.

Source: Szegedy et al. 2015, arXiv:1409.4842, table 1; torchvision/models/googlenet.py.
"""

import keras

from logo_keras.backbones.backbone import Normalize
from logo_keras.backbones.batch_norm import BatchNorm
from logo_keras.backbones.torchvision import torchvision_backbone

# Filters of the 1 x 1, of the 3 x 3 and what reduces before it, of the second 3 x 3 likewise, and behind the pooling.
_INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class _Layers:
    """Makes the layers and keeps what torchvision calls them."""

    def __init__(self):
        self.names = {}

    def conv(self, x, filters, kernel, stride, name, module):
        """Convolution, batch norm, ReLU."""
        if kernel > 1:  # PyTorch pads both sides alike; Keras's "same" pads one side at stride 2.
            x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        x = keras.layers.Conv2D(filters, kernel, stride, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(x)
        # Epsilon as in torchvision's BasicConv2d; PyTorch's momentum 0.1 is 0.9 here.
        x = BatchNorm(epsilon=1e-3, momentum=0.9, name=f"{name}_bn")(x)
        self.names |= {f"{name}_conv": f"{module}.conv", f"{name}_bn": f"{module}.bn"}
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def inception(self, x, filters, name):
        """Four branches side by side."""
        first, reduce3, second, reduce5, third, pooled = filters
        module = f"inception{name}"
        branches = [self.conv(x, first, 1, 1, f"{module}_1", f"{module}.branch1")]
        for number, reduce, out in ((2, reduce3, second), (3, reduce5, third)):
            inner = self.conv(x, reduce, 1, 1, f"{module}_{number}_0", f"{module}.branch{number}.0")
            branches.append(self.conv(inner, out, 3, 1, f"{module}_{number}_1", f"{module}.branch{number}.1"))
        inner = keras.layers.MaxPooling2D(3, 1, "same", name=f"{module}_4_pool")(x)
        branches.append(self.conv(inner, pooled, 1, 1, f"{module}_4", f"{module}.branch4.1"))
        return keras.layers.Concatenate(name=module)(branches)


def googlenet(weights="imagenet"):
    """GoogLeNet: 5.6 M parameters, maps of 832 channels at stride 16 and 1,024 at stride 32; no auxiliary heads.

    Args:
        weights: `"imagenet"` (torchvision's, downloaded) or `None`, the initialiser of He et al. 2015.

    Returns:
        Backbone on `(rgb - 127.5) / 127.5`, which torchvision's weights expect (its `transform_input`).

    Raises:
        OSError: if the weights cannot be downloaded; says what to put where.
    """
    layers = _Layers()
    images = keras.Input((None, None, 3), name="normalized_images")
    x = layers.conv(images, 64, 7, 2, "conv1", "conv1")
    x = _pool(x, 3, "pool1")
    x = layers.conv(x, 64, 1, 1, "conv2", "conv2")
    x = layers.conv(x, 192, 3, 1, "conv3", "conv3")
    x = _pool(x, 3, "pool2")
    blocks = ["pool2"]
    for name, filters in _INCEPTIONS.items():
        if name == "4a":
            x = _pool(x, 3, "pool3")
        if name == "5a":
            level16 = x
            x = _pool(x, 2, "pool4")
        x = layers.inception(x, filters, name)
        blocks.append(f"inception{name}")
    levels, normalize = {16: level16, 32: x}, Normalize(127.5, 127.5)
    return torchvision_backbone(
        "googlenet", images, levels, blocks, weights, torch_names=layers.names, torch_head="fc", normalize=normalize
    )


def _pool(x, size, name):
    """Max pooling that rounds up: on maps of even size, "same" is PyTorch's ceil_mode."""
    return keras.layers.MaxPooling2D(size, 2, "same", name=name)(x)
