"""torchvision's classifiers on recipe weights that go through the importer (zoo.npz)."""

import keras
import numpy as np
import pytest
import recipe_weights

import logo_keras as lk


@pytest.mark.parametrize("name", recipe_weights.ZOO)
def test_the_logits_are_torchvisions(name, monkeypatch):
    # Zeros in place of up to 138 million random numbers: all of them are replaced by the import.
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", lambda self, shape, dtype=None: np.zeros(shape, dtype))
    entries, expected = recipe_weights.zoo(name)
    model = lk.Classifier(num_classes=1000, backbone=name, head="original", weights=None, dropout=0.0)
    report = lk.load_torch_weights(model, entries)
    assert not report.missing and all(entry.startswith(("aux1.", "aux2.")) for entry in report.skipped)
    logits = model(recipe_weights.zoo_pixels(model), training=False)["whole_logits"]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
