"""A run of training steps on the CPU under the memory allocator of the system and under another one, side by side.

.venv/bin/python benchmarks/allocator.py --preload LIBRARY

LIBRARY is an allocator that is put before the system's by LD_PRELOAD (Linux), such as Debian's
/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 of the package libjemalloc2. TensorFlow asks for the memory of every map anew in each
step, and glibc gives it back to the system in between. EfficientNet-Lite0, 64 photos of 128 px from `fit`; each run is a process
of its own, and the two take turns. Prints a table and keeps it in benchmarks/results/allocator.md.
"""

import os
import statistics
import time
from pathlib import Path
from unittest import mock

from result import Table, fresh, keep, run

SIZE, BATCH, CLASSES = 128, 64, 20
ROUNDS, STEPS, WARM = 4, 25, 5
# jemalloc keeps what is freed for a minute, in huge pages.
CONF = "thp:always,dirty_decay_ms:60000,muzzy_decay_ms:60000"


def define(flags):
    flags.string("preload", None, "The library of the allocator.")


def step():
    """Milliseconds of a step of `fit`, the median."""
    import keras
    import numpy as np

    import logo_keras as lk

    class Clock(keras.callbacks.Callback):
        ends = []

        def on_train_batch_end(self, batch, logs=None):
            self.ends.append(1000 * time.perf_counter())

    keras.utils.set_random_seed(0)
    model = lk.Classifier(num_classes=CLASSES, image_size=SIZE)
    model.compile()
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH * (STEPS + WARM), SIZE, SIZE, 3)).astype(np.float32)
    labels = rng.integers(0, CLASSES, len(images))
    model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0, callbacks=[Clock()])
    return statistics.median(np.diff(Clock.ends)[WARM:].tolist())


def main(flags, arguments):
    kinds = {"the system's": {}, Path(flags.preload).name: {"LD_PRELOAD": flags.preload, "MALLOC_CONF": CONF}}
    times = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, environment in kinds.items():
            with mock.patch.dict(os.environ, environment):
                times[name].append(fresh(step))
    medians = {name: statistics.median(each) for name, each in times.items()}
    lines = Table("allocator", "step, ms", "times as fast")
    for name, median in medians.items():
        lines.add(name, f"{median:.0f}", f"{medians[next(iter(kinds))] / median:.2f}")
    what = f"A plain classifier on EfficientNet-Lite0, {BATCH} photos of {SIZE} px, medians of {ROUNDS} runs of {STEPS} steps."
    keep("allocator", f"{what} MALLOC_CONF={CONF}", lines)


if __name__ == "__main__":
    run(__doc__, main, define, required=("preload",))
