"""What an exported model file says of itself: class names, image size, preprocessing."""

import dataclasses
import json
import zipfile
from pathlib import Path

# The names under which the zip behind a TFLite model holds them; MediaPipe's files carry their labels the same way.
METADATA_NAME = "logo_keras.json"
LABELS_NAME = "labels.txt"

# Bytes 4 to 8 of every TFLite file: the file identifier of its flatbuffer schema.
_TFLITE_IDENTIFIER = b"TFL3"
# The earliest date that a zip can hold: the same model gives the same bytes on any day.
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a client must know to run a model file and to read its answers.

    Attributes:
        class_names: tuple of N str, in the order of `probabilities`.
        image_size: int S, px, side of the model's square input.
        preprocessing: str, how a photograph becomes the input; a name that `logo_keras.preprocessing` states.
        model: str, the model's class, for instance "DRNANet".
        decision: str or None, which classification `probabilities` come from, where the model has several.
        version: str, the version of logo_keras that wrote the file.

    Raises:
        ValueError: if there is no class name, or the image size is not a positive int.
    """

    class_names: tuple[str, ...]
    image_size: int
    preprocessing: str
    model: str
    decision: str | None
    version: str

    def __post_init__(self):
        # Lists, as JSON and Keras configurations hold them, are welcome.
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if not self.class_names or not all(isinstance(name, str) for name in self.class_names):
            raise ValueError(f"class_names must be one or more str, got {self.class_names!r}.")
        if not isinstance(self.image_size, int) or self.image_size <= 0:
            raise ValueError(f"image_size must be a positive int, got {self.image_size!r}.")

    def to_json(self):
        """Writes the metadata as JSON text, the same text every time."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote; entries that a later version added are passed over.

        Args:
            text: str or bytes, JSON.

        Raises:
            ValueError: if the text is not JSON, or an entry is missing or of the wrong kind.
        """
        entries = json.loads(text)
        names = [field.name for field in dataclasses.fields(cls)]
        missing = [name for name in names if not isinstance(entries, dict) or name not in entries]
        if missing:
            raise ValueError(f"the metadata must have {', '.join(names)}; missing: {', '.join(missing)}.")
        if not isinstance(entries["class_names"], list):
            raise ValueError(f"class_names must be a list, got {entries['class_names']!r}.")
        return cls(**{name: entries[name] for name in names})


def append(path, metadata):
    """Puts the metadata behind a TFLite model, as a zip that TFLite runtimes pass over.

    The zip holds `logo_keras.json` and `labels.txt` (one class name a line), uncompressed and with fixed dates, so that
    the same model and metadata give the same bytes. Any zip tool reads it from the file.

    Args:
        path: str or Path of a TFLite file without metadata; it is changed in place.
        metadata: Metadata.

    Raises:
        ValueError: if the file is not a TFLite file, or has metadata already.
        OSError: if it cannot be read or written.
    """
    path = Path(path)
    _check_tflite(path)
    if zipfile.is_zipfile(path):
        raise ValueError(f"{path}: already carries metadata; append to the model as the converter gave it.")
    # A line break inside a class name would shift all labels behind it; the JSON keeps it.
    labels = "".join(" ".join(name.splitlines()) + "\n" for name in metadata.class_names)
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in ((METADATA_NAME, metadata.to_json()), (LABELS_NAME, labels)):
            entry = zipfile.ZipInfo(name, _FIXED_DATE)
            # Otherwise the byte differs between Windows and the rest.
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode())


def read(path):
    """Reads the metadata of a TFLite file.

    Args:
        path: str or Path.

    Returns:
        Metadata.

    Raises:
        ValueError: naming the file and what to do, if it is empty, not a TFLite file, cut short, or without metadata.
        OSError: if it cannot be read.
    """
    path = Path(path)
    _check_tflite(path)
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(METADATA_NAME)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(
            f"{path}: no metadata of logo_keras at the end of this TFLite file. It was cut short, or another program "
            "wrote it: copy it again, or write it with logo-export-tflite."
        ) from error
    try:
        return Metadata.from_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: damaged metadata: {error} Copy the file again or export the model again.") from error


def _check_tflite(path):
    """Raises ValueError unless the file begins as a TFLite file does."""
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise ValueError(f"{path}: the file is empty: copy it again or export the model again.")
    if start[4:] != _TFLITE_IDENTIFIER:
        raise ValueError(f"{path}: not a TFLite file. Write one from a .keras file with logo-export-tflite.")
