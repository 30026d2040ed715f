"""Backbones by name and by value."""

from logo_keras.backbones.applications import application
from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.efficientnet_lite import efficientnet_lite0
from logo_keras.backbones.resnet import resnet50

__all__ = ["Backbone", "Normalize", "NAMES", "backbone"]

# Names without a prefix: networks of this package; ResNets in torchvision's layout.
_BUILDERS = {"efficientnet_lite0": efficientnet_lite0, "resnet50": resnet50}
NAMES = tuple(_BUILDERS)


def backbone(value, weights="imagenet"):
    """Turns the `backbone=` argument of a model into a Backbone.

    Args:
        value: a name (`"efficientnet_lite0"`, `"resnet50"`, `"keras/MobileNetV3Small"`) or a Backbone, returned as it is.
        weights: `"imagenet"` or `None`; a Backbone that was passed as a value keeps the weights it has.

    Returns:
        Backbone.

    Raises:
        ValueError: if the name is unknown, or `weights` is something else.
    """
    if weights not in ("imagenet", None):
        raise ValueError(f'weights must be "imagenet" or None, got {weights!r}.')
    if isinstance(value, Backbone):
        return value
    if isinstance(value, str) and value.startswith("keras/"):
        return application(value.removeprefix("keras/"), weights)
    if value not in _BUILDERS:
        raise ValueError(f"unknown backbone {value!r}: expected {', '.join(NAMES)}, keras/NAME or an lk.Backbone.")
    return _BUILDERS[value](weights)
