"""What models are trained and evaluated on: checks, and Datasets as batches."""

import numpy as np

from logo_keras.errors import UserError

# Why region networks and embedders refuse shares, and what to do.
ONE_TRUE_CLASS = (
    "a network with regions needs the one true class of an image, because its teacher's confidence in that class ranks the "
    "regions, and an embedder needs it for its margin. Of one-hot labels give argmax over the last axis; in place of MixUp and "
    'CutMix take augment="standard" or "randaugment", or lk.Classifier.'
)


def is_dataset(data):
    """Whether data is a Dataset of this package; Keras gives its own tf.data.Dataset from a folder an attribute class_names."""
    return hasattr(data, "batches")


def draws_itself(data):
    """Whether data of this package draws its images, as Marks do: nothing of how photos are read and augmented applies."""
    return is_dataset(data) and not hasattr(data, "paths")


def check_marks(marks, model):
    """Checks what an embedder is to be taught on.

    Args:
        marks: Marks.
        model: a model of this package.

    Raises:
        ValueError: if the model learns no backgrounds, or knows other brands.
    """
    if model.num_labels == model.num_classes:
        raise UserError(f"marks come with backgrounds, which lk.LogoEmbedder learns and {type(model).__name__} does not.")
    if tuple(marks.class_names) != model.class_names:
        raise UserError(
            f"the marks are of {len(marks.class_names)} brands that are not the {model.num_classes} of the model, or in another "
            "order: make the model with class_names=marks.class_names."
        )


def labelled(dataset, model):
    """The Dataset with labels that are the model's.

    Args:
        dataset: Dataset with the model's class names, in any order.

    Raises:
        ValueError: if it has other class names than the model, no photos, or photos without a brand.
    """
    if tuple(dataset.class_names) != model.class_names:
        dataset = dataset.with_class_names(model.class_names)
    if len(dataset) == 0:
        raise UserError("the data set has no photographs.")
    if np.min(dataset.labels) < 0:
        raise UserError(
            "the data set has photographs without a brand (label -1), which can be neither learnt nor scored as a class: "
            "leave them out, or use predict."
        )
    return dataset


def mixes(augment):
    """Whether this `augment` of `Dataset.batches` gives labels that are shares of each class."""
    return augment in ("mixup", "cutmix") if isinstance(augment, str) else getattr(augment, "mixes", False)


def check_labels(labels, num_classes, shares=True):
    """Checks labels that are in memory.

    Args:
        labels: `[B]` or `[B, 1]` of places in the class names, or `[B, N]`, the share of each class.
        num_classes: int N.
        shares: bool, whether labels may be shares.

    Raises:
        ValueError: if they are none of these, a place is no whole number in 0..N - 1, or shares are negative or do not sum
            to 1.
    """
    if labels is None or hasattr(labels, "dtype") and not isinstance(labels, np.ndarray):
        return  # Tensors: their shape is checked where they are used.
    labels = np.asarray(labels)
    if check_label_shape(labels.shape, num_classes, shares):
        # A sum of N float16 numbers is a thousandth off.
        if labels.dtype.kind not in "iufb" or not (labels >= 0).all() or not np.allclose(labels.sum(axis=1), 1, atol=1e-3):
            raise UserError(f"labels [B, {num_classes}] must be shares of at least 0 that sum to 1, got {labels[:1].tolist()}.")
        return
    if labels.dtype.kind not in "iufb" or not np.array_equal(labels, np.floor(labels)):
        raise UserError(f"labels must be whole numbers, the places of the brands in class_names, got {labels.ravel()[:3]}.")
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise UserError(f"labels must lie in 0..{num_classes - 1}, got {labels.min():g}..{labels.max():g}.")


def check_label_shape(shape, num_classes, shares=True):
    """Checks the shape of labels as far as it is known.

    Args:
        shape: the static shape, with None for what is unknown.
        num_classes: int N.
        shares: bool, whether labels may be shares.

    Returns:
        bool, whether the labels are shares of each class, one-hot ones among them.

    Raises:
        ValueError: if it is not `[B]`, `[B, 1]` or, with `shares`, `[B, N]`.
    """
    if len(shape) == 1 or (len(shape) == 2 and shape[1] in (None, 1)):
        return False
    if len(shape) != 2 or shape[1] != num_classes:
        other = f" or shares [B, {num_classes}]" if shares else ""
        raise UserError(f"integer labels [B]{other} are expected, got shape {list(shape)}.")
    if not shares:
        raise UserError(f"integer labels [B] are expected, got shape {list(shape)}: {ONE_TRUE_CLASS}")
    return True


def check_boxes(truth):
    """Checks boxes that are in memory.

    Args:
        truth: None, or dict of `boxes` `[B, M, 4]`, `(y0, x0, y1, x1)` px, and `labels` `[B, M]`, below 0 where there is no box.

    Raises:
        ValueError: if it is none of these, or a box is empty or no numbers.
    """
    if truth is None:
        return
    if not isinstance(truth, dict) or not {"boxes", "labels"} <= truth.keys():
        raise UserError(f"a dict of boxes [B, M, 4] and labels [B, M] is expected, got {type(truth).__name__}.")
    if not all(isinstance(part, np.ndarray) for part in truth.values()):
        return  # Tensors: their shape is checked where they are used.
    boxes, labels = truth["boxes"], truth["labels"]
    check_boxes_shape(boxes.shape, labels.shape)
    wrong = (labels >= 0) & ~((boxes[..., 2:] > boxes[..., :2]).all(axis=-1) & np.isfinite(boxes).all(axis=-1))
    if wrong.any():
        raise UserError(f"a box must be (y0, x0, y1, x1), px, and not empty, got {boxes[wrong][0].tolist()}.")


def check_boxes_shape(boxes, labels):
    """Checks the shapes of boxes and labels as far as they are known.

    Raises:
        ValueError: if they are not `[B, M, 4]` and `[B, M]`.
    """
    if len(boxes) != 3 or boxes[-1] != 4 or len(labels) != 2 or boxes[1] != labels[1]:
        raise UserError(f"boxes [B, M, 4] and labels [B, M] are expected, got shapes {list(boxes)} and {list(labels)}.")


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
    raise UserError(f"expected {expected}, got {list(shape)}: RGB images, 0..255.")


def check_image_dtype(dtype):
    """Checks that images are numbers.

    Args:
        dtype: the dtype of an array or tensor, or its name.

    Raises:
        ValueError: if it is bool, complex or no number.
    """
    name = getattr(dtype, "name", str(dtype)).removeprefix("torch.")
    if not name.startswith(("float", "bfloat", "int", "uint")):
        raise UserError(f"images must be numbers 0..255, got {name}: convert them to uint8 or float32.")
