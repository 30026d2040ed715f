"""What the networks in torchvision's layout share: its normalisation and its ImageNet weights."""

import dataclasses

from logo_keras.weights.entries import read_checkpoint
from logo_keras.weights.layers import load_layers
from logo_keras.weights.official import OFFICIAL, official_file

# ImageNet statistics as torchvision uses them, in grey levels.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


def load_imagenet(backbone, weights):
    """Fills a backbone with torchvision's ImageNet weights.

    Args:
        backbone: Backbone, freshly made, whose model carries torchvision's name of the network.
        weights: `"imagenet"`, or `None` to leave it as it is.

    Returns:
        Backbone that says where its weights come from.

    Raises:
        OSError: if the official file cannot be downloaded; says what to put where.
    """
    if weights is None:
        return dataclasses.replace(backbone, source="random (He et al. 2015, arXiv:1502.01852)")
    name = backbone.model.name
    load_layers(backbone.model, backbone.torch_names, read_checkpoint(official_file(name)))
    return dataclasses.replace(backbone, source=f"ImageNet: torchvision's {OFFICIAL[name].weights} ({OFFICIAL[name].file})")
