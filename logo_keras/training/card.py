"""What a trained model's file says of its run."""

import datetime
import sys

import keras
import numpy as np

from logo_keras import __version__
from logo_keras.training.config import MODELS


def card(config, training, validation, about, row):
    """Describes a run for the model that comes out of it.

    Args:
        config: Config.
        training: dict of `photographs`, `class_names` and `sha256`, of the photographs that are learnt from.
        validation: the same of those that are scored after every epoch, or None.
        about: dict or None: `data`, a dict of which `kind`, `train_split` and `validation` are taken, and `recipe`, a name.
        row: dict, the figures of the last epoch, or None before the first.

    Returns:
        dict for JSON: `architecture`, `backbone`, `data`, `recipe` (its name or None), `config`, `figures`, `packages` and
        `date` (ISO 8601, UTC). Where the backbone's weights came from is the model's to say.
    """
    about = about or {}
    data = about.get("data") or {}
    settings = config.to_dict()
    arguments = settings.pop("arguments")
    return {
        "architecture": MODELS[settings.pop("model")],
        "backbone": arguments.get("backbone"),
        "data": {
            "kind": data.get("kind"),
            "classes": len(training["class_names"]),
            "training": _part(training, data.get("train_split")),
            "validation": None if validation is None else _part(validation, data.get("validation")),
        },
        "recipe": about.get("recipe"),
        # The model's arguments stand in the file already.
        "config": settings,
        "figures": {} if row is None else dict(row),
        "packages": _packages(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _part(fingerprint, split):
    return {"split": split, "photographs": fingerprint["photographs"], "sha256": fingerprint["sha256"]}


def _packages():
    # The backend, and TensorFlow where it reads the photographs for another one.
    loaded = {name: module for name in ("tensorflow", keras.backend.backend()) if (module := sys.modules.get(name))}
    found = {"logo_keras": __version__, "keras": keras.version(), "numpy": np.__version__}
    return found | {name: module.__version__ for name, module in loaded.items()}
