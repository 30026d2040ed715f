"""Training runs that survive being killed: configuration, epochs, what is kept of them."""

from logo_keras.extras import lazily
from logo_keras.training.config import DEFAULTS, Config

# Loaded when first used: whoever reads the defaults need not wait for TensorFlow.
_LAZY = {
    "Checkpoints": "checkpoints",
    "EarlyStopping": "early_stopping",
    "Interrupted": "interruption",
    "Result": "run",
    "train": "run",
}

__all__ = ["Config", "DEFAULTS", *_LAZY]
__getattr__, __dir__ = lazily(__name__, _LAZY)
