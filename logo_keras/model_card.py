"""What a saved model says of itself: architecture, weights, data, recipe, figures, versions, date."""

import json
import zipfile
from pathlib import Path

from logo_keras import metadata

# Keras's own names inside a .keras file.
_CONFIG, _METADATA = "config.json", "metadata.json"


def read(path):
    """Reads what a model file says of itself, without Keras and without its weights.

    Args:
        path: str or Path of a `.keras` file of this package, or of an exported `.tflite` or `.onnx` file.

    Returns:
        dict of str to what JSON holds: `architecture`, `backbone`, `classes` and, of a `.keras` file, `arguments`,
        `weights`, `data`, `recipe`, `figures`, `evaluations`, `packages` and `date`, as far as they are known.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is no model of this package or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model {path}.")
    if path.suffix.lower() in (".tflite", ".onnx"):
        facts = metadata.read(path)
        return {
            "architecture": facts.model,
            "arguments": {
                "image_size": facts.image_size,
                "preprocessing": facts.preprocessing,
                "decision": facts.decision,
            },
            "classes": list(facts.class_names),
            "packages": {"logo_keras": facts.version},
        }
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read(_CONFIG))
            saved = json.loads(archive.read(_METADATA))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a .keras file, or it is damaged ({error}): copy it again.") from error
    arguments = config.get("config") or {}
    if config.get("registered_name", "").partition(">")[0] != "logo_keras" or "class_names" not in arguments:
        raise ValueError(f"{path} holds a {config.get('class_name')}, not a model of logo_keras.")
    arguments = dict(arguments)
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
    packages = facts["packages"] | card.get("packages", {})
    return facts | card | {"arguments": arguments, "packages": packages}


def describe(path, report=print):
    """Prints what a saved model is.

    Args:
        path: str or Path of a `.keras`, `.tflite` or `.onnx` file.
        report: function that takes a line of text.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is no model of this package or damaged.
    """
    card = read(path)
    classes = card.pop("classes")
    report(str(path))
    report(f"  {'architecture':13} {card.pop('architecture')}")
    shown = ", ".join(classes[:8]) + (", ..." if len(classes) > 8 else "")
    for name in ("backbone", "weights"):
        if card.get(name):
            report(f"  {name:13} {card.pop(name)}")
    report(f"  {'classes':13} {len(classes)}: {shown}")
    for name in ("data", "recipe", "config", "figures", "evaluations", "arguments", "packages", "date"):
        if card.get(name):
            _say(name, card.pop(name), report)
    for name, value in card.items():
        if value not in (None, {}, []):
            _say(name, value, report)


def _say(name, value, report):
    """One entry: a line, or a line a part where it has parts."""
    lines = value if isinstance(value, list) else [value]
    for number, line in enumerate(lines):
        report(f"  {name if number == 0 else '':13} {_text(line)}")


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items() if part not in (None, {}, []))
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _network(config):
    """The name of the network inside a serialised Backbone."""
    try:
        return config["config"]["model"]["config"]["name"]
    except (KeyError, TypeError):
        return "of its own"
