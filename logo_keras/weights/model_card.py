"""What a saved model says of itself: architecture, weights, data, recipe, figures, versions, date."""

import datetime
import json
import statistics
import sys
import zipfile
from pathlib import Path

from logo_keras import __version__
from logo_keras.edge import model_file
from logo_keras.errors import UserError
from logo_keras.weights.safetensors_file import read_safetensors_card

# What is printed of a model, in this order.
_ENTRIES = (
    "architecture backbone weights classes data recipe config figures evaluations calibration arguments packages date".split()
)
# Keras's own names inside a .keras file.
_CONFIG, _METADATA = "config.json", "metadata.json"
# Weights hardly shrink, so what a file unpacks to is about its own size.
_MOST_OF_FILE, _SMALL_FILE = 20, 2**20


def of_run(identity, about, row, training_images=None):
    """Describes a run for the model that comes out of it.

    Args:
        identity: dict of `config`, a Config as a dict, and of `training` and `validation`: `photographs`, `class_names`,
            `sha256` (of their names) and `bytes` of the photos that are learnt from and of those that are scored after every
            epoch, or None. Of marks it is `marks`, `num_classes` and what else tells them from others.
        about: dict or None: `data`, a dict of which `kind`, `train_split` and `validation` are taken, and `recipe`, a name.
        row: dict, the figures of the last epoch, or None before the first.
        training_images: list of int, what each class is learnt from, in the order of the classes; None where that is not known.

    Returns:
        dict for JSON: `architecture`, `backbone`, `data`, `recipe` (its name or None), `config`, `figures`, `packages` and
        `date` (ISO 8601, UTC). Where the backbone's weights came from is the model's to say.
    """
    about = about or {}
    data = about.get("data") or {}
    # The model's arguments stand in the file already.
    settings = {name: value for name, value in identity["config"].items() if name not in ("model", "arguments")}

    def photos(part, split):
        found = identity[part]
        # Marks have their own, which say more.
        own = {name: value for name, value in (found or {}).items() if name != "class_names"}
        if "marks" not in own:
            own = {name: own[name] for name in ("photographs", "sha256", "bytes") if name in own}
        return found and {"split": split} | own

    return {
        "architecture": identity["config"]["model"],
        "backbone": identity["config"]["arguments"]["backbone"],
        "data": {
            "kind": data.get("kind"),
            "classes": identity["training"].get("num_classes") or len(identity["training"]["class_names"]),
            "training": photos("training", data.get("train_split")),
            "validation": photos("validation", data.get("validation")),
            **({} if training_images is None else {"training_images": training_images}),
        },
        "recipe": about.get("recipe"),
        "config": settings,
        "figures": dict(row or {}),
        "packages": _packages(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _packages():
    """The versions of what computes here: the backend, and TensorFlow where it reads the photos for another one."""
    names = ("keras", "numpy", "tensorflow", sys.modules["keras"].backend.backend())
    return {"logo_keras": __version__} | {name: sys.modules[name].__version__ for name in names if name in sys.modules}


def read(path):
    """Reads what a model file says of itself, without Keras and without its weights.

    Args:
        path: str or Path of a `.keras` file of this package, of an exported `.tflite` or `.onnx` file, or of the weights of the
            logo embedding, a `.safetensors` file.

    Returns:
        dict of str to what JSON holds: `architecture`, `backbone`, `classes` and, of a `.keras` file, `arguments`,
        `weights`, `data`, `recipe`, `figures`, `evaluations`, `packages` and `date`, and of either `calibration`, as far as they
        are known. The files of the embedding that comes with the package say more.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: for a `.safetensors` file, if safetensors is not installed.
        ValueError: naming the file, if it is no model of this package or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model {path}.")
    if path.suffix.lower() in (".tflite", ".onnx"):
        said = model_file.read(path)
        names = (
            "image_size",
            "preprocessing",
            "decision",
            "dimensions",
            "num_regions",
            "region_size",
            "threshold",
            "temperature",
        )
        arguments = {name: getattr(said, name) for name in names} | {
            "num_backgrounds": None if said.backgrounds is None else len(said.backgrounds)
        }
        card = (said.card or {}) | ({} if said.calibration is None else {"calibration": said.calibration})
        packages = card.get("packages")
        return card | {
            "architecture": said.model,
            # What an embedder has not, and a model that names brands.
            "arguments": {name: value for name, value in arguments.items() if value is not None or name == "decision"},
            "classes": list(said.class_names),
            "packages": (packages if isinstance(packages, dict) else {}) | {"logo_keras": said.version},
        }
    if path.suffix.lower() == ".safetensors":
        return read_safetensors_card(path) | {"classes": []}
    config, saved = _read_keras(path)
    arguments = dict(config["config"])
    backbone = arguments.pop("backbone")
    arguments.pop("name", None)
    facts = {
        "architecture": config["class_name"],
        "backbone": backbone if isinstance(backbone, str) else f"lk.Backbone({_network(backbone)})",
        "classes": arguments.pop("class_names"),
        "packages": {"keras": saved.get("keras_version")},
        "date": saved.get("date_saved"),
    }
    card = arguments.pop("card", {})
    packages = facts["packages"] | (card.get("packages") or {})
    return facts | card | {"arguments": arguments, "packages": packages}


def check(path):
    """Checks a `.keras` file before Keras unpacks it: a small file may hold what fills the memory.

    Args:
        path: str or Path.

    Raises:
        ValueError: naming the file, if it is no model of this package or damaged.
    """
    _read_keras(Path(path))


def _read_keras(path):
    """The configuration and the metadata of Keras in a `.keras` file, two dicts, the types of what is read from them checked."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                model_file.check_zip_entry(entry, _MOST_OF_FILE * max(path.stat().st_size, _SMALL_FILE))
            config, saved = (json.loads(model_file.zip_entry(archive, name)) for name in (_CONFIG, _METADATA))
    # Among them RecursionError, of lists inside lists without end.
    except model_file.DAMAGED_ZIP as error:
        raise UserError(f"{path} is not a model file of logo_keras, or it is damaged ({error}): copy it again.") from error
    kind = config.get("class_name") if isinstance(config, dict) else type(config).__name__
    match config:
        case {"registered_name": str(name), "config": {"class_names": names, **others}} if name.startswith("logo_keras>"):
            card = others.get("card", {})
        case _:
            raise UserError(f"{path} holds a {kind}, not a model of logo_keras.")
    whole = (
        all(isinstance(each, dict) for each in (saved, card))
        and all(isinstance(card.get(name) or {}, dict) for name in ("packages", "calibration"))
        and isinstance(names, list)
        and all(isinstance(each, str) for each in (kind, *names))
        and isinstance(others.get("backbone"), (str, dict))
    )
    if not whole:
        raise UserError(f"{path} is damaged: its configuration is none that logo_keras writes. Copy it again.")
    return config, saved


def describe(path, report=print):
    """Prints what a saved model is.

    Args:
        path: str or Path of a model file, as for `read`.
        report: function that takes a line of text.

    Raises:
        FileNotFoundError, ImportError, ValueError: as `read`.
    """
    card = read(path)
    try:
        lines = list(_lines(path, card))
    except RecursionError as error:
        raise UserError(f"{path} is damaged: lists inside lists without end. Copy it again.") from error
    for line in lines:
        report(line)


def _lines(path, card):
    """A line for each entry that is known, and for each part of a list: the usual ones first, others as they come."""
    classes = card.pop("classes")
    shown = ", ".join(classes[:8]) + (", ..." if len(classes) > 8 else "")
    # An exported embedder names none.
    entries = dict.fromkeys(_ENTRIES) | card | {"classes": f"{len(classes)}: {shown}" if classes else None}
    # What tells the photos that a calibration was fitted on from others says nothing to people.
    fitted = entries["calibration"] or {}
    entries["calibration"] = {name: value for name, value in fitted.items() if name != "fitted_on"}
    yield str(path)
    for name, value in entries.items():
        if value not in (None, {}, [], ""):
            for number, line in enumerate(value if isinstance(value, list) else [value]):
                yield f"  {name if number == 0 else '':13} {_text(line)}"


def _text(value):
    if isinstance(value, dict):
        parts = {name: _spread(part) if name == "training_images" else part for name, part in value.items()}
        return ", ".join(f"{name} {_text(part)}" for name, part in parts.items() if part not in (None, {}, []))
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _spread(counts):
    """One number a class, thousands perhaps, as fewest, median and most."""
    if not (isinstance(counts, list) and counts and all(isinstance(count, int) for count in counts)):
        return counts
    return f"{min(counts)} to {max(counts)} a class, median {statistics.median(counts):g}"


def _network(config):
    """The name of the network inside a serialised Backbone."""
    match config:
        case {"config": {"model": {"config": {"name": name}}}}:
            return name
    return "of its own"
