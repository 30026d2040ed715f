"""One PyTorch module's entries in one Keras layer: names, shapes, transposes."""

import keras
import numpy as np

from logo_keras.errors import UserError

# What we call PyTorch's parts.
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_OTHERS = {"weight": "kernel", "bias": "bias"}
# Which of our axes is which of theirs, of a weight. Theirs: out, in, rows, columns; of a depthwise kernel channels, 1, rows,
# columns, where ours has rows, columns, channels, 1.
_AXES = {
    keras.layers.BatchNormalization: (0,),
    keras.layers.DepthwiseConv2D: (2, 3, 0, 1),
    keras.layers.Conv2D: (3, 2, 0, 1),
    keras.layers.Dense: (1, 0),
}


def entries_of(layer, prefix):
    """The entries that `set_layer` reads.

    Args:
        layer: Conv2D, DepthwiseConv2D, Dense or BatchNormalization, built.
        prefix: str, the name of the module in PyTorch, for instance "layer1.0.conv1".

    Returns:
        dict from entry name to shape in PyTorch's layout: convolutions out, in, rows, columns; dense out, in.

    Raises:
        ValueError: for another kind of layer, or one that is not built.
    """
    return {f"{prefix}.{part}": shape for part, (_, shape, _) in _places(layer).items()}


def set_layer(layer, entries, prefix):
    """Copies one module's entries into a layer: all of them or nothing.

    Args:
        layer: as for `entries_of`.
        entries: mapping from entry name to NumPy array in PyTorch's layout.
        prefix: str, the name of the module in PyTorch.

    Raises:
        ValueError: if an entry is missing or has another shape than wanted, or as for `entries_of`.
    """
    places = _places(layer)
    check({f"{prefix}.{part}": shape for part, (_, shape, _) in places.items()}, entries)
    for part, (variable, _, order) in places.items():
        variable.assign(np.transpose(entries[f"{prefix}.{part}"], order))


def load_layers(model, torch_names, entries):
    """Copies the entries of many modules into the layers of a Keras model: all of them or nothing.

    Args:
        model: keras.Model.
        torch_names: mapping from layer name to module name.
        entries: mapping from entry name to NumPy array in PyTorch's layout.

    Raises:
        ValueError: one, listing what is missing or has another shape.
    """
    pairs = [(model.get_layer(ours), theirs) for ours, theirs in torch_names.items()]
    check({name: shape for layer, prefix in pairs for name, shape in entries_of(layer, prefix).items()}, entries)
    for layer, prefix in pairs:
        set_layer(layer, entries, prefix)


def read_layers(model, torch_names):
    """The entries of many modules as `load_layers` takes them.

    Args:
        model, torch_names: as for `load_layers`.

    Returns:
        dict from entry name to float32 array in PyTorch's layout.

    Raises:
        ValueError: as `entries_of`.
    """
    entries = {}
    for ours, theirs in torch_names.items():
        for part, (variable, _, order) in _places(model.get_layer(ours)).items():
            entries[f"{theirs}.{part}"] = np.transpose(keras.ops.convert_to_numpy(variable), np.argsort(order))
    return entries


def check(wanted, entries):
    """Compares names and shapes before anything is copied.

    Args:
        wanted: dict from entry name to shape.
        entries: mapping from entry name to NumPy array.

    Raises:
        ValueError: listing every entry that is missing or has another shape.
    """
    missing = [name for name in wanted if name not in entries]
    other = [
        f"{name} is {tuple(entries[name].shape)}, wanted {tuple(shape)}"
        for name, shape in wanted.items()
        if name in entries and tuple(entries[name].shape) != tuple(shape)
    ]
    what = [f"{len(missing)} missing: {some(missing)}"] if missing else []
    what += [f"{len(other)} of another shape: {some(other)}"] if other else []
    if what:
        raise UserError(f"the entries do not fit: {'; '.join(what)}.")


def some(names, most=10):
    """The first names of many, as text."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _places(layer):
    """By PyTorch's part name: the variable, the shape in PyTorch's layout, and the order of its axes that makes ours of it."""
    kind = next((kind for kind in _AXES if isinstance(layer, kind)), None)
    if kind is None:
        raise UserError(f"a {type(layer).__name__} ({layer.name}) has no counterpart in PyTorch that could be imported.")
    if getattr(layer, "depth_multiplier", 1) != 1:
        raise UserError(f"{layer.name} has depth_multiplier {layer.depth_multiplier}; only 1 can be imported.")
    if not layer.built:
        raise UserError(f"the layer {layer.name} is not built: call it, or its model, once.")
    places = {}
    for part, ours in (_NORM if kind is keras.layers.BatchNormalization else _OTHERS).items():
        # None where the layer has no scale, offset or bias; then PyTorch has no such entry either.
        if (variable := getattr(layer, ours)) is not None:
            axes = _AXES[kind] if part == "weight" else (0,)
            places[part] = variable, tuple(variable.shape[axis] for axis in axes), tuple(np.argsort(axes))
    return places
