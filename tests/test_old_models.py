"""Model files of version 0.1.0 load and answer as they did: layers that hold variables keep their names."""

from pathlib import Path

import numpy as np
import pytest

import logo_keras as lk

FOLDER = Path(__file__).parent / "data" / "models"
CLASSES = {"classifier": "Classifier", "nts_net": "NTSNet", "drna_net": "DRNANet"}


@pytest.fixture(scope="module", params=CLASSES)
def old(request):
    """A model of that version, and its name."""
    return lk.load(FOLDER / f"{request.param}.keras"), request.param


def test_a_model_file_of_0_1_0_answers_as_it_did(old):
    model, name = old
    with np.load(FOLDER / "expected.npz") as file:
        expected = {key.removeprefix(f"{name}_"): file[key] for key in file.files if key.startswith(name)}
    answer = model.predict_on_batch(expected.pop("images"))
    assert type(model).__name__ == CLASSES[name]
    assert list(model.class_names) == ["ärger & co", "beta", "gamma"]
    assert answer.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(answer[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


def test_a_model_file_of_0_1_0_is_compiled(old):
    model, _ = old
    assert model.compiled
    assert model.loss_weights["whole"] == 0.5
    assert model.label_smoothing == 0.1
    assert model.optimizer.built


def test_a_model_file_of_0_1_0_is_described(old, capsys):
    _, name = old
    lk.describe(FOLDER / f"{name}.keras")
    assert f"architecture  {CLASSES[name]}" in capsys.readouterr().out
