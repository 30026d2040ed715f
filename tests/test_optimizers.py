import dataclasses

import keras
import numpy as np
import pytest
from tiny import tiny_backbone

from logo_keras.network import Classifier, load
from logo_keras.network.optimizers import (
    AveragedWeights,
    EpochSteps,
    HeadsFirstAdamW,
    TorchSGD,
    WarmupCosine,
    default_optimizer,
    mark_blocks,
    mark_heads,
)


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


def updated(optimizer, batches, start):
    """A variable after each batch of gradients; those of several variables at once where `start` has several rows."""
    variables = [keras.Variable(row) for row in np.atleast_2d(np.float32(start))]
    values = []
    for gradients in batches:
        optimizer.apply(list(np.float32(np.atleast_2d(gradients))), variables)
        values.append(np.array([variable.numpy() for variable in variables]))
    return np.array(values)


def spanned(schedule, total, epochs):
    schedule.span(0, total, epochs)
    return schedule


BOTH = {
    "adamw": lambda steps, **options: HeadsFirstAdamW(
        spanned(WarmupCosine(0.1), steps, 1), weight_decay=0.01, global_clipnorm=1.0, **options
    ),
    "sgd": lambda steps, **options: TorchSGD(
        spanned(EpochSteps(0.1, 1, (2,)), steps, 4), l2=0.01, global_clipnorm=1.0, **options
    ),
}


@pytest.mark.parametrize("make", BOTH.values(), ids=BOTH)
def test_four_batches_added_up_are_one_of_four_times_the_size(make):
    gradients = np.random.default_rng(0).normal(size=(32, 1, 3))
    start = [1.0, -2.0, 0.5]
    ema = {"use_ema": True, "ema_momentum": 0.7}
    small, large = make(32, gradient_accumulation_steps=4, **ema), make(8, **ema)
    in_parts = updated(small, gradients, start)
    whole = updated(large, gradients.reshape(8, 4, 1, 3).mean(axis=1), start)
    # Warm-up, cosine or drop, clipping, decay, momenta and averages are those of updates.
    np.testing.assert_allclose(in_parts[3::4], whole, rtol=1e-5)
    np.testing.assert_array_equal(in_parts[:3], np.broadcast_to(np.float32(start), (3, 1, 3)))
    averages = [optimizer._model_variables_moving_average[0].numpy() for optimizer in (small, large)]
    np.testing.assert_allclose(*averages, rtol=1e-5)
    assert int(small.iterations) == int(large.iterations) == 8


@pytest.mark.parametrize("make", BOTH.values(), ids=BOTH)
def test_averages_follow_the_recurrence_from_the_weights_of_the_first_update(make):
    optimizer = make(6, use_ema=True, ema_momentum=0.9)
    weights = updated(optimizer, np.random.default_rng(1).normal(size=(6, 1, 2)), [1.0, 2.0])
    average = weights[0]
    for weight in weights[1:]:
        average = 0.9 * average + 0.1 * weight
    np.testing.assert_allclose(optimizer._model_variables_moving_average[0].numpy(), average[0], rtol=1e-6)


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_a_block_moves_and_decays_at_a_share_of_the_rate_of_the_next(weight_decay):
    stem, block, last, head = (keras.Variable([1.0]) for _ in range(4))
    mark_blocks([[stem], [block], [last]])
    mark_heads([head])
    optimizer = HeadsFirstAdamW(0.1, weight_decay=weight_decay, layer_decay=0.5)
    optimizer.apply([np.float32([1.0])] * 4, [stem, block, last, head])
    moved = [1 - float(variable[0]) for variable in (stem, block, last, head)]
    # Adam's first step is the rate; decay knows no multiplier of heads.
    assert moved == pytest.approx([rate * 0.1 + share * 0.1 * weight_decay for rate, share in HALVES], rel=1e-4)
    assert optimizer.weight_decay == weight_decay


# The rate and the decay of stem, block, last block and head.
HALVES = ((0.25, 0.25), (0.5, 0.5), (1, 1), (2, 1))


def test_torch_sgd_moves_blocks_so_too_and_heads_as_the_last():
    variables = [keras.Variable([1.0]) for _ in range(3)]
    mark_blocks([[variables[0]], [variables[1]]])
    mark_heads([variables[2]])
    TorchSGD(0.1, momentum=0.0, layer_decay=0.25).apply([np.float32([1.0])] * 3, variables)
    assert [1 - float(variable[0]) for variable in variables] == pytest.approx([0.025, 0.1, 0.1], rel=1e-5)


@pytest.mark.parametrize("value", [0, -0.5, 1.5])
def test_a_layer_decay_outside_is_refused(value):
    with pytest.raises(ValueError, match=r"layer_decay must lie in \(0, 1\], got"):
        TorchSGD(0.1, layer_decay=value)


def test_a_cosine_without_warm_up_begins_at_its_peak():
    schedule = spanned(WarmupCosine(2.0, warm_up=0.0), 4, 1)
    # By hand: 1 + cos of a quarter, a half, three quarters and the whole of pi.
    assert [float(schedule(step)) for step in range(4)] == pytest.approx([1 + 0.5**0.5, 1.0, 1 - 0.5**0.5, 0.0], abs=1e-6)


def images(count=16):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (count, 32, 32, 3)).astype(np.float32), np.arange(count) % 3


def classifier(optimizer, **options):
    keras.utils.set_random_seed(0)
    model = Classifier(num_classes=3, backbone=tiny_backbone(), image_size=32, dropout=0.0, **options)
    model.compile(optimizer=optimizer)
    return model


def fitted(model, epochs=2, batch_size=4, callbacks=(), **options):
    model.fit(*images(), batch_size=batch_size, epochs=epochs, shuffle=False, callbacks=list(callbacks), verbose=0, **options)
    return model


def close(one, other, rtol=1e-4):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


def test_fit_with_batches_added_up_is_fit_with_larger_ones():
    optimizers = [HeadsFirstAdamW(WarmupCosine(1e-2), gradient_accumulation_steps=steps) for steps in (4, None)]
    small, large = (
        fitted(classifier(optimizer, batch_norm="frozen"), 3, size) for optimizer, size in zip(optimizers, (4, 16), strict=True)
    )
    close(small, large, rtol=1e-3)
    assert (small.optimizer._learning_rate.total, large.optimizer._learning_rate.total) == (12, 3)


@pytest.mark.usefixtures("eager")
def test_a_second_fit_counts_batches_where_gradients_are_added_up():
    model = fitted(classifier(HeadsFirstAdamW(WarmupCosine(1e-2), gradient_accumulation_steps=2)), 1)
    fitted(model, 1)
    assert (model.optimizer._learning_rate.start, model.optimizer._learning_rate.total) == (4, 4)


@pytest.mark.usefixtures("eager")
def test_more_batches_than_an_epoch_has_are_refused():
    model = classifier(TorchSGD(1e-2, gradient_accumulation_steps=5))
    with pytest.raises(ValueError, match="added up over 5 batches, and an epoch has 4: lower accumulation"):
        fitted(model)


class Keep(keras.callbacks.Callback):
    """The trainable weights at the end of every epoch, as callbacks that come after see them, and of every batch."""

    def __init__(self):
        super().__init__()
        self.epochs, self.batches, self.losses = [], [], []

    def now(self):
        return [variable.numpy().copy() for variable in self.model.trainable_variables]

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(self.now())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.now())
        self.losses.append(logs.get("val_loss"))


def averaged():
    return classifier(TorchSGD(1e-2, use_ema=True, ema_momentum=0.5))


@pytest.mark.usefixtures("eager")
def test_averages_are_scored_saved_and_left_and_training_does_not_feel_them(tmp_path):
    kept, plain = Keep(), Keep()
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    model = fitted(averaged(), 3, callbacks=[AveragedWeights(), kept, saved], validation_data=images(6))
    fitted(classifier(TorchSGD(1e-2)), 3, callbacks=[plain])
    # To the bit.
    assert all(np.array_equal(a, b) for pair in zip(kept.batches, plain.batches, strict=True) for a, b in zip(*pair, strict=True))
    average, at_ends = plain.batches[0], []
    for number, weights in enumerate(plain.batches):
        average = [0.5 * before + 0.5 * now for before, now in zip(average, weights, strict=True)]
        if number % 4 == 3:
            at_ends.append(average)
    for found, expected in zip(kept.epochs, at_ends, strict=True):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(kept.epochs[-1], model.trainable_variables, strict=True))
    for number in (1, 3):
        copy = load(tmp_path / f"{number}.keras")
        assert all(np.array_equal(a, b.numpy()) for a, b in zip(kept.epochs[number - 1], copy.trainable_variables, strict=True))
        assert copy.evaluate(*images(6), verbose=0, return_dict=True)["loss"] == pytest.approx(kept.losses[number - 1], rel=1e-4)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("how", ["file", "second fit"])
def test_training_goes_on_with_the_weights_that_are_averaged(how, tmp_path):
    whole = fitted(averaged(), 2, callbacks=[AveragedWeights()])
    model = fitted(averaged(), 1, callbacks=[AveragedWeights()])
    if how == "file":
        model.save(tmp_path / "model.keras")
        model = load(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"go on with callbacks=\[lk.optimizers.AveragedWeights\(\)\], or compile\(\)"):
        fitted(model, 1)
    close(fitted(model, 1, callbacks=[AveragedWeights()]), whole)


@pytest.mark.usefixtures("eager")
def test_a_run_that_ends_early_leaves_averages():
    kept = Keep()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", True))
    model = fitted(averaged(), 5, callbacks=[AveragedWeights(), kept, stop])
    assert len(kept.epochs) == 1
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(kept.epochs[0], model.trainable_variables, strict=True))
    assert not np.array_equal(kept.epochs[0][0], kept.batches[-1][0])


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("optimizer", [TorchSGD(1e-2), keras.optimizers.SGD(1e-2, use_ema=True)])
def test_averaged_weights_need_an_optimizer_that_averages(optimizer):
    with pytest.raises(ValueError, match="AveragedWeights needs an optimizer of lk.optimizers with use_ema=True"):
        fitted(classifier(optimizer), 1, callbacks=[AveragedWeights()])


def test_every_backbone_variable_of_a_model_knows_its_block_and_a_file_keeps_the_rates(tmp_path):
    model = classifier(HeadsFirstAdamW(1e-3, layer_decay=0.5), frozen_blocks=1)

    def rates(model):
        model.build_optimizer()
        return {
            variable.path: model.optimizer._rates[place] * model.optimizer._multipliers[place]
            for place, variable in enumerate(model.trainable_variables)
        }

    found = {path.split("/")[-2]: rate for path, rate in rates(model).items()}
    # Frozen: conv0, the stem, and conv1. What lies behind the last block moves as that does, and the head twice as fast.
    assert {"conv0", "conv1"}.isdisjoint(found)
    assert [found[f"conv{number}"] for number in (2, 3, 4)] == [1, 1, 1] and found["whole_classifier"] == 2
    earlier = rates(classifier(HeadsFirstAdamW(1e-3, layer_decay=0.5), frozen_blocks=0))
    assert {path.split("/")[-2]: rate for path, rate in earlier.items()}["norm0"] == 0.25
    model.save(tmp_path / "model.keras")
    assert list(rates(load(tmp_path / "model.keras")).values()) == list(rates(model).values())


def test_a_backbone_without_blocks_has_no_rate_a_block():
    backbone = dataclasses.replace(tiny_backbone(), blocks=())
    model = Classifier(num_classes=3, backbone=backbone, image_size=32)
    with pytest.raises(ValueError, match="layer_decay needs a backbone whose blocks are known, and 'tiny' names none"):
        model.compile(optimizer=TorchSGD(1e-3, layer_decay=0.9))
