"""One recognizer for every exported file that runs without TensorFlow."""

import contextlib
import itertools
import os
from pathlib import Path

import numpy as np

from logo_keras.arguments import whole
from logo_keras.edge import frames, model_file, recognition
from logo_keras.edge.engines import ONNX, LiteRT
from logo_keras.edge.model_file import UnusableModel
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.preprocessing import PREPROCESSINGS, UnreadablePhoto, check_pixels, fit, pixels

# By the suffix of the file.
ENGINES = {".tflite": LiteRT, ".onnx": ONNX}


class Recognizer:
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

    Raises:
        UnusableModel: naming the file and what to do, if it is not a whole TFLite or ONNX file with logo_keras's metadata;
            it is a ValueError too.
        ValueError: if `num_threads` is no positive int.
        OSError: if the file cannot be read, for instance FileNotFoundError.
        ImportError: naming what to install, if the engine is missing.
    """

    def __init__(self, path, num_threads=None):
        if num_threads is not None:
            whole("num_threads", num_threads, 1)
        self._path, self._num_threads = Path(path), num_threads
        suffix = self._path.suffix.lower()
        if suffix not in ENGINES:
            raise UnusableModel(path, f"the name of an exported file ends with {' or '.join(ENGINES)}: rename or export it.")
        self.metadata = model_file.read(path)
        self.class_names, self.image_size = self.metadata.class_names, self.metadata.image_size
        self.preprocessing = self.metadata.preprocessing
        if self.preprocessing not in PREPROCESSINGS:
            asked, known = f"asks for the preprocessing {self.preprocessing!r}", ", ".join(PREPROCESSINGS)
            mend = f"install the version that wrote the file, {self.metadata.version}, or a later one."
            raise UnusableModel(path, f"{asked}, but this version of logo_keras knows {known}: {mend}")
        self._engine = ENGINES[suffix](path, num_threads)
        self.outputs, self.batch = tuple(self._engine.shapes), self._engine.batch
        self._check()

    def __reduce__(self):
        # An engine cannot travel to another process: there the file is opened again.
        return type(self), (os.path.abspath(self._path), self._num_threads)

    def recognize(self, photo, top=3):
        """Recognizes one photo.

        Args:
            photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.

        Returns:
            Recognition, with region boxes in px of the upright photo.

        Raises:
            ValueError: if `top` is below 1.
            UnreadablePhoto: if the photo cannot be decoded; it is a ValueError too.
        """
        return recognition.recognize(self.infer, photo, self.class_names, self.image_size, top, self.preprocessing)

    def recognize_batch(self, photos, top=3, batch_size=16, strict=True):
        """Recognizes several photos.

        Args:
            photos: iterable of what `recognize` takes; read as they are needed.
            top: int, how many classes to name; all N where there are fewer.
            batch_size: int, photos in memory at once, and in one call where the file takes any number.
            strict: bool; False gives None for a photo that cannot be decoded, instead of raising.

        Returns:
            list, one Recognition a photo.

        Raises:
            ValueError: if `top` or `batch_size` is below 1, or `photos` is a single photo.
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
                found[number] = recognition.answer(given, size, self.class_names, self.image_size, top, self.preprocessing)
            answers += [found.get(number) for number, _ in batch]
        return answers

    def recognize_frame(self, frame, top=3):
        """Recognizes a frame as OpenCV gives it.

        Args:
            frame: uint8 BGR `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.

        Returns:
            Recognition, with region boxes in px of the frame.

        Raises:
            ValueError: if `top` is below 1, or the frame is another array.
        """
        check_pixels("frame", frame, "BGR")
        return self.recognize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), top)

    def frames(self, source, top=3):
        """Recognizes what a camera sees, or the frames of a video.

        Of a live camera the newest frame is taken each time, and those that came meanwhile are passed over.

        Args:
            source: int, number of a camera; str with "://", address of a camera's stream; str or Path of a video; or an
                iterable of uint8 BGR `[H, W, 3]`.
            top: int, how many classes to name; all N where there are fewer.

        Yields:
            uint8 BGR `[H, W, 3]`, the frame, and its Recognition.

        Raises:
            OSError: naming the source, if it cannot be opened, or is a camera that gives no more frames.
            ValueError: if `top` is below 1, or the source or one of its frames is none of these.
        """
        with contextlib.closing(frames.frames(source)) as taken:
            for frame in taken:
                yield frame, self.recognize_frame(frame, top)

    def infer(self, images):
        """Runs the file on prepared images: at once where it takes any number, else in its own batches, the last one filled.

        Args:
            images: float32 or uint8 `[B, S, S, 3]`, RGB 0..255, as `logo_keras.image.preprocessing.prepare` makes them
                with the file's `preprocessing`; B at least 1. A file with uint8 input is given them rounded.

        Returns:
            dict of arrays: `probabilities [B, N]` and, where the file has them, `region_boxes [B, K, 4]` in px of the
            images, `region_scores [B, K]` and `embedding [B, D]`, all float32.

        Raises:
            ValueError: if the shape is another.
            UnusableModel: if the engine fails on the file.
        """
        size, engine = self.image_size, self._engine
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != (size, size, 3) or len(images) == 0:
            raise UserError(f"images must be [B, {size}, {size}, 3] with B at least 1, got {list(images.shape)}.")
        if engine.dtype == np.uint8 and images.dtype != np.uint8:
            images = np.clip(np.rint(images), 0, 255)
        images = np.ascontiguousarray(images, engine.dtype)
        step = engine.batch or len(images)
        parts = [self._run(images[start : start + step], step) for start in range(0, len(images), step)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run(self, images, batch):
        """The outputs of at most `batch` images, from a call with `batch` of them."""
        count = len(images)
        if count < batch:
            images = np.concatenate([images, np.zeros((batch - count, *images.shape[1:]), images.dtype)])
        try:
            outputs = self._engine.run(images)
        # An engine has exceptions of its own kinds.
        except Exception as error:
            raise UnusableModel(self._path, f"{self._engine.name} failed ({error}): export the model again.") from error
        self._check_shapes({name: value.shape for name, value in outputs.items()}, batch)
        return {name: value[:count] for name, value in outputs.items()}

    def _check(self):
        """Raises UnusableModel unless the file takes and gives what its metadata say."""
        size, engine = self.image_size, self._engine
        if engine.batch == 0 or len(engine.image) != 3 or not _fits(engine.image, (size, size, 3)):
            said, expected = [engine.batch, *engine.image], [engine.batch or "B", size, size, 3]
            raise UnusableModel(self._path, f"images {said} where its metadata say {expected}: export the model again.")
        if "probabilities" not in engine.shapes:
            raise UnusableModel(self._path, f"gives {', '.join(engine.shapes)}, but no probabilities: export the model again.")
        self._check_shapes(engine.shapes, engine.batch)

    def _check_shapes(self, shapes, batch):
        regions = shapes.get("region_boxes", shapes.get("region_scores", (None, None)))[1:2]
        expected = {
            "probabilities": (batch, len(self.class_names)),
            "region_boxes": (batch, *regions, 4),
            "region_scores": (batch, *regions),
            "embedding": (batch, None),
        }
        for name, shape in shapes.items():
            # Of other outputs only the first dim is known.
            wanted = expected.get(name, (batch, *shape[1:]))
            if not _fits(shape, wanted):
                said, wanted = (["?" if dim is None else dim for dim in dims] for dims in (shape, wanted))
                raise UnusableModel(self._path, f"{name} {said} where its metadata say {wanted}: export the model again.")


def _fits(shape, expected):
    """Whether dims agree; None agrees with any."""
    pairs = zip(shape, expected, strict=False)
    return len(shape) == len(expected) and all(None in pair or pair[0] == pair[1] for pair in pairs)
