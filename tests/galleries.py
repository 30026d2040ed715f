"""What tests of the gallery share: an embedding that is quick and always the same, marks, photos, galleries."""

import cv2
import numpy as np
import photographs
import pytest

import logo_keras as lk
from logo_keras.edge.detection import Detection
from logo_keras.gallery import embedders
from logo_keras.image.preprocessing import fit
from logo_keras.image.surroundings import square, squares

SIZE, DIMENSIONS = 32, 48
_PROJECTION = np.random.default_rng(7).normal(size=(16 * 16 * 3, DIMENSIONS)).astype(np.float32)
SHAPES = {
    "Acme": '<circle cx="50" cy="50" r="40" fill="#d00"/><rect x="44" y="20" width="12" height="60" fill="#fff"/>',
    "Globex": '<path d="M10 90L50 10L90 90Z" fill="#06c"/>',
    "Initech": '<rect x="10" y="35" width="80" height="10" fill="#080"/><rect x="10" y="60" width="80" height="25" fill="#080"/>',
}
# Of these shapes.
COLOURS = ((221, 0, 0), (0, 102, 204), (0, 136, 0))


def embed(images):
    """The colours of a thumbnail, thrown into 48 dimensions: float32 `[n, 48]`."""
    assert images.dtype == np.uint8 and images.shape[1:] == (SIZE, SIZE, 3)
    small = np.stack([cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA) for image in images]).astype(np.float32)
    return (small.reshape(len(images), -1) / 255 - 0.5) @ _PROJECTION


class WithBackgrounds:
    """The same, as an embedding that knows backgrounds: plain greys and two scenes."""

    image_size = SIZE

    def __init__(self):
        plain = [np.full((SIZE, SIZE, 3), level, np.uint8) for level in (60, 200)]
        self.background_vectors = embed(np.stack([*plain, *(photographs.scene(SIZE, SIZE, seed) for seed in (100, 101))]))
        self.background_vectors /= np.linalg.norm(self.background_vectors, axis=1, keepdims=True)

    def __call__(self, images):
        return embed(images)


class WithThreshold(WithBackgrounds):
    """The same, as an embedding that comes with a threshold."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold


class Detecting(WithBackgrounds):
    """The same, as a detector: it sees half of the px, and finds what has the colours of the marks.

    `also` are boxes that it finds in every photo, with their objectness.
    """

    region_size = SIZE

    def __init__(self, also=()):
        super().__init__()
        self._also = also

    def detect(self, photo, regions=None):
        """As `lk.edge.Detector.detect`."""
        seen = np.zeros(photo.shape[:2], np.uint8)
        for colour in COLOURS:
            seen |= (np.abs(photo.astype(int) - colour).max(-1) <= 8).astype(np.uint8)
        # A mark may be of several parts.
        count, parts = cv2.connectedComponents(cv2.dilate(seen, np.ones((15, 15), np.uint8)))
        found = []
        for number in range(1, count):
            rows, columns = np.nonzero(seen * (parts == number))
            if len(rows) > 50:
                found.append((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))
        objectness = [0.5] * len(found) + [value for _, value in self._also]
        boxes = np.float32([*found, *(box for box, _ in self._also)]).reshape(-1, 4)
        size = tuple((length + 1) // 2 for length in photo.shape[1::-1])
        half = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        crops = [square(half, box / 2) for box in boxes] + squares(half)
        vectors = embed(np.stack([fit(crop, SIZE) for crop in crops]))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        scores = np.linspace(0.9, 0.5, len(boxes), dtype=np.float32)
        return Detection(boxes, scores, vectors[:-1], np.float32(objectness), vectors[-1], 0.0)


@pytest.fixture
def shipped_embedding(monkeypatch):
    """The embedding with backgrounds in place of the one that comes with the package."""
    real = embedders.embedder

    def ours(model=None, embed=None, image_size=None):
        return real(model, embed or (WithBackgrounds() if model is None else None), image_size)

    monkeypatch.setattr("logo_keras.gallery.gallery.embedder", ours)


@pytest.fixture
def detector(monkeypatch):
    """The name of a file; a gallery opens the detector above as if it were in it, and its embedding where none is named."""
    real = embedders.embedder

    def ours(model=None, embed=None, image_size=None):
        return real(None, embed or (WithBackgrounds() if model is None else Detecting()), image_size)

    monkeypatch.setattr("logo_keras.gallery.gallery.embedder", ours)
    return "detector.tflite"


def mark(label):
    """The SVG of a brand: bytes."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{SHAPES[label]}</svg>'.encode()


def write_marks(folder):
    """Writes each brand's SVG into a folder of its own, `FOLDER/LABEL/mark.svg`; returns the folder."""
    for label in SHAPES:
        (folder / label).mkdir(parents=True)
        (folder / label / "mark.svg").write_bytes(mark(label))
    return folder


def photo(label, seed=0, side=60, at=(20, 70)):
    """A scene with a mark: uint8 RGB `[120, 160, 3]`, and the box of the mark."""
    from logo_keras.image import svg

    scene = photographs.scene(120, 160, seed)
    drawn = cv2.resize(svg.draw(mark(label), 128), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    part = scene[at[0] : at[0] + side, at[1] : at[1] + side]
    opacity = drawn[..., 3:] / 255
    part[:] = np.rint(drawn[..., :3] * opacity + part * (1 - opacity))
    rows, columns = np.nonzero(drawn[..., 3] > 127)
    y, x = at
    return scene, (y + rows.min(), x + columns.min(), y + rows.max() + 1, x + columns.max() + 1)


def gallery(labels=tuple(SHAPES), function=None):
    """A gallery of the brands' artwork."""
    made = lk.Gallery(embed=function or WithBackgrounds())
    for label in labels:
        made.add(label, mark(label))
    return made
