"""benchmarks/whole_photos.py: which place of a photo names it, and how answers are counted."""

import importlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import ROOT

from logo_keras.datasets.dataset import Dataset
from logo_keras.errors import UserError

# Two brands, a background, and what is like none of them.
A, B, GROUND, ELSE = np.eye(4, dtype=np.float32)


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("whole_photos")


def places(benchmark, *photos):
    """Places of photos, each a list of vectors, objectness and whether the place is right."""
    parts = []
    for photo in photos:
        vectors, objectness, right = zip(*photo, strict=True) if photo else ((), (), ())
        found = np.array(right, bool).reshape(-1, 1).repeat(2, axis=1)
        parts.append((np.reshape(vectors, (-1, 4)).astype(np.float32), [np.float32(objectness)], found))
    return benchmark.joined(parts)


def test_the_best_place_names_a_photo(benchmark):
    seen = places(
        benchmark, [(GROUND, 0, False), (0.8 * B + 0.6 * ELSE, 0, True), (0.6 * A + 0.8 * GROUND, 0, False)], [], [(A, 0, True)]
    )
    assert seen.rows.tolist() == [[0, 1, 2], [-1, -1, -1], [3, -1, -1]]
    brand, best, place = benchmark.likeliest(seen, np.stack([A, B]), np.arange(2), GROUND[None])
    # Less the cosine to the background, 0 in the second place.
    assert brand[[0, 2]].tolist() == [1, 0] and place[[0, 2]].tolist() == [1, 3]
    np.testing.assert_allclose(best, [0.8, -np.inf, 1])
    # Fewer places.
    brand, best, _ = benchmark.likeliest(seen.of(slice(1)), np.stack([A, B]), np.arange(2), GROUND[None])
    np.testing.assert_allclose(best, [-1, -np.inf, 1])


def test_what_is_added_may_change_the_place(benchmark):
    seen = places(benchmark, [(0.8 * A + 0.6 * ELSE, 0.1, False), (0.6 * B + 0.8 * ELSE, 0.7, True)])
    draw = np.stack([A, B]), np.arange(2), GROUND[None]
    assert [int(each[0]) for each in benchmark.likeliest(seen, *draw)[::2]] == [0, 0]
    brand, best, place = benchmark.likeliest(seen, *draw, ("objectness", 0.5))
    assert (brand[0], place[0]) == (1, 1) and best[0] == pytest.approx(0.6 + 0.35)


def test_flags_say_what_is_added(benchmark):
    assert benchmark.variant("score=0.25") == (" + 0.25 score", (("score", 0.25), None))
    for wrong in ("size=1", "score", "score=much"):
        with pytest.raises(UserError, match="NAME=WEIGHT with objectness or score"):
            benchmark.variant(wrong)


def test_references_and_brands_without_any_are_not_asked_about(benchmark):
    seen = places(
        benchmark, *([(vector, 0, right)] for vector, right in ((A, True), (B, True), (A, False), (B, False), (B, True)))
    )
    dataset = Dataset(list("vwxyz"), [0, 1, 1, 2, 1], ["a", "b", "c"], [[(0, 0, 9, 9)]] * 4 + [[]])
    strangers = places(benchmark, [(ELSE, 0, False)], [(GROUND, 0, False)])
    draw = np.stack([A, B]), np.array([0, 1]), np.array([dataset.paths[0], "nowhere"])
    right, best, none, found = benchmark.ask(seen, strangers, dataset, [draw, draw], GROUND[None], None)
    # The first is a reference, the fourth of a brand without any, the third is taken for another.
    np.testing.assert_array_equal(right, [[np.nan, 1, 0, np.nan, 1]] * 2)
    np.testing.assert_allclose(best, 1)
    np.testing.assert_allclose(none, [[0, -1]] * 2)
    # Of the last no box is known.
    np.testing.assert_array_equal(found[..., 0], [[np.nan, 1, np.nan, np.nan, np.nan]] * 2)
    assert benchmark.ask(seen, None, dataset, [draw], GROUND[None], None)[2].shape == (1, 0)


def test_figures_are_counted_by_hand(benchmark):
    right = np.float64([[1, 1, 0, 1, np.nan]])
    best = np.float32([[120, 96.5, 200, 49.5, 300]])
    found = np.where(right[..., None] == 1, np.float64([[[1, 0], [1, 1], [0, 0], [0, 0], [1, 1]]]), np.nan)
    named, told, first, fifth, middle, overlap = benchmark.values(right, best, np.arange(99, dtype=np.float32)[None], found)
    assert named == 0.75
    # Above all, above 97 of 99, above all, above 50.
    assert told == pytest.approx((99 + 97 + 99 + 50) / 4 / 99)
    # Of 99 photos one may pass in a hundred: the limit lies above 98. Five in a hundred: above 94.
    assert (first, fifth) == (0.25, 0.5)
    assert (middle, overlap) == pytest.approx((2 / 3, 1 / 3))


def test_figures_have_intervals_over_draws_and_photos_and_none_where_nothing_is_known(benchmark):
    rng = np.random.default_rng(0)
    right = (rng.random((1, 100)) < 0.5).astype(float).repeat(3, axis=0)
    unknown = np.full((3, 100, 2), np.nan)
    found = benchmark.measured((right, np.ones((3, 100), np.float32), np.zeros((3, 0), np.float32), unknown))
    assert list(found) == list(benchmark.FIGURES) and list(found.values())[1:] == [None] * 5
    mean, low, high = found["named right"]
    assert mean == pytest.approx(100 * right.mean()) and 15 < high - low < 25 and low < mean < high
    apart = np.ones((3, 9)), np.ones((3, 9), np.float32), np.zeros((3, 9), np.float32), np.ones((3, 9, 2))
    assert list(benchmark.measured(apart).values()) == [[100] * 3] * 6


def test_differences_are_of_the_same_photos_and_draws(benchmark):
    rng = np.random.default_rng(0)
    right, best, none = rng.integers(2, size=(5, 80)).astype(float), rng.random((5, 80)), rng.random((5, 60))
    worse, unknown = right.copy(), np.full((5, 80, 2), np.nan)
    worse[:, :8] = 0
    first, second = (right, best, none, unknown), (worse, best, none, unknown)
    assert [each for each in benchmark.measured(first, first).values() if each] == [[0] * 3] * 4
    mean, low, high = benchmark.measured(first, second)["named right"]
    assert mean == pytest.approx(100 * right[:, :8].sum() / 400, abs=0.01) and 0 < low < mean < high
    # Either alone is known less well than by how much one is better.
    _, lowest, highest = benchmark.measured(first)["named right"]
    assert high - low < (highest - lowest) / 1.5
    assert benchmark.measured(second, first)["named right"] == pytest.approx([-mean, -high, -low], abs=0.011)


def test_a_network_that_was_trained_is_asked_about_the_part_for_testing_alone(benchmark, monkeypatch):
    dataset = Dataset([f"/photos/{letter}.jpg" for letter in "abc"], [0, 1, 1], ["x", "y"])
    monkeypatch.setattr(benchmark.datasets, "load", lambda name, root, split: {"test30": dataset.subset([2, 1])}[split])
    said = {3: [[0.6, 0.4]] * 3, 2: [[0.9, 0.1], [0.3, 0.7]]}
    model = SimpleNamespace(predict=lambda photos, verbose: {"probabilities": np.float32(said[len(photos)])})
    answers = np.float64([[1, 0, np.nan]] * 2), np.ones((2, 3)), np.zeros((2, 3)), np.zeros((2, 3, 2))
    rows = benchmark.beside("toplogo10", model, dataset, dataset, {"5-shot": answers})
    assert list(rows) == [("SimpleNamespace, trained", "test30 alone"), ("detector, 8, whole", "5-shot, test30 alone")]
    right, best, none, found = rows["SimpleNamespace, trained", "test30 alone"]
    assert right.tolist() == [[0, 1]] and none.shape == (1, 3) and np.isnan(found).all()
    np.testing.assert_allclose(best, [[0.9, 0.7]])
    np.testing.assert_allclose(none, 0.6)
    np.testing.assert_array_equal(rows["detector, 8, whole", "5-shot, test30 alone"][0], [[0, np.nan]] * 2)
    # All that is asked about is of that part.
    tested = dataset.subset([1, 2])
    assert len(benchmark.beside("toplogo10", model, tested, None, {"5-shot": answers})) == 1


def test_a_network_must_be_of_a_set_that_is_given(benchmark, monkeypatch):
    sets = {"toplogo10": Dataset([], [], ["a", "b"])}
    for wrong in ("flickrlogos27=model.keras", "toplogo10", "toplogo10="):
        with pytest.raises(UserError, match="--trained must be NAME=FILE"):
            benchmark.rival(wrong, sets)
    monkeypatch.setattr("logo_keras.load", lambda path: SimpleNamespace(class_names=["a", "c"]))
    with pytest.raises(UserError, match="model.keras knows other brands than toplogo10"):
        benchmark.rival("toplogo10=model.keras", sets)


def test_draws_take_so_many_references_of_each_brand(benchmark):
    labels, paths = np.repeat([2, 0, 1], 4), np.array([f"{number}.jpg" for number in range(12)])
    vectors = np.arange(12, dtype=np.float32)[:, None]
    first, of_first, used = benchmark.drawn(vectors, labels, paths, 3, 0)
    assert of_first.tolist() == [0] * 3 + [1] * 3 + [2] * 3 and len(np.unique(first)) == 9
    assert used.tolist() == [f"{number:.0f}.jpg" for number in first[:, 0]]
    assert (first != benchmark.drawn(vectors, labels, paths, 3, 1)[0]).any()


def test_photos_are_looked_at_once_and_rows_choose_of_what_was_seen(benchmark, tmp_path):
    photo = np.zeros((90, 120, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    dataset = Dataset([tmp_path / "photo.png"] * 2, [0, -1], ["a"], [[(10, 10, 30, 40)], []])
    asked = []

    def look(photo, boxes=None):
        asked.append(1 if boxes is None else len(boxes))
        return np.repeat(A[None], asked[-1], axis=0), np.full(asked[-1], 0.5, np.float32)

    boxes = np.float32([[10, 10, 30, 40], [0, 0, 90, 90]])
    detection = SimpleNamespace(boxes=boxes, embeddings=np.stack([A, B]), scores=np.float32([0.9, 0.2]),
                                objectness=np.float32([0.4, 0.1]), whole_embedding=ELSE, whole_objectness=0.3)  # fmt: skip
    model = SimpleNamespace(detect=lambda photo: detection, look=look)
    seen = benchmark.see(dataset, model, {"windows": None, "windows, equal": 2})
    assert list(seen) == [
        *(f"detector, {count}" for count in (2, 4, 8)),
        "detector, 8, whole",
        "detector, 8, close",
        "windows",
        "windows, equal",
        "whole photo",
    ]
    # Of each photo the regions again, all windows, two of them, and the whole.
    assert asked == [2, 194, 2, 1] * 2
    regions, whole = seen["detector, 4"], seen["detector, 8, whole"]
    assert regions.rows.tolist() == [[1, 2], [4, 5]] and whole.rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert regions.vectors[:3].tolist() == [ELSE.tolist(), A.tolist(), B.tolist()]
    np.testing.assert_allclose(regions.addends["score"][:3], [0, 0.9, 0.2])
    # Of the whole photo the middle of the logo is inside; of the second region too.
    assert regions.finds[:3].tolist() == [[True, False], [True, True], [True, False]]
    # Without boxes nothing is found.
    assert not regions.finds[3:].any() and "score" not in seen["windows"].addends and seen["windows"].rows.shape == (2, 194)
