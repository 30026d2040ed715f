"""How long training waits for photographs: the share of every step in which the model has nothing to do.

.venv/bin/python benchmarks/waiting.py [--root FOLDER]

EfficientNet-Lite0 on whole photographs, 448 px, batches of 16, on all cores. A step is the next batch, then the update; the time
until the batch is there is what training waits. FOLDER has a folder of photographs a brand; without it a synthetic set is
drawn. Prints a table and keeps it in benchmarks/results/waiting.md.
"""

import tempfile
import time
from itertools import chain, repeat
from pathlib import Path

from result import Table, keep, run

import logo_keras as lk

SIZE, BATCH, STEPS, WARM = 448, 16, 10, 3
ENGINES = {"tf.data": "tf.data", "PyDataset": "keras"}


def define(flags):
    flags.string("root", None, "Photos, a folder a brand; without it a synthetic set is drawn.")
    flags.string("what", "a synthetic set of 800 photographs, 512 px on the longer side", "What the page says of the photos.")


def photos_in(flags, folder):
    """The folder of photos, a folder a brand; a synthetic set in `folder` where none is named."""
    return flags.root or lk.datasets.synthesize(Path(folder) / "set", brands=20, train=40, validation=0, test=0, none=0) / "train"


def main(flags, arguments):
    with tempfile.TemporaryDirectory() as folder:
        root = photos_in(flags, folder)
        lines = Table("batches by", "waited, s", "trained, s", "share waited")
        for name, engine in ENGINES.items():
            waited, trained = measure(root, engine)
            lines.add(name, f"{waited:.2f}", f"{trained:.1f}", f"{waited / (waited + trained):.2%}")
    about = f"Photographs: {flags.what}. {STEPS} steps of {BATCH} photographs at {SIZE} px after {WARM} that warm up."
    keep("waiting", about, lines)


def measure(root, engine):
    """Seconds waited and seconds trained."""
    import keras

    keras.utils.set_random_seed(0)
    dataset = lk.datasets.load("folder", root)
    model = lk.Classifier(class_names=dataset.class_names, image_size=SIZE, frozen_blocks=5, weights=None)
    model.compile()
    batches = dataset.batches(BATCH, SIZE, training=True, engine=engine)
    waited = trained = 0.0
    steps = chain.from_iterable(repeat(batches))
    for step in range(WARM + STEPS):
        start = time.perf_counter()
        images, labels = next(steps)
        there = time.perf_counter()
        model.train_on_batch(images, labels)
        if step >= WARM:
            waited += there - start
            trained += time.perf_counter() - there
    return waited, trained


if __name__ == "__main__":
    run(__doc__, main, define)
