"""ONNX files in onnxruntime, on the CPU."""

import ctypes
import os

import numpy as np

from logo_keras.edge import onnx_file
from logo_keras.edge.metadata import UnusableModel
from logo_keras.extras import require

_DTYPES = {"tensor(float)": np.dtype(np.float32), "tensor(uint8)": np.dtype(np.uint8)}


class ONNX:
    """Runs one ONNX file.

    Args:
        path: str or Path of a file that `logo_keras.edge.metadata.read` accepts.
        num_threads: int or None, threads of one call; None for onnxruntime's own default, which is all cores.

    Attributes:
        name: str, for error messages.
        batch: int, images of one call, or None where any number is taken.
        image: tuple of the dims of one image; None for a free one.
        dtype: numpy dtype of the images: float32 or uint8.
        shapes: dict from output name to its dims, a tuple of int, with None for a free one.

    Raises:
        UnusableModel: if onnxruntime cannot read the file, its weights lie in other files, or its images are of another
            type.
        ImportError: naming the extra, if onnxruntime is not installed.
    """

    name = "onnxruntime"

    def __init__(self, path, num_threads):
        runtime = require("onnxruntime", "onnx")
        try:
            elsewhere = onnx_file.needs_other_files(path)
        except ValueError as error:
            raise UnusableModel(path, f"{error}. Copy it again, or write it with logo-export-onnx.") from error
        if elsewhere:
            # Their names may point anywhere on this machine.
            raise UnusableModel(path, "keeps weights in other files, which are not opened: export the model again.")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = num_threads or 0
        # What it would log is in the exception too.
        options.log_severity_level = 4
        # Otherwise the second call takes another 13 MB for the 448 px DRNA-Net; it is no faster.
        options.enable_mem_pattern = False
        try:
            # Without a fallback, which tries the CPU again after a failure on the CPU, and prints so.
            self._session = runtime.InferenceSession(
                os.fspath(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        # Its exceptions, about ten, have no base of their own.
        except Exception as error:
            reason = f"onnxruntime cannot run this file ({error}): copy it again or export the model again."
            raise UnusableModel(path, reason) from error
        _give_back_memory()
        if [each.name for each in inputs] != ["images"]:
            names = ", ".join(each.name for each in inputs) or "nothing"
            raise UnusableModel(path, f"takes {names} where images were expected: export the model again.")
        images = inputs[0]
        if images.type not in _DTYPES:
            expected = " or ".join(_DTYPES)
            raise UnusableModel(
                path, f"takes images of type {images.type}, where {expected} was expected: export the model again."
            )
        self.dtype = _DTYPES[images.type]
        self.batch, *self.image = _known(images.shape) or (None,)
        self.image = tuple(self.image)
        self.shapes = {each.name: _known(each.shape) for each in outputs}

    def run(self, images):
        """Runs a batch of images of `self.dtype`; several threads may do so at the same time.

        Returns:
            dict from output name to array.
        """
        return dict(zip(self.shapes, self._session.run(list(self.shapes), {"images": images}), strict=True))


def _known(dims):
    """The dims that are numbers; a free one has a name, or none."""
    return tuple(dim if isinstance(dim, int) else None for dim in dims or ())


def _give_back_memory():
    """Hands what onnxruntime needed to read the file, and no longer needs, back to the system: 23 MB of that DRNA-Net."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    # Only the GNU C library has it, and holds on to freed memory.
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
