"""Detectors whose scores are taught by exact boxes, by the ranking loss of NTS-Net and DRNA-Net, or by both, on the same scenes.

.venv/bin/python benchmarks/ranking_loss.py --marks FOLDER --embedder FILE [--steps N] [--seeds N] [NAME ...]

FOLDER is where logo-train --recipe logo_embedder keeps the packages of marks, FILE the .keras file of an embedder that was
trained on them. All runs start from ImageNet and see as many scenes of the same seed; boxes teach the sides of the regions in all
of them. What teaches the scores:

boxes    quality focal loss: each cell says what its region shares with the box that it is to find, as in the package
ranking  of the six best regions of a scene, cut from it, the embedder says how surely each shows one of the scene's brands; the
         ranking loss makes the scores follow that order. Which brands there are is known, as in NTS-Net, but not where
both     the sum of both losses

The ranking loss is the mean of all pairs of regions, so that it weighs about as much as the others.

Judged on scenes of brands that are held out of training, as logo-train does: the share of the marks that the best regions find,
and the chance that a scene with a mark has a higher best score than one without. Names choose some. What is done is kept in
results/ranking-loss.json, so that the script goes on where it was stopped; the table is of all that is there.
"""

import json

import keras
import numpy as np
from keras import ops
from places import CRITERIA, IOUS, finds
from proposals import share
from result import RESULTS, Table, keep, run, shown, turns

import logo_keras as lk
from logo_keras.datasets.marks import Marks
from logo_keras.errors import UserError
from logo_keras.evaluation.retrieval import auroc
from logo_keras.export.release import head
from logo_keras.files import write_json
from logo_keras.network.losses import ranking_loss
from logo_keras.network.regions import IOU_THRESHOLD, suppress
from logo_keras.report.progress import progress

KEPT = RESULTS / "ranking-loss.json"
# Regions that the teacher judges: Yang et al. 2018, arXiv:1809.00287, section 4.1.
JUDGED = 6
COUNTS = (1, 4, 8)
# px, side of the scenes.
WHOLE_SIZE = 256
BATCH = 16
# Scenes that are judged, as logo_keras.training.held_out_marks has them.
HELD_OUT_BATCHES = 20
# Steps whose time is taken, and before that.
ROUNDS, WARM = 8, 2


class Ranked(lk.LogoDetector):
    """A detector of which the scores can be taught by a teacher, its embedder, and not by boxes alone."""

    loss_names = ("score", "box", "ranking")

    def call(self, images, training=None, cells=None):
        outputs = super().call(images, training, cells)
        return outputs | self.judge(ops.cast(images, "float32"), outputs) if training else outputs

    def judge(self, images, found):
        """What the teacher says of the best regions: scores `[B, M]` and log-probabilities of all brands `[B, M, N + 1]`."""
        scores, boxes = self._candidates(found)
        picks = suppress(scores, boxes, JUDGED, IOU_THRESHOLD)
        boxes = ops.take_along_axis(boxes, picks[..., None], axis=1)
        vectors = self.embed_regions(images, boxes)["embedding"][:, 1:]
        to_brands, to_background = self.embedder.cosine_head(vectors)
        cosines = ops.concatenate([to_brands, to_background[..., None]], axis=-1)
        logits = ops.stop_gradient(self.embedder.scale * cosines)
        scores = ops.take_along_axis(scores, picks, axis=1)
        return {"judged_scores": scores, "brands": ops.log_softmax(logits, axis=-1)}

    def losses_by_name(self, truth, outputs, sample_weight):
        losses = super().losses_by_name(truth, outputs, sample_weight)
        if "brands" in outputs:
            confidences = confidence(outputs["brands"], truth["labels"])
            losses["ranking"] = ranking_loss(outputs["judged_scores"], confidences, sample_weight)
        return losses


def confidence(brands, labels):
    """log C(R): that of the scene's brand which a region most likely shows; equally low for all regions where there is none.

    Args:
        brands: float `[B, M, N + 1]`, log-probabilities.
        labels: int `[B, L]`, the scene's brands, -1 for none.

    Returns:
        float `[B, M]`.
    """
    asked = ops.broadcast_to(ops.maximum(labels, 0)[:, None], (*ops.shape(brands)[:2], labels.shape[1]))
    known = ops.take_along_axis(brands, asked, axis=-1)
    return ops.max(ops.where(labels[:, None] >= 0, known, -np.inf), axis=-1)


# Of the ranking loss: the mean of all pairs. Its sum, the papers' loss, is some twenty times as large as the other two, and after
# 40 steps of a first try the sides of the regions were found less well with that.
_MEAN = 2 / (JUDGED * (JUDGED - 1))
# The class, and the weights of its losses.
VARIANTS = {
    "boxes": (lk.LogoDetector, {}),
    "ranking": (Ranked, {"score": 0.0, "ranking": _MEAN}),
    "both": (Ranked, {"ranking": _MEAN}),
}


def define(flags):
    flags.string("marks", None, "The folder of the packages of marks.")
    flags.string("embedder", None, "The embedder, .keras, which the detectors keep and which is the teacher.")
    flags.integer("steps", 400, "Steps of each run.", 1)
    flags.integer("seeds", 1, "Runs of each variant, of another seed each.", 1)


def main(flags, names):
    if unknown := set(names) - set(VARIANTS):
        raise UserError(f"unknown: {', '.join(sorted(unknown))}. There are {', '.join(VARIANTS)}.")
    embedder, training, held_out = lk.load(flags.embedder), Marks(flags.marks, "train"), Marks(flags.marks, "validation")
    if tuple(embedder.class_names) != training.class_names:
        raise UserError(f"{flags.embedder} was trained on other brands than {flags.marks} has, and cannot be their teacher.")
    done = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for seed in range(flags.seeds):
        for name in names or VARIANTS:
            key = f"{name}, seed {seed}"
            if done.get(key, {}).get("steps") != flags.steps:
                model = built(name, embedder, seed)
                options = dict(batch_size=BATCH, steps_per_epoch=flags.steps, seed=seed)
                model.fit(training, **options, verbose=2)
                done[key] = {"steps": flags.steps, "commit": head(), **judged(model, held_out)}
                write_json(KEPT, done, indent=1)
    times = spent(embedder, training)
    columns = [f"{count} at {criterion}" for criterion in CRITERIA[: len(IOUS)] for count in COUNTS]
    table = Table("scores taught by", "steps", *columns, "AUROC", "ms a step", "commit")
    for name, row in done.items():
        figures = (shown(row["recall"][column]) for column in columns)
        table.add(name, row["steps"], *figures, f"{row['auroc']:.1f}", f"{times[name.partition(',')[0]]:.0f}", row["commit"])
    facts = [
        f"{BATCH} scenes of {WHOLE_SIZE} px a step; the teacher sees regions of these scenes too",
        f"Recall in percent of {row['marks']} marks in {row['scenes']} scenes, by the best 1, 4 and 8 regions; AUROC in percent",
        "In brackets: 95 % over scenes, bootstrap; other seeds are not in it",
        f"ms a step: median of {ROUNDS} steps in turns, on scenes that are drawn",
    ]
    keep("ranking-loss", table, title="Scores of a detector: exact boxes or the ranking loss", facts=facts)


def built(name, embedder, seed):
    """The detector of a variant, the same for the same seed, compiled as the recipe has it."""
    keras.utils.set_random_seed(seed)
    kind, weights = VARIANTS[name]
    model = kind(embedder=embedder, whole_size=WHOLE_SIZE)
    model.compile(loss_weights=weights)
    return model


def judged(model, marks):
    """Judges a detector on scenes of marks: dict of recall and AUROC in percent."""
    hits, scenes, best, shows = [], [], [], []
    batches = marks.scenes(BATCH, model.whole_size, seed=0, steps=HELD_OUT_BATCHES)
    for number in progress(range(len(batches)), "batches", len(batches)):
        images, truth = batches.batch(0, number)
        boxes, scores = map(ops.convert_to_numpy, model.best(model(images, cells=True), max(COUNTS)))
        for place, labels in enumerate(truth["labels"]):
            found = finds(boxes[place], truth["boxes"][place][labels >= 0])
            hits.append(np.stack([found[:count].any(axis=0) for count in COUNTS]))
            scenes.append(np.full(found.shape[1], len(best)))
            best.append(scores[place, 0])
            shows.append(found.shape[1] > 0)
    hits, scenes, best, shows = np.concatenate(hits, axis=1), np.concatenate(scenes), np.array(best), np.array(shows)
    recall = {
        f"{count} at {criterion}": [round(float(value), 2) for value in share(hits[row, :, column], scenes)]
        for column, criterion in enumerate(CRITERIA[: len(IOUS)])
        for row, count in enumerate(COUNTS)
    }
    told = round(100 * auroc(best[shows], best[~shows]), 2)
    return {"marks": len(scenes), "scenes": len(best), "recall": recall, "auroc": told}


def spent(embedder, marks):
    """Median time of a step of each variant: dict from its name to ms."""
    batch = marks.scenes(BATCH, WHOLE_SIZE).batch(0, 0)
    models = {name: built(name, embedder, 0) for name in VARIANTS}
    steps = {name: lambda turn, model=model: model.train_on_batch(*batch) for name, model in models.items()}
    return {name: float(np.median(times)) for name, times in turns(steps, ROUNDS, WARM).items()}


if __name__ == "__main__":
    run(__doc__, main, define, required=("marks", "embedder"))
