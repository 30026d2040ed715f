"""Logo classification with navigated regions: DRNA-Net and NTS-Net in Keras 3, from photographs to a verified file.

The names below are imported when they are first used: `import logo_keras` loads neither Keras nor OpenCV, and the edge
runtime never loads TensorFlow.
"""

import importlib

from logo_keras.extras import naming_extras

__version__ = "0.1.0"

# Public name: the module that has it.
_HOMES = {
    "Backbone": "logo_keras.backbones",
    "Classifier": "logo_keras.models",
    "DRNANet": "logo_keras.models",
    "NTSNet": "logo_keras.models",
    "describe": "logo_keras.model_card",
    "load": "logo_keras.models",
    "load_torch_weights": "logo_keras.models",
}
_MODULES = (
    "anchors",
    "backbones",
    "datasets",
    "edge",
    "evaluation",
    "extras",
    "layers",
    "losses",
    "metadata",
    "model_card",
    "models",
    "optimizers",
    "preprocessing",
    "recipes",
    "recognition",
    "regions",
    "training",
    "visualize",
    "weights",
)

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name):
    """Imports a public name where it is first used.

    Raises:
        AttributeError: if there is no such name.
        ImportError: if the name needs an extra that is not installed; names the extra.
    """
    if name not in __all__:
        raise AttributeError(f"module 'logo_keras' has no attribute {name!r}; it has {', '.join(__all__)}.")
    with naming_extras():
        module = importlib.import_module(_HOMES.get(name, f"logo_keras.{name}"))
    value = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
