import keras
import numpy as np
import pytest

from logo_keras.optimizers import HeadsFirstAdamW, WarmupCosine, default_optimizer, mark_heads


def test_the_rate_warms_up_for_a_tenth_and_then_falls_to_zero():
    schedule = WarmupCosine(peak=2.0)
    schedule.span(0, 100)
    rates = [float(schedule(step)) for step in (0, 4, 9, 54, 99)]
    assert rates == pytest.approx([0.2, 1.0, 2.0, 1.0, 0.0], abs=1e-6)


def test_a_second_run_starts_anew():
    schedule = WarmupCosine(peak=2.0)
    schedule.span(100, 50)
    assert [float(schedule(step)) for step in (100, 104)] == pytest.approx([0.4, 2.0], abs=1e-6)


def test_without_a_known_length_the_rate_stays_at_its_peak():
    assert float(WarmupCosine(peak=2.0)(1000)) == 2.0


def test_heads_move_twice_as_far():
    backbone, head = keras.Variable([1.0]), keras.Variable([1.0])
    mark_heads([head])
    optimizer = HeadsFirstAdamW(0.1, weight_decay=0.0)
    optimizer.apply([np.float32([1.0]), np.float32([1.0])], [backbone, head])
    moved = [1 - float(variable[0]) for variable in (backbone, head)]
    assert moved[1] == pytest.approx(2 * moved[0], rel=1e-5)


def test_the_default_is_what_was_measured():
    optimizer = default_optimizer()
    assert optimizer._learning_rate.peak == 1e-3
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (1e-4, 5.0)


def test_the_optimizer_survives_its_configuration():
    optimizer = default_optimizer()
    optimizer._learning_rate.span(10, 100)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(copy, HeadsFirstAdamW)
    assert copy._learning_rate.get_config() == optimizer._learning_rate.get_config()
