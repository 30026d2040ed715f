"""What the networks in torchvision's layout share: its normalisation and its ImageNet weights."""

import keras

from logo_keras.backbones.backbone import IMAGENET_MEAN, IMAGENET_STD, Backbone, Normalize
from logo_keras.weights.entries import read_checkpoint
from logo_keras.weights.layers import load_layers
from logo_keras.weights.official import OFFICIAL, official_file


def torchvision_backbone(name, images, levels, blocks, weights, *, torch_names, feature=None, normalize=None, **parts):
    """Makes a Backbone of a network that has just been built, with torchvision's ImageNet weights if they are asked for.

    Args:
        name: str, torchvision's name of the network.
        images: its input.
        levels: dict from a stride in px to the map, as for Backbone.
        blocks: names of the layers that end the stem and each block.
        weights: `"imagenet"`, downloaded, or `None`, what the layers start from.
        torch_names: dict from layer name to torchvision's name.
        feature: the feature of the network's own fully connected layers, or None.
        normalize: Normalize, or None for torchvision's usual one.
        **parts: other attributes of Backbone.

    Returns:
        Backbone that says where its weights come from.

    Raises:
        OSError: if the official file cannot be downloaded; says what to put where.
    """
    model = keras.Model(images, levels[32] if feature is None else [levels[32], feature], name=name)
    source = "random (He et al. 2015, arXiv:1502.01852)"
    if weights is not None:
        load_layers(model, torch_names, read_checkpoint(official_file(name)))
        source = f"ImageNet: torchvision's {OFFICIAL[name].weights} ({OFFICIAL[name].file})"
    normalize = normalize or Normalize(IMAGENET_MEAN, IMAGENET_STD)
    return Backbone(model, normalize, levels, blocks, feature, torch_names, source=source, **parts)
