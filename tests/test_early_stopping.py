"""The end of a run whose epochs no longer become better, in plain fit and in train, and what is left of it."""

import dataclasses

import keras
import numpy as np
import photographs
import pytest
from tiny import tiny_run as config

from logo_keras import datasets
from logo_keras.network import load
from logo_keras.training import EarlyStopping, train
from logo_keras.training.early_stopping import score_of

ALL_ON = {
    "ema": 0.9,
    "accumulation": 2,
    "layer_decay": 0.5,
    "precision": "mixed_float16",
    "augment": "randaugment",
    "balance": 0.5,
    "batch_size": 3,
    "optimizer": "sgd",
    "schedule": "cosine",
    "early_stopping": 3,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Six photographs of each of two brands."""
    return datasets.load("folder", photographs.two_brands(tmp_path_factory.mktemp("photos")))


def test_an_epoch_is_as_good_as_its_validation_photos_marks_or_scenes():
    assert score_of({"val_top1": 0.5, "val_loss": 2.0}) == [0.5, -2.0]
    assert score_of({"val_top1": 0.5, "val_loss": 1.0}) > [0.5, -2.0]
    assert score_of({"val_r1": 0.25, "val_auroc": 0.75}) == [0.25]
    assert score_of({"val_recall": 0.125, "val_loss": 1.0}) == [0.125]
    assert score_of({"top1": 0.5}) is None


class Model:
    """What a callback changes of a model."""

    stop_training = False


def ended(callback, top1, epochs=10, first=0):
    """The epoch, counted from 0, that a callback ends a run with; None if it does not."""
    callback.set_params({"epochs": epochs})
    callback.set_model(Model())
    for epoch, value in enumerate(top1, first):
        callback.on_epoch_end(epoch, {"val_top1": value, "val_loss": 1.0})
        if callback.model.stop_training:
            callback.on_train_end()
            return epoch
    callback.on_train_end()
    return None


def begun(epochs, said=None):
    callback = EarlyStopping(epochs, None if said is None else said.append)
    callback.on_train_begin()
    return callback


def test_a_run_ends_after_so_many_epochs_without_a_better_one():
    said = []
    # An equal one is not better.
    assert ended(begun(2, said), [0.1, 0.4, 0.4, 0.3, 0.9]) == 3
    assert said == ["Ended early, after epoch 4 of 10: none of the last 2 epochs was better than epoch 2."]
    assert ended(begun(2), [0.1, 0.4, 0.3, 0.5, 0.4, 0.6]) is None


def test_the_last_epoch_is_no_early_end():
    said = []
    assert ended(begun(1, said), [0.5, 0.5], epochs=2) is None and said == []


def test_what_is_counted_goes_on():
    before, after = begun(2), begun(2)
    assert ended(before, [0.4, 0.3]) is None
    after.set_state(before.get_state())
    assert ended(after, [0.2], first=2) == 2


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_a_number_of_epochs_that_is_none_is_refused(epochs):
    with pytest.raises(ValueError, match="early_stopping must be"):
        EarlyStopping(epochs)


@pytest.mark.usefixtures("eager")
def test_without_validation_nothing_tells_when_to_end(dataset, tmp_path):
    with pytest.raises(ValueError, match="early_stopping needs validation photos"):
        train(config(early_stopping=1), dataset, tmp_path / "run", report=print)
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match=r"needs validation photos to tell .* \(validation_data=\)"):
        config().build(dataset.class_names).fit(dataset, callbacks=[EarlyStopping(1)], verbose=0)


@pytest.fixture(scope="module")
def stopped(dataset, tmp_path_factory):
    """A run that cannot become better, since its rate is next to nothing: its model, history and file, and what it said."""
    keras.config.disable_interactive_logging()
    said, out = [], tmp_path_factory.mktemp("stopped") / "run"
    settings = config(epochs=6, early_stopping=2, keep="best", learning_rate=1e-30, ema=0.5)
    # Else its running statistics would still move.
    settings = dataclasses.replace(settings, arguments=settings.arguments | {"batch_norm": "frozen"})
    return train(settings, dataset, out, validation=dataset, report=said.append), settings, said


def test_a_run_ends_early_says_so_and_leaves_what_a_whole_one_leaves(stopped):
    result, _, said = stopped
    assert len(result.history) < 6
    best = 1 + int(np.argmax([score_of(row) for row in result.history], axis=0)[0])
    ends = [line for line in said if line.startswith("Ended early, after epoch")]
    assert len(ends) == 1 and f"{len(result.history)} of 6" in ends[0] and f"better than epoch {best}." in ends[0]
    assert sorted(path.name for path in result.path.parent.iterdir()) == ["config.json", "history.csv", "model.keras"]


def test_going_on_with_a_run_that_ended_early_is_nothing_to_do(stopped, dataset):
    result, settings, _ = stopped
    said = []
    again = train(settings, dataset, result.path.parent, validation=dataset, resume=True, report=said.append)
    assert len(said) == 1 and "nothing to do" in said[0]
    assert len(again.history) == len(result.history)


@pytest.mark.usefixtures("eager")
def test_the_same_seed_gives_the_same_run_with_all_settings_on(dataset, tmp_path):
    one, other = (
        train(config(**ALL_ON), dataset, tmp_path / name, validation=dataset, report=lambda line: None)
        for name in ("one", "other")
    )
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    seen = [{name: row[name] for name in ("val_loss", "val_top1")} for row in one.history]
    assert seen == [pytest.approx({name: row[name] for name in ("val_loss", "val_top1")}, rel=1e-4) for row in other.history]


@pytest.mark.usefixtures("eager")
def test_what_a_run_scores_and_keeps_are_the_averages(dataset, tmp_path):
    result = train(config(ema=0.5, keep="last"), dataset, tmp_path / "run", validation=dataset, report=lambda line: None)
    optimizer = load(result.path).optimizer
    assert optimizer.use_ema and optimizer.averages_in_model
    for a, b in zip(result.model.get_weights(), load(result.path).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    found = result.model.evaluate(dataset, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(result.history[-1]["val_loss"], rel=0.2)
    trained = optimizer._model_variables_moving_average[0].numpy()
    assert not np.array_equal(trained, optimizer._trainable_variables[0].numpy())
