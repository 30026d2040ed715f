"""Short runs of the logo embedding's recipe, each with one setting changed, judged on brands that are held out of training.

.venv/bin/python benchmarks/embedding_options.py --marks FOLDER [--steps N] [NAME ...]

FOLDER is where logo-train --recipe logo_embedder keeps the packages of marks. All runs start from ImageNet, see as many samples
of the same seed and the same held-out crops; no photo of a logo is looked at. Names choose some of the options. What is done is
kept in results/embedding-options.json, so that the script goes on where it was stopped; the table is of all that is there.
"""

import dataclasses
import json
import tempfile

from result import RESULTS, Table, keep, run

import logo_keras as lk
from logo_keras.datasets.marks import Marks
from logo_keras.errors import UserError
from logo_keras.export.release import head
from logo_keras.files import write_json
from logo_keras.network.embedder import LogoEmbedder
from logo_keras.training.recipes import recipe

KEPT = RESULTS / "embedding-options.json"
EPOCH = 100
# Name: what it changes of the model's arguments, and of all else.
OPTIONS = {
    "the recipe": ({}, {}),
    "mean instead of generalised mean": ({"pooling": "mean"}, {}),
    "max": ({"pooling": "max"}, {}),
    "2 sub-centres": ({"sub_centres": 2}, {}),
    "128 px": ({"image_size": 128}, {}),
    "160 px": ({"image_size": 160}, {}),
    "EfficientNet-Lite1": ({"backbone": "efficientnet_lite1"}, {}),
    "without wordmarks": ({}, {"words": False}),
    "class vectors at the backbone's rate": ({}, {"head_rate": 1.0}),
    "another seed": ({}, {"seed": 1}),
}


def define(flags):
    flags.string("marks", None, "The folder of the packages of marks.")
    flags.integer("steps", 600, "Steps of each run, a multiple of 100.")


def main(flags, names):
    if unknown := set(names) - set(OPTIONS):
        raise UserError(f"unknown: {', '.join(sorted(unknown))}. There are {', '.join(OPTIONS)}.")
    done = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in names or OPTIONS:
        if done.get(name, {}).get("steps") != flags.steps:
            done[name] = {"commit": head(), **measure(flags.marks, flags.steps, *OPTIONS[name])}
            write_json(KEPT, done, indent=1)
    table = Table("option", "steps", "R@1", "AUROC", "of training crops right", "commit")
    for name, row in done.items():
        shares = (f"{100 * row[each]:.1f}" for each in ("val_r1", "val_auroc", "top1"))
        table.add(name, row["steps"], *shares, row["commit"])
    facts = ["R@1 and AUROC (marks against backgrounds) in percent, on brands that are held out"]
    keep("embedding-options", table, facts=facts)


def measure(root, steps, arguments, changes):
    """Trains with an option: returns the figures of the last epoch."""
    training, validation = (Marks(root, split) for split in ("train", "validation"))
    if not changes.get("words", True):
        training = Marks.of([each for each in training.drawings if not each.mark.is_wordmark])
    config = recipe("logo_embedder").config
    config = dataclasses.replace(
        config,
        arguments={**config.arguments, **arguments},
        epochs=steps // EPOCH,
        steps_per_epoch=EPOCH,
        seed=changes.get("seed", config.seed),
    )
    rate, LogoEmbedder._head_rate = LogoEmbedder._head_rate, changes.get("head_rate", LogoEmbedder._head_rate)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = lk.training.train(config, training, folder, validation).history
    finally:
        LogoEmbedder._head_rate = rate
    return {"steps": steps} | {name: rows[-1][name] for name in ("val_r1", "val_auroc", "top1")}


if __name__ == "__main__":
    run(__doc__, main, define, required=("marks",))
