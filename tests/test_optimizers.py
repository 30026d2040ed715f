import keras
import numpy as np
import pytest

from logo_keras.network.optimizers import EpochSteps, HeadsFirstAdamW, TorchSGD, WarmupCosine, default_optimizer, mark_heads


def test_the_rate_warms_up_for_a_tenth_and_then_falls_to_zero():
    schedule = WarmupCosine(peak=2.0)
    schedule.span(0, 100, 10)
    rates = [float(schedule(step)) for step in (0, 4, 9, 54, 99)]
    assert rates == pytest.approx([0.2, 1.0, 2.0, 1.0, 0.0], abs=1e-6)


def test_a_second_run_starts_anew():
    schedule = WarmupCosine(peak=2.0)
    schedule.span(100, 50, 1)
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
    optimizer._learning_rate.span(10, 100, 5)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(copy, HeadsFirstAdamW)
    assert copy._learning_rate.get_config() == optimizer._learning_rate.get_config()


def moved(optimizer, gradients, start):
    """The values of a variable after each update."""
    variable = keras.Variable(start)
    values = []
    for gradient in gradients:
        optimizer.apply([np.float32(gradient)], [variable])
        values.append(variable.numpy().copy())
    return np.array(values)


def test_torch_sgd_by_hand_over_a_drop_of_the_rate():
    schedule = EpochSteps(0.1, drops=(2,))
    schedule.span(0, 3, 3)
    values = moved(TorchSGD(schedule, momentum=0.5, l2=0.1), [[1.0], [1.0], [1.0]], [2.0])
    # v = 1 + 0.2; w = 2 - 0.12. Then v = 0.6 + 1 + 0.188; w = 1.88 - 0.1788. The rate falls:
    # v = 0.894 + 1 + 0.17012; w = 1.7012 - 0.01 * 2.06412.
    assert values[:, 0] == pytest.approx([1.88, 1.7012, 1.6805588], abs=1e-6)


def test_torch_sgd_is_not_keras_sgd_where_the_rate_falls():
    def schedule():
        drops = EpochSteps(0.1, drops=(2,))
        drops.span(0, 3, 3)
        return drops

    ours, theirs = (
        moved(optimizer, [[1.0]] * 3, [2.0])[:, 0]
        for optimizer in (TorchSGD(schedule(), momentum=0.5), keras.optimizers.SGD(schedule(), momentum=0.5))
    )
    assert ours[:2] == pytest.approx(theirs[:2], abs=1e-6)
    # 0.01 * 1.75 here; 0.5 * 0.15 + 0.01 there.
    assert ours[1] - ours[2] == pytest.approx(0.0175, abs=1e-6)
    assert theirs[1] - theirs[2] == pytest.approx(0.085, abs=1e-6)


@pytest.mark.parametrize("decay_norms", [True, False])
def test_biases_and_batch_norm_decay_only_where_asked(decay_norms):
    bias, kernel = keras.Variable([1.0]), keras.Variable([[1.0]])
    optimizer = TorchSGD(0.5, momentum=0.0, l2=0.1, decay_norms=decay_norms)
    optimizer.apply([np.float32([0.0]), np.float32([[0.0]])], [bias, kernel])
    assert float(kernel[0, 0]) == pytest.approx(0.95)
    assert float(bias[0]) == pytest.approx(0.95 if decay_norms else 1.0)


def test_the_rate_falls_after_whole_epochs():
    schedule = EpochSteps(1.0, drops=(60, 100))
    schedule.span(0, 120 * 7, 120)
    rates = [float(schedule(epoch * 7 - 1)) for epoch in (1, 60, 100)]
    assert rates == pytest.approx([1.0, 1.0, 0.1])
    assert [float(schedule(epoch * 7)) for epoch in (60, 100, 119)] == pytest.approx([0.1, 0.01, 0.01])


def test_the_rate_rises_over_the_warm_up_epochs():
    schedule = EpochSteps(1.0, warm_up_epochs=5, drops=(6,))
    schedule.span(40, 100, 10)
    assert [float(schedule(40 + step)) for step in (0, 24, 49, 59, 60)] == pytest.approx([0.02, 0.5, 1.0, 1.0, 0.1])


def test_steps_of_unknown_length_stay_at_their_rate():
    schedule = EpochSteps(0.5, warm_up_epochs=5)
    assert float(schedule(1000)) == 0.5
    schedule.span(0, None, 120)
    assert float(schedule(1000)) == 0.5


def test_the_optimizer_of_the_papers_survives_its_configuration():
    optimizer = TorchSGD(EpochSteps(0.2, 5, (3, 4), 0.5), momentum=0.8, l2=1e-3, decay_norms=False, global_clipnorm=2.0)
    optimizer._learning_rate.span(10, 100, 5)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(copy, TorchSGD)
    assert (copy.momentum, copy.l2, copy.decay_norms, copy.global_clipnorm) == (0.8, 1e-3, False, 2.0)
    assert copy._learning_rate.get_config() == optimizer._learning_rate.get_config()


@pytest.mark.parametrize("schedule", [WarmupCosine(), EpochSteps(0.1)], ids=["cosine", "steps"])
def test_a_schedule_knows_whether_its_run_is_over(schedule):
    assert not schedule.covers(0)
    schedule.span(10, 20, 4)
    copy = type(schedule).from_config(schedule.get_config())
    assert [copy.covers(step) for step in (9, 10, 29, 30)] == [False, True, True, False]
