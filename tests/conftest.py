"""What every test stands on: the environment that TensorFlow reads, seeds, and the folder of photographs."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest

# Before the first import of TensorFlow: it reads these once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.pop("TF_USE_LEGACY_KERAS", None)

pytest_plugins = ["deployment", "galleries"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root():
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """The folder with the photographs, beside the repository or where LOGO_KERAS_SHARED says."""
    path = Path(os.environ.get("LOGO_KERAS_SHARED", ROOT.parent / "shared"))
    if not path.is_dir():
        pytest.skip(f"needs the folder of photographs, which is not there: {path} (LOGO_KERAS_SHARED names another)")
    return path


@pytest.fixture(autouse=True)
def seeds():
    """Starts every test from the same random numbers; Keras is not imported for a test that does without."""
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="module")
def hardly_timed():
    """The table of exported files times them twice, without a pause: for tests that are not about times."""
    from logo_keras.export.check import table

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_TIMED", 2)
        patch.setattr(table, "_PAUSE", 0)
        yield


@pytest.fixture(scope="module")
def eager():
    """Steps of tiny networks without tracing them first, which takes many times as long, for the tests of a module."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
