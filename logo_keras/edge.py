"""Runs an exported TFLite file with numpy, OpenCV and LiteRT alone: no TensorFlow, no Keras."""

import os
import threading

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from logo_keras import metadata, recognition
from logo_keras.preprocessing import PREPROCESSINGS


class Recognizer:
    """Recognizes logos with a file that `logo-export-tflite` wrote.

    The runtime is LiteRT on the CPU with its XNNPACK kernels, which it takes by itself.
    A recognizer may be shared between threads; its calls then wait for each other.

    Args:
        path: str or Path of the file.
        num_threads: int, threads of one call, or None for LiteRT's own default, which is 1.

    Attributes:
        metadata: Metadata of the file.
        class_names: tuple of N str.
        image_size: int S, px.
        preprocessing: str, how a photograph becomes the input, one of `logo_keras.preprocessing.PREPROCESSINGS`.

    Raises:
        ValueError: naming the file and what to do, if it is not a whole TFLite file with logo_keras's metadata; or if
            `num_threads` is below 1.
        OSError: if it cannot be read, for instance FileNotFoundError.
    """

    def __init__(self, path, num_threads=None):
        if num_threads is not None and num_threads < 1:
            raise ValueError(f"num_threads must be at least 1 or None, got {num_threads}.")
        self.metadata = metadata.read(path)
        if self.metadata.preprocessing not in PREPROCESSINGS:
            raise ValueError(
                f"{path}: asks for the preprocessing {self.metadata.preprocessing!r}, but this version of logo_keras "
                f"knows {', '.join(PREPROCESSINGS)}: install the version that wrote the file, "
                f"{self.metadata.version}, or a later one."
            )
        try:
            interpreter = Interpreter(os.fspath(path), num_threads=num_threads)
            self._run = interpreter.get_signature_runner()
            images = self._run.get_input_details()["images"]["shape"].tolist()
            probabilities = self._run.get_output_details()["probabilities"]["shape"].tolist()
        except (ValueError, RuntimeError, KeyError) as error:
            raise ValueError(
                f"{path}: LiteRT cannot run this file ({error}): copy it again or export the model again."
            ) from error
        expected = [1, self.image_size, self.image_size, 3], [1, len(self.class_names)]
        if (images, probabilities) != expected:
            raise ValueError(
                f"{path}: images {images} and probabilities {probabilities} where its metadata say {expected[0]} and "
                f"{expected[1]}: export the model again."
            )
        self._lock = threading.Lock()

    @property
    def class_names(self):
        return self.metadata.class_names

    @property
    def image_size(self):
        return self.metadata.image_size

    @property
    def preprocessing(self):
        return self.metadata.preprocessing

    def recognize(self, photo, top=3):
        """Recognizes one photograph.

        Args:
            photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.

        Returns:
            Recognition, with region boxes in px of the upright photograph.

        Raises:
            ValueError: if `top` is below 1.
            UnreadablePhotograph: if the photograph cannot be decoded; it is a ValueError too.
        """
        return recognition.recognize(self.infer, photo, self.class_names, self.image_size, top, self.preprocessing)

    def infer(self, images):
        """Runs the file on prepared images, one after the other.

        Args:
            images: float32 `[B, S, S, 3]`, RGB 0..255, as `logo_keras.preprocessing.prepare` makes them
                with the file's `preprocessing`; B at least 1.

        Returns:
            dict of float32 arrays: `probabilities [B, N]` and, from region networks, `region_boxes [B, K, 4]` in px of
            the images and `region_scores [B, K]`.

        Raises:
            ValueError: if the shape is another.
        """
        images = np.asarray(images, np.float32)
        size = self.image_size
        if images.ndim != 4 or images.shape[1:] != (size, size, 3) or len(images) == 0:
            raise ValueError(f"images must be [B, {size}, {size}, 3] with B at least 1, got {list(images.shape)}.")
        with self._lock:
            outputs = [self._run(images=images[number : number + 1]) for number in range(len(images))]
        return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}
