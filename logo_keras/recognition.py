"""The answer to one photograph, the same from Keras and from an exported file."""

import dataclasses
import os

import numpy as np

from logo_keras.preprocessing import PREPROCESSING, decode, frame, prepare, read


@dataclasses.dataclass(frozen=True, eq=False)
class Recognition:
    """What a model says of one photograph.

    Attributes:
        labels: tuple of str, the likeliest classes, best first.
        probabilities: tuple of float, one a label.
        region_boxes: float32 `[K, 4]`, `(y0, x0, y1, x1)` in px of the photograph as it is seen upright, best region
            first; they may reach beyond it. `[0, 4]` from a plain classifier.
        region_scores: float32 `[K]`, the navigator's scores; `[0]` from a plain classifier.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    region_boxes: np.ndarray
    region_scores: np.ndarray

    def to_dict(self):
        """The same as lists, strings and floats, for JSON."""
        return {
            "labels": list(self.labels),
            "probabilities": list(self.probabilities),
            "region_boxes": self.region_boxes.tolist(),
            "region_scores": self.region_scores.tolist(),
        }


def recognize(infer, photo, class_names, image_size, top, preprocessing=PREPROCESSING):
    """Recognizes one photograph.

    Args:
        infer: function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays: `probabilities [1, N]` and,
            from region networks, `region_boxes [1, K, 4]` in px of the images and `region_scores [1, K]`.
        photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
        class_names: N str.
        image_size: int S, px.
        top: int, how many classes to name; all N where there are fewer.
        preprocessing: str, how the photograph becomes the image, one of `logo_keras.preprocessing.PREPROCESSINGS`.

    Returns:
        Recognition.

    Raises:
        ValueError: if `top` is below 1, or there is no such preprocessing.
        UnreadablePhotograph: if the photograph cannot be decoded.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}.")
    pixels = _pixels(photo)
    outputs = infer(prepare(pixels, image_size, preprocessing)[None])
    probabilities = np.asarray(outputs["probabilities"])[0]
    # Stable: of equal probabilities the class that was named first comes first.
    best = np.argsort(-probabilities, kind="stable")[:top]
    # Stretched to a square, so each axis has its own factor.
    side, offset = frame(preprocessing, image_size)
    height, width = pixels.shape[:2]
    scale = np.array([height, width, height, width], np.float32) / side
    boxes = np.asarray(outputs["region_boxes"], np.float32)[0] if "region_boxes" in outputs else np.zeros((0, 4))
    scores = np.asarray(outputs["region_scores"], np.float32)[0] if "region_scores" in outputs else np.zeros(0)
    return Recognition(
        labels=tuple(class_names[number] for number in best),
        probabilities=tuple(float(probabilities[number]) for number in best),
        region_boxes=((boxes + offset) * scale).astype(np.float32),
        region_scores=scores.astype(np.float32),
    )


def _pixels(photo):
    """The upright photograph, RGB uint8 `[H, W, 3]`."""
    if isinstance(photo, (str, os.PathLike)):
        return read(photo)
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return decode(bytes(photo))
    return photo
