"""One recognizer for every exported file that names brands and runs without TensorFlow."""

import contextlib
import itertools
import os

import numpy as np

from logo_keras.arguments import whole
from logo_keras.edge import frames, recognition
from logo_keras.edge.runner import Runner
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.preprocessing import UnreadablePhoto, check_pixels, fit, pixels


class Recognizer(Runner):
    """Recognizes logos with a file that `logo-export-tflite` or `logo-export-onnx` wrote.

    A `.tflite` file runs in LiteRT, an `.onnx` file in onnxruntime (extra `[onnx]`), both on the CPU. A recognizer may be
    shared between threads: calls of LiteRT wait for each other, calls of onnxruntime run side by side. It may be handed to
    other processes, which open the file again.

    A file that was damaged on its way is refused before an engine sees it. One that was made to do harm is not seen
    through: an engine runs what the file says, so do not open files of people whom you do not trust.

    Args:
        path: str or Path of the file.
        num_threads: int, threads of one call, or None for the engine's own default: 1 in LiteRT, all cores in onnxruntime.

    Attributes:
        metadata: Metadata of the file.
        class_names: tuple of N str.
        image_size: int S, px.
        preprocessing: str, how a photo becomes the input, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        outputs: tuple of str, what `infer` gives: "probabilities" and, where the file has them, "region_boxes",
            "region_scores", "embedding" and others.
        batch: int, images that the file takes at once, or None for any number.
        threshold: float in (0, 1), the lowest probability of the likeliest class with which it counts as known; None where every
            photo gets some brand.
        temperature: float, by which the file divides the logarithms of its probabilities; 1 where it was not calibrated.
        calibration: dict or None, where these two come from; see `Metadata`.

    Raises:
        UnusableModel: naming the file and what to do, if it is not a whole TFLite or ONNX file with logo_keras's metadata,
            or one of an embedder or a detector; it is a ValueError too.
        ValueError: if `num_threads` is no positive int.
        OSError: if the file cannot be read, for instance FileNotFoundError.
        ImportError: naming what to install, if the engine is missing.
    """

    client = "Recognizer"

    def __init__(self, path, num_threads=None):
        super().__init__(path, num_threads)
        self.class_names = self.metadata.class_names
        self.threshold, self.temperature = self.metadata.threshold, self.metadata.temperature
        self.calibration = self.metadata.calibration

    def recognize(self, photo, top=3, threshold=None):
        """Recognizes one photo.

        Args:
            photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.
            threshold: float in [0, 1) in place of the file's own; 0 gives every photo some brand.

        Returns:
            Recognition, with region boxes in px of the upright photo.

        Raises:
            ValueError: if `top` is below 1, or there is no such threshold.
            UnreadablePhoto: if the photo cannot be decoded; it is a ValueError too.
        """
        return recognition.recognize(self.infer, photo, *self._ways(top, threshold))

    def recognize_batch(self, photos, top=3, batch_size=16, strict=True, threshold=None):
        """Recognizes several photos.

        Args:
            photos: iterable of what `recognize` takes; read as they are needed.
            top: int, how many classes to name; all N where there are fewer.
            batch_size: int, photos in memory at once, and in one call where the file takes any number.
            strict: bool; False gives None for a photo that cannot be decoded, instead of raising.
            threshold: float in [0, 1) in place of the file's own; 0 gives every photo some brand.

        Returns:
            list, one Recognition a photo.

        Raises:
            ValueError: if `top` or `batch_size` is below 1, there is no such threshold, or `photos` is a single photo.
            UnreadablePhoto: with `strict`, naming the first photo that cannot be decoded: its path, or its place
                as `photos[3]`.
        """
        if isinstance(photos, (str, bytes, bytearray, memoryview, os.PathLike, np.ndarray)):
            raise UserError("photos must be several photos, such as a list of paths; recognize() takes a single one.")
        whole("batch_size", batch_size, 1)
        numbered, answers = enumerate(photos), []
        while batch := list(itertools.islice(numbered, batch_size)):
            sizes, images = {}, []
            for number, photo in batch:
                try:
                    photo = pixels(photo, name=f"photos[{number}]")
                except UnreadablePhoto:
                    if strict:
                        raise
                    continue
                sizes[number] = photo.shape[:2]
                images.append(fit(photo, self.image_size, self.preprocessing))
            outputs, found = self.infer(np.stack(images)) if images else {}, {}
            for place, (number, size) in enumerate(sizes.items()):
                given = {name: value[place] for name, value in outputs.items()}
                found[number] = recognition.answer(given, size, *self._ways(top, threshold))
            answers += [found.get(number) for number, _ in batch]
        return answers

    def recognize_frame(self, frame, top=3, threshold=None):
        """Recognizes a frame as OpenCV gives it.

        Args:
            frame: uint8 BGR `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.
            threshold: float in [0, 1) in place of the file's own; 0 gives every frame some brand.

        Returns:
            Recognition, with region boxes in px of the frame.

        Raises:
            ValueError: if `top` is below 1, there is no such threshold, or the frame is another array.
        """
        check_pixels("frame", frame, "BGR")
        return self.recognize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), top, threshold)

    def frames(self, source, top=3, threshold=None):
        """Recognizes what a camera sees, or the frames of a video.

        Of a live camera the newest frame is taken each time, and those that came meanwhile are passed over.

        Args:
            source: int, number of a camera; str with "://", address of a camera's stream; str or Path of a video; or an
                iterable of uint8 BGR `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.
            threshold: float in [0, 1) in place of the file's own; 0 gives every frame some brand.

        Yields:
            uint8 BGR `[H, W, 3]`, the frame, and its Recognition.

        Raises:
            OSError: naming the source, if it cannot be opened, or is a camera that gives no more frames.
            ValueError: if `top` is below 1, or threshold, source or one of its frames is none of these.
        """
        with contextlib.closing(frames.frames(source)) as taken:
            for frame in taken:
                yield frame, self.recognize_frame(frame, top, threshold)

    def _ways(self, top, threshold):
        """What else `logo_keras.edge.recognition` must know, in its order."""
        threshold = self.threshold if threshold is None else threshold
        return self.class_names, self.image_size, top, self.preprocessing, threshold
