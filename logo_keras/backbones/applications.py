"""`keras/NAME`: every network of keras.applications whose last map has stride 32 on grids of ceil(size / 32)."""

import inspect
import math
import warnings

import keras

from logo_keras.backbones.backbone import IMAGENET_MEAN, IMAGENET_STD, Backbone, Normalize
from logo_keras.errors import UserError
from logo_keras.keras_settings import with_own_settings

# What each family's preprocess_input does to RGB 0..255 (keras/src/applications/imagenet_utils.py): mean and std, and whether
# it swaps to BGR.
_TO_UNIT = {"mean": 127.5, "std": 127.5}
_CAFFE = {"mean": (103.939, 116.779, 123.68), "std": 1.0, "reverse_channels": True}
_TORCH = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
# The preprocessing and the fill of each family; the first that a name begins with counts. Families whose models normalise
# inside themselves take pixels, and their fill is the mean colour that their first layers move to 0. EfficientNets without
# ImageNet weights move nothing; to them it is as good a colour as any.
_FAMILIES = {
    "ConvNeXt": (None, IMAGENET_MEAN),
    "DenseNet": (_TORCH, 0.0),
    "EfficientNetV2B": (None, IMAGENET_MEAN),
    "EfficientNetV2": (None, 128.0),
    "EfficientNet": (None, IMAGENET_MEAN),
    "MobileNetV3": (None, 127.5),
    "MobileNet": (_TO_UNIT, 0.0),
    "NASNet": (_TO_UNIT, 0.0),
    "ResNet50V2": (_TO_UNIT, 0.0),
    "ResNet101V2": (_TO_UNIT, 0.0),
    "ResNet152V2": (_TO_UNIT, 0.0),
    "ResNet": (_CAFFE, 0.0),
    "VGG": (_CAFFE, 0.0),
    "Xception": (_TO_UNIT, 0.0),
    "Inception": (_TO_UNIT, 0.0),
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
    options, _ = _FAMILIES[family(name)]
    return None if options is None else Normalize(**options)


def fill(name):
    """What lies outside a photo, in the numbers of a normalised image: a float, or three."""
    return _FAMILIES[family(name)][1]


@with_own_settings
def application(name, weights="imagenet", like_imagenet=False):
    """A network of keras.applications as a Backbone.

    Args:
        name: str, the function's name in keras.applications, for instance `"MobileNetV3Small"`.
        weights: `"imagenet"` (Keras downloads them) or `None`.
        like_imagenet: bool, with `weights=None`: build the layers that go with the ImageNet weights, for weights that
            started from these.

    Returns:
        Backbone with its map of stride 32 and, where it has one, of stride 16, for images whose sizes 32 divides.

    Raises:
        ValueError: if its last map is not a grid of `ceil(size / 32)` cells (says what it is).
        OSError: if Keras cannot fetch the weights; says what to put where.
    """
    model, source = _build(name, None), "random (Keras's initialiser)"
    # Shapes need no weights: a network that does not fit is refused before anything is downloaded.
    levels = _levels(name, model)
    if weights is not None:
        # Built anew: some families add layers that go with the weights.
        model, source = _fetched(name, weights), f"ImageNet: keras.applications.{name}"
        levels = _levels(name, model)
    elif like_imagenet and name.startswith("EfficientNetB"):
        model = _scaled(model)
    return Backbone(model, preprocessing(name), levels, source=source, fill=fill(name))


def _build(name, weights):
    """The network without its head, for images of any size that 32 divides."""
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


def _levels(name, model):
    """The layers that give the last map and the deepest map of stride 16, by stride; refuses a network whose grids do not fit."""
    grids = {size: _grids(model, size) for size in _SIZES}
    last = model.output._keras_history.operation.name
    for size in _SIZES:
        (rows, columns), cells = grids[size][last], size // 32
        if (rows, columns) != (cells, cells):
            raise UserError(
                f'backbone "keras/{name}" does not fit: its last map is {rows} x {columns} cells at {size} px, where '
                f"{cells} x {cells} are needed, one for every 32 px (convolutions without padding lose the edge)."
            )
    # Two sizes tell strides apart.
    deep = [layer for layer in grids[_SIZES[0]] if all(grids[size][layer] == (size // 16, size // 16) for size in _SIZES)]
    return {16: deep[-1], 32: last} if deep else {32: last}


def _grids(model, size):
    """Rows and columns of every map of a network for an image of `size` px, by layer."""
    maps = {layer.name: layer.output for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4}
    found = keras.Model(model.inputs[0], maps).compute_output_spec(keras.KerasTensor((1, size, size, 3)))
    return {layer: found[layer].shape[1:3] for layer in maps}
