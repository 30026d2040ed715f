"""Batches of photos: the order of an epoch, a source that makes the images, augmentation, a cache, and Keras's batches."""

from logo_keras.errors import UserError
from logo_keras.extras import naming_extras, require

ENGINES = ("keras", "tf.data")


def front_end(engine):
    """What hands out the batches of a source.

    Args:
        engine: str, one of `ENGINES`, or None for "keras".

    Returns:
        Function with the arguments of `PhotographBatches`.

    Raises:
        ValueError: if there is no such engine.
        ImportError: naming the extra, if it is not installed.
    """
    if engine not in (None, *ENGINES):
        raise UserError(f"engine must be {' or '.join(ENGINES)}, or None, got {engine!r}.")
    if engine == "tf.data":
        require("tensorflow", "train")
    with naming_extras():
        # Here, since it imports Keras.
        from logo_keras.datasets.batches.photo_batches import PhotographBatches, as_tf_data
    return PhotographBatches if engine != "tf.data" else lambda *arguments: as_tf_data(PhotographBatches(*arguments))
