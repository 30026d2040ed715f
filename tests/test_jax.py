"""The same layers, losses and metrics on the JAX backend, where training is Keras's own step."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory, root):
    """What backend_run.py printed, by backend."""
    pytest.importorskip("jax", reason="needs jax, of the extra [dev]")
    folder = tmp_path_factory.mktemp("weights")
    found = []
    for backend in ("tensorflow", "jax"):
        environment = os.environ | {"KERAS_BACKEND": backend}
        command = [sys.executable, str(root / "tests" / "backend_run.py"), str(folder)]
        output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        found.append(json.loads(output.splitlines()[-1]))
        assert found[-1]["backend"] == backend
    return found


@pytest.mark.parametrize("name", ["classifier", "nts_net", "drna_net"])
def test_evaluate_and_predict_agree_with_tensorflow(runs, name):
    ours, theirs = (run["models"][name] for run in runs)
    assert theirs["evaluate"] == pytest.approx(ours["evaluate"], abs=1e-4)
    np.testing.assert_allclose(theirs["probabilities"], ours["probabilities"], atol=1e-5)


@pytest.mark.parametrize("name", ["classifier", "nts_net", "drna_net"])
def test_training_agrees_with_tensorflow(runs, name):
    ours, theirs = (run["models"][name]["fit"] for run in runs)
    assert theirs.keys() == ours.keys()
    for loss in (key for key in ours if key.endswith("loss")):
        assert theirs[loss] == pytest.approx(ours[loss], rel=2e-3), loss
