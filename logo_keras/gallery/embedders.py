"""What turns crops into vectors, and may find places in photos: a model file of this package, or a function of one's own."""

import functools
import numbers
import threading
from pathlib import Path

import numpy as np

from logo_keras.arguments import one_of, whole
from logo_keras.edge.metadata import LARGEST_THRESHOLD
from logo_keras.errors import FileError, UserError
from logo_keras.extras import naming_extras
from logo_keras.files import sha256
from logo_keras.image.preprocessing import PREPROCESSING, PREPROCESSINGS, fit

# The embedding that comes with the package, and the detector that holds the same one.
SHIPPED = Path(__file__).with_name("logos.tflite")
SHIPPED_DETECTOR = Path(__file__).with_name("detector.tflite")
# Crops that are embedded at a time.
_BATCH = 32
# px, of an image for a function that does not say what it takes. Source: the default of `LogoEmbedder`.
_SIZE = 128
# Fixed pictures of a few smooth patches, whose vectors tell one embedding from another.
_PROBES, _PROBE_SIDE = 8, 96
# Least cosine of their vectors that one embedding has in two formats. Float formats have 0.999 and more, which is checked at
# export, also in a detector's file; the weights before the last epochs of training 0.79 to 0.88 (November 2026).
_SAME = 0.995
# What the identity of an embedding begins with that is no file.
_FUNCTION = "function "


class Embedder:
    """Turns square crops into vectors of length 1.

    Args:
        embed: function from a list of uint8 RGB `[s, s, 3]`, of any sizes, to float `[n, D]`.
        identity: str, tells this embedding from others: the SHA-256 of a file, or the name of a function.
        name: str, for messages.
        image_size: int S, px, what the embedding reads.
        background_vectors: float32 `[G, D]`, of length 1, or None.
        threshold: float, of a gallery that is not calibrated, see `logo_keras.gallery.strangers`; or None.
        detector: what finds places in photos: its `detect` is a function from a photo, uint8 RGB `[H, W, 3]`, to a
            `logo_keras.edge.detection.Detection`. What it has of the attributes `image_size`, `region_size` and `threshold`
            counts, and is read when a photo is searched, and so are its `background_vectors`. None where nothing finds them.

    Attributes:
        dimensions: int D.
        probe: float32 `[8, D]`, vectors of fixed pictures.
        detects: bool, whether it finds places in photos.
        The others as the arguments.

    Raises:
        ValueError: if what the function gives does not fit.
    """

    def __init__(self, embed, identity, name, image_size, background_vectors=None, threshold=None, detector=None):
        self._embed, self.identity, self.name, self.image_size = embed, identity, name, image_size
        self._detector, self.detects = detector, detector is not None
        self.dimensions = None
        self.probe = self.embed(_pictures())
        self.background_vectors = self._backgrounds(background_vectors)
        self.threshold = _threshold(threshold)

    @property
    def photo_size(self):
        """int, px, to which the longer side of a photo is shrunk before it is searched."""
        return getattr(self._detector, "image_size", self.image_size)

    @property
    def region_size(self):
        """int, px, what of a region is embedded."""
        return getattr(self._detector, "region_size", _SIZE)

    @property
    def searched_threshold(self):
        """float, of photos that are searched by a gallery that is not calibrated; None where the detector has none."""
        return _threshold(getattr(self._detector, "threshold", None))

    @functools.cached_property
    def searched_backgrounds(self):
        """float32 `[G, D]`, of length 1, of photos that are searched; None where the detector has none."""
        return self._backgrounds(getattr(self._detector, "background_vectors", None))

    def embed(self, crops):
        """Embeds crops.

        Args:
            crops: list of uint8 RGB `[s, s, 3]`.

        Returns:
            float32 `[n, D]`, of length 1.

        Raises:
            ValueError: if what the embedding gives does not fit: other shapes, numbers that are not finite, all zeros.
        """
        if not crops:
            return np.zeros((0, self.dimensions), np.float32)
        return np.concatenate([self._checked(crops[at : at + _BATCH]) for at in range(0, len(crops), _BATCH)])

    def detect(self, photo):
        """Finds places in a photo.

        Args:
            photo: uint8 RGB `[H, W, 3]`, upright.

        Returns:
            Detection.

        Raises:
            ValueError: if what the detector gives does not fit: other shapes, or numbers that are not finite.
        """
        found = self._detector.detect(photo)
        count = len(found.boxes)
        for name, shape in (
            ("boxes", (count, 4)),
            ("objectness", (count,)),
            ("embeddings", (count, self.dimensions)),
            ("whole_embedding", (self.dimensions,)),
        ):
            value = getattr(found, name)
            if value.shape != shape or not np.isfinite(value).all():
                raise UserError(f"{self.name} must give finite {name} {list(shape)}, got {list(value.shape)}.")
        return found

    def agrees(self, identity, probe):
        """Whether another embedding is this one: the same file, or the same in another format.

        Args:
            identity: str, of the other.
            probe: float32 `[8, D]`, of the other.
        """
        if probe.shape != self.probe.shape:
            return False
        # A function of the same name may have changed.
        same_file = identity == self.identity and not identity.startswith(_FUNCTION)
        return same_file or bool((self.probe * probe).sum(1).min() >= _SAME)

    def _backgrounds(self, vectors):
        if vectors is None:
            return None
        vectors = np.asarray(vectors, np.float32)
        if vectors.shape[1:] != (self.dimensions,) or not np.isfinite(vectors).all():
            raise UserError(f"background_vectors must be finite numbers [G, {self.dimensions}], got {list(vectors.shape)}.")
        return unit(vectors) if len(vectors) else None

    def _checked(self, crops):
        vectors = np.asarray(self._embed(crops), np.float32)
        expected = (len(crops), self.dimensions or "D")
        if vectors.ndim != 2 or len(vectors) != len(crops) or self.dimensions not in (None, vectors.shape[1]):
            raise UserError(f"{self.name} must give float vectors {list(expected)} for {len(crops)} images, got {vectors.shape}.")
        if not np.isfinite(vectors).all() or not np.linalg.norm(vectors, axis=1).all():
            raise UserError(f"{self.name} gave a vector that is not finite or all zeros.")
        self.dimensions = vectors.shape[1]
        return unit(vectors)


def embedder(model=None, embed=None, image_size=None):
    """Opens what turns crops into vectors.

    Args:
        model: str or Path of a `.keras`, `.tflite` or `.onnx` file of an embedding or a detector, or an opened one; None for
            `embed`, or for the embedding that comes with the package, with the detector that comes with it.
        embed: function from uint8 RGB `[n, S, S, 3]` to float `[n, D]`. What it has of the attributes `image_size`,
            `preprocessing`, `background_vectors`, `threshold`, `identity`, `detect` and `region_size` counts.
        image_size: int S, px, for a function that has none; 128 by default.

    Returns:
        Embedder.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if both are given, the file is no embedding, an argument does not fit, or the embedding that comes with the
            package is missing.
        ImportError: naming the extra that opens the file.
    """
    if isinstance(model, Embedder):
        return model
    if embed is not None:
        if model is not None:
            raise UserError("give a model or embed=FUNCTION, not both.")
        return _of_function(embed, image_size)
    if image_size is not None:
        raise UserError("image_size belongs to embed=FUNCTION; a model file knows its own.")
    return _of_model(shipped(), _Shipped()) if model is None else _of_model(model)


def shipped():
    """The embedding that comes with the package: Path of a `.tflite` file.

    Raises:
        ValueError: if it is not there.
    """
    if not SHIPPED.is_file():
        raise UserError(
            f"{SHIPPED}, the embedding that comes with the package, is missing: install logo_keras again, or give a model file "
            "(.keras, .tflite or .onnx), or in Python embed=FUNCTION."
        )
    return SHIPPED


class _Shipped:
    """The detector that comes with the package, opened when the first photo is searched: who adds artwork need not wait."""

    # One for all, so that galleries can travel to other processes.
    _opening = threading.Lock()

    def __init__(self):
        self._opened = None

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        # Whichever thread comes first opens it.
        with self._opening:
            if self._opened is None:
                if not SHIPPED_DETECTOR.is_file():
                    raise UserError(
                        f"{SHIPPED_DETECTOR}, the detector that comes with the package, is missing: install logo_keras again, "
                        "or say where the logos are (boxes=..., --box)."
                    )
                self._opened = _opened(SHIPPED_DETECTOR, ".tflite")
        return getattr(self._opened, name)


def unit(vectors):
    """The same vectors with length 1: float32 `[n, D]`."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _of_function(embed, image_size):
    if not callable(embed):
        raise UserError(f"embed must be a function, got {type(embed).__name__}.")
    size = whole("image_size", image_size if image_size is not None else getattr(embed, "image_size", _SIZE), 1)
    preprocessing = one_of("preprocessing", getattr(embed, "preprocessing", PREPROCESSING), PREPROCESSINGS)
    kind = embed if hasattr(embed, "__qualname__") else type(embed)
    name = f"{kind.__module__}.{kind.__qualname__}"

    def batch(crops):
        return embed(np.stack([fit(crop, size, preprocessing) for crop in crops]))

    identity = getattr(embed, "identity", None) or f"{_FUNCTION}{name}, {size} px"
    return Embedder(batch, identity, name, size, **_known_to(embed))


def _of_model(model, detector=None):
    path = None
    if isinstance(model, (str, Path)):
        path = Path(model)
        suffix = path.suffix.lower()
        if suffix not in (".keras", ".tflite", ".onnx"):
            raise UserError(f"an embedding or a detector must be a .keras, .tflite or .onnx file, got {path}.")
        if not path.is_file():
            raise FileNotFoundError(f"there is no model {path}.")
        model = _opened(path, suffix)
    if not hasattr(model, "embed") or not hasattr(model, "image_size"):
        # A classifier sees brands, not likeness.
        raise FileError(path or type(model).__name__, "no embedding: train one with logo-train --recipe logo_embedder.")
    identity = sha256(path) if path else getattr(model, "identity", f"{_FUNCTION}{type(model).__qualname__}")
    name = path.name if path else type(model).__name__
    return Embedder(model.embed, identity, name, model.image_size, **_known_to(model, detector))


def _known_to(model, detector=None):
    known = {name: getattr(model, name) for name in ("background_vectors", "threshold") if hasattr(model, name)}
    return known | {"detector": model if hasattr(model, "detect") else detector}


def _threshold(value):
    if value is not None and not (isinstance(value, numbers.Real) and abs(value) <= LARGEST_THRESHOLD):
        raise UserError(f"threshold must be a number of at most {LARGEST_THRESHOLD}, got {value!r}.")
    return None if value is None else float(value)


def _opened(path, suffix):
    if suffix != ".keras":
        from logo_keras import edge

        return (edge.Detector if edge.model_file.read(path).client == "Detector" else edge.Embedder)(path)
    with naming_extras():
        from logo_keras.network import load
    return load(path)


def _pictures():
    """The fixed pictures: list of uint8 RGB `[s, s, 3]`, patches of colour that run into each other, the same on any machine."""
    # No random generator and no resampling, of which versions differ.
    y, x = np.mgrid[:_PROBE_SIDE, :_PROBE_SIDE] / _PROBE_SIDE
    made = []
    for number in range(1, _PROBES + 1):
        waves = [np.sin(2 * np.pi * (number % 3 * x + (number + band) % 4 * y) + number * band) for band in range(3)]
        marks = (np.hypot(x - 0.5, y - 0.5) < 0.1 * (number % 4 + 1)) ^ (np.abs(x - y) < 0.06 * (number % 3))
        levels = np.stack(waves, -1) * 60 + 128 + np.where(marks, 60, -60)[..., None]
        made.append(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    return made
