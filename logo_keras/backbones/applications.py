"""`keras/NAME`: every network of keras.applications whose last map has stride 32 on grids of ceil(size / 32)."""

import keras

from logo_keras.backbones.backbone import Backbone, Normalize
from logo_keras.backbones.resnet import IMAGENET_MEAN, IMAGENET_STD

# What each family's preprocess_input does to RGB 0..255 (keras/src/applications/imagenet_utils.py): mean and std,
# and whether it swaps to BGR. Families whose models normalise inside themselves take pixels.
_TO_UNIT = {"mean": 127.5, "std": 127.5}
_CAFFE = {"mean": (103.939, 116.779, 123.68), "std": 1.0, "reverse_channels": True}
_TORCH = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
_PIXELS = {}
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


def application(name, weights="imagenet"):
    """A network of keras.applications as a Backbone.

    Args:
        name: str, the function's name in keras.applications, for instance `"MobileNetV3Small"`.
        weights: `"imagenet"` (Keras downloads them) or `None`.

    Returns:
        Backbone with its map of stride 32 and, where it has one, of stride 16.

    Raises:
        ValueError: if there is no such network, or its maps do not fit grids of `ceil(size / 32)`.
    """
    build = getattr(keras.applications, name, None)
    family = next((family for family in _FAMILIES if name.startswith(family)), None)
    if not callable(build) or family is None:
        raise ValueError(f'unknown backbone "keras/{name}": keras.applications has no network of that name.')
    model = build(include_top=False, weights=weights, input_shape=(None, None, 3))
    levels = _last_maps(model)
    if 32 not in levels or model.output is not levels[32]:
        raise ValueError(f'backbone "keras/{name}" does not fit: its last map is not a grid of ceil(size / 32) cells.')
    return Backbone(model, Normalize(**_FAMILIES[family]), levels)


def _last_maps(model):
    """The deepest map of stride 16 and of stride 32: its grid is ceil(size / stride) at two sizes that tell them apart."""
    sizes = (224, 160)
    grids = [_shapes(model, size) for size in sizes]
    levels = {}
    for layer in model.layers:
        for stride in (16, 32):
            wanted = [(-(-size // stride),) * 2 for size in sizes]
            if [grid.get(layer.name) for grid in grids] == wanted:
                levels[stride] = layer.output
    return levels


def _shapes(model, size):
    """Rows and columns of every layer's output for a photograph of `size` px."""
    probe = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers if _is_map(layer)})
    return {name: spec.shape[1:3] for name, spec in probe.compute_output_spec(keras.KerasTensor((1, size, size, 3))).items()}


def _is_map(layer):
    return not isinstance(layer.output, (list, tuple, dict)) and len(layer.output.shape) == 4
