"""AlexNet in torchvision's layout.

Source: Krizhevsky 2014, arXiv:1404.5997 (one weird trick); torchvision/models/alexnet.py.
"""

import keras

from logo_keras.backbones.fully_connected import fully_connected
from logo_keras.backbones.torchvision import torchvision_backbone

# Filters, kernel, stride, torchvision's padding, and the place in its `features`.
_CONVS = ((64, 11, 4, 2, 0), (192, 5, 1, 2, 3), (384, 3, 1, 1, 6), (256, 3, 1, 1, 8), (256, 3, 1, 1, 10))
_POOLED = (1, 2, 5)


def alexnet(weights="imagenet", head="pool"):
    """AlexNet: 2.5 M parameters in its convolutions, 57 M with its own fully connected layers; 256 channels.

    Args:
        weights: `"imagenet"` (torchvision's, downloaded) or `None`, the initialiser of He et al. 2015.
        head: `"original"`: torchvision's network with its two fully connected layers, whose last map is 6 x 6 at 224 px.
            `"pool"`: the same convolutions with maps of `ceil(size / 16)` and `ceil(size / 32)` cells.

    Returns:
        Backbone on torchvision's normalisation.

    Raises:
        OSError: if the weights cannot be downloaded; says what to put where.
    """
    original = head == "original"
    # The change for head="pool": where torchvision's padding loses a row (55, 27, 13, 6 cells at 224 px instead of 56, 28,
    # 14, 7), "same" keeps it. The weights are the same.
    edge = "valid" if original else "same"
    images = keras.Input((None, None, 3), name="normalized_images")
    x, blocks = images, []
    for number, (filters, kernel, stride, padding, _) in enumerate(_CONVS, start=1):
        if original:
            x = keras.layers.ZeroPadding2D(padding, name=f"conv{number}_pad")(x)
        x = level16 = keras.layers.Conv2D(
            filters, kernel, stride, edge, activation="relu", kernel_initializer="he_normal", name=f"conv{number}"
        )(x)
        if number in _POOLED:
            x = keras.layers.MaxPooling2D(3, 2, edge, name=f"pool{number}")(x)
        blocks.append(x._keras_history.operation.name)
    names = {f"conv{number}": f"features.{place}" for number, (*_, place) in enumerate(_CONVS, start=1)}
    feature = None
    if original:
        feature = fully_connected(x, 6, dropout_first=True)
        names |= {"fc6": "classifier.1", "fc7": "classifier.4"}
    levels, head = {16: level16, 32: x}, "classifier.6"
    return torchvision_backbone("alexnet", images, levels, blocks, weights, torch_names=names, torch_head=head, feature=feature)
