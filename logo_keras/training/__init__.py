"""Training runs that survive being killed: configuration, epochs, what is kept of them."""

import importlib

from logo_keras.training.config import DEFAULTS, Config

# Loaded when first used: whoever reads the defaults need not wait for TensorFlow.
_LAZY = ("Result", "train")

__all__ = ["Config", "DEFAULTS", *_LAZY]


def __getattr__(name):
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.run"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LAZY})
