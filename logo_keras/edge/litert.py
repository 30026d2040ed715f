"""TFLite files in LiteRT, on the CPU with its XNNPACK kernels."""

import os
import threading

import numpy as np

from logo_keras.edge.metadata import UnusableModel


class LiteRT:
    """Runs one TFLite file.

    Args:
        path: str or Path of a file that `logo_keras.edge.metadata.read` accepts.
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
        # Here, for it takes time and memory, and ONNX files do without.
        from ai_edge_litert.interpreter import Interpreter

        try:
            # Without node fusion the 448 px DRNA-Net takes 10 MiB less at the same speed (benchmarks/results/edge.md).
            interpreter = Interpreter(os.fspath(path), num_threads=num_threads, experimental_disable_delegate_node_fusion=True)
            # The runner keeps the interpreter. A file of this package has one signature.
            self._run = interpreter.get_signature_runner()
            inputs, outputs = self._run.get_input_details(), self._run.get_output_details()
        except (ValueError, RuntimeError, KeyError, TypeError) as error:
            raise UnusableModel(
                path, f"LiteRT cannot run this file ({error}): copy it again or export the model again."
            ) from error
        if list(inputs) != ["images"]:
            raise UnusableModel(
                path, f"takes {', '.join(inputs) or 'nothing'} where images were expected: export the model again."
            )
        images = inputs["images"]
        self.batch, *self.image = map(int, images["shape"]) if len(images["shape"]) else (1,)
        self.image = tuple(self.image)
        self.dtype = np.dtype(images["dtype"])
        scale, zero = images["quantization"]
        if self.dtype not in (np.float32, np.uint8) or (self.dtype == np.uint8 and not _whole_levels(scale, zero)):
            steps = f" in steps of {scale:.4g} from {zero}" if self.dtype != np.float32 else ""
            raise UnusableModel(
                path,
                f"takes images of type {self.dtype}{steps}, where float32 or whole grey levels 0..255 as uint8 were expected: "
                "export the model again.",
            )
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
