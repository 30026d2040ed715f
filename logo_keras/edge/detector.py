"""Finds logos of any brand in photos with an exported file, without TensorFlow."""

import functools
import itertools

import numpy as np

from logo_keras.arguments import whole
from logo_keras.edge import detection
from logo_keras.edge.model_file import UnusableModel
from logo_keras.edge.runner import Runner
from logo_keras.image.preprocessing import fit, is_one, pixels
from logo_keras.image.surroundings import squares
from logo_keras.image.triangle import widening


class Detector(Runner):
    """Finds where some logo is in a photo, of any brand, and embeds each place.

    For files that `logo-export-tflite` or `logo-export-onnx` wrote of an `lk.LogoDetector`. Engines, threads, processes and
    files that are refused: as of `Recognizer`.

    Args:
        path: str or Path of the file.
        num_threads: int, threads of one call, or None for the engine's own default: 1 in LiteRT, all cores in onnxruntime.

    Attributes:
        metadata: Metadata of the file.
        image_size: int S, px.
        preprocessing: str, how a square becomes the input, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        num_regions: int K.
        dimensions: int D.
        background_vectors: float32 `[G, D]`, of length 1: what images without a mark lie near to. None where the file has none.
        threshold: float, of a gallery that is not calibrated; None where the file has none.
        outputs: tuple of str, what `infer` gives.
        batch: int, images that the file takes at once, or None for any number.

    Raises:
        UnusableModel: naming the file and what to do, if it is not a whole TFLite or ONNX file of a detector; it is a ValueError
            too.
        ValueError: if `num_threads` is no positive int.
        OSError: if the file cannot be read, for instance FileNotFoundError.
        ImportError: naming what to install, if the engine is missing.
    """

    client = "Detector"

    def __init__(self, path, num_threads=None):
        super().__init__(path, num_threads)
        if self.metadata.region_size > self.image_size:
            said = f"its metadata say regions of {self.metadata.region_size} px, of images of {self.image_size} px"
            raise UnusableModel(path, f"{said}: export the model again.")
        self.num_regions, self.dimensions = self.metadata.num_regions, self.metadata.dimensions
        self.background_vectors, self.threshold = self.metadata.backgrounds, self.metadata.threshold

    def detect(self, photo, regions=None):
        """Finds logos in one photo.

        Args:
            photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
            regions: int, at most so many, the best; None for all, which are at most K of the photo and, of a long one, of each
                of its parts (`logo_keras.edge.detection.detect`).

        Returns:
            `logo_keras.edge.detection.Detection`, its boxes in px of the upright photo.

        Raises:
            ValueError: if `regions` is below 1.
            UnreadablePhoto: if the photo cannot be decoded; it is a ValueError too.
        """
        return detection.detect(self.infer, photo, self.image_size, regions, self.preprocessing)

    def embed(self, photos, batch_size=16):
        """Embeds photos, each as a whole, made square by its outermost px going on.

        The same as a file of the embedder alone gives where that sees as many px as this one's regions have. Each costs as much
        as `detect`.

        Args:
            photos: path, bytes of a file, or uint8 RGB `[H, W, 3]`; or several of these, read as they are needed, such as a
                list or uint8 `[n, H, W, 3]`.
            batch_size: int, images in memory at once, and in one call where the file takes any number.

        Returns:
            float32 `[n, D]`, of length 1.

        Raises:
            UnreadablePhoto: naming the first photo that cannot be decoded: its path, or its place as `photos[3]`.
            ValueError: if `batch_size` is below 1.
        """
        whole("batch_size", batch_size, 1)
        numbered = enumerate([photos] if is_one(photos) else photos)
        seen = (squares(pixels(photo, name=f"photos[{number}]"))[0] for number, photo in numbered)
        images = (self._widened(fit(square, self.metadata.region_size, self.preprocessing)) for square in seen)
        parts = [np.zeros((0, self.dimensions), np.float32)]
        while batch := list(itertools.islice(images, batch_size)):
            parts.append(self.infer(np.stack(batch))["embedding"])
        return np.concatenate(parts)

    @functools.cached_property
    def _weights(self):
        return widening(self.metadata.region_size, self.image_size)

    def _widened(self, image):
        """The image, float32 `[S, S, 3]`, that the file shrinks to this one, uint8 `[R, R, 3]`, before it embeds the whole."""
        return np.einsum("yr,xc,rcb->yxb", self._weights, self._weights, image.astype(np.float32), optimize=True)
