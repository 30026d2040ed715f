"""What it costs to watch a run: images per second with all callbacks of logo-train and with none, in turns.

.venv/bin/python benchmarks/watching.py

Two classifiers learn from the same images: EfficientNet-Lite0 in small, and one convolution, whose steps are so short that
whatever is added to them shows. They are watched by a bar that is redrawn twice a second on a terminal that throws it away, by
figures for TensorBoard of every 20 steps, and by the forecast; the curves are timed apart. Prints a table and keeps it in
benchmarks/results/watching.md. A ratio is that of two runs, one after the other; the CPU seconds, of the thread that trains and
inside the callbacks, depend less on what else the machine does.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from result import Table, keep, run

import logo_keras as lk
from logo_keras.backbones import Backbone, Normalize
from logo_keras.training.watching import DrawCurves, ShowProgress, watched
from logo_keras.visualize import curves

ROUNDS = 10
# Name: image size, images a step, steps a run.
MODELS = {"EfficientNet-Lite0": (64, 4, 60), "one convolution": (32, 16, 600)}


class Terminal:
    """What a bar takes for a terminal; it shows nothing."""

    encoding, written = "utf-8", 0

    def isatty(self):
        return True

    def write(self, text):
        self.written += 1

    def flush(self):
        pass


class Timed(keras.callbacks.Callback):
    """The seconds of the steps of a run but the first two. Comes last, so that what others do in a step is in it."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            self.start = time.perf_counter()
        self.seconds = time.perf_counter() - self.start if batch > 1 else None


def one_convolution():
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, 32, "same", name="conv")(images)
    return Backbone(keras.Model(images, x, name="one_convolution"), Normalize(127.5, 127.5), {32: x})


def make(name, size):
    keras.utils.set_random_seed(0)
    model = lk.Classifier(num_classes=3, image_size=size, **({} if "Lite0" in name else {"backbone": one_convolution()}))
    model.compile()
    return model


def timing(callback, spent):
    """Adds the CPU seconds of what a callback does in a step to the list `spent`."""
    inner = callback.on_train_batch_end

    def on_train_batch_end(batch, logs=None):
        began = time.thread_time()
        inner(batch, logs)
        spent.append(time.thread_time() - began)

    callback.on_train_batch_end = on_train_batch_end
    return callback


def seconds(model, images, labels, batch, is_watched, spent):
    """The seconds of the steps of an epoch."""
    timed = Timed()
    if not is_watched:
        model.fit(images, labels, batch, callbacks=[timed], verbose=0)
        return timed.seconds
    with tempfile.TemporaryDirectory() as out:
        with watched(out, batch, tensorboard=Path(out) / "tensorboard", report=lambda line: None) as callbacks:
            # A run as short as these is drawn at its end alone.
            callbacks = [timing(each, spent) for each in callbacks if not isinstance(each, DrawCurves)]
            assert any(isinstance(each, ShowProgress) for each in callbacks)
            model.fit(images, labels, batch, callbacks=[*callbacks, timed], verbose=0)
    return timed.seconds


def drawing():
    """The seconds that curves of 50 epochs take, the first picture apart."""
    rows = [{"epoch": epoch, "loss": 1 / epoch, "val_loss": 1 / epoch, "top1": 0.5, "val_top1": 0.4} for epoch in range(1, 51)]
    times = []
    for _ in range(6):
        began = time.perf_counter()
        curves(rows)
        times.append(time.perf_counter() - began)
    return times[0], statistics.median(times[1:])


def main(flags, arguments):
    lines = Table("network", "step, ms", "watched: CPU ms a step", "share", "images/s, watched through not watched", "quartiles")
    sys.stderr, stderr = Terminal(), sys.stderr
    rng = np.random.default_rng(0)
    for name, (size, batch, steps) in MODELS.items():
        model = make(name, size)
        images = rng.uniform(0, 255, (batch * steps, size, size, 3)).astype(np.float32)
        labels = rng.integers(0, 3, batch * steps)
        pairs, spent = [], []
        seconds(model, images, labels, batch, True, [])
        for number in range(ROUNDS):
            pair = {}
            for is_watched in (True, False) if number % 2 else (False, True):
                pair[is_watched] = seconds(model, images, labels, batch, is_watched, spent)
            pairs.append(pair)
        plain = statistics.median(pair[False] for pair in pairs) / (steps - 2)
        cost = sum(spent) / (ROUNDS * steps)
        first, ratio, third = statistics.quantiles((pair[False] / pair[True] for pair in pairs), n=4)
        figures = f"{1000 * plain:.2f}", f"{1000 * cost:.3f}", f"{cost / plain:.2%}", f"{ratio:.3f}"
        lines.add(name, *figures, f"{first:.3f} to {third:.3f}")
    sys.stderr = stderr
    first, later = drawing()
    sizes = (f"{name} {steps} steps of {batch} images of {size} px" for name, (size, batch, steps) in MODELS.items())
    told = f"{ROUNDS} pairs of runs: {', '.join(sizes)}."
    drawn = f"The curves of 50 epochs take {later:.2f} s to draw, the first time {first:.2f} s; 2 % of a run's time at most."
    keep("watching", told, lines, drawn)


if __name__ == "__main__":
    run(__doc__, main)
