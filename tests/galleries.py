"""What tests of the gallery share: an embedding that is quick and always the same, marks, photos, galleries."""

import cv2
import numpy as np
import photographs
import pytest

import logo_keras as lk
from logo_keras.gallery import embedders

SIZE, DIMENSIONS = 32, 48
_PROJECTION = np.random.default_rng(7).normal(size=(16 * 16 * 3, DIMENSIONS)).astype(np.float32)
SHAPES = {
    "Acme": '<circle cx="50" cy="50" r="40" fill="#d00"/><rect x="44" y="20" width="12" height="60" fill="#fff"/>',
    "Globex": '<path d="M10 90L50 10L90 90Z" fill="#06c"/>',
    "Initech": '<rect x="10" y="35" width="80" height="10" fill="#080"/><rect x="10" y="60" width="80" height="25" fill="#080"/>',
}


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


@pytest.fixture
def shipped_embedding(monkeypatch):
    """The embedding with backgrounds in place of the one that comes with the package."""
    real = embedders.embedder

    def ours(model=None, embed=None, image_size=None):
        return real(model, embed or (WithBackgrounds() if model is None else None), image_size)

    monkeypatch.setattr("logo_keras.gallery.gallery.embedder", ours)


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
