"""Embeds photos and the boxes in them with an exported file, without TensorFlow."""

import itertools

import numpy as np

from logo_keras.arguments import whole
from logo_keras.edge.runner import Runner
from logo_keras.errors import UserError
from logo_keras.image.preprocessing import fit, is_one, pixels
from logo_keras.image.surroundings import squares


class Embedder(Runner):
    """Turns photos, or boxes in them, into vectors that lie near each other where the mark is the same.

    For files that `logo-export-tflite` or `logo-export-onnx` wrote of an `lk.LogoEmbedder`. Engines, threads, processes and
    files that are refused: as of `Recognizer`.

    Args:
        path: str or Path of the file.
        num_threads: int, threads of one call, or None for the engine's own default: 1 in LiteRT, all cores in onnxruntime.

    Attributes:
        metadata: Metadata of the file.
        image_size: int S, px.
        preprocessing: str, how a photo becomes the input, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        dimensions: int D.
        background_vectors: float32 `[G, D]`, of length 1: what images without a mark lie near to. None where the file has none.
        threshold: float, of a gallery that is not calibrated; None where the file has none.
        outputs: tuple of str, what `infer` gives: "embedding" and, where the file has it, "objectness".
        batch: int, images that the file takes at once, or None for any number.

    Raises:
        UnusableModel: naming the file and what to do, if it is not a whole TFLite or ONNX file of an embedder; it is a
            ValueError too.
        ValueError: if `num_threads` is no positive int.
        OSError: if the file cannot be read, for instance FileNotFoundError.
        ImportError: naming what to install, if the engine is missing.
    """

    client = "Embedder"

    def __init__(self, path, num_threads=None):
        super().__init__(path, num_threads)
        self.dimensions, self.background_vectors = self.metadata.dimensions, self.metadata.backgrounds
        self.threshold = self.metadata.threshold

    def embed(self, photos, boxes=None, batch_size=16):
        """Embeds photos as a whole, or boxes in them.

        Args:
            photos, boxes, batch_size: as for `infer_photos`.

        Returns:
            float32 `[n, D]`, of length 1, in the order of the photos and of their boxes.

        Raises:
            UnreadablePhoto, ValueError: as `infer_photos`.
        """
        return self.infer_photos(photos, boxes, batch_size)["embedding"]

    def infer_photos(self, photos, boxes=None, batch_size=16):
        """Runs the file on photos as a whole, or on boxes in them.

        What is seen of a photo is what `logo_keras.image.surroundings.squares` cuts out of it.

        Args:
            photos: path, bytes of a file, or uint8 RGB `[H, W, 3]`; or several of these, read as they are needed, such as a
                list or uint8 `[n, H, W, 3]`.
            boxes: None for whole photos. Of one photo float `[n, 4]`, `(y0, x0, y1, x1)` px of the upright photo; of several
                photos as many of these, None for those that count as a whole.
            batch_size: int, images in memory at once, and in one call where the file takes any number.

        Returns:
            dict of `embedding`, float32 `[n, D]`, of length 1, and, where the file has it, `objectness`, float32 `[n]`: the
            cosine to the nearest brand of the training minus that to the nearest background, above 0 where it looks like a
            mark.

        Raises:
            UnreadablePhoto: naming the first photo that cannot be decoded: its path, or its place as `photos[3]`.
            ValueError: if `batch_size` is below 1, there are not as many lists of boxes as photos, or a box is empty or
                outside its photo.
        """
        whole("batch_size", batch_size, 1)
        if is_one(photos):
            photos, boxes = [photos], None if boxes is None else [boxes]
        images, parts = self._images(photos, boxes), []
        while batch := list(itertools.islice(images, batch_size)):
            parts.append(self.infer(np.stack(batch)))
        empty = {"embedding": (0, self.dimensions), "objectness": (0,)}
        parts = parts or [{name: np.zeros(shape, np.float32) for name, shape in empty.items() if name in self.outputs}]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _images(self, photos, boxes):
        """Yields what the file is to see, uint8 `[S, S, 3]`."""
        if boxes is not None:
            photos, boxes = list(photos), list(boxes)
            if len(photos) != len(boxes):
                raise UserError(f"boxes must be a list for each photo, or None, got {len(boxes)} for {len(photos)} photos.")
        for number, photo in enumerate(photos):
            places = None if boxes is None else boxes[number]
            photo = pixels(photo, name=f"photos[{number}]")
            for seen in squares(photo, places):
                yield fit(seen, self.image_size, self.preprocessing)
