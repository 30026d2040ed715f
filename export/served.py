"""What an exported file computes: the model's named outputs, at inference, in float32; and what it says of itself."""

from pathlib import Path

from logo_keras import __version__
from logo_keras.edge.metadata import Metadata, packed
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras, require

EMBEDDING, OBJECTNESS = "embedding", "objectness"
REGIONS = "region_boxes"
# What each output is, with B images, K regions, N classes.
MEANINGS = {
    "probabilities": "Probability of each class, in the order of the class names.",
    REGIONS: "Regions looked at, best first: y0, x0, y1, x1 in px of the input; they may reach beyond it.",
    "region_scores": "The navigator's score of each region, unbounded; of a detector the probability that a logo is found.",
    EMBEDDING: "The feature before the deciding head, of length 1: near for photographs of the same brand.",
    "region_embeddings": "The embedding of the square around each region, of length 1.",
    "region_objectness": "The objectness of each of these squares.",
    OBJECTNESS: "Cosine to the nearest brand of the training minus that to the nearest background: above 0 for what is a mark.",
}
_TENSORS = {
    "images": "Photographs, RGB 0..255, made square as the preprocessing says.",
    "photographs": "Photographs, each the bytes of an upright JPEG or PNG file.",
    "sizes": "Height and width of each photograph as decoded, px.",
    **MEANINGS,
}


def opened(model):
    """Loads a model where a `.keras` file is given; a model comes back as it is.

    Raises:
        ValueError: if the file is damaged or holds no model of this package.
        OSError: if it cannot be read.
        ImportError: naming the extra, where Keras or TensorFlow is not installed.
    """
    if not isinstance(model, (str, Path)):
        return model
    with naming_extras():
        from logo_keras.network import load
    return load(model)


def judged(model):
    """The output that every file of a model gives and is judged by: `"probabilities"`, `"embedding"` of an embedder, or
    `"region_boxes"` of a detector."""
    return model.export_outputs[0]


def output_names(model, outputs=None):
    """The names of the outputs that a file gives, in order.

    Args:
        model: a model of this package.
        outputs: str with commas or several str, of `model.export_outputs` and `"embedding"`; None takes the former. The first of
            `model.export_outputs` must be among them; of a detector all are needed.

    Returns:
        tuple of str.

    Raises:
        ValueError: if a name is unknown or stands twice, or what every file gives is missing.
    """
    if outputs is None:
        return model.export_outputs
    names = tuple(name.strip() for name in (outputs.split(",") if isinstance(outputs, str) else outputs))
    known = tuple(dict.fromkeys((*model.export_outputs, EMBEDDING)))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"{type(model).__name__} has no output {unknown[0]!r}; it has {', '.join(known)}.")
    needed = model.export_outputs if judged(model) == REGIONS else (judged(model),)
    if not set(needed) <= set(names) or len(set(names)) < len(names):
        raise UserError(f"outputs must name {', '.join(needed)}, and each output once, got {', '.join(names)}.")
    return names


def given(model, images, names):
    """What a model gives for images at inference, by name.

    Args:
        model: a model of this package.
        images: float32 `[B, S, S, 3]`, RGB 0..255.
        names: str, of outputs that `output_names` gave.

    Returns:
        dict of tensors; `names` are among them.
    """
    # That of an embedder and a detector is no extra.
    extra = {} if EMBEDDING in model.export_outputs else {"embedding": EMBEDDING in names}
    return model(images, training=False, **extra)


def answers(model, outputs=None):
    """The function that a file holds.

    Args:
        model: a model of this package.
        outputs: as for `output_names`.

    Returns:
        function from images, a tensor `[B, S, S, 3]`, RGB 0..255, float32 or uint8, to a dict of float32 tensors.
    """
    from keras import ops

    names = output_names(model, outputs)

    def answer(images):
        outputs = given(model, ops.cast(images, "float32"), names)
        return {name: ops.cast(outputs[name], "float32") for name in names}

    return answer


def batch_size(batch, default):
    """The static batch size of a file, or None where it is free.

    Args:
        batch: None for the default, an int of at least 1, or `"free"`.
        default: int, or `"free"`.

    Raises:
        ValueError: for anything else.
    """
    batch = default if batch is None else batch
    if batch == "free":
        return None
    if isinstance(batch, int) and not isinstance(batch, bool) and batch >= 1:
        return batch
    raise UserError(f"batch must be at least 1, or free, got {batch!r}.")


def tf_and_keras():
    """TensorFlow and Keras, which must run on it.

    Raises:
        ImportError: naming the extra, where one is not installed.
        ValueError: if Keras runs on another backend.
    """
    tf, keras = require("tensorflow", "export"), require("keras", "export")
    if keras.backend.backend() != "tensorflow":
        raise UserError(f"models are exported with KERAS_BACKEND=tensorflow, got {keras.backend.backend()!r}.")
    return tf, keras


def metadata_of(model, card=None, threshold=None):
    """The Metadata that travels inside a file.

    Args:
        model: a model of this package.
        card: dict for JSON or None, the model card.
        threshold: float or None, of an embedder or a detector; what names brands has its own.
    """
    said = {"image_size": model.image_size, "preprocessing": model.preprocessing, "model": type(model).__name__}
    said |= {"version": __version__, "card": card, "threshold": threshold}
    if judged(model) in (EMBEDDING, REGIONS):
        said |= {"dimensions": model.dimensions, "background_vectors": packed(model.background_vectors)}
        if judged(model) == REGIONS:
            said |= {"num_regions": model.num_regions, "region_size": model.region_size}
        return Metadata((), decision=None, **said)
    said |= {"threshold": model.threshold, "temperature": model.temperature, "calibration": model.calibration}
    return Metadata(model.class_names, decision=model.decision, **said)


def tensor(name, shape, dtype):
    """An input or output for JSON.

    Args:
        name: str, `"images"` or that of an output.
        shape: ints, and str for sides that are free.
        dtype: str.
    """
    return {"name": name, "shape": list(shape), "dtype": dtype, "description": _TENSORS.get(name, "")}
