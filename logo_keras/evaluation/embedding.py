"""The embeddings of a data set's photos."""

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation.asking import ask


def with_embeddings(model):
    """A function of images that gives a model's outputs with the embedding, for `class_means` and `evaluate`.

    Raises:
        ValueError: for an exported file.
    """
    if not hasattr(model, "predict_on_batch"):
        raise UserError("class means need embeddings, which a .keras model gives: evaluate that.")
    return lambda images: model(images, training=False, embedding=True)


def embed(model, dataset, batch_size=16):
    """Embeds every photo of a data set.

    Args:
        model: a model of this package that names or embeds marks, or an exported file that gives embeddings.
        dataset: Dataset. What cannot be read is left out.
        batch_size: int, photos at once.

    Returns:
        float32 `[n, D]`, each of length 1, and int `[n]`, the labels of the photos in the data set.

    Raises:
        ValueError: if the model gives no embedding, or no photo can be read.
    """
    infer = None
    if hasattr(model, "decision"):
        # One that names brands.
        infer = with_embeddings(model)
    elif not hasattr(model, "embed") and "embedding" not in getattr(model, "outputs", ()):
        raise UserError(f"this {type(model).__name__} gives no embedding; export it with one, or take the .keras model.")
    parts = [
        (outputs["embedding"], dataset.labels[numbers]) for numbers, outputs, _ in ask(model, dataset, batch_size, infer=infer)
    ]
    if not parts:
        raise UserError(f"none of the {len(dataset)} photos can be read.")
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))
