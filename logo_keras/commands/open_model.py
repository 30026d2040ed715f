"""Model files, opened by their suffix."""

from pathlib import Path

from logo_keras.errors import UserError
from logo_keras.extras import naming_extras

_EXPORTED = (".tflite", ".onnx")
SUFFIXES = (".keras", *_EXPORTED)


def open_model(path, num_threads=None):
    """Opens a model. An exported file is opened without TensorFlow and Keras.

    Args:
        path: str or Path of a `.keras` file or an exported `.tflite` or `.onnx` file.
        num_threads: int, threads of an exported file, or None for its engine's own default.

    Returns:
        A model of this package, or an `lk.edge.Recognizer`. Both have `class_names`, `image_size` and `recognize`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for another suffix, if the file is damaged or not of this package, or for `num_threads` and a `.keras`
            file.
        ImportError: naming the extra that reads such files, where it is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"the model must be a .keras, {' or '.join(_EXPORTED)} file, got {path}.")
    if not path.is_file():
        raise FileNotFoundError(f"there is no model {path}.")
    if suffix in _EXPORTED:
        from logo_keras.edge import Recognizer

        return Recognizer(path, num_threads)
    if num_threads is not None:
        raise UserError(f"threads can be chosen for {' and '.join(_EXPORTED)} files; TensorFlow chooses its own for {path}.")
    with naming_extras():
        from logo_keras.network import load
    return load(path)
