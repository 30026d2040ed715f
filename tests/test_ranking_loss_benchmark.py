"""benchmarks/ranking_loss.py: what the teacher says of regions, what that teaches, and how a detector is judged."""

import importlib

import keras
import numpy as np
import pytest
from conftest import ROOT
from keras import ops
from test_detector import SMALL, ColourScenes, make_embedder
from tiny import tiny_backbone

from logo_keras.network.losses import ranking_loss


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("ranking_loss")


def make(benchmark):
    keras.utils.set_random_seed(0)
    return benchmark.Ranked(embedder=make_embedder(), backbone=tiny_backbone(finest=8), weights=None, **SMALL)


def test_confidence_is_that_of_the_likeliest_brand_of_the_scene(benchmark):
    # Two regions and three brands, and a background.
    brands = np.log(np.float32([[[0.1, 0.2, 0.3, 0.4], [0.6, 0.1, 0.2, 0.1]]] * 3))
    found = benchmark.confidence(ops.convert_to_tensor(brands), ops.convert_to_tensor([[1, 2, -1], [0, -1, -1], [-1, -1, -1]]))
    np.testing.assert_allclose(np.exp(found), [[0.3, 0.2], [0.1, 0.6], [0, 0]], rtol=1e-6)
    # Without a brand there is no order: whatever the scores, nothing is taught.
    assert float(ranking_loss(ops.convert_to_tensor([[3.0, -2.0]]), found[2:])) == 0


def test_the_teacher_judges_the_best_regions_and_does_not_learn(benchmark):
    model = make(benchmark)
    images, truth = ColourScenes().scenes(4, 64).batch(0, 0)
    outputs = model(images, training=True)
    assert outputs["judged_scores"].shape == (4, 6) and outputs["brands"].shape == (4, 6, 4)
    np.testing.assert_allclose(ops.max(outputs["cell_scores"], axis=1), outputs["judged_scores"][:, 0])
    np.testing.assert_allclose(np.exp(outputs["brands"]).sum(axis=-1), 1, rtol=1e-4)
    # Evaluation asks no teacher.
    assert "brands" not in model(images, cells=True)
    before = [weight.numpy() for weight in model.embedder.weights]
    model.compile(loss_weights={"score": 0.0, "box": 0.0}, optimizer=keras.optimizers.SGD(0.1))
    score = model.box_head.score.kernel.numpy()
    model.train_on_batch(images, truth)
    assert (model.box_head.score.kernel.numpy() != score).any()
    assert all((weight.numpy() == start).all() for weight, start in zip(model.embedder.weights, before, strict=True))


def test_variants_differ_in_what_teaches_the_scores(benchmark):
    weights = {name: dict.fromkeys(kind.loss_names, 1.0) | weights for name, (kind, weights) in benchmark.VARIANTS.items()}
    assert weights["boxes"] == {"score": 1, "box": 1}
    assert weights["ranking"]["score"] == 0 and weights["both"]["score"] == 1
    assert all(weights[name]["ranking"] > 0 and weights[name]["box"] == 1 for name in ("ranking", "both"))


def test_detectors_are_judged_by_the_marks_that_their_best_regions_find(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "HELD_OUT_BATCHES", 2)
    monkeypatch.setattr(benchmark, "COUNTS", (1, 4))
    monkeypatch.setattr(benchmark, "BATCH", 3)
    truths = [truth for _, truth in (ColourScenes().scenes(3, 64, steps=2).batch(0, number) for number in range(2))]

    class Finds:
        """Finds the second mark of a scene, then the first; or nothing."""

        whole_size, asked = 64, iter(truths)

        def __call__(self, images, cells):
            return next(self.asked)

        def best(self, truth, count):
            marks = np.sum(truth["labels"] >= 0, axis=1)
            return truth["boxes"][:, [1, 0, 2]], np.where(np.arange(3) < marks[:, None], 0.9, 0.1).astype(np.float32)

    found = benchmark.judged(Finds(), ColourScenes())
    assert (found["marks"], found["scenes"], found["auroc"]) == (6, 6, 100)
    # Of scenes with one mark the best region is empty.
    assert found["recall"]["1 at IoU 0.5"][0] == pytest.approx(100 / 3, abs=0.01)
    assert found["recall"]["4 at IoU 0.3"] == [100, 100, 100]
