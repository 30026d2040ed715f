"""The paper: its sub-networks as Keras layers, and the models that they make. Keras is imported with the first of them."""

import importlib

from logo_keras.extras import naming_extras

# Public name: the module that has it.
_HOMES = {
    "Augmentation": "augmentation",
    "CentreScores": "controls",
    "Classifier": "classifier",
    "DRNANet": "drna_net",
    "FusedClassifier": "fused_classifier",
    "GridScores": "controls",
    "NTSNet": "nts_net",
    "Navigator": "navigator",
    "PAPER": "paper",
    "RandomScores": "controls",
    "Teacher": "teacher",
    "load": "loading",
    "load_torch_weights": "importing",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with naming_extras():
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *_HOMES})
