"""`keras/NAME`: every network of keras.applications whose last map has stride 32 on grids of ceil(size / 32)."""

import difflib
import inspect
import math
import warnings

import keras

from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.torchvision import IMAGENET_MEAN, IMAGENET_STD
from logo_keras.errors import UserError
from logo_keras.keras_settings import with_own_settings

# What each family's preprocess_input does to RGB 0..255 (keras/src/applications/imagenet_utils.py): mean and std,
# and whether it swaps to BGR. Families whose models normalise inside themselves take pixels. The first that a name begins
# with counts.
_TO_UNIT = {"mean": 127.5, "std": 127.5}
_CAFFE = {"mean": (103.939, 116.779, 123.68), "std": 1.0, "reverse_channels": True}
_TORCH = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
_PIXELS = None
_FAMILIES = {
    "ConvNeXt": _PIXELS,
    "DenseNet": _TORCH,
    "EfficientNet": _PIXELS,
    "MobileNetV3": _PIXELS,
    "MobileNet": _TO_UNIT,
    "NASNet": _TO_UNIT,
    "ResNet50V2": _TO_UNIT,
    "ResNet101V2": _TO_UNIT,
    "ResNet152V2": _TO_UNIT,
    "ResNet": _CAFFE,
    "VGG": _CAFFE,
    "Xception": _TO_UNIT,
    "Inception": _TO_UNIT,
}
# The mean colour in px of the networks that normalise inside themselves: what their first layers move to 0. The first that a
# name begins with counts. EfficientNets without ImageNet weights move nothing; to them it is as good a colour as any.
_FILLS = {
    "ConvNeXt": IMAGENET_MEAN,
    "EfficientNetV2B": IMAGENET_MEAN,
    "EfficientNetV2": 128.0,
    "EfficientNet": IMAGENET_MEAN,
    "MobileNetV3": 127.5,
}
# Models take multiples of 32 px. At the first two a wrong stride and a lost edge show.
_SIZES = (224, 160)


def application_names():
    """The networks that keras.applications has, whether they fit or not: a tuple of str."""
    return tuple(name for name, value in vars(keras.applications).items() if inspect.isfunction(value))


def family(name):
    """The part of a network's name that tells how it wants its images, or None where nobody knows."""
    return next((family for family in _FAMILIES if name.startswith(family)), None)


def preprocessing(name):
    """The `Normalize` layer that does what the family's `preprocess_input` does, or None: the network takes pixels."""
    options = _FAMILIES[family(name)]
    return None if options is None else Normalize(**options)


def fill(name):
    """What lies outside a photograph, in the numbers of a normalised image: a float, or three."""
    return next((colour for family, colour in _FILLS.items() if name.startswith(family)), 0.0)


@with_own_settings
def application(name, weights="imagenet", like_imagenet=False):
    """A network of keras.applications as a Backbone.

    Args:
        name: str, the function's name in keras.applications, for instance `"MobileNetV3Small"`.
        weights: `"imagenet"` (Keras downloads them) or `None`.
        like_imagenet: bool, with `weights=None`: build the layers that go with the ImageNet weights, for weights that
            started from these.

    Returns:
        Backbone with its map of stride 32 and, where it has one, of stride 16, for photographs whose sizes 32 divides.

    Raises:
        ValueError: if there is no such network (names the known ones and the nearest), or its last map is not a grid of
            `ceil(size / 32)` cells (says what it is).
        OSError: if Keras cannot fetch the weights; says what to put where.
    """
    if name not in application_names() or family(name) is None:
        raise UserError(_unknown(name))
    # Shapes need no weights: a network that does not fit is refused before anything is downloaded.
    model = _build(name, None)
    grids = [model.compute_output_spec(keras.KerasTensor((1, size, size, 3))).shape[1:3] for size in _SIZES]
    for size, (rows, columns) in zip(_SIZES, grids, strict=True):
        if (rows, columns) != (size // 32, size // 32):
            raise UserError(
                f'backbone "keras/{name}" does not fit: its last map is {rows} x {columns} cells at {size} px, where '
                f"{size // 32} x {size // 32} are needed, one for every 32 px (convolutions without padding lose the edge)."
            )
    source = "random (Keras's initialiser)"
    if weights is not None:
        # Built anew: some families add layers that go with the weights.
        model, source = _fetched(name, weights), f"ImageNet: keras.applications.{name}"
    elif like_imagenet and name.startswith("EfficientNetB"):
        model = _scaled(model)
    return Backbone(model, preprocessing(name), _last_maps(model), source=source, fill=fill(name))


def _unknown(name):
    """What to say of a name that keras.applications does not have."""
    by_lower = {known.lower(): known for known in application_names()}
    near = difflib.get_close_matches(name.lower(), by_lower, 1, 0.5)
    hint = f" Did you mean 'keras/{by_lower[near[0]]}'?" if near else ""
    return (
        f'unknown backbone "keras/{name}": keras.applications has no network of that name, only '
        f"{', '.join(application_names())}.{hint}"
    )


def _build(name, weights):
    """The network without its head, for photographs of any size that 32 divides."""
    # NASNet's cells look at the sizes of what they join, so it wants a fixed one. What it builds is the same for every
    # multiple of 32 px, and is moved to an open input.
    fixed = name.startswith("NASNet")
    side = _SIZES[0] if fixed else None
    model = getattr(keras.applications, name)(include_top=False, weights=weights, input_shape=(side, side, 3))
    if not fixed:
        return model
    moved = keras.models.clone_model(model, input_tensors=keras.Input((None, None, 3)))
    moved.set_weights(model.get_weights())
    return moved


def _scaled(model):
    """An EfficientNet with the layer that Keras adds where its ImageNet weights are asked for."""
    # keras/src/applications/efficientnet.py, Keras 3.15: the numbers of its IMAGENET_STDDEV_RGB.
    factors = [1 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)]

    def call(layer, *args, **kwargs):
        x = layer(*args, **kwargs)
        return keras.layers.Rescaling(factors)(x) if isinstance(layer, keras.layers.Normalization) else x

    scaled = keras.models.clone_model(model, call_function=call)
    scaled.set_weights(model.get_weights())
    return scaled


def _fetched(name, weights):
    try:
        with warnings.catch_warnings():
            # MobileNets say that an open input gets the weights for 224 px: those are meant.
            warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
            return _build(name, weights)
    except Exception as error:  # Keras raises a bare Exception where a download fails.
        raise OSError(
            f'the ImageNet weights of "keras/{name}" could not be loaded: {" ".join(str(error).split())}. Put the file into '
            "~/.keras/models, where Keras keeps what it downloads, or pass weights=None to start from random weights."
        ) from error


def _last_maps(model):
    """The last map, and the deepest one of stride 16: its grid is size / 16 at two sizes that tell strides apart."""
    grids = [_shapes(model, size) for size in _SIZES]
    wanted = [(size // 16, size // 16) for size in _SIZES]
    fitting = [layer for layer in model.layers if [grid.get(layer.name) for grid in grids] == wanted]
    return {16: fitting[-1].output, 32: model.output} if fitting else {32: model.output}


def _shapes(model, size):
    """Rows and columns of every layer's output for a photograph of `size` px."""
    probe = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers if _is_map(layer)})
    return {name: spec.shape[1:3] for name, spec in probe.compute_output_spec(keras.KerasTensor((1, size, size, 3))).items()}


def _is_map(layer):
    return not isinstance(layer.output, (list, tuple, dict)) and len(layer.output.shape) == 4
