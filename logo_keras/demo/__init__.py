"""The demo: brands without training; DRNA-Net from photos to a verified file, beside a plain classifier."""

from logo_keras.demo.config import DemoConfig, quick
from logo_keras.demo.stages import run, sweep

__all__ = ["DemoConfig", "quick", "run", "sweep"]
