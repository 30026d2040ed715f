"""What all exported files share that run without TensorFlow: opened, checked, run."""

import os
from pathlib import Path

import numpy as np

from logo_keras.arguments import whole
from logo_keras.edge import model_file
from logo_keras.edge.engines import ONNX, LiteRT
from logo_keras.edge.model_file import UnusableModel
from logo_keras.errors import UserError
from logo_keras.image.preprocessing import PREPROCESSINGS

# What a file is that another class opens.
_KINDS = {
    "Recognizer": "it names brands",
    "Embedder": "an embedder, which neither names brands nor finds places",
    "Detector": "a detector, which names no brands",
}
# What a file of each class must give, at least.
_NEEDED = {
    "Recognizer": ("probabilities",),
    "Embedder": ("embedding",),
    "Detector": ("embedding", "objectness", "region_boxes", "region_scores", "region_embeddings", "region_objectness"),
}
# By the suffix of the file.
ENGINES = {".tflite": LiteRT, ".onnx": ONNX}


class Runner:
    """Runs an exported file, whatever it gives. `Recognizer`, `Embedder` and `Detector` are runners of the files that are theirs.

    Args:
        path: str or Path of the file.
        num_threads: int, threads of one call, or None for the engine's own default: 1 in LiteRT, all cores in onnxruntime.

    Attributes:
        metadata: Metadata of the file.
        image_size: int S, px.
        preprocessing: str, how a photo becomes the input, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        outputs: tuple of str, what `infer` gives: "probabilities" or, from an embedder or a detector, "embedding", and what else
            the file has.
        batch: int, images that the file takes at once, or None for any number.

    Raises:
        UnusableModel: naming the file and what to do, if it is not a whole TFLite or ONNX file with logo_keras's metadata, or
            is of another kind; it is a ValueError too.
        ValueError: if `num_threads` is no positive int.
        OSError: if the file cannot be read, for instance FileNotFoundError.
        ImportError: naming what to install, if the engine is missing.
    """

    # What the metadata of the files that it opens call it; None opens all.
    client = None

    def __init__(self, path, num_threads=None):
        if num_threads is not None:
            whole("num_threads", num_threads, 1)
        self._path, self._num_threads = Path(path), num_threads
        suffix = self._path.suffix.lower()
        if suffix not in ENGINES:
            raise UnusableModel(path, f"the name of an exported file ends with {' or '.join(ENGINES)}: rename or export it.")
        self.metadata = model_file.read(path)
        self._check_kind()
        self.image_size, self.preprocessing = self.metadata.image_size, self.metadata.preprocessing
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

    def infer(self, images):
        """Runs the file on prepared images: at once where it takes any number, else in its own batches, the last one filled.

        Args:
            images: float32 or uint8 `[B, S, S, 3]`, RGB 0..255, as `logo_keras.image.preprocessing.prepare` makes them
                with the file's `preprocessing`; B at least 1. A file with uint8 input is given them rounded.

        Returns:
            dict of arrays, all float32: `probabilities [B, N]` and, where the file has them, `region_boxes [B, K, 4]` in px
            of the images, `region_scores [B, K]` and `embedding [B, D]`; from an embedder `embedding [B, D]` and, where the
            file has it, `objectness [B]`; from a detector both, the regions, `region_embeddings [B, K, D]` and
            `region_objectness [B, K]`.

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

    def _check_kind(self):
        """Raises UnusableModel if the metadata are of a file that another class opens; a plain runner takes any."""
        client = self.metadata.client
        if self.client not in (None, client):
            raise UnusableModel(self._path, f"{_KINDS[client]}: open it with logo_keras.edge.{client}.")

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
        for needed in _NEEDED[self.metadata.client]:
            if needed not in engine.shapes:
                raise UnusableModel(self._path, f"gives {', '.join(engine.shapes)}, but no {needed}: export the model again.")
        self._check_shapes(engine.shapes, engine.batch)

    def _check_shapes(self, shapes, batch):
        regions = shapes.get("region_boxes", shapes.get("region_scores", (None, None)))[1:2]
        dimensions = self.metadata.dimensions
        if self.metadata.num_regions:
            regions = (self.metadata.num_regions,)
        expected = {
            "probabilities": (batch, len(self.metadata.class_names)),
            "region_boxes": (batch, *regions, 4),
            "region_scores": (batch, *regions),
            "region_embeddings": (batch, *regions, dimensions),
            "region_objectness": (batch, *regions),
            "embedding": (batch, dimensions),
            "objectness": (batch,),
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
