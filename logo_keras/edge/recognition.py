"""The answer to one photo, the same from Keras and from an exported file."""

import dataclasses

import numpy as np

from logo_keras.arguments import share, whole
from logo_keras.image.preprocessing import PREPROCESSING, frame, pixels, prepare


@dataclasses.dataclass(frozen=True, eq=False)
class Recognition:
    """What a model says of one photo.

    Attributes:
        labels: tuple of str, the likeliest classes, best first; none where nothing is known.
        probabilities: tuple of float, one a label.
        region_boxes: float32 `[K, 4]`, `(y0, x0, y1, x1)` in px of the photo as it is seen upright, best region
            first; they may reach beyond it. `[0, 4]` from a plain classifier.
        region_scores: float32 `[K]`, the navigator's scores; `[0]` from a plain classifier, or where a file leaves them out.
        embedding: float32 `[D]`, the feature before the deciding classifier, of length 1, from a file that gives it; or None.
        known: bool, whether the likeliest class is likely enough to count as what the photo shows; True without a threshold.
        confidence: float, the probability of the likeliest class, known or not; by default the first of `probabilities`.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    region_boxes: np.ndarray
    region_scores: np.ndarray
    embedding: np.ndarray | None = None
    known: bool = True
    confidence: float | None = None

    def __post_init__(self):
        if self.confidence is None and self.probabilities:
            object.__setattr__(self, "confidence", self.probabilities[0])

    @property
    def label(self):
        """str, the likeliest class; None where nothing is known."""
        return self.labels[0] if self.labels else None

    def to_dict(self):
        """The same for JSON, and `label`, the best: `labels` and `probabilities` are null where nothing is known."""
        said = {"known": self.known, "label": self.label, "confidence": self.confidence}
        said |= {name: list(getattr(self, name)) if self.known else None for name in ("labels", "probabilities")}
        arrays = {name: getattr(self, name) for name in ("region_boxes", "region_scores", "embedding")}
        return said | {name: value.tolist() for name, value in arrays.items() if value is not None}


def recognize(infer, photo, class_names, image_size, top, preprocessing=PREPROCESSING, threshold=None):
    """Recognizes one photo.

    Args:
        infer: function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays: `probabilities [1, N]` and,
            from region networks, `region_boxes [1, K, 4]` in px of the images and `region_scores [1, K]`; perhaps
            `embedding [1, D]`.
        photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
        class_names: N str.
        image_size: int S, px.
        top: int, how many classes to name; all N where there are fewer.
        preprocessing: str, how the photo becomes the image, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        threshold: float in [0, 1), the lowest probability of the likeliest class with which it counts as known; None: any.

    Returns:
        Recognition.

    Raises:
        ValueError: if `top` is below 1, or there is no such preprocessing or threshold.
        UnreadablePhoto: if the photo cannot be decoded.
    """
    photo = pixels(photo)
    outputs = {name: value[0] for name, value in infer(prepare(photo, image_size, preprocessing)[None]).items()}
    return answer(outputs, photo.shape[:2], class_names, image_size, top, preprocessing, threshold)


def answer(outputs, size, class_names, image_size, top, preprocessing=PREPROCESSING, threshold=None):
    """Makes the answer to one photo from what a model gave for it.

    Args:
        outputs: dict of arrays: `probabilities [N]` and perhaps `region_boxes [K, 4]` in px of the image, `region_scores [K]`
            and `embedding [D]`.
        size: two int, height and width of the upright photo, px.
        class_names: N str.
        image_size: int S, px.
        top: int, how many classes to name; all N where there are fewer.
        preprocessing: str, how the photo became the image, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        threshold: float, as for `recognize`.

    Returns:
        Recognition.

    Raises:
        ValueError: if `top` is below 1, or there is no such preprocessing or threshold.
    """
    whole("top", top, 1)
    threshold = share("threshold", 0 if threshold is None else threshold)
    probabilities = np.asarray(outputs["probabilities"])
    # Stable: of equal probabilities the class that was named first comes first.
    best = np.argsort(-probabilities, kind="stable")[:top]
    confidence = float(probabilities[best[0]])
    # Without a threshold also what is no number gets a label.
    known = not threshold or confidence >= threshold
    best = best if known else []
    # Stretched to a square, so each axis has its own factor.
    side, offset = frame(preprocessing, image_size)
    height, width = size
    scale = np.array([height, width, height, width], np.float32) / side
    boxes = np.asarray(outputs.get("region_boxes", np.zeros((0, 4))), np.float32)
    embedding = outputs.get("embedding")
    return Recognition(
        labels=tuple(class_names[number] for number in best),
        probabilities=tuple(float(probabilities[number]) for number in best),
        region_boxes=((boxes + offset) * scale).astype(np.float32),
        region_scores=np.asarray(outputs.get("region_scores", np.zeros(0)), np.float32),
        embedding=None if embedding is None else np.asarray(embedding, np.float32),
        known=known,
        confidence=confidence,
    )
