"""A training step with batch norm in one operation, and with Keras's own, side by side.

.venv/bin/python benchmarks/batch_norm.py

EfficientNet-Lite0, all of it trained, batches of 16 photos of 224 px, on all cores. The two take turns; the ratio is that of
their medians, Keras's time through ours. Prints a table and keeps it in benchmarks/results/batch-norm.md.
"""

import importlib
import statistics

import keras
import numpy as np
from result import Table, keep, run, turns

import logo_keras as lk
from logo_keras.backbones.batch_norm import BatchNorm

# The function of that name hides the module.
efficientnet_lite = importlib.import_module("logo_keras.backbones.efficientnet_lite")

SIZE, BATCH, CLASSES = 224, 16, 20
ROUNDS, WARM = 12, 3
KINDS = {"one operation": BatchNorm, "Keras's own": keras.layers.BatchNormalization}


def step(kind):
    """A function that trains a model, whose batch norm is of a kind, for a step."""
    efficientnet_lite.BatchNorm = kind
    keras.utils.set_random_seed(0)
    model = lk.Classifier(num_classes=CLASSES, image_size=SIZE, frozen_blocks=0)
    model.compile()
    rng = np.random.default_rng(0)
    images, labels = rng.uniform(0, 255, (BATCH, SIZE, SIZE, 3)).astype(np.float32), rng.integers(0, CLASSES, BATCH)
    return lambda _: model.train_on_batch(images, labels)


def main(flags, arguments):
    times = turns({name: step(kind) for name, kind in KINDS.items()}, ROUNDS, WARM)
    medians = {name: statistics.median(each) for name, each in times.items()}
    lines = Table("batch norm", "step, ms", "times as fast")
    for name, median in medians.items():
        lines.add(name, f"{median:.0f}", f"{medians[list(KINDS)[1]] / median:.2f}")
    keep("batch-norm", f"EfficientNet-Lite0, {BATCH} photos of {SIZE} px, medians of {ROUNDS} turns.", lines)


if __name__ == "__main__":
    run(__doc__, main)
