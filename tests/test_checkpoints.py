"""Models that are kept inside an epoch: what goes on, in runs and in plain fit, and what is left where one cannot be kept.

Runs on marks go on inside an epoch in test_embedder.py and test_detector.py.
"""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import photographs
import pytest
from tiny import tiny_run as config

from logo_keras import datasets
from logo_keras.training import Checkpoints, train
from logo_keras.training.checkpoint import Unfinished
from logo_keras.training.config import completed

pytestmark = pytest.mark.usefixtures("eager")
# Every step is kept.
ALWAYS = 1e-9


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Six photographs of each of two brands."""
    return datasets.load("folder", photographs.two_brands(tmp_path_factory.mktemp("photos")))


class StopBefore(keras.callbacks.Callback):
    """Ends a run before a batch of an epoch, both counted from 0."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.end = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.now, batch) == self.end:
            raise KeyboardInterrupt


class Steps(keras.callbacks.Callback):
    """What callbacks see of a run: epoch, step, and the loss so far."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((self.now, batch, round(float(logs["loss"]), 5)))


def same(one, other):
    """Whether two models have the same weights and optimizers; only threads may sum in another order."""
    pairs = [*zip(one.weights, other.weights, strict=True), *zip(one.optimizer.variables, other.optimizer.variables, strict=True)]
    return all(np.allclose(*map(keras.ops.convert_to_numpy, pair), rtol=1e-4, atol=1e-6) for pair in pairs)


def quietly(*arguments, said=None, **options):
    return train(*arguments, report=(said if said is not None else []).append, **options)


def test_callbacks_see_the_steps_that_are_left_with_their_numbers_and_figures(dataset, tmp_path):
    whole, parts, said = Steps(), Steps(), []
    one = quietly(config(batch_size=3), dataset, tmp_path / "whole", callbacks=[whole])
    with pytest.raises(KeyboardInterrupt):
        quietly(config(batch_size=3), dataset, tmp_path / "parts", callbacks=[StopBefore(1, 2)], checkpoint_minutes=ALWAYS)
    left = ["epoch-0002-step-000002.keras", "epoch-0002-step-000002.npz", "state.json"]
    assert sorted(os.listdir(tmp_path / "parts" / "unfinished")) == left
    other = quietly(config(batch_size=3), dataset, tmp_path / "parts", callbacks=[parts], resume=True, said=said)
    assert said[0] == "Going on after epoch 2, step 2 of 4."
    assert parts.seen == whole.seen[-2:] and [step for _, step, _ in parts.seen] == [2, 3]
    assert same(one.model, other.model) and not (tmp_path / "parts" / "unfinished").exists()


def test_batches_begin_inside_an_epoch_without_reading_a_photo_before(dataset, monkeypatch):
    def batches():
        return dataset.batches(2, 32, training=True, seed=5, augment="randaugment")

    read, photograph = [], type(dataset).photograph
    whole, rest = batches(), batches()
    expected = [*whole][4:] + [*whole]
    monkeypatch.setattr(type(dataset), "photograph", lambda self, index: read.append(index) or photograph(self, index))
    rest.begin_at(4)
    assert len(rest) == 2
    given = [*rest]
    assert len(read) == 4 and len(rest) == 6
    # The next epoch is whole.
    for one, other in zip(expected, given + [*rest], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_steps_per_epoch_and_the_engine_of_tf_data_go_on_inside_too(dataset, tmp_path):
    def fit(*callbacks):
        model = config().build(dataset.class_names)
        history = model.fit(
            dataset, batch_size=4, epochs=2, steps_per_epoch=2, engine="tf.data", verbose=0, callbacks=list(callbacks)
        )  # fmt: skip
        return model, history.history

    whole, figures = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(StopBefore(0, 1), Checkpoints(tmp_path, ALWAYS))
    steps = Steps()
    parts, gone_on = fit(steps, Checkpoints(tmp_path, ALWAYS))
    assert [step[:2] for step in steps.seen] == [(0, 1), (1, 0), (1, 1)]
    assert same(whole, parts)
    for name, values in figures.items():
        np.testing.assert_allclose(gone_on[name], values, rtol=1e-4)


def test_plain_fit_goes_on_with_what_keras_callbacks_know(dataset, tmp_path):
    def fit(*callbacks):
        model = config().build(dataset.class_names)
        # Nothing is a gain after the first epoch.
        stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=2, restore_best_weights=True)
        model.fit(dataset, batch_size=6, epochs=9, verbose=0, callbacks=[*callbacks, stop])
        return model, stop

    whole, stopped = fit()
    assert stopped.stopped_epoch == 2
    with pytest.raises(KeyboardInterrupt):
        fit(Checkpoints(tmp_path, ALWAYS), StopBefore(1, 1))
    state = json.loads((tmp_path / "unfinished" / "state.json").read_text())
    assert state["snapshot"]["callbacks"]["EarlyStopping 0"]["wait"] == 0
    parts, gone_on = fit(Checkpoints(tmp_path, ALWAYS))
    # As if it had never been stopped: the epochs without a gain count on, and the weights of the best one come back.
    assert (gone_on.stopped_epoch, gone_on.best_epoch) == (2, 0)
    assert same(whole, parts) and os.listdir(tmp_path) == []


def test_checkpoints_of_another_fit_and_other_data_are_refused(dataset, tmp_path):
    model = config().build(dataset.class_names)
    with pytest.raises(KeyboardInterrupt):
        model.fit(dataset, batch_size=6, verbose=0, callbacks=[Checkpoints(tmp_path, ALWAYS), StopBefore(0, 1)])
    with pytest.raises(ValueError, match="holds a run of other settings: batch_size was 6 and is 4.*or remove it"):
        model.fit(dataset, batch_size=4, verbose=0, callbacks=[Checkpoints(tmp_path)])
    images = np.zeros((4, 32, 32, 3), np.float32)
    with pytest.raises(ValueError, match="go with a Dataset or Marks, of which any batch can be made again, got ndarray"):
        model.fit(images, np.int32([0, 1, 0, 1]), verbose=0, callbacks=[Checkpoints(tmp_path / "other")])
    with pytest.raises(ValueError, match="checkpoint_minutes must be a number of at least 0, got -1"):
        Checkpoints(tmp_path, -1)


def test_no_minutes_keep_whole_epochs_alone(dataset, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path, callbacks=[StopBefore(1, 1)], checkpoint_minutes=0)
    assert sorted(os.listdir(tmp_path / "unfinished")) == ["epoch-0001.keras", "state.json"]


def test_there_are_never_more_than_two_models_beside_the_best(dataset, tmp_path):
    most = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            names = os.listdir(tmp_path / "unfinished") if (tmp_path / "unfinished").exists() else []
            most.append(sum(name.endswith(".keras") for name in names))

    scored = dataset.subset([0, 1])
    quietly(config(keep="best"), dataset, tmp_path, validation=scored, callbacks=[Count()], checkpoint_minutes=ALWAYS)
    # The last one, and the best one; the one that is written comes on top.
    assert max(most) == 2


def test_a_full_disk_inside_an_epoch_leaves_the_last_model_and_says_what_is_needed(dataset, tmp_path):
    resource = pytest.importorskip("resource", reason="limits on file sizes are Unix's")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(keras.callbacks.Callback):
        """From the third step on no file may grow beyond a kilobyte: writing fails as on a full disk."""

        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))

    settings = {"epochs": 1, "batch_size": 3}
    try:
        with pytest.raises(OSError, match="epoch 1, step 3 cannot be saved") as caught:
            quietly(config(**settings), dataset, tmp_path, callbacks=[Fill()], checkpoint_minutes=ALWAYS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    kept = tmp_path / "unfinished" / "epoch-0001-step-000002.keras"
    for words in ("takes about 1 MB", f"The model of epoch 1, step 2 of 4 is intact: {kept}.", "--resume (resume=True) goes on"):
        assert words in str(caught.value)
    assert sorted(os.listdir(kept.parent)) == [kept.name, kept.with_suffix(".npz").name, "state.json"]
    gone_on = quietly(config(**settings), dataset, tmp_path, resume=True)
    assert same(gone_on.model, quietly(config(**settings), dataset, tmp_path / "whole").model)


def test_a_run_of_a_version_that_kept_whole_epochs_alone_goes_on(dataset, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path, callbacks=[StopBefore(1, 0)])
    path = tmp_path / "unfinished" / "state.json"
    state = json.loads(path.read_text())
    for name in ("step", "steps", "snapshot", "arrays", "ended"):
        del state[name]
    # Nor did it know this setting.
    del state["identity"]["config"]["steps_per_epoch"], state["identity"]["config"]["arguments"]["dropout"]
    state["identity"]["config"]["arguments"] |= {"dropout": 0.5}
    path.write_text(json.dumps(state))
    said = []
    assert len(quietly(config(), dataset, tmp_path, resume=True, said=said).history) == 2
    assert said[0] == "Going on after epoch 1 of 2."


def test_what_a_run_did_not_record_had_the_value_that_is_the_default_now():
    now = config(optimizer="sgd", clip=None).to_dict()
    before = {name: value for name, value in now.items() if name not in ("balance", "precision")}
    assert completed(before) == now
    changed = dataclasses.replace(config(optimizer="sgd", clip=None), balance=0.5).to_dict()
    assert completed(before) != changed


def test_a_run_that_ended_early_is_not_gone_on_with(dataset, tmp_path):
    class EndEarly(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    class Unlucky(OSError):
        pass

    def fail(*arguments):
        raise Unlucky("no room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("logo_keras.training.run._write_history", fail)
        with pytest.raises(OSError, match="no room"):
            quietly(config(), dataset, tmp_path, callbacks=[EndEarly()])
    assert Unfinished(tmp_path).ended
    assert len(quietly(config(), dataset, tmp_path, resume=True).history) == 1


def test_a_lost_snapshot_is_named(dataset, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path, callbacks=[StopBefore(0, 1)], checkpoint_minutes=ALWAYS)
    (tmp_path / "unfinished" / "epoch-0001-step-000001.npz").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"step-000001.npz is missing or damaged .*--overwrite"):
        quietly(config(), dataset, tmp_path, resume=True)


@pytest.mark.slow
def test_on_jax_plain_fit_goes_on_too():
    pytest.importorskip("jax", reason="needs jax, of the extra [dev]")
    command = [sys.executable, "-m", "pytest", "-q", "-k", "plain_fit_goes_on_with", __file__]
    done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout
