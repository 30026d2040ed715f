"""Backbones by name and by value."""

import difflib

from logo_keras.backbones.alexnet import alexnet
from logo_keras.backbones.applications import application, application_names
from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.efficientnet_lite import efficientnet_lite0, efficientnet_lite1, efficientnet_lite2
from logo_keras.backbones.googlenet import googlenet
from logo_keras.backbones.resnet import resnet50, resnet152
from logo_keras.backbones.vgg import vgg16
from logo_keras.errors import UserError

__all__ = ["Backbone", "Normalize", "NAMES", "backbone"]

# Names without a prefix: EfficientNet-Lite, and networks in torchvision's layout.
_BUILDERS = {
    "alexnet": alexnet,
    "googlenet": googlenet,
    "vgg16": vgg16,
    "resnet50": resnet50,
    "resnet152": resnet152,
    "efficientnet_lite0": efficientnet_lite0,
    "efficientnet_lite1": efficientnet_lite1,
    "efficientnet_lite2": efficientnet_lite2,
}
NAMES = tuple(_BUILDERS)
# Those with fully connected layers of their own.
_TWO_HEADED = ("alexnet", "vgg16")


def backbone(value, weights="imagenet", head="pool"):
    """Turns the `backbone=` argument of a model into a Backbone.

    Args:
        value: a name (`"efficientnet_lite0"`, `"resnet50"`, ..., `"keras/MobileNetV3Small"`) or a Backbone, returned as it is.
        weights: `"imagenet"` or `None`; a Backbone that was passed as a value keeps the weights it has.
        head: `"pool"`, the mean of the map of stride 32, or `"original"`, the network's own fully connected layers, which
            AlexNet and VGG-16 have; the original head of the others is `"pool"`.

    Returns:
        Backbone.

    Raises:
        ValueError: if the name is unknown (names the known ones and the nearest), or `weights` or `head` is something else.
        OSError: if weights cannot be downloaded; says what to put where.
    """
    if weights not in ("imagenet", None):
        raise UserError(f'weights must be "imagenet" or None, got {weights!r}.')
    if head not in ("pool", "original"):
        raise UserError(f'head must be "pool" or "original", got {head!r}.')
    if isinstance(value, Backbone):
        return value
    if isinstance(value, str) and value.startswith("keras/"):
        return application(value.removeprefix("keras/"), weights)
    if not isinstance(value, str) or value not in _BUILDERS:
        # Nearest in letters, whatever their case, and with "keras/" forgotten.
        known = {name.lower(): f"keras/{name}" for name in application_names()} | {name: name for name in NAMES}
        near = difflib.get_close_matches(str(value).lower(), known, 1, 0.6)
        hint = f" Did you mean {known[near[0]]!r}?" if near else ""
        raise UserError(
            f"unknown backbone {value!r}: expected {', '.join(NAMES)}, keras/NAME of keras.applications or an lk.Backbone.{hint}"
        )
    if value in _TWO_HEADED:
        return _BUILDERS[value](weights, head)
    return _BUILDERS[value](weights)
