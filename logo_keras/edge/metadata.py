"""What an exported file says of itself."""

import base64
import dataclasses
import json
import sys

import numpy as np

from logo_keras.arguments import is_whole
from logo_keras.errors import UserError

# Of an embedding, background vectors of one model, its regions and their px; what a file says is read before anything else is
# known of it.
_MOST_DIMENSIONS, _MOST_BACKGROUNDS, _MOST_REGIONS, _LARGEST_REGION = 2**14, 2**12, 2**12, 2**12
LARGEST_THRESHOLD = 2  # The largest difference of two cosines.
# Of a calibration: photos that it was fitted on, bytes of what tells one from others, letters of a date. Of 100,000 photos one in
# 4 billion sets holds two different ones with the same 8 bytes (birthday bound).
_MOST_PHOTOS, DIGEST_BYTES, _LONGEST_DATE = 2**20, 8, 64


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a client must know to run a model file and to read its answers.

    Attributes:
        class_names: tuple of N str, in the order of `probabilities`; empty for an embedder and a detector.
        image_size: int S, px, side of the model's square input.
        preprocessing: str, how a photo becomes the input, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
        model: str, the model's class, for instance "DRNANet".
        decision: str or None, which classification `probabilities` come from, where the model has several.
        version: str, the version of logo_keras that wrote the file.
        dimensions: int D, of the embeddings that an embedder and a detector give; None for what names brands.
        num_regions: int K, of a detector: how many it gives; None of any other file.
        region_size: int R, px, of a detector: side of what it embeds; None of any other file.
        background_vectors: str, base64 of the little-endian float16 `[G, D]`, row by row: what images without a mark lie
            near to, see `backgrounds`. None where there are none.
        threshold: float. Of what names brands in (0, 1), the lowest probability of the likeliest class with which it counts as
            known; None where every photo gets some brand. Of an embedding: how far a brand stands out in a gallery that is not
            calibrated; None where unknown.
        temperature: float above 0, of what names brands: the logarithms of its probabilities are divided by it inside the file,
            so that a reader need not. 1 of a file that is not calibrated.
        calibration: dict for JSON, as in a model's card: where temperature and threshold come from. How many photos:
            `validation`, `negatives`, `unreadable`; what was fitted: `temperature`, `threshold`; the shares of validation and of
            negatives that the threshold takes for known: `true_accepts`, `false_accepts`; `fitted_on`, base64 of 8 bytes for each
            photo; `date`. None where there is none.
        card: dict for JSON, the model card of a file that is given out; None where there is none.

    Raises:
        ValueError: if there is no class name, or one of an embedder, a number is no positive int, a text is no str, the
            background vectors are no such vectors, the threshold or the temperature is no such number, the card is no dict, or
            the calibration is no such dict.
    """

    class_names: tuple[str, ...]
    image_size: int
    preprocessing: str
    model: str
    decision: str | None
    version: str
    dimensions: int | None = None
    background_vectors: str | None = None
    card: dict | None = None
    threshold: float | None = None
    num_regions: int | None = None
    region_size: int | None = None
    temperature: float = 1.0
    calibration: dict | None = None

    def __post_init__(self):
        names = self.class_names
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise UserError(f"class_names must be one or more str, got {names!r}.")
        if not names and self.dimensions is None:
            raise UserError("class_names must be one or more str, or none where there are dimensions, got none.")
        if names and self.dimensions is not None:
            raise UserError(f"class_names must be none where there are dimensions, got {len(names)}.")
        # Lists, as JSON and Keras configurations hold them, are welcome.
        object.__setattr__(self, "class_names", tuple(names))
        if names and self.num_regions is not None:
            raise UserError(f"class_names must be none where num_regions is that of a detector, got {len(names)}.")
        if (self.num_regions is None) != (self.region_size is None):
            raise UserError(f"num_regions and region_size belong together, got {self.num_regions!r} and {self.region_size!r}.")
        largest = {
            "image_size": None,
            "dimensions": _MOST_DIMENSIONS,
            "num_regions": _MOST_REGIONS,
            "region_size": _LARGEST_REGION,
        }
        for name, most in largest.items():
            value = getattr(self, name)
            known = type(value) is int and 0 < value <= (most or value)
            if not known and not (name != "image_size" and value is None):
                raise UserError(f"{name} must be a positive int{f' of at most {most}' if most else ''}, got {value!r}.")
        for name in ("preprocessing", "model", "decision", "version", "background_vectors"):
            value = getattr(self, name)
            if not isinstance(value, str) and not (name in ("decision", "background_vectors") and value is None):
                raise UserError(f"{name} must be a str, got {value!r}.")
        if names:
            if not (self.threshold is None or _is_number(self.threshold) and 0 < self.threshold < 1):
                raise UserError(f"threshold must be a number in (0, 1), got {self.threshold!r}.")
            check_calibration(self.calibration)
        elif not (self.threshold is None or _is_number(self.threshold) and abs(self.threshold) <= LARGEST_THRESHOLD):
            raise UserError(f"threshold must be a number of at most {LARGEST_THRESHOLD}, got {self.threshold!r}.")
        elif self.calibration is not None or self.temperature != 1:
            raise UserError("temperature and calibration are of what names brands, and there is no class name.")
        if not (_is_number(self.temperature) and self.temperature > 0):
            raise UserError(f"temperature must be a number above 0, got {self.temperature!r}.")
        if not isinstance(self.card, (dict, type(None))):
            raise UserError(f"card must be a dict, got {self.card!r}.")
        if self.background_vectors is not None:
            unpacked(self.background_vectors, self.dimensions)

    @property
    def client(self):
        """str, the class of `logo_keras.edge` that opens such a file: "Recognizer", "Embedder" or "Detector"."""
        if self.class_names:
            return "Recognizer"
        return "Embedder" if self.num_regions is None else "Detector"

    @property
    def backgrounds(self):
        """float32 `[G, D]`, of length 1: what images without a mark lie near to; None where the file has none."""
        return None if self.background_vectors is None else unpacked(self.background_vectors, self.dimensions)

    def to_dict(self):
        """The entries for JSON; those that few files have stand in no other."""
        entries = dataclasses.asdict(self)
        return {each.name: entries[each.name] for each in dataclasses.fields(self) if entries[each.name] != each.default}

    def to_json(self):
        """Writes the metadata as JSON text, the same text every time."""
        return encodable(json.dumps(self.to_dict(), indent=2, ensure_ascii=False)) + "\n"

    def labels(self):
        """The text of `labels.txt`: one class name a line."""
        # A line break inside a class name would shift all labels behind it; the JSON keeps it.
        return encodable("".join(" ".join(name.splitlines()) + "\n" for name in self.class_names))

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote; entries that a later version added are passed over.

        Args:
            text: str or bytes, JSON.

        Raises:
            ValueError: if the text is not JSON, or an entry is missing or of the wrong kind.
        """
        entries = json.loads(text)
        entries = entries if isinstance(entries, dict) else {}
        fields = dataclasses.fields(cls)
        # Files of older versions lack those that have a default.
        names = [field.name for field in fields if field.default is dataclasses.MISSING]
        missing = [name for name in names if name not in entries]
        if missing:
            raise UserError(f"the metadata must have {', '.join(names)}; missing: {', '.join(missing)}.")
        return cls(**{field.name: entries[field.name] for field in fields if field.name in entries})


def check_calibration(said):
    """Checks where temperature and threshold come from.

    Args:
        said: None, or dict as `Metadata.calibration`; entries may be missing, and others are passed over.

    Raises:
        ValueError: naming the entry, if it is none of these.
    """
    if said is None:
        return
    if not isinstance(said, dict):
        raise UserError(f"calibration must be a dict, got {repr(said)[:100]}.")
    for name, (words, fits) in _OF_CALIBRATION.items():
        if name in said and not fits(said[name]):
            # A hostile one is as long as it likes.
            raise UserError(f"{name} of the calibration must be {words}, got {repr(said[name])[:100]}.")


def _is_number(value):
    # An int of JSON may be larger than any float, and nothing compares with what is no number.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_share(value):
    return value is None or _is_number(value) and 0 <= value <= 1


def _are_digests(value):
    if not isinstance(value, str) or len(value) > _MOST_PHOTOS * DIGEST_BYTES * 4 // 3 + 3:
        return False
    try:
        return len(base64.b64decode(value, validate=True)) % DIGEST_BYTES == 0
    except ValueError:
        return False


_COUNT = "an integer of at least 0", lambda value: is_whole(value, 0)
_SHARE = "a number in [0, 1] or null", _is_share
_OF_CALIBRATION = {
    **dict.fromkeys(("validation", "negatives", "unreadable"), _COUNT),
    **dict.fromkeys(("threshold", "true_accepts", "false_accepts"), _SHARE),
    "temperature": ("a number above 0", lambda value: _is_number(value) and value > 0),
    "fitted_on": (f"base64 of {DIGEST_BYTES} bytes a photo", _are_digests),
    "date": ("a date", lambda value: isinstance(value, str) and len(value) <= _LONGEST_DATE),
}


def packed(vectors):
    """Vectors as `Metadata.background_vectors` holds them.

    Args:
        vectors: float `[G, D]`, of length 1.

    Returns:
        str, base64 of little-endian float16.
    """
    return base64.b64encode(np.ascontiguousarray(vectors, "<f2").tobytes()).decode()


def unpacked(text, dimensions, name="background_vectors"):
    """The vectors that `packed` made a text of.

    Args:
        text: str.
        dimensions: int D, or None where there are none.
        name: str, for messages.

    Returns:
        float32 `[G, D]`, of length 1.

    Raises:
        ValueError: if it is no such text.
    """
    try:
        stored = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UserError(f"{name} must be base64: {error}.") from error
    rows, rest = divmod(len(stored), 2 * (dimensions or len(stored) + 1))
    if rest or not 0 < rows <= _MOST_BACKGROUNDS:
        expected = f"1 to {_MOST_BACKGROUNDS} float16 vectors of {dimensions} dimensions"
        raise UserError(f"{name} must be {expected}, got {len(stored):,} bytes.")
    vectors = np.frombuffer(stored, "<f2").astype(np.float32).reshape(-1, dimensions)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # A thousandth: float16 keeps eleven bits.
    if not (np.abs(lengths - 1) < 1e-3).all():
        raise UserError(f"{name} must be of length 1.")
    return vectors / lengths


def encodable(text):
    """Text whose characters that UTF-8 lacks are escapes: they stand for bytes of a folder's name. JSON reads them back."""
    return text.encode("utf-8", "backslashreplace").decode()
