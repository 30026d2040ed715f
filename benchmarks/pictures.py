"""The pictures of docs/pictures.md, of synthetic photos and a model that learns them here.

.venv/bin/python benchmarks/pictures.py --out docs

Measures nothing. Draws a synthetic set, trains DRNA-Net on it for a few epochs, some ten minutes on two cores, and writes
pictures-regions.jpg, pictures-answers.jpg, pictures-failures.jpg, pictures-curves.jpg, pictures-ranking.jpg and
pictures-map.jpg, less than 150 kB together. The set and the model stay in --work, and are taken again.
"""

import argparse
from pathlib import Path

import numpy as np

import logo_keras as lk
from logo_keras.files import write

SIZE = {"brands": 8, "train": 25, "validation": 5, "test": 12, "none": 0}
EPOCHS = 4
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default="build/pictures")
    parser.add_argument("--out", default="docs")
    arguments = parser.parse_args()
    work, out = Path(arguments.work), Path(arguments.out)
    root = lk.datasets.synthesize(work / "photos", **SIZE)
    train, validation, test = (lk.datasets.load("synthetic", root, split=split) for split in ("train", "validation", "test"))
    run = lk.training.train(lk.training.Config("drna", epochs=EPOCHS), train, work / "run", validation, resume=True)
    for name, picture in drawn(run.model, run.history, test).items():
        small = lk.visualize.scaled(picture, WIDTH / picture.shape[1])
        write(out / f"pictures-{name}.jpg", lk.visualize.encoded(small, quality=80))


if __name__ == "__main__":
    main()
