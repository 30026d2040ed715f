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
    "Classifier": "logo_keras.network",
    "DRNANet": "logo_keras.network",
    "Gallery": "logo_keras.gallery",
    "LogoDetector": "logo_keras.network",
    "LogoEmbedder": "logo_keras.network",
    "NTSNet": "logo_keras.network",
    "PAPER": "logo_keras.network.paper",
    "describe": "logo_keras.weights.model_card",
    "load": "logo_keras.network",
    "load_torch_weights": "logo_keras.network",
}
# Public module: where it lies. Those of a room of their own are named as it is.
_MODULES = dict.fromkeys(
    (
        *("backbones", "datasets", "edge", "evaluation", "extras", "gallery", "image", "network", "report", "training", "video"),
        *("visualize", "weights"),
    )
) | {
    "anchors": "network.anchors",
    "layers": "network",
    "losses": "network.losses",
    "metadata": "edge.model_file",
    "model_card": "weights.model_card",
    "models": "network",
    "optimizers": "network.optimizers",
    "preprocessing": "image.preprocessing",
    "recipes": "training.recipes",
    "recognition": "edge.recognition",
    "regions": "network.regions",
}

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
        home = _HOMES[name] if name in _HOMES else f"logo_keras.{_MODULES[name] or name}"
        module = importlib.import_module(home)
    value = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
