"""Model files, opened by their suffix."""

from pathlib import Path

from logo_keras.extras import naming_extras


def open_model(path):
    """Opens a model. A `.tflite` file is opened without TensorFlow and Keras.

    Args:
        path: str or Path of a `.keras` file or an exported `.tflite` file.

    Returns:
        A model of this package, or an `lk.edge.Recognizer`. Both have `class_names`, `image_size` and `recognize`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for another suffix, or if the file is damaged or not of this package.
        ImportError: naming the extra that reads `.keras` files, where it is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".keras", ".tflite"):
        raise ValueError(f"the model must be a .keras or a .tflite file, got {path}.")
    if not path.is_file():
        raise FileNotFoundError(f"there is no model {path}.")
    if suffix == ".tflite":
        from logo_keras.edge import Recognizer

        return Recognizer(path)
    with naming_extras():
        from logo_keras.models import load
    return load(path)
