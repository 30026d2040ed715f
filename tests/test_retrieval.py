"""Retrieval by embeddings: figures by hand, against a slow implementation of their definitions, and their bounds."""

import numpy as np
import pytest

from logo_keras.evaluation import retrieval
from logo_keras.evaluation.retrieval import few_shot, few_shot_hits, from_artwork, interval, nearest, retrieve


def at(*degrees):
    """Embeddings in the plane, by their angle."""
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)


def some(number=60, brands=5, seed=0):
    """Embeddings with something of their brand in them, of different lengths."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, brands, number)
    vectors = rng.normal(size=(brands, 6))[labels] + rng.normal(size=(number, 6))
    return vectors * rng.uniform(0.1, 9, (number, 1)), labels


def test_retrieval_by_hand():
    # From 0 degrees: 10 (right), 30 (wrong), 50 (right). Average precision (1/1 + 2/3) / 2.
    found = retrieve(at(0, 10, 30, 50, 200), np.array([0, 0, 1, 0, 2]))
    assert found.hits[0] == 1 and found.precisions[0] == pytest.approx((1 + 2 / 3) / 2)
    # From 50 degrees: 30 (wrong), 10, 0 (right).
    assert found.hits[3] == 0 and found.precisions[3] == pytest.approx((1 / 2 + 2 / 3) / 2)
    # The others are alone of their brands, and do not count.
    assert np.isnan(found.hits[[2, 4]]).all() and np.isnan(found.precisions[[2, 4]]).all()
    assert found.r1 == pytest.approx(2 / 3)
    assert found.mean_ap == pytest.approx(np.mean([found.precisions[0], found.precisions[1], found.precisions[3]]))


def slow_retrieval(vectors, labels):
    """R@1 and mean average precision from their definitions, image by image."""
    hits, precisions = [], []
    for place, vector in enumerate(vectors):
        others = [other for other in range(len(vectors)) if other != place]
        cosine = {o: vector @ vectors[o] / np.linalg.norm(vector) / np.linalg.norm(vectors[o]) for o in others}
        ranked = sorted(others, key=lambda other: -cosine[other])
        right = [labels[other] == labels[place] for other in ranked]
        if any(right):
            hits.append(right[0])
            precisions.append(np.mean([np.mean(right[: rank + 1]) for rank in range(len(right)) if right[rank]]))
    return np.mean(hits), np.mean(precisions)


@pytest.mark.parametrize("at_once", [1, 100, 2**24])
def test_retrieval_is_that_of_its_definition_in_blocks_of_any_size(at_once, monkeypatch):
    monkeypatch.setattr(retrieval, "_AT_ONCE", at_once)
    vectors, labels = some()
    found = retrieve(vectors, labels)
    assert (found.r1, found.mean_ap) == pytest.approx(slow_retrieval(vectors, labels))
    assert 0.3 < found.r1 < 1


def test_no_more_cosines_are_held_than_fit(monkeypatch):
    monkeypatch.setattr(retrieval, "_AT_ONCE", 1000)
    assert [rows.stop - rows.start for rows in retrieval._blocks(10, 300)] == [3, 3, 3, 1]
    assert len(retrieval._blocks(2, 10**6)) == 2


def test_the_nearest_reference_decides_by_hand():
    labels, cosines = nearest(at(5, 100), 7 * at(0, 90, 180), np.array([3, 8, 9]))
    assert labels.tolist() == [3, 8]
    np.testing.assert_allclose(cosines, [np.cos(np.radians(5)), np.cos(np.radians(10))], rtol=1e-6)
    # Of equally near ones the first.
    assert nearest(at(45), at(0, 90), np.array([1, 2]))[0].tolist() == [1]


def test_few_shots_by_hand():
    # Two brands of two far from each other: any reference names the other image right, and the two are no queries.
    hits = few_shot_hits(at(0, 5, 90, 95), np.array([0, 0, 1, 1]), shots=1, draws=4)
    assert np.isnan(hits).sum(axis=1).tolist() == [2] * 4
    assert np.nanmin(hits) == 1
    # A brand between two images of the other: the reference at 0 or at 90 degrees never helps the images at 40 and 50.
    assert few_shot(at(0, 90, 40, 50), np.array([0, 0, 1, 1]), shots=1, draws=8).max() <= 0.5


def test_few_shots_are_those_of_a_slow_implementation():
    vectors, labels = some()
    hits = few_shot_hits(vectors, labels, shots=3, draws=5, seed=1)
    for draw in hits:
        chosen = np.flatnonzero(np.isnan(draw))
        assert np.bincount(labels[chosen]).tolist() == [3] * 5
        for place in np.flatnonzero(~np.isnan(draw)):
            units = [vectors[other] / np.linalg.norm(vectors[other]) for other in chosen]
            best = chosen[np.argmax([vectors[place] @ unit for unit in units])]
            assert draw[place] == (labels[best] == labels[place])
    np.testing.assert_array_equal(few_shot(vectors, labels, 3, 5, 1), np.nanmean(hits, axis=1))


def test_draws_follow_the_seed_and_more_draws_begin_alike():
    vectors, labels = some()
    first, more, other = (few_shot(vectors, labels, 1, *how) for how in ((3, 0), (5, 0), (3, 1)))
    np.testing.assert_array_equal(first, more[:3])
    assert not np.array_equal(first, other)


def test_more_references_name_more():
    vectors, labels = some(number=200)
    assert few_shot(vectors, labels, 1).mean() + 0.05 < few_shot(vectors, labels, 10).mean()


def test_artwork_names_images_of_brands_that_have_some():
    hits = from_artwork(at(2, 91, 60, 180), np.array([0, 1, 0, 2]), at(0, 10, 90), np.array([0, 0, 1]))
    np.testing.assert_array_equal(hits, [1, 1, 0, np.nan])


def test_the_interval_of_one_draw_is_that_of_the_images():
    hits = np.repeat([1.0, 0.0], [80, 20])
    low, high = interval(hits)
    # A share of 0.8 of 100: plus and minus 1.96 * 0.04.
    assert (low, high) == pytest.approx((0.72, 0.88), abs=0.015)
    assert interval(np.append(hits, [np.nan] * 50)) == pytest.approx((low, high), abs=0.015)


def test_the_interval_of_many_draws_is_wider_where_they_differ():
    rng = np.random.default_rng(0)
    alike = (rng.random((20, 400)) < 0.5).astype(float)
    apart = (rng.random((20, 400)) < rng.uniform(0.1, 0.9, (20, 1))).astype(float)
    assert np.ptp(interval(alike)) < 0.06 < 0.15 < np.ptp(interval(apart))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: retrieve(np.ones((3, 2)), np.zeros(2)), r"got shapes \(3, 2\) and \(2,\)"),
        (lambda: retrieve(at(0, 1), np.array([0, 1])), "needs a brand with two images"),
        (lambda: retrieve(np.zeros((0, 2)), np.zeros(0)), "needs a brand with two images"),
        (lambda: retrieve(np.zeros((2, 2)), np.zeros(2)), "no direction"),
        (lambda: retrieve(at(0, np.nan), np.zeros(2)), "no direction"),
        (lambda: nearest(at(0), np.zeros((0, 2)), np.zeros(0)), "no reference"),
        (lambda: nearest(at(0), np.ones((1, 3)), np.zeros(1)), "2 dimensions and references 3"),
        (lambda: few_shot(at(0, 1, 2), np.array([0, 0, 1]), 1), "2 images of each, and one has 1"),
        (lambda: few_shot(at(0, 1), np.array([0, 0]), 0), "shots must be an integer of at least 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
