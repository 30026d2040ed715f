"""VGG in torchvision's layout, without batch norm.

Source: Simonyan and Zisserman 2015, arXiv:1409.1556, table 1, column D; torchvision/models/vgg.py.
"""

import keras

from logo_keras.backbones.fully_connected import fully_connected
from logo_keras.backbones.torchvision import torchvision_backbone

# Convolutions and filters of each stage.
_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg16(weights="imagenet", head="pool"):
    """VGG-16: 14.7 M parameters in its convolutions, 134 M with its own fully connected layers; 512 channels.

    Args:
        weights: `"imagenet"` (torchvision's, downloaded) or `None`, the initialiser of He et al. 2015.
        head: `"original"`: with its two fully connected layers; `"pool"`: its convolutions alone.

    Returns:
        Backbone on torchvision's normalisation, with maps of stride 16 (the last convolution) and 32 (the last pooling).

    Raises:
        OSError: if the weights cannot be downloaded; says what to put where.
    """
    images = keras.Input((None, None, 3), name="normalized_images")
    x, blocks, names = images, [], {}
    # The place in torchvision's `features`: a convolution and its ReLU are two, a pooling is one.
    place = 0
    for stage, (count, filters) in enumerate(_STAGES, start=1):
        for number in range(1, count + 1):
            name = f"conv{stage}_{number}"
            x = keras.layers.Conv2D(filters, 3, 1, "same", activation="relu", kernel_initializer="he_normal", name=name)(x)
            names[name] = f"features.{place}"
            place += 2
        level16 = x
        # Nothing else differs between the heads: at sizes that 32 divides, "same" is torchvision's pooling; at other sizes it
        # keeps the last row, so that grids are ceil(size / stride).
        x = keras.layers.MaxPooling2D(2, 2, "valid" if head == "original" else "same", name=f"pool{stage}")(x)
        place += 1
        blocks.append(f"pool{stage}")
    feature = None
    if head == "original":
        feature = fully_connected(x, 7, dropout_first=False)
        names |= {"fc6": "classifier.0", "fc7": "classifier.3"}
    levels, head = {16: level16, 32: x}, "classifier.6"
    return torchvision_backbone("vgg16", images, levels, blocks, weights, torch_names=names, torch_head=head, feature=feature)
