"""A run that starts from the weights of a model file."""

import dataclasses

import keras
import numpy as np

from logo_keras.network import load


def start_from(path, config, class_names):
    """Builds the model of a run with the weights of a file.

    Of classes that the file does not know, the classifiers start anew; those of the others go with their names.

    Args:
        path: str or path of a `.keras` file of this package.
        config: Config.
        class_names: N str.

    Returns:
        The model, compiled for the run, and a str that says what was taken over.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds another architecture, or no model of this package.
    """
    source = load(path)
    # The file's weights replace all others, so none are fetched.
    arguments = {**config.arguments, "weights": None}
    model = dataclasses.replace(config, arguments=arguments, zero_gamma=False).build(class_names)
    if type(source) is not type(model):
        raise ValueError(
            f"{path} is a {type(source).__name__}, and this run trains a {type(model).__name__}: choose its --model."
        )
    heads, old_heads = _class_weights(model), _class_weights(source)
    pairs = list(zip(model.weights, source.weights, strict=False))
    fits = len(model.weights) == len(source.weights) and all(
        tuple(new.shape) == tuple(old.shape) if id(new) not in heads else id(old) in old_heads for new, old in pairs
    )
    if not fits:
        raise ValueError(f"{path} has another architecture than this run{_differences(source, model)}.")
    places = {name: place for place, name in enumerate(source.class_names)}
    known = [(place, places[name]) for place, name in enumerate(model.class_names) if name in places]
    for new, old in pairs:
        value = keras.ops.convert_to_numpy(old)
        if id(new) in heads:
            old_value, value = value, np.array(keras.ops.convert_to_numpy(new))
            for place, old_place in known:
                value[..., place] = old_value[..., old_place]
        new.assign(value)
    model.initial_weights = source.initial_weights
    model.card = {**model.card, "weights": source.card.get("weights")}
    said = f"Starting from the weights of {path}."
    if len(known) < model.num_classes:
        unknown = [name for name in model.class_names if name not in places]
        shown = ", ".join(unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        said += f" It does not know {len(unknown)} of the {model.num_classes} brands ({shown}): their classifiers start anew."
    return model, said


def _class_weights(model):
    """The ids of the weights whose last axis is the classes."""
    inside = {id(layer) for layer in model.extractor._flatten_layers()}
    dense = (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense) and id(layer) not in inside)
    return {id(weight) for layer in dense if layer.units == model.num_classes for weight in layer.weights}


def _differences(source, model):
    before, now = source.get_config(), model.get_config()
    left_out = ("name", "class_names", "weights", "card")
    names = [name for name in now if name not in left_out and not isinstance(now[name], dict) and before.get(name) != now[name]]
    return "".join(f", {name} was {before.get(name)} and is {now[name]}" for name in names)
