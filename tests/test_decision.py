"""Logits become probabilities, as certain as a temperature says."""

import numpy as np
import pytest
from keras import ops

from logo_keras.network.decision import DECISIONS, tempered


def softmax(logits):
    powers = np.exp(np.float64(logits) - np.max(logits, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture
def heads():
    """Logits of the whole image, the fused classifier and two regions, float32 `[2, 4]`, `[2, 4]`, `[2, 2, 4]`."""
    random = np.random.default_rng(0)
    return [random.normal(0, 3, shape).astype(np.float32) for shape in ((2, 4), (2, 4), (2, 2, 4))]


@pytest.mark.parametrize("temperature", [0.5, 2.0, 10.0])
def test_the_logarithms_of_the_probabilities_are_divided_and_sum_to_1_again(heads, temperature):
    # By hand, of two classes: 0.8 and 0.2 at a temperature of 2 are 2 / 3 and 1 / 3, since 0.8 is 4 times 0.2.
    given = np.log(np.float32([[0.8, 0.2]]))
    np.testing.assert_allclose(tempered(given, 2.0), [[2 / 3, 1 / 3]], atol=1e-6)
    whole, fused, regions = heads
    means = np.concatenate([softmax(whole)[:, None], softmax(fused)[:, None], softmax(regions)], axis=1).mean(axis=1)
    for name, before in {"fused": softmax(fused), "mean": means}.items():
        powers = before ** (1 / temperature)
        found = ops.convert_to_numpy(DECISIONS[name](whole, fused, regions, temperature))
        np.testing.assert_allclose(found, powers / powers.sum(axis=-1, keepdims=True), atol=1e-6)


def test_a_temperature_of_1_changes_no_bit(heads):
    for decide in DECISIONS.values():
        assert np.array_equal(decide(*heads), decide(*heads, 1.0))
    assert np.array_equal(tempered(heads[0]), ops.softmax(heads[0]))


@pytest.mark.parametrize("name", DECISIONS)
def test_the_likeliest_five_keep_their_order_where_probabilities_are_0_in_float32(name):
    # The last two have e^-110 and e^-140, and float32 ends at e^-103: without care both would be 0, and tie.
    whole = np.float32([[-140, -110, 0, -60, -30]])
    decided = DECISIONS[name](whole, whole, whole[:, None], 2.0)
    assert np.argsort(-ops.convert_to_numpy(decided)[0], kind="stable").tolist() == [2, 4, 3, 1, 0]
    assert np.isfinite(ops.convert_to_numpy(decided)).all()
