"""What models are trained and evaluated on: checks, and Datasets as batches."""

import numpy as np


def batches(dataset, model, batch_size, **options):
    """Batches of a Dataset of this package.

    Raises:
        ValueError: if it has other class names than the model, no photographs, or photographs without a brand.
    """
    if tuple(dataset.class_names) != model.class_names:
        other = sorted(set(dataset.class_names) ^ set(model.class_names))
        raise ValueError(
            "the data set has other class names than the model: "
            f"{len(dataset.class_names)} and {model.num_classes} classes; "
            + (f"not in both: {', '.join(other[:10])}." if other else "the same names in another order.")
        )
    if len(dataset) == 0:
        raise ValueError("the data set has no photographs.")
    if min(dataset.labels) < 0:
        raise ValueError(
            "the data set has photographs without a brand (label -1), which can be neither learnt nor scored as a class: "
            "leave them out, or use predict."
        )
    return unlabelled_batches(dataset, model, batch_size, **options)


def unlabelled_batches(dataset, model, batch_size, **options):
    """Batches of a Dataset of this package, whose photographs need no brand."""
    return dataset.batches(batch_size or 16, model.image_size, preprocessing=model.preprocessing, **options)


def check_labels(labels, num_classes):
    """Checks labels that are in memory.

    Raises:
        ValueError: if they are not one whole number in 0..N - 1 an image.
    """
    if labels is None or hasattr(labels, "dtype") and not isinstance(labels, np.ndarray):
        return  # Tensors: their shape is checked where they are used.
    labels = np.asarray(labels)
    check_label_shape(labels.shape)
    if labels.dtype.kind not in "iufb" or not np.array_equal(labels, np.floor(labels)):
        raise ValueError(f"labels must be whole numbers, the places of the brands in class_names, got {labels.ravel()[:3]}.")
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"labels must lie in 0..{num_classes - 1} for {num_classes} classes, got {labels.min():g}..{labels.max():g}."
        )


def check_label_shape(shape):
    """Checks the shape of labels as far as it is known.

    Raises:
        ValueError: if it is not `[B]` or `[B, 1]`.
    """
    if len(shape) == 2 and shape[1] not in (None, 1):
        raise ValueError(
            f"integer labels [B] are expected, got shape {list(shape)}: of one-hot labels, give argmax over the last axis."
        )
    if len(shape) not in (1, 2):
        raise ValueError(f"integer labels [B] are expected, got shape {list(shape)}.")


def check_image_shape(shape, size=None):
    """Checks the shape of images as far as it is known.

    Args:
        shape: the static shape, with None for what is unknown.
        size: int, px, or None if any height and width do.

    Raises:
        ValueError: if it is not `[B, size, size, 3]`.
    """
    wanted = (size, size, 3)
    if len(shape) == 4 and all(
        given is None or expected in (None, given) for given, expected in zip(shape[1:], wanted, strict=True)
    ):
        return
    expected = f"[B, {size or 'S'}, {size or 'S'}, 3]"
    raise ValueError(f"expected {expected}, got {list(shape)}: float RGB images, 0..255.")
