"""Places in photos where a logo may be: what a detector finds, and windows that are embedded one by one, on the same engine."""

import dataclasses
import os
import statistics
from pathlib import Path

import numpy as np
from result import turns

from logo_keras import datasets
from logo_keras.errors import UserError
from logo_keras.evaluation.localisation import contain
from logo_keras.gallery.embedders import shipped
from logo_keras.image.boxes import areas, common_areas
from logo_keras.image.preprocessing import fit
from logo_keras.image.surroundings import CONTEXT, squares

# Sliding windows: sides in shorter sides of the photo, steps in sides of the window. 194 in a photo of 4 x 3.
SIDES = tuple(2 ** (-number / 2) for number in range(5))
STEPS = (0.4, 0.5, 0.65, 0.8, 1.0)
# Windows that are embedded at once: another number would trace a Keras model anew.
BATCH = 32
# Photos of which the time is taken, how often each, and before that.
TIMED, ROUNDS = 8, 3
# How a region finds a logo: by what they share of what they cover together, or with the middle of the logo's box inside.
IOUS = (0.3, 0.5)
CENTRE_INSIDE = len(IOUS)
CRITERIA = (*(f"IoU {least}" for least in IOUS), "middle inside")


def define_detector(flags):
    flags.string("detector", None, "The detector, .keras, .tflite or .onnx.")
    flags.string(
        "embedder",
        None,
        "The same embedding as in the detector, as a file of its own, for windows and references. By default that inside a "
        ".keras detector, and the one that comes with the package for others.",
    )
    flags.boolean("windows", True, "Look at some 200 windows a photo too, which takes most of the time.")
    flags.integer("limit", 0, "Photos of each set that are looked at, spread over the set; 0 for all.", 0)


class Model:
    """A detector, and the embedding in it on the same engine.

    Attributes:
        detect, embed: functions, those of the detector and of the embedder.
        background_vectors: float32 `[G, D]`, those of the detector.

    Raises:
        UserError: if the embedder is another.
    """

    def __init__(self, detector, embedder):
        # The detector may have more, after those of the embedder.
        ours, theirs = (np.asarray(each.background_vectors) for each in (detector, embedder))
        if ours[: len(theirs)].shape != theirs.shape or not np.allclose(ours[: len(theirs)], theirs, atol=1e-3):
            raise UserError("the detector keeps another embedding: --embedder must be a file of the one that it was made of.")
        self._embedder, self.detect, self.embed = embedder, detector.detect, embedder.embed
        self.background_vectors = ours

    def look(self, photo, boxes=None):
        """Embeds the squares around boxes, cut from the photo itself.

        Args:
            photo: uint8 RGB `[H, W, 3]`.
            boxes: float `[n, 4]`, px; None for the photo as a whole.

        Returns:
            float32 `[n, D]` and float32 `[n]`, embeddings and objectness.
        """
        embedder = self._embedder
        images = [fit(square, embedder.image_size, embedder.preprocessing) for square in squares(photo, boxes)]
        if not images:
            return np.zeros((0, embedder.dimensions), np.float32), np.zeros(0, np.float32)
        found = self._infer(np.stack(images))
        return found["embedding"], found["objectness"]


class Keras(Model):
    """A detector as .keras, and the embedder in it or another, as .keras."""

    def __init__(self, path, embedder=None):
        import logo_keras as lk

        detector = lk.load(path)
        if not hasattr(detector, "detect"):
            raise UserError(f"{path} holds a {type(detector).__name__}, wanted a LogoDetector.")
        super().__init__(detector, lk.load(embedder) if embedder else detector.embedder)

    def _infer(self, images):
        # The last batch is filled up.
        filled = np.concatenate([images, images[-1:].repeat(-len(images) % BATCH, axis=0)])
        parts = [self._embedder.predict_on_batch(filled[at : at + BATCH]) for at in range(0, len(filled), BATCH)]
        return {name: np.concatenate([part[name] for part in parts])[: len(images)] for name in parts[0]}


class Exported(Model):
    """A detector as .tflite or .onnx, and a file of the embedding in it, on all cores."""

    def __init__(self, path, embedder=None):
        from logo_keras.edge import Detector, Embedder

        super().__init__(Detector(path, os.cpu_count()), Embedder(embedder or shipped(), os.cpu_count()))

    def _infer(self, images):
        return self._embedder.infer(images)


def opened(flags):
    """The detector and the embedding that the flags name: Model."""
    return (Keras if Path(flags.detector).suffix == ".keras" else Exported)(flags.detector, flags.embedder)


def windows(height, width, most=None):
    """The middles of sliding windows: what their squares, with their context, are as regions.

    Args:
        height, width: ints, px of the photo.
        most: int; of more, steps are made longer, then the smallest windows are left out.

    Returns:
        float32 `[n, 4]`, the largest first.
    """
    for count in range(len(SIDES), 0, -1):
        for step in STEPS:
            boxes = np.concatenate([_slid(height, width, side * min(height, width), step) for side in SIDES[:count]])
            if most is None or len(boxes) <= most:
                return boxes
    return boxes[:most]


def _slid(height, width, side, step):
    """The middles of windows of one side, evenly spread, at most `step` sides apart."""
    y, x = (np.linspace(0, length - side, 1 + int(np.ceil((length - side) / (step * side) - 1e-6))) for length in (height, width))
    y, x = (axis.ravel() + side / 2 for axis in np.meshgrid(y, x, indexing="ij"))
    half = side / CONTEXT / 2
    return np.stack([y - half, x - half, y + half, x + half], axis=1).astype(np.float32)


def finds(regions, boxes):
    """Which regions find which logos.

    Args:
        regions: float `[n, 4]`, px.
        boxes: float `[m, 4]`, px, of the logos.

    Returns:
        bool `[n, m, 3]`, by each of `CRITERIA`.
    """
    regions, boxes = (np.asarray(each, np.float32).reshape(-1, 4) for each in (regions, boxes))
    common = common_areas(regions[:, None], boxes)
    union = areas(regions)[:, None] + areas(boxes) - common
    inside = contain(regions, (boxes[:, :2] + boxes[:, 2:]) / 2)
    return np.stack([*(common >= least * union for least in IOUS), inside], axis=-1)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the detector costs and what windows do.

    Attributes:
        photo: float, ms, median time of the detector for a photo that is decoded.
        window: float, ms, of a window.
    """

    photo: float
    window: float

    @property
    def windows(self):
        """int, windows that cost as much time as the detector."""
        return max(1, round(self.photo / self.window))

    def __str__(self):
        each = f"detector {self.photo:.0f} ms a photo, embedding {self.window:.1f} ms a window"
        return f"Time, in turns, on all cores: {each}: {self.windows} windows cost as much"


def sliding(flags, spent):
    """The rows of sliding windows: dict from their names to how many windows a photo has at most, None for some 200.

    Args:
        flags: Flags.
        spent: Cost.
    """
    return ({"windows": None} if flags.windows else {}) | {"windows, equal": spent.windows}


def cost(model, photos):
    """Times the detector and the embedding of as many windows as fill batches, in turns: Cost.

    Args:
        model: Model.
        photos: list of uint8 RGB `[H, W, 3]`.
    """
    boxes = [windows(*photo.shape[:2])[-2 * BATCH :] for photo in photos]
    functions = {
        "photo": lambda turn: model.detect(photos[turn % len(photos)]),
        "windows": lambda turn: model.look(photos[turn % len(photos)], boxes[turn % len(photos)]),
    }
    times = turns(functions, ROUNDS * len(photos), len(photos))
    return Cost(statistics.median(times["photo"]), statistics.median(times["windows"]) / min(map(len, boxes)))


def opened_sets(flags, splits):
    """The data sets whose folders the flags name, as far as they are looked at: dict from name to Dataset.

    Args:
        flags: Flags, with a flag for each name.
        splits: dict from name to split.
    """
    roots = {name: flags[name].value for name in splits if flags[name].value}
    if not roots:
        raise UserError(f"{' or '.join(f'--{name}' for name in splits)} must be given.")
    return {name: datasets.load(name, root, split=splits[name]) for name, root in roots.items()}


def with_boxes(dataset):
    """The photos of a data set of which boxes are known."""
    return dataset.subset([number for number, boxes in enumerate(dataset.boxes) if len(boxes)])


def limited(dataset, limit):
    """At most so many photos of a data set, spread over it; all of them for 0."""
    if not limit or limit >= len(dataset):
        return dataset
    return dataset.subset(np.arange(limit) * len(dataset) // limit)


def timed(dataset):
    """The photos of which the time is taken: list of uint8 RGB `[H, W, 3]`."""
    some = limited(dataset, TIMED)
    return [some.photograph(number) for number in range(len(some))]
