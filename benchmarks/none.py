"""How well "none" is told from known brands: by the likeliest brand's probability, and by what else one might ask.

.venv/bin/python benchmarks/none.py --model FILE.keras --flickrlogos27 FOLDER [--epochs N]

Two sets. FlickrLogos-27: its queries with a brand against its 135 photos without one, asked of a model that was trained on its
training photos; queries that are copies of training photos, or nearly so, are left out. The synthetic set: its test photos
against photos with distractors alone, asked of a plain classifier that is trained here, on drawn photos, in a few minutes.

probability  the largest probability, by which `recognize` decides
logit        the largest logit of the fused classifier, or of the only one
energy       the log of the sum of the exponentials of all logits
cosine       to the nearest class mean of the training photos' embeddings
mahalanobis  the distance to it, in a covariance that all classes share

A second table has what the package's rule gives, in percent: temperature and threshold are fitted on four fifths of the photos
and counted on the rest, five times. NLL is the negative log-likelihood, in nats.
"""

import tempfile

import numpy as np
import tensorflow as tf
from result import Table, keep, run, shown
from sklearn.metrics import log_loss

import logo_keras as lk
from logo_keras.datasets.quality.duplicates import alike
from logo_keras.evaluation.calibration import fit_temperature, fit_threshold, tempered
from logo_keras.evaluation.novelty import ClassMeans, auroc, false_accepts, scores
from logo_keras.evaluation.reliability import calibration_error
from logo_keras.export.release import head
from logo_keras.report.progress import progress

# Of the synthetic set. 200 photos without a brand, where 40 would leave an interval of 20 points.
SYNTHETIC = dict(brands=20, train=30, validation=0, test=10, none=200)
IMAGE_SIZE = 160
BATCH = 16
# Whether there are negatives, and the share to keep.
RULES = {"photos with a brand": (False, 0.95), "and photos without": (True, 0.95), "and photos without, keep 0.9": (True, 0.9)}
RESAMPLES = 2000
PARTS = 5


def define(flags):
    flags.string("model", None, "A .keras file of a model that was trained on the training photos of FlickrLogos-27.")
    flags.string("flickrlogos27", None, "The folder of FlickrLogos-27.")
    flags.integer("epochs", 5, "Epochs of the classifier of the synthetic set.")


def main(flags, arguments):
    blocks, facts = [], [f"Commit: {head()}", "In brackets: 95 % over photos, bootstrap."]
    with tempfile.TemporaryDirectory() as folder:
        cases = {"FlickrLogos-27": flickrlogos27(flags), "synthetic": synthetic(folder, flags.epochs)}
        for name, (model, parts, said) in cases.items():
            facts.append(f"{name}: {said}")
            blocks += measured(name, model, *parts)
    keep("none", *blocks, title='Known brands or "none"', facts=facts)


def flickrlogos27(flags):
    """The model, its training photos, those to ask about with and without a brand, and what is said of them."""
    training, known, unknown = (
        lk.datasets.load("flickrlogos27", flags.flickrlogos27, split) for split in ("train", "test", "none")
    )
    # The first of the photos that are alike.
    seen = alike(lk.datasets.Dataset([*training.paths, *known.paths], [0] * (len(training) + len(known)), "?"))[len(training) :]
    unseen = seen >= len(training)
    model = lk.load(flags.model)
    model.temperature, card = 1.0, model.card
    made = f"logo_keras {card['packages']['logo_keras']}, {card['date'][:10]}"
    said = f"{type(model).__name__}, {card['config']['epochs']} epochs, {made}"
    said += f"; {(~unseen).sum()} of {len(unseen)} queries are copies of training photos and left out"
    return model, (training, known.subset(unseen), unknown), said


def synthetic(folder, epochs):
    """The same of the synthetic set."""
    root = lk.datasets.synthesize(f"{folder}/set", **SYNTHETIC)
    training, known, unknown = (lk.datasets.load("synthetic", root, split) for split in ("train", "test", "none"))
    config = lk.training.Config("plain", {"image_size": IMAGE_SIZE}, epochs=epochs)
    model = lk.training.train(config, training, f"{folder}/run").model
    arguments = ", ".join(f"{name} {number}" for name, number in SYNTHETIC.items())
    return model, (training, known, unknown), f"{arguments}; Classifier, image_size {IMAGE_SIZE}, {epochs} epochs"


def measured(name, model, training, known, unknown):
    """The two tables of a set: list of blocks."""
    of_training, of_known, of_unknown = (answers(model, part) for part in (training, known, unknown))
    means = ClassMeans.of(of_training["embedding"], training.labels)
    ours, theirs = scores(of_known, means), scores(of_unknown, means)
    title = f"\n{name}: {len(known)} photos with a brand, {len(unknown)} without\n"
    table = Table("score", "AUROC, %", "minus probability's, points", "false accepts at 95 % true accepts, %")
    drawn = resampled(len(known), len(unknown))
    areas = {score: [auroc(ours[score][a], theirs[score][b]) for a, b in drawn] for score in ours}
    for score, of_score in areas.items():
        accepted = [false_accepts(ours[score][a], theirs[score][b]) for a, b in drawn]
        table.add(score, interval(of_score), interval(np.subtract(of_score, areas["probability"])), interval(accepted))
    return ["\n".join([title, *table]), "\n".join(["", *rule(of_known, known.labels, of_unknown)])]


def rule(known, labels, unknown):
    """What threshold and temperature do on photos that did not fit them: a Table."""
    probabilities, foreign = known["probabilities"], unknown["probabilities"]
    right = probabilities.argmax(axis=1) == labels
    table = Table(
        "threshold fitted on", "top1", "kept", "right and kept", "false accepts", "ECE before", "after", "NLL before", "after"
    )
    of_known, of_foreign = (np.random.default_rng(0).permutation(len(each)) % PARTS for each in (probabilities, foreign))
    for name, (with_negatives, share) in RULES.items():
        kept, taken, after = np.zeros(len(labels), bool), np.zeros(len(foreign), bool), np.zeros_like(probabilities)
        for part in range(PARTS):
            fit, fit_foreign = of_known != part, of_foreign != part
            temperature = fit_temperature(probabilities[fit], labels[fit])
            after[~fit] = tempered(probabilities[~fit], temperature)
            mine, others = (tempered(each, temperature).max(axis=1) for each in (probabilities, foreign))
            threshold = fit_threshold(mine[fit], right[fit], others[fit_foreign] if with_negatives else None, share)
            kept[~fit] = mine[~fit] >= threshold
            taken[~fit_foreign] = others[~fit_foreign] >= threshold
        drawn = resampled(len(labels), len(foreign))
        shares = [interval([each[a].mean() for a, _ in drawn]) for each in (right, kept, right & kept)]
        shares.append(interval([taken[b].mean() for _, b in drawn]))
        errors = (f"{100 * calibration_error(each.max(axis=1), right):.1f}" for each in (probabilities, after))
        losses = (f"{log_loss(labels, each, labels=range(each.shape[1])):.3f}" for each in (probabilities, after))
        table.add(name, *shares, *errors, *losses)
    return table


def answers(model, dataset):
    """What a model says of every photo: dict of arrays, embedding included."""
    ask = tf.function(lambda images: model(images, training=False, embedding=True))
    parts = []
    for first in progress(range(0, len(dataset), BATCH), "batches", -(-len(dataset) // BATCH)):
        numbers = range(first, min(first + BATCH, len(dataset)))
        images = np.stack([dataset.sample(number, model.image_size, model.preprocessing)[0] for number in numbers])
        # Another number of images would trace the whole model anew.
        padded = np.concatenate([images, np.repeat(images[-1:], BATCH - len(images), axis=0)])
        parts.append({key: value.numpy()[: len(images)] for key, value in ask(padded).items()})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if parts[0][key].ndim == 2}


def resampled(known, unknown):
    """Photos as they are, then drawn again with replacement: list of pairs of int arrays."""
    rng = np.random.default_rng(0)
    drawn = [(rng.integers(known, size=known), rng.integers(unknown, size=unknown)) for _ in range(RESAMPLES)]
    return [(np.arange(known), np.arange(unknown)), *drawn]


def interval(values):
    """The first value and the 95 % interval of the others, as percentages in a cell."""
    first, *others = (100 * np.asarray(values)).tolist()
    return shown((first, *np.quantile(others, (0.025, 0.975))))


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "flickrlogos27"))
