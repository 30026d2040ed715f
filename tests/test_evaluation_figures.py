"""Figures of an evaluation: as scikit-learn has them, and by hand."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, top_k_accuracy_score

from logo_keras.evaluation import Evaluation, wilson_interval
from logo_keras.evaluation.figures import of_categories, of_classes, of_evaluation


@pytest.fixture(scope="module")
def found():
    """600 answers to photos of 12 brands in three categories, the last one without a photo."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 11, 600)
    logits = rng.normal(size=(600, 12)) + 1.5 * np.eye(12)[labels]
    probabilities = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    return Evaluation(
        tuple("abcdefghijkl"),
        tuple(f"{place}.jpg" for place in range(600)),
        labels,
        probabilities,
        {"whole": rng.integers(0, 12, 600)},
        None,
        32,
        root_categories=("one", "two", "three") * 4,
        training_images=tuple(range(4, 64, 5)),
        logo_sizes=np.where(np.arange(600) % 2, np.nan, rng.uniform(0.01, 0.9, 600)).astype(np.float32),
        model={"threshold": 0.3},
    )


def test_top1_top5_and_the_confusion_are_those_of_scikit_learn(found):
    told, labels = of_evaluation(found), np.arange(12)
    assert told["top1"]["share"] == pytest.approx(accuracy_score(found.labels, found.predicted))
    assert told["top5"]["share"] == pytest.approx(top_k_accuracy_score(found.labels, found.probabilities, k=5, labels=labels))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(found.labels, found.predicted, labels=labels))
    assert told["heads"]["whole"]["share"] == pytest.approx(accuracy_score(found.labels, found.heads["whole"]))


def test_shares_come_with_their_intervals(found):
    top1 = of_evaluation(found)["top1"]
    assert top1["interval"] == list(wilson_interval(top1["right"], 600)) and top1["samples"] == 600


def test_every_class_and_category_adds_up(found):
    classes, categories = of_classes(found), of_categories(found)
    right = int(found.correct.sum())
    assert sum(row["right"] for row in classes) == sum(row["right"] for row in categories) == right
    assert [row["name"] for row in categories] == ["one", "three", "two"] and {row["classes"] for row in categories} == {4}
    assert classes[11] == {
        "name": "l", "samples": 0, "right": 0, "share": None, "interval": None, "top5": None, "category": "three",
        "training_images": 59,
    }  # fmt: skip
    assert [row["share"] for row in classes] == list(found.per_class.values())


def test_what_the_threshold_keeps(found):
    told = of_evaluation(found)
    known = found.probabilities.max(axis=1) >= 0.3
    assert told["known"]["right"] == known.sum() < 600
    assert told["right_of_known"]["share"] == pytest.approx(found.correct[known].mean())
    without = dataclasses.replace(found, model={})
    assert of_evaluation(without)["known"]["share"] == 1


def test_groups_by_size_hold_the_samples_with_a_box(found):
    rows = of_evaluation(found)["by_logo_size"]
    assert sum(row["samples"] for row in rows) == 300
    small = found.logo_sizes < 0.05
    assert rows[0] == {"low": 0, "high": 0.05, **rows[0]} and rows[0]["samples"] == small.sum()
    assert rows[0]["right"] == found.correct[small].sum() and rows[-1]["high"] is None


def test_groups_by_training_images_begin_at_their_edge(found):
    rows = of_evaluation(found)["by_training_images"]
    # 4, then 9, then 14 and 19: below 5, 10 and 20.
    assert [(row["low"], row["high"]) for row in rows] == [(0, 5), (5, 10), (10, 20), (20, 50), (50, 100)]
    assert rows[0]["samples"] == (found.labels == 0).sum()


def test_what_is_not_known_is_none(found):
    told = of_evaluation(dataclasses.replace(found, training_images=None, logo_sizes=None, root_categories=None))
    assert told["by_logo_size"] is told["by_training_images"] is told["localisation"] is told["none"] is None
    assert told["calibration"]["error_before"] is None and told["calibration"]["error"] > 0
