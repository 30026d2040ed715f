"""The same layers, losses and metrics on the JAX backend, where training is Keras's own step."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import reference_network

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


@pytest.mark.parametrize("name", ["classifier", "nts_net", "drna_net", "random_regions", "embedder", "detector"])
def test_evaluate_and_predict_agree_with_tensorflow(runs, name):
    ours, theirs = (run["models"][name] for run in runs)
    assert theirs["evaluate"] == pytest.approx(ours["evaluate"], abs=1e-4)
    np.testing.assert_allclose(theirs["answers"], ours["answers"], atol=1e-5)


@pytest.mark.parametrize("name", ["classifier", "nts_net", "drna_net", "embedder", "detector", "all settings on"])
def test_training_agrees_with_tensorflow(runs, name):
    ours, theirs = (run["models"][name]["fit"] for run in runs)
    assert theirs.keys() == ours.keys()
    for loss in (key for key in ours if key.endswith("loss")):
        assert theirs[loss] == pytest.approx(ours[loss], rel=2e-3), loss


@pytest.fixture(scope="module")
def reference(root):
    """The whole public NTS-Net on JAX."""
    pytest.importorskip("jax", reason="needs jax, of the extra [dev]")
    command = [sys.executable, str(root / "tests" / "reference_network.py")]
    output = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, check=True, capture_output=True, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    assert found["backend"] == "jax"
    return found


def test_the_public_nts_net_in_evaluation_mode(reference):
    reference_network.check_evaluation(reference["evaluation"])


def test_the_public_nts_net_in_predict_and_evaluate(reference):
    expected = reference_network.REFERENCE
    np.testing.assert_allclose(reference["predict"], expected["eval_fused_logits"], atol=1e-4)
    losses = [reference["evaluate"][f"{name}_loss"] for name in reference_network.LOSSES]
    np.testing.assert_allclose(losses, expected["eval_losses"], rtol=1e-4)


def test_the_public_nts_net_in_training_mode(reference):
    reference_network.check_training(reference["training"])
