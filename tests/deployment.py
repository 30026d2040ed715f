"""Fixtures for tests of exported files in the programs that run them: a trained model, and where those programs are."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Set where a missing client is a fault of the machine and no choice: on the one that runs all checks.
REQUIRED = "LOGO_KERAS_CLIENTS"


class Clients:
    """What a client test needs beyond this package. What is missing skips the test, or fails it where clients are required."""

    def python(self, name):
        """Path of the Python of a client's own environment, which `make clients` makes."""
        path = ROOT / ".clients" / name / "bin" / "python"
        self.needs(path.exists(), f"the environment {name} is not there: make clients")
        return path

    def program(self, name):
        """Path of a program."""
        path = shutil.which(name)
        self.needs(path is not None, f"the program {name} is not installed")
        return Path(path)

    def module(self, name):
        """A module of this environment that is no dependency of the package."""
        try:
            return __import__(name)
        except ImportError as error:
            return self.needs(False, f"{name} is not installed here: make clients ({error})")

    def needs(self, condition, reason):
        """Skips the test, or fails it where clients are required, unless the condition holds."""
        if not condition:
            (pytest.fail if os.environ.get(REQUIRED) == "required" else pytest.skip)(reason)


@pytest.fixture(scope="session")
def clients():
    return Clients()


@pytest.fixture(scope="session")
def few_photos(tmp_path_factory):
    """A folder of 24 synthetic photos, in folders named after their four brands."""
    from logo_keras import datasets

    folder = tmp_path_factory.mktemp("few") / "synthetic"
    return datasets.synthesize(folder, brands=4, train=0, validation=0, test=6, none=0) / "test"


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """A synthetic set of 8 brands: 24 photographs each to learn from, 8 to be tested on."""
    from logo_keras import datasets

    folder = tmp_path_factory.mktemp("deployment") / "synthetic"
    return datasets.synthesize(folder, preset="demo", brands=8, train=24, validation=0, test=8, none=0)


@pytest.fixture(scope="session")
def small_photos(small_set):
    """The folder of its 64 test photographs, a folder a brand."""
    return small_set / "test"


@pytest.fixture(scope="session")
def small_model(small_set, tmp_path_factory):
    """Path of a `.keras` file: a DRNA-Net of 160 px, trained for about a minute."""
    import keras

    import logo_keras as lk

    keras.utils.set_random_seed(0)
    training = lk.datasets.load("synthetic", small_set, split="train")
    model = lk.DRNANet(
        class_names=training.class_names,
        image_size=160,
        whole_size=128,
        region_size=64,
        num_proposals=3,
        navigator_stride=32,
        decision="fused",
        antialias=False,
    )
    model.compile()
    model.fit(training, epochs=8, batch_size=16, verbose=0)
    path = tmp_path_factory.mktemp("deployment") / "small.keras"
    model.save(path)
    return path
