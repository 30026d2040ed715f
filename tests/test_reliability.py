"""Calibration figures: by hand, and as scikit-learn has them."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from logo_keras.evaluation import reliability


@pytest.fixture(scope="module")
def answers():
    """Confidences and whether they were right, some of them on the edges of bins."""
    rng = np.random.default_rng(0)
    confidences = np.concatenate([rng.uniform(0.05, 1, 2000), np.arange(16) / 15])
    return confidences, rng.uniform(size=2016) < confidences**2


def test_bins_are_those_of_scikit_learn(answers):
    confidences, correct = answers
    accuracy, confidence = calibration_curve(correct, confidences, n_bins=reliability.BINS)
    found = reliability.bins(confidences, correct)
    np.testing.assert_allclose([row["accuracy"] for row in found], accuracy)
    np.testing.assert_allclose([row["confidence"] for row in found], confidence)
    assert sum(row["samples"] for row in found) == 2016


def test_the_calibration_error_by_hand():
    # Two in a bin that says 0.9 on average and is half right, two that say 0.2 and are never right.
    found = reliability.bins([0.88, 0.92, 0.2, 0.2], [True, False, False, False], count=5)
    assert reliability.expected_error(found) == pytest.approx(0.5 * 0.4 + 0.5 * 0.2)
    assert [row["samples"] for row in found] == [2, 2]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_confidences_before_the_temperature_are_recovered(temperature):
    logits = np.random.default_rng(1).normal(0, 4, (50, 7))
    before = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scaled = before ** (1 / temperature)
    calibrated = (scaled / scaled.sum(axis=1, keepdims=True)).astype(np.float32)
    np.testing.assert_allclose(reliability.uncalibrated(calibrated, temperature), before.max(axis=1), rtol=1e-4)


def test_a_probability_of_0_stays_0_before_the_temperature():
    np.testing.assert_allclose(reliability.uncalibrated([[1.0, 0.0], [0.5, 0.5]], 3.0), [1, 0.5])


def test_coverage_by_hand():
    rows = reliability.coverage([0.9, 0.5, 0.5, 0.3], [True, True, False, False])
    assert rows == [
        {"threshold": 0.3, "coverage": 1.0, "accuracy": 0.5},
        {"threshold": 0.5, "coverage": 0.75, "accuracy": pytest.approx(2 / 3)},
        {"threshold": 0.9, "coverage": 0.25, "accuracy": 1.0},
    ]


def test_coverage_has_few_points_whatever_the_number_of_samples():
    rows = reliability.coverage(np.random.default_rng(0).uniform(size=5000), np.ones(5000, bool))
    assert len(rows) == 101 and rows[0]["coverage"] == 1 and rows[-1]["coverage"] == 1 / 5000
