"""The Backbone value: a network, how pixels become its input, and its maps by stride."""

import dataclasses
import numbers
from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import ops

from logo_keras.errors import UserError

# ImageNet's statistics as torchvision uses them, in grey levels of RGB.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
# Where a preprocessing that centres its images puts 0, in shares of the way from black to white. BGR without the mean of
# ImageNet is at 0.41 to 0.49.
_MIDDLE = (0.25, 0.75)


@keras.saving.register_keras_serializable("logo_keras")
class Normalize(keras.layers.Layer):
    """Pixels 0..255 to the numbers a network was trained on: `(x - mean) / std`, channel by channel.

    Args:
        mean: float or three floats, in grey levels 0..255, in the order of the network's channels.
        std: float or three floats, likewise.
        reverse_channels: bool, whether the network wants BGR.
    """

    def __init__(self, mean=0.0, std=1.0, reverse_channels=False, **kwargs):
        # Under a mixed policy too: 16 bits would round pixels before anything is cut from them.
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.mean = mean
        self.std = std
        self.reverse_channels = reverse_channels
        self.built = True

    def call(self, images):
        # Keras's own casting leaves integers as they are: a mean taken from uint8 wraps around.
        images = ops.cast(images, self.compute_dtype)
        if self.reverse_channels:
            images = images[..., ::-1]
        mean, std = (ops.convert_to_tensor(value, dtype=images.dtype) for value in (self.mean, self.std))
        return (images - mean) / std

    def get_config(self):
        # Keras's own would refuse arrays, which a mean may well be.
        return super().get_config() | {"mean": self.mean, "std": self.std, "reverse_channels": self.reverse_channels}


@keras.saving.register_keras_serializable("logo_keras")
@dataclasses.dataclass(frozen=True, eq=False)
class Backbone:
    """A feature extractor as a value; every model of this package takes one, or the name of one.

    Attributes:
        model: keras.Model on normalised images `[B, H, W, 3]`.
        preprocessing: a Keras layer, or a function of Keras operations, that turns float RGB pixels 0..255 `[B, H, W, 3]`
            into such images. `None` if the model takes pixels.
        levels: its maps by stride in px: a mapping from 16, 32, ... to a tensor of `model`, or to the name of
            the layer that gives it. Stride 32 is required. Grids are `ceil(size / stride)`.
        blocks: names of the layers that end the stem and each block, in order; what `frozen_blocks` counts.
        feature: `[B, C]`, a tensor of `model` or the name of the layer that gives it: what a classifier reads, of a network
            that has fully connected layers of its own. `None`: the mean of the map of stride 32.
        torch_names: mapping from layer name to the name of the same module in PyTorch, for importing weights.
        torch_head: str or None, the name in PyTorch of the classifier behind the feature.
        residual_norms: names of the batch norms that end the residual branches.
        source: str, where the weights come from, in words.
        fill: float, or a float for each channel of a normalised image: what lies outside a photograph, and what a drop
            leaves out. By default 0 where the preprocessing moves the middle of the grey levels to 0, and otherwise what
            it makes of the mean colour of photographs.

    A model takes the layers of the value as they are: two models made from one value share their weights, and what one
    freezes or trains. Make a value for each.

    Raises:
        ValueError: without a map of stride 32, with a level that is no map, a feature that is one, a name of a layer that the
            model does not have, weights that are not float32, a layer for channels first, or a fill that is no colour.
    """

    model: keras.Model
    preprocessing: Callable | None
    levels: Mapping
    blocks: tuple = ()
    feature: keras.KerasTensor | str | None = None
    torch_names: Mapping = dataclasses.field(default_factory=dict)
    torch_head: str | None = None
    residual_norms: tuple = ()
    source: str = "a Backbone that was passed as a value"
    fill: float | tuple | None = None

    def __post_init__(self):
        self._check_settings()
        levels = {int(stride): self._tensor(level) for stride, level in self.levels.items()}
        if 32 not in levels:
            raise UserError(f"levels must have a map of stride 32, got strides {sorted(levels)}.")
        for stride, tensor in levels.items():
            if len(getattr(tensor, "shape", ())) != 4:
                raise UserError(
                    f"stride {stride} must be a map [B, rows, columns, C], got {_shape(tensor)} of {self.model.name!r}."
                )
        for name in (*self.blocks, *self.torch_names, *self.residual_norms):
            self._tensor(name)
        feature = self._tensor(self.feature)
        if feature is not None and len(getattr(feature, "shape", ())) != 2:
            raise UserError(f"feature must be [B, C], got {_shape(feature)} of {self.model.name!r}.")
        object.__setattr__(self, "levels", dict(sorted(levels.items())))
        object.__setattr__(self, "preprocessing", _as_model(self.preprocessing))
        object.__setattr__(self, "fill", _mean_colour(self.preprocessing) if self.fill is None else checked_fill(self.fill))
        object.__setattr__(self, "feature", feature)
        object.__setattr__(self, "blocks", tuple(self.blocks))
        object.__setattr__(self, "torch_names", dict(self.torch_names))
        object.__setattr__(self, "residual_norms", tuple(self.residual_norms))

    def _check_settings(self):
        """Refuses what comes of Keras's settings where the network was built."""
        dtypes = {keras.backend.standardize_dtype(weight.dtype) for weight in self.model.weights} - {"float32"}
        if any(map(keras.backend.is_float_dtype, dtypes)):
            raise UserError(
                f"the weights of {self.model.name!r} are {', '.join(sorted(dtypes))}, wanted float32: build the network after "
                'keras.config.set_dtype_policy("float32"), or "mixed_float16" to compute in 16 bits. A keras.json file may say '
                "otherwise (floatx)."
            )
        for layer in self.model.layers:
            if getattr(layer, "data_format", None) == "channels_first":
                raise UserError(
                    f"the layer {layer.name!r} of {self.model.name!r} takes channels first, and photographs come channels last: "
                    'build the network with data_format="channels_last", or after '
                    'keras.config.set_image_data_format("channels_last"). A keras.json file may say otherwise '
                    "(image_data_format)."
                )

    def _tensor(self, level):
        if not isinstance(level, str):
            return level
        names = [layer.name for layer in self.model.layers]
        if level not in names:
            raise UserError(f"the backbone {self.model.name!r} has no layer {level!r}. Its layers: {', '.join(names)}.")
        return self.model.get_layer(level).output

    def channels(self, stride):
        """Channels of the map at `stride` px."""
        return self.levels[stride].shape[-1]

    @property
    def feature_channels(self):
        """Channels of what a classifier reads."""
        return self.channels(32) if self.feature is None else self.feature.shape[-1]

    def __str__(self):
        preprocessing = "none, it takes pixels 0..255" if self.preprocessing is None else self.preprocessing.name
        if isinstance(self.preprocessing, Normalize):
            order = "BGR" if self.preprocessing.reverse_channels else "RGB"
            preprocessing = f"({order} - {self.preprocessing.mean}) / {self.preprocessing.std}"
        maps = ", ".join(f"{stride} px with {self.channels(stride)} channels" for stride in self.levels)
        lines = [f"{self.model.name}: {self.model.count_params():,} parameters", f"  strides        {maps}"]
        if self.feature is not None:
            lines.append(f"  feature        {self.feature.shape[-1]} channels, from its own fully connected layers")
        return "\n".join([*lines, f"  preprocessing  {preprocessing}", f"  weights        {self.source}"])

    def extractor(self):
        """A Keras model from normalised images to a dict of maps, keyed by the stride as a string, and perhaps `feature`."""
        outputs = {str(stride): tensor for stride, tensor in self.levels.items()}
        if self.feature is not None:
            outputs["feature"] = self.feature
        return keras.Model(self.model.inputs[0], outputs, name="backbone")

    def frozen_layers(self, count):
        """The layers of the stem and the first `count` blocks.

        Raises:
            ValueError: if the backbone does not have so many blocks.
        """
        if count == 0:
            return []
        if not 0 < count < len(self.blocks):
            raise UserError(
                f"frozen_blocks must lie between 0 and {max(len(self.blocks) - 1, 0)} for {self.model.name!r}, got {count}."
            )
        return keras.Model(self.model.inputs[0], self._tensor(self.blocks[count])).layers

    def layers_by_block(self):
        """The layers of the stem and of each block, in order: a list of lists of layers; empty where `blocks` are not known.

        What lies behind the last block is in none.
        """
        found, seen = [], set()
        for name in self.blocks:
            layers = keras.Model(self.model.inputs[0], self._tensor(name)).layers
            found.append([layer for layer in layers if id(layer) not in seen])
            seen |= {id(layer) for layer in layers}
        return found

    def get_config(self):
        """What `from_config` needs to build the same backbone, without its weights.

        Raises:
            ValueError: if the layer of a map is called twice, so that its name does not tell which map is meant.
        """
        layers = {stride: tensor._keras_history.operation for stride, tensor in self.levels.items()}
        for stride, layer in layers.items():
            if len(layer._inbound_nodes) > 1:
                raise UserError(f"the map of stride {stride} comes from {layer.name!r}, which the backbone calls twice.")
        return {
            "model": keras.saving.serialize_keras_object(self.model),
            "preprocessing": keras.saving.serialize_keras_object(self.preprocessing),
            "levels": {str(stride): layer.name for stride, layer in layers.items()},
            "blocks": list(self.blocks),
            "feature": None if self.feature is None else self.feature._keras_history.operation.name,
            "torch_names": self.torch_names,
            "torch_head": self.torch_head,
            "residual_norms": list(self.residual_norms),
            "source": self.source,
            "fill": self.fill,
        }

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("model", "preprocessing")}
        return cls(**config | parts)


def checked_fill(fill):
    """A fill as a float, or as a tuple of one float a channel.

    Raises:
        ValueError: if it is neither.
    """
    values = fill if isinstance(fill, (tuple, list, np.ndarray)) else (fill,)
    usable = [isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(value) for value in values]
    if not usable or not all(usable):
        raise UserError(f"fill must be a number, or a number for each channel of a normalised image, got {fill!r}.")
    # Zeros as the one number that costs nothing.
    return tuple(map(float, values)) if len(values) > 1 and any(values) else float(values[0])


def _mean_colour(preprocessing):
    """The fill of a backbone with this preprocessing: 0 if that moves the middle of the grey levels to 0."""
    if preprocessing is None:
        return IMAGENET_MEAN
    colours = np.float32([[0] * 3, [255] * 3, IMAGENET_MEAN])[:, None, None]
    black, white, mean = ops.convert_to_numpy(preprocessing(colours)).astype(np.float64)[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = -black / (white - black)
    if ((_MIDDLE[0] < zero) & (zero < _MIDDLE[1])).all():
        return 0.0
    return checked_fill(mean.tolist())


def _shape(tensor):
    return f"shape {tuple(tensor.shape)}" if hasattr(tensor, "shape") else repr(tensor)


def _as_model(preprocessing):
    """A function, or a layer that is not built, as a Keras model: built, with its variables, and loadable from a file."""
    if preprocessing is None or getattr(preprocessing, "built", False):
        return preprocessing
    pixels = keras.Input((None, None, 3))
    try:
        return keras.Model(pixels, preprocessing(pixels), name="preprocessing")
    except Exception as error:
        raise UserError(
            "preprocessing must be a Keras layer or a function of Keras operations from pixels [B, H, W, 3] to images of the "
            f"same shape, got {preprocessing!r}, which fails: {error}"
        ) from error
