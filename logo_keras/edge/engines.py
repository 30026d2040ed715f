"""The two engines that run exported files on the CPU: LiteRT for TFLite files, onnxruntime for ONNX files."""

import ctypes
import os
import threading

import numpy as np

from logo_keras.edge.model_file import UnusableModel, needs_other_files
from logo_keras.extras import require

_AGAIN = "export the model again."
_ONNX_DTYPES = {"tensor(float)": np.dtype(np.float32), "tensor(uint8)": np.dtype(np.uint8)}


class LiteRT:
    """Runs one TFLite file with XNNPACK kernels.

    Args:
        path: str or Path of a file that `logo_keras.edge.model_file.read` accepts.
        num_threads: int or None, threads of one call; None for LiteRT's own default, which is 1.

    Attributes:
        name: str, for error messages.
        batch: int, images of one call.
        image: tuple of the dims of one image.
        dtype: numpy dtype of the images: float32, or uint8 with a step of one grey level.
        shapes: dict from output name to its dims, a tuple of int.

    Raises:
        UnusableModel: if LiteRT cannot read the file, or its images are of another type.
    """

    name = "LiteRT"

    def __init__(self, path, num_threads):
        # Here, since it takes time and memory, and ONNX files do without.
        from ai_edge_litert.interpreter import Interpreter

        try:
            # Without node fusion the 448 px DRNA-Net takes 10 MiB less at the same speed (benchmarks/results/edge.md).
            interpreter = Interpreter(os.fspath(path), num_threads=num_threads, experimental_disable_delegate_node_fusion=True)
            # The runner keeps the interpreter. A file of this package has one signature.
            self._run = interpreter.get_signature_runner()
            inputs, outputs = self._run.get_input_details(), self._run.get_output_details()
        except (ValueError, RuntimeError, KeyError, TypeError) as error:
            raise UnusableModel(path, f"LiteRT cannot run this file ({error}): copy it again or {_AGAIN}") from error
        _check_inputs(path, inputs)
        images = inputs["images"]
        batch, *image = map(int, images["shape"]) if len(images["shape"]) else (1,)
        self.batch, self.image = batch, tuple(image)
        self.dtype = np.dtype(images["dtype"])
        scale, zero = images["quantization"]
        if self.dtype not in (np.float32, np.uint8) or (self.dtype == np.uint8 and not _whole_levels(scale, zero)):
            steps = f" in steps of {scale:.4g} from {zero}" if self.dtype != np.float32 else ""
            expected = "float32 or whole grey levels 0..255 as uint8 were expected"
            raise UnusableModel(path, f"takes images of type {self.dtype}{steps}, where {expected}: {_AGAIN}")
        self.shapes = {name: tuple(map(int, detail["shape"])) for name, detail in outputs.items()}
        self._lock = threading.Lock()

    def run(self, images):
        """Runs a batch of `self.batch` images of `self.dtype`; calls from several threads wait for each other.

        Returns:
            dict from output name to array.
        """
        with self._lock:
            return self._run(images=images)


def _whole_levels(scale, zero):
    # A thousandth: the converter's scale is that of the largest value in the calibration, 255, to a few float32 steps;
    # over 255 levels this is a quarter of a level. A file that says nothing takes them as they are.
    return zero == 0 and (scale == 0 or abs(scale - 1) < 1e-3)


class ONNX:
    """Runs one ONNX file.

    Args:
        path: str or Path of a file that `logo_keras.edge.model_file.read` accepts.
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
        if needs_other_files(path):
            # Their names may point anywhere on this machine.
            raise UnusableModel(path, f"keeps weights in other files, which are not opened: {_AGAIN}")
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
            # Here: a damaged name of an axis is found out when it is asked for.
            inputs = [(each.name, each.type, _known(each.shape)) for each in self._session.get_inputs()]
            self.shapes = {each.name: _known(each.shape) for each in self._session.get_outputs()}
        # Its exceptions, about ten, have no base of their own.
        except Exception as error:
            raise UnusableModel(path, f"onnxruntime cannot run this file ({error}): copy it again or {_AGAIN}") from error
        _give_back_memory()
        _check_inputs(path, [name for name, _, _ in inputs])
        _, kind, shape = inputs[0]
        if kind not in _ONNX_DTYPES:
            expected = " or ".join(_ONNX_DTYPES)
            raise UnusableModel(path, f"takes images of type {kind}, where {expected} was expected: {_AGAIN}")
        self.dtype = _ONNX_DTYPES[kind]
        batch, *image = shape or (None,)
        self.batch, self.image = batch, tuple(image)

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


def _check_inputs(path, names):
    if list(names) != ["images"]:
        raise UnusableModel(path, f"takes {', '.join(names) or 'nothing'} where images were expected: {_AGAIN}")
