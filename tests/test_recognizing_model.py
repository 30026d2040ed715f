"""Temperature and threshold of models that name brands."""

import dataclasses

import keras
import numpy as np
import pytest
from exporting import MAKERS, NAMES, small
from tiny import tiny_run

import logo_keras as lk
from logo_keras.training import starting

FITTED = {
    "validation": 40,
    "negatives": 0,
    "temperature": 1.5,
    "threshold": 0.4,
    "fitted_on": "AAECAwQFBgc=",
    "date": "2026-12-01",
}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (4, 96, 96, 3)).astype(np.float32)


def decided(make):
    """A model whose probabilities differ from each other."""
    keras.utils.set_random_seed(1)
    model = make()
    for name in ("whole_classifier", "fused_classifier", "teacher"):
        for weight in getattr(getattr(model, name, None), "weights", ()):
            weight.assign(30 * weight)
    return model


def softer(probabilities, temperature):
    powers = np.float64(probabilities) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("name", ["nts", "drna"])
def test_a_temperature_that_is_set_later_counts_from_the_next_call_on(name, images):
    model = decided(MAKERS[name])
    labels = np.zeros(4, int)
    model.compile()
    before = model.predict_on_batch(images)
    loss = model.evaluate(images, labels, verbose=0, return_dict=True)
    for temperature in (3.0, 0.5, 1.0):
        model.temperature = temperature
        after = model.predict_on_batch(images)
        np.testing.assert_allclose(after["probabilities"], softer(before["probabilities"], temperature), atol=1e-5)
        np.testing.assert_array_equal(after["whole_logits"], before["whole_logits"])
    # Exactly as it was.
    np.testing.assert_array_equal(after["probabilities"], before["probabilities"])
    model.temperature = 4
    # Losses know nothing of it.
    assert model.evaluate(images, labels, verbose=0, return_dict=True) == loss


def test_a_mixed_policy_gives_float32_probabilities_of_the_temperature(images):
    model = decided(lambda: small(8))
    model.temperature = 2
    for layer in model.extractor._flatten_layers(include_self=False):
        layer.dtype_policy = "mixed_float16"
    answer = model(images[:, :64, :64])
    assert keras.backend.standardize_dtype(answer["probabilities"].dtype) == "float32"
    logits = keras.ops.convert_to_numpy(answer["whole_logits"])
    np.testing.assert_allclose(answer["probabilities"], keras.ops.softmax(logits / 2), atol=1e-6)


def test_a_file_keeps_them_and_says_where_they_come_from(tmp_path, images, capsys):
    model = decided(lambda: small(8))
    model.temperature, model.threshold, model.card["calibration"] = 1.5, 0.4, FITTED
    model.save(tmp_path / "model.keras")
    again = lk.load(tmp_path / "model.keras")
    assert (again.temperature, again.threshold, again.calibration) == (1.5, 0.4, FITTED)
    np.testing.assert_array_equal(again(images)["probabilities"], model(images)["probabilities"])
    lk.describe(tmp_path / "model.keras")
    said = capsys.readouterr().out
    assert "calibration   validation 40, negatives 0, temperature 1.5, threshold 0.4, date 2026-12-01" in said
    assert FITTED["fitted_on"] not in said


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "2", True, None])
def test_another_temperature_is_refused_and_the_old_one_stays(value):
    model = small(8)
    with pytest.raises(ValueError, match="temperature must be a number above 0"):
        model.temperature = value
    assert model.temperature == 1.0
    with pytest.raises(ValueError, match="temperature must be a number above 0"):
        lk.Classifier(num_classes=2, weights=None, temperature=value)


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan"), "0.5", True])
def test_another_threshold_is_refused(value):
    model = small(8)
    with pytest.raises(ValueError, match=r"threshold must be a number in \(0, 1\)"):
        model.threshold = value
    assert model.threshold is None


def test_a_photo_below_the_threshold_shows_nothing_known(images):
    model, photo = decided(lambda: small(8)), images[0].astype(np.uint8)
    without = model.recognize(photo)
    assert without.known and without.labels[0] in NAMES and without.confidence == without.probabilities[0]
    # The lowest that is known is the threshold itself.
    model.threshold = without.confidence
    assert model.recognize(photo).labels == without.labels
    model.threshold = float(np.nextafter(without.confidence, 1))
    unknown = model.recognize(photo)
    assert (unknown.known, unknown.labels, unknown.probabilities) == (False, (), ())
    assert unknown.confidence == without.confidence
    assert model.recognize(photo, threshold=0).labels == without.labels


def test_a_run_that_starts_from_a_calibrated_model_is_not_calibrated(tmp_path):
    config = tiny_run()
    source = config.build(NAMES)
    source.temperature, source.threshold, source.card["calibration"] = 1.5, 0.4, FITTED
    source.save(tmp_path / "model.keras")
    model, _ = starting.start_from(tmp_path / "model.keras", config, NAMES)
    assert (model.temperature, model.threshold, model.calibration) == (1.0, None, None)
    np.testing.assert_array_equal(model.whole_classifier.kernel, source.whole_classifier.kernel)
    # No flags, and of no run: a configuration that names them is that of another.
    assert not {"temperature", "threshold"} & set(dataclasses.replace(config).all_arguments)
