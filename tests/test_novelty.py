"""Scores that tell known brands from none: by hand, and against scikit-learn."""

import numpy as np
import pytest

from logo_keras.errors import UserError
from logo_keras.evaluation.novelty import ClassMeans, auroc, false_accepts, scores


def test_scores_by_hand():
    logits = np.log(np.array([[1.0, 3.0], [2.0, 2.0]]))
    found = scores({"probabilities": np.array([[0.25, 0.75], [0.5, 0.5]]), "whole_logits": logits})
    assert found["probability"].tolist() == [0.75, 0.5]
    np.testing.assert_allclose(found["logit"], np.log([3, 2]))
    np.testing.assert_allclose(found["energy"], np.log([4, 4]))
    assert set(found) == {"probability", "logit", "energy"}


def test_large_logits_have_an_energy_and_the_fused_ones_count():
    outputs = {"probabilities": np.ones((1, 1)), "whole_logits": np.zeros((1, 2)), "fused_logits": np.array([[1000.0, 0.0]])}
    assert scores(outputs)["energy"].tolist() == [1000.0]


def test_false_accepts_at_a_share_of_true_ones_by_hand():
    known = np.arange(1, 21)
    # 19 of 20 are accepted from 2 on.
    assert false_accepts(known, [0, 1, 2, 3]) == 0.5
    assert false_accepts(known, [0, 1, 2, 3], true_accepts=1) == 0.75
    with pytest.raises(UserError, match="got 0 known and 1 unknown"):
        false_accepts([], [1])
    with pytest.raises(UserError, match="true_accepts"):
        false_accepts([1], [1], true_accepts=0)


def test_auroc_and_false_accepts_agree_with_scikit_learn():
    from sklearn.metrics import roc_auc_score, roc_curve

    rng = np.random.default_rng(0)
    known, unknown = rng.normal(1, 1, 200).round(1), rng.normal(0, 1, 300).round(1)
    truth, values = np.repeat([1, 0], [200, 300]), np.concatenate([known, unknown])
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(truth, values))
    false, true, _ = roc_curve(truth, values, drop_intermediate=False)
    assert false_accepts(known, unknown) == pytest.approx(false[np.argmax(true >= 0.95)])


def unit(values):
    values = np.asarray(values, np.float64)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_class_means_are_near_their_own():
    means = ClassMeans.of(unit([[1, 0.1], [1, -0.1], [0.1, 1], [-0.1, 1]]), [5, 5, 7, 7])
    asked = unit([[1, 0], [1, 1], [-1, 0]])
    np.testing.assert_allclose(means.cosine(asked), [1, np.sqrt(0.5), 0], atol=1e-6)
    distances = means.mahalanobis(asked)
    assert distances[0] > distances[1] > distances[2]


@pytest.mark.parametrize("photos", [8, 200])
def test_the_distance_is_that_of_the_whole_covariance(photos):
    """With fewer photos than dimensions, too."""
    rng = np.random.default_rng(0)
    vectors, labels = unit(rng.normal(1, 1, (photos, 12))).astype(np.float32), np.arange(photos) % 3
    means = np.stack([vectors[labels == each].mean(axis=0) for each in range(3)])
    covariance = np.cov((vectors - means[labels]).T, bias=True)
    inverse = np.linalg.inv(0.5 * covariance + 0.5 * np.trace(covariance) / 12 * np.eye(12))
    asked = unit(rng.normal(0, 1, (5, 12)))
    apart = asked[:, None] - means
    expected = -np.einsum("nkd,de,nke->nk", apart, inverse, apart).min(axis=1)
    np.testing.assert_allclose(ClassMeans.of(vectors, labels).mahalanobis(asked), expected, rtol=1e-3)


def test_class_means_refuse_what_does_not_fit():
    with pytest.raises(UserError, match="embeddings \\[n, D\\] and labels \\[n\\] are expected"):
        ClassMeans.of(np.zeros((2, 3)), [0])
