"""Watching a run: what is said before and while it lasts, its curves, and its figures for TensorBoard; in plain fit too."""

import os

import cv2
import keras
import numpy as np
import photographs
import pytest
from tiny import tiny_run

from logo_keras import datasets
from logo_keras.report import progress
from logo_keras.training import train, watching

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Twelve photos of two brands: two steps of six."""
    return datasets.load("folder", photographs.two_brands(tmp_path_factory.mktemp("photos")))


def fitted(callback, steps=6, epochs=2, validated=False, **options):
    """A plain Keras model that is fitted with a callback."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), loss="mse", **options)
    x, y = np.ones((4 * steps, 2), np.float32), np.zeros((4 * steps, 3), np.float32)
    data = (x, y) if validated else None
    model.fit(x, y, batch_size=4, epochs=epochs, callbacks=callback, verbose=0, validation_data=data)
    return model


def test_plain_fit_shows_training_and_validation(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_MINUTE", 0)
    fitted([watching.ShowProgress(4, 6)], validated=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 24
    assert lines[1].startswith("epoch 1 of 2: step 2 of 6, ") and " images/s, loss " in lines[1] and lines[1].endswith(" left")
    assert lines[7].startswith("epoch 1 of 2, validation: step 2 of 6, ")
    assert lines[23].startswith("epoch 2 of 2, validation: step 6 of 6")


def test_scoring_outside_of_a_run_shows_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_MINUTE", 0)
    model = fitted([], steps=1)
    model.evaluate(np.ones((8, 2)), np.zeros((8, 3)), callbacks=[watching.ShowProgress()], verbose=0)
    assert not capsys.readouterr().err


def test_whatever_ends_a_run_the_bar_is_taken_away(monkeypatch, tmp_path):
    closed = []
    monkeypatch.setattr(watching.Bar, "close", lambda bar: closed.append(bar.what))
    with pytest.raises(KeyboardInterrupt), watching.watched(tmp_path, 4, report=lambda line: None) as callbacks:
        stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: (_ for _ in ()).throw(KeyboardInterrupt))
        fitted([*callbacks, stop])
    assert closed == ["epoch 1 of 2"]


def test_the_forecast_says_what_a_run_is_made_of_and_takes(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr(watching.time, "perf_counter", lambda: now[0])

    class Clock(keras.callbacks.Callback):
        """The first step takes 100 s, the second 10 s and each other one 2 s."""

        def on_train_batch_end(self, batch, logs=None):
            now[0] += {0: 100, 1: 10}.get(batch, 2)

    monkeypatch.setattr(watching, "peak_memory", lambda: 1.5e9)
    fitted([Clock(), watching.Forecast(said.append, 4, validated=True, out="run")], steps=60, epochs=3)
    assert said == [
        "60 steps of 4 images an epoch, 3 epochs, 9 parameters, 9 of them trained. The run goes to run. The first step takes "
        "longest: it prepares the others.",
        "A step takes 2 s (2 images/s), an epoch 2 min, the 3 to come 6 min, validation apart. Memory: 1.5 GB at most so far.",
    ]


def test_the_memory_is_that_of_this_process():
    before = watching.peak_memory()
    if before is None:
        pytest.skip("this system does not say")
    held = np.ones(before // 8 + 25_000_000)
    assert watching.peak_memory() >= held.nbytes


def test_a_dry_run_takes_real_steps_and_keeps_nothing(dataset, tmp_path):
    out, said = tmp_path / "some" / "run", []
    with watching.watched(out, 6, dry=True, report=said.append) as callbacks:
        with pytest.raises(watching.Enough):
            train(tiny_run(), dataset, out, callbacks=callbacks, report=said.append, dry=True)
    assert os.listdir(tmp_path) == []
    assert said[0].startswith("32 px, 2 steps of 6 images an epoch, 2 epochs, ") and "Memory: " in said[1]


def test_a_dry_run_leaves_an_unfinished_run_as_it_is(dataset, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_run(), dataset, tmp_path, callbacks=[Stop()], report=lambda line: None)

    def kept():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    before = kept()
    for options in ({"resume": True}, {"overwrite": True}):
        with watching.watched(tmp_path, 6, dry=True, report=lambda line: None) as callbacks:
            with pytest.raises(watching.Enough):
                train(tiny_run(), dataset, tmp_path, callbacks=callbacks, report=lambda line: None, dry=True, **options)
        assert kept() == before


def test_an_epoch_of_a_step_is_no_measure():
    said = []
    with pytest.raises(watching.Enough):
        fitted([watching.Forecast(said.append, dry=True)], steps=1)
    assert said[1].startswith("An epoch of 1 step is too short to be timed: it took ")


def test_the_curves_are_drawn_from_the_first_epoch_of_the_run_on(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("logo_keras.visualize.history.curves", lambda history: seen.append(history) or PICTURE)
    before = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0}, {"epoch": 3, "loss": 9.0}]
    draw = watching.DrawCurves(tmp_path / "curves.png", before)
    draw.on_train_begin()
    # The third epoch had not been kept: it is trained anew.
    draw.on_epoch_end(2, {"loss": 1.0})
    draw.on_train_end()
    assert [[row["loss"] for row in rows] for rows in seen] == [[3.0, 2.0, 1.0]]
    assert cv2.imread(str(tmp_path / "curves.png")).shape == PICTURE.shape


PICTURE = np.zeros((4, 5, 3), np.uint8)


def test_the_curves_take_two_percent_of_the_time(monkeypatch, tmp_path):
    now, drawn = [0.0], []

    def curves(history):
        now[0] += 1
        drawn.append(len(history))
        return PICTURE

    monkeypatch.setattr(watching.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr("logo_keras.visualize.history.curves", curves)
    draw = watching.DrawCurves(tmp_path / "curves.png")
    draw.on_train_begin()
    for epoch in range(21):
        now[0] += 10
        draw.on_epoch_end(epoch, {"loss": 1.0})
    draw.on_train_end()
    # After 30 s, which the first drawing is taken to allow, then every 50 s, and at the end.
    assert drawn == [3, 8, 13, 18, 21]


def test_a_picture_that_fails_ends_no_run_and_is_said_once(monkeypatch, tmp_path):
    def broken(history):
        raise ValueError("no ink")

    monkeypatch.setattr("logo_keras.visualize.history.curves", broken)
    monkeypatch.setattr(watching, "_FIRST_DRAWING", 0)
    said = []
    fitted([watching.DrawCurves(tmp_path / "curves.png", report=said.append)], epochs=3)
    assert said == [f"{tmp_path / 'curves.png'} cannot be drawn: no ink"] and not os.listdir(tmp_path)


def test_without_matplotlib_the_curves_are_left_out_with_a_line(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(watching.util, "find_spec", lambda name: None)
    with watching.watched(tmp_path, 4, report=said.append) as callbacks:
        assert not any(isinstance(callback, watching.DrawCurves) for callback in callbacks)
    assert said == ["There will be no curves.png, which needs matplotlib: pip install 'logo_keras[report]'"]


def scalars(folder):
    """What TensorFlow reads of the event files in a folder, in order: pairs of the name, or "start", and the step; and values."""
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    found, values = [], {}
    for path in sorted(folder.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            if event.session_log.status == event_pb2.SessionLog.START:
                found.append(("start", event.step))
            for value in event.summary.value:
                found.append((value.tag, event.step))
                values[value.tag, event.step] = value.simple_value
    return found, values


def test_tensorboard_gets_epochs_and_steps(tmp_path):
    pytest.importorskip("tensorboardX")
    model = fitted([watching.SaveScalars(tmp_path, every=4)], validated=True)
    found, values = scalars(tmp_path / "train")
    assert [step for name, step in found if name == "step_loss"] == [4, 8, 12]
    assert [step for name, step in found if name == "epoch_loss"] == [1, 2]
    np.testing.assert_allclose([values["epoch_loss", epoch] for epoch in (1, 2)], model.history.history["loss"], rtol=1e-6)
    assert values["step_learning_rate", 8] == pytest.approx(0.1)
    _, values = scalars(tmp_path / "validation")
    np.testing.assert_allclose([values["epoch_loss", epoch] for epoch in (1, 2)], model.history.history["val_loss"], rtol=1e-6)


def test_a_run_that_goes_on_hides_the_steps_that_it_does_again(tmp_path):
    pytest.importorskip("tensorboardX")
    for iterations in (0, 3):
        save = watching.SaveScalars(tmp_path / str(iterations), every=2)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", loss="mse")
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(iterations)
        model.fit(np.ones((16, 2)), np.ones((16, 1)), 4, callbacks=[save], verbose=0)
    found, _ = scalars(tmp_path / "3" / "train")
    # TensorBoard hides what was written before of the step that a start names, and later.
    assert ("start", 4) in found
    assert [step for name, step in found if name == "step_loss"] == [4, 6]


def test_without_tensorboardx_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"needs tensorboardX, which is not installed: pip install 'logo_keras\[tensorboard\]'"):
        watching.SaveScalars(tmp_path)


def test_what_watches_changes_no_weight(dataset, tmp_path):
    plain = train(tiny_run(), dataset, tmp_path / "plain", report=lambda line: None)
    with watching.watched(tmp_path / "seen", 6, tensorboard=None, report=lambda line: None) as callbacks:
        seen = train(tiny_run(), dataset, tmp_path / "seen", callbacks=callbacks, report=lambda line: None)
    assert max(np.abs(a - b).max() for a, b in zip(plain.model.get_weights(), seen.model.get_weights(), strict=True)) < 1e-6
    assert sorted(os.listdir(tmp_path / "seen")) == ["config.json", "curves.png", "history.csv", "model.keras"]
