"""The pictures of docs/pictures.md, of synthetic photos and a model that learns them here.

.venv/bin/python benchmarks/pictures.py --run build/pictures/run --out docs

Measures nothing. Takes the run of logo-train of a DRNA-Net that knows synthetic brands, or trains one for a few epochs, some
ten minutes on two cores; draws synthetic photos that it has not seen; and writes pictures-regions.jpg, pictures-answers.jpg,
pictures-failures.jpg, pictures-curves.jpg, pictures-ranking.jpg and pictures-map.jpg, less than 150 kB together.
"""

from pathlib import Path

import numpy as np
from result import run

import logo_keras as lk
from logo_keras.files import write

TRAINED_ON = {"brands": 10, "train": 40, "validation": 5, "test": 0, "none": 0}
EPOCHS = 5
# Of another seed than the photos that are learnt from.
SHOWN = {"brands": 10, "train": 0, "validation": 0, "test": 6, "none": 0, "seed": 1}
# px: half of what is drawn, as on a phone.
WIDTH = 400


def drawn(model, history, test):
    """The pictures by name."""
    found = lk.evaluation.evaluate(model, test)
    # The photo of whose brand the model is surest, and some of them all.
    best = int(np.argmax(np.where(found.correct, found.confidences, 0)))
    some = np.random.default_rng(0).choice(len(test), 4, replace=False)
    photos, boxes = zip(*(test.shown(index) for index in some), strict=True)
    names = test.class_names
    photo, own = test.shown(best)
    return {
        "regions": lk.visualize.localised_regions(model, photo, names[test.labels[best]], own),
        "answers": lk.visualize.answers(
            photos, [model.recognize(photo) for photo in photos], [names[test.labels[index]] for index in some], boxes
        ),
        "failures": lk.visualize.failures(found, test, 2),
        "curves": lk.visualize.curves(history),
        "ranking": lk.visualize.ranking(model, test),
        "map": lk.visualize.embedding_map(*lk.evaluation.embed(model, test), names),
    }


def define(flags):
    flags.string("run", "build/pictures/run", "The run of logo-train; trained where there is none.")
    flags.string("work", "build/pictures", "Where photos are drawn.")
    flags.string("out", "docs", "Where the pictures go.")


def main(flags, arguments):
    trained, work, out = (Path(folder) for folder in (flags.run, flags.work, flags.out))
    if not (trained / "model.keras").exists():
        root = lk.datasets.synthesize(work / "learnt", **TRAINED_ON)
        training, validation = (lk.datasets.load("synthetic", root, split=split) for split in ("train", "validation"))
        lk.training.train(lk.training.Config("drna", epochs=EPOCHS), training, trained, validation, resume=True)
    model = lk.load(trained / "model.keras")
    test = lk.datasets.load("synthetic", lk.datasets.synthesize(work / "photos", **SHOWN), split="test")
    for name, picture in drawn(model, trained / "history.csv", test).items():
        small = lk.visualize.scaled(picture, WIDTH / picture.shape[1])
        write(out / f"pictures-{name}.jpg", lk.visualize.encoded(small, quality=60))


if __name__ == "__main__":
    run(__doc__, main, define)
