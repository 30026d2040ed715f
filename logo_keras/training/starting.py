"""Where a run starts from: the weights of a file."""

import dataclasses

import keras
import numpy as np

from logo_keras.errors import UserError
from logo_keras.files import sha256
from logo_keras.network import LogoDetector, LogoEmbedder, load


def sha256_of_start(start, before):
    """The SHA-256 of the file that a run starts from; of one that has gone since, what the run has recorded."""
    try:
        return sha256(start)
    except FileNotFoundError:
        if before and before.get("start"):
            return before["start"]
        raise FileNotFoundError(f"there is no model {start} to start from.") from None


def start_from(path, config, class_names):
    """Builds the model of a run with the weights of a file.

    Of classes that the file does not know, the classifiers start anew; those of the others go with their names.

    Returns:
        The model, compiled for the run, and a str that says what was taken over.
    """
    source = load(path)
    if config.model == "LogoDetector" and isinstance(source, LogoEmbedder):
        return config.build(class_names, source), f"Regions are embedded by {path}."
    if type(source).__name__ != config.model:
        raise UserError(f"{path} is a {type(source).__name__}, and this run trains a {config.model}: choose its --model.")
    # The file's weights replace all others, so none are fetched.
    arguments = {**config.arguments, "weights": None}
    config = dataclasses.replace(config, arguments=arguments, zero_gamma=False)
    model = config.build(class_names, getattr(source, "embedder", None))
    heads, old_heads = _class_weights(model), _class_weights(source)
    pairs = list(zip(model.weights, source.weights, strict=False))
    fits = len(model.weights) == len(source.weights) and all(
        tuple(new.shape) == tuple(old.shape) if id(new) not in heads else id(old) in old_heads for new, old in pairs
    )
    if not fits:
        raise UserError(f"{path} has another architecture than this run{_differences(source, model)}.")
    places = {name: place for place, name in enumerate(source.class_names)}
    known = [(place, places[name]) for place, name in enumerate(model.class_names) if name in places]
    for new, old in pairs:
        value = keras.ops.convert_to_numpy(old)
        if id(new) in heads:
            old_value, value = value, np.array(keras.ops.convert_to_numpy(new))
            # Views, of which the first axis is the classes.
            of_classes, of_old_classes = (np.moveaxis(each, heads[id(new)], 0) for each in (value, old_value))
            for place, old_place in known:
                of_classes[place] = of_old_classes[old_place]
        new.assign(value)
    model.initial_weights = source.initial_weights
    # What the file says of its own run, and of the one that it started from.
    before = {name: source.card[name] for name in ("config", "figures", "start") if name in source.card}
    start = {"image_size": source.image_size} | before
    model.card = {**model.card, "weights": source.card.get("weights"), "start": start}
    said = f"Starting from the weights of {path}."
    unknown = [name for name in model.class_names if name not in places]
    if unknown:
        shown = ", ".join(unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        said += f" It does not know {len(unknown)} of the {model.num_classes} brands ({shown}): their classifiers start anew."
    return model, said


def _class_weights(model):
    """The weights that have an axis of the classes: a dict from their ids to that axis."""
    if isinstance(model, LogoDetector):
        return {}
    if isinstance(model, LogoEmbedder):
        return {id(model.cosine_head.class_vectors): 0}
    inside = {id(layer) for layer in model.extractor._flatten_layers()}
    dense = (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense) and id(layer) not in inside)
    return {id(weight): -1 for layer in dense if layer.units == model.num_classes for weight in layer.weights}


def _differences(source, model):
    before, now = source.get_config(), model.get_config()
    left_out = ("name", "class_names", "weights", "card", "temperature", "threshold")
    names = [name for name in now if name not in left_out and not isinstance(now[name], dict) and before.get(name) != now[name]]
    return "".join(f", {name} was {before.get(name)} and is {now[name]}" for name in names)
