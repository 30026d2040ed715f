"""Backbones by name and by value."""

import difflib
import functools

from logo_keras.backbones.alexnet import alexnet
from logo_keras.backbones.applications import application, application_names, family
from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.efficientnet_lite import LITES, efficientnet_lite
from logo_keras.backbones.googlenet import googlenet
from logo_keras.backbones.resnet import RESNETS, resnet
from logo_keras.backbones.vgg import vgg16
from logo_keras.errors import UserError
from logo_keras.keras_settings import with_own_settings
from logo_keras.weights import logos

__all__ = ["Backbone", "Normalize", "NAMES", "backbone"]

# Names without a prefix: EfficientNet-Lite, and networks in torchvision's layout.
_BUILDERS = {
    "alexnet": alexnet,
    "googlenet": googlenet,
    "vgg16": vgg16,
    **{name: functools.partial(resnet, name) for name in RESNETS},
    **{name: functools.partial(efficientnet_lite, name) for name in LITES},
}
NAMES = tuple(_BUILDERS)
# Those with fully connected layers of their own.
_TWO_HEADED = ("alexnet", "vgg16")


def initial_weights(value, weights):
    """What `weights="pretrained"` means for a backbone: the better start that there is of it.

    Args:
        value: what a model takes as `backbone=`, a name or a Backbone.
        weights: what it takes as `weights=`.

    Returns:
        `"logos"` or `"imagenet"` for `"pretrained"`; anything else as it is.

    Source:
        benchmarks/results/compare-toplogo10-weights.md.
    """
    if weights != "pretrained":
        return weights
    return "logos" if value in logos.BACKBONES else "imagenet"


@with_own_settings
def backbone(value, weights="imagenet", head="pool"):
    """Turns the `backbone=` argument of a model into a Backbone.

    Args:
        value: a name (`"efficientnet_lite0"`, `"resnet50"`, ..., `"keras/MobileNetV3Small"`) or a Backbone, returned as it is.
        weights: `"imagenet"`, `"logos"` (those of the logo embedding that comes with the package, for `"efficientnet_lite0"`),
            `"pretrained"` (the latter where there are such, else the former) or `None`; a Backbone that was passed as a value
            keeps the weights it has.
        head: `"pool"`, the mean of the map of stride 32, or `"original"`, the network's own fully connected layers, which
            AlexNet and VGG-16 have; the original head of the others is `"pool"`.

    Returns:
        Backbone.

    Raises:
        ValueError: if the name is unknown (names the known ones and the nearest), `weights` or `head` is something else, or there
            are no such weights of this backbone.
        OSError: if weights cannot be downloaded; says what to put where. If those that come with the package are missing.
    """
    weights = initial_weights(value, weights)
    if weights not in ("imagenet", "logos", None):
        raise UserError(f'weights must be "pretrained", "imagenet", "logos" or None, got {weights!r}.')
    if head not in ("pool", "original"):
        raise UserError(f'head must be "pool" or "original", got {head!r}.')
    if isinstance(value, Backbone):
        return value
    name = str(value).removeprefix("keras/")
    ours = isinstance(value, str) and value in _BUILDERS
    if not ours and not (f"keras/{name}" == value and name in application_names() and family(name)):
        raise UserError(_unknown(value, name))
    if weights == "logos" and value not in logos.BACKBONES:
        raise UserError(
            f'weights="logos" exists for {" and ".join(logos.BACKBONES)} only, got the backbone {value!r}: take that one, or '
            'weights="imagenet".'
        )
    if not ours:
        return application(name, weights)
    return _BUILDERS[value](weights, head) if value in _TWO_HEADED else _BUILDERS[value](weights)


def _unknown(value, name):
    """What to say of a value that names no backbone: the names there are, and the nearest in letters, whatever their case."""
    known = {known.lower(): f"keras/{known}" for known in application_names()}
    expected = f"{', '.join(NAMES)}, keras/NAME of keras.applications or an lk.Backbone."
    if name == value:
        # "keras/" may be forgotten.
        known |= {known: known for known in NAMES}
    elif isinstance(value, str):
        expected = f"keras/NAME with one of keras.applications: {', '.join(application_names())}."
    near = difflib.get_close_matches(name.lower(), known, 1, 0.6)
    hint = f" Did you mean {known[near[0]]!r}?" if near else ""
    return f"unknown backbone {value!r}: expected {expected}{hint}"
