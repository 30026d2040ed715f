"""benchmarks/places.py: windows, what finds a logo, what costs as much, and which photos are looked at."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from logo_keras.datasets.dataset import Dataset
from logo_keras.errors import UserError


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("places")


def test_windows_are_squares_in_the_photo_of_five_sides(benchmark):
    boxes = benchmark.windows(300, 400)
    assert len(boxes) == 194
    sides = boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], atol=1e-3)
    # A window with its context reaches the border and not beyond.
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert (middles - 0.625 * sides).min() == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose((middles + 0.625 * sides).max(axis=0), [300, 400], atol=1e-3)
    found, counts = np.unique((1.25 * sides[:, 0]).round(1), return_counts=True)
    np.testing.assert_allclose(found, [75, 106.1, 150, 212.1, 300], atol=0.1)
    assert counts.tolist() == [108, 48, 24, 12, 2]


def test_of_fewer_windows_the_large_ones_stay(benchmark):
    for most in (1, 2, 5, 24, 60, 193):
        boxes = benchmark.windows(300, 400, most)
        assert 0 < len(boxes) <= most
        assert 1.25 * (boxes[0, 2] - boxes[0, 0]) == pytest.approx(300, abs=1e-3)
    # All five sides, side by side.
    assert len(benchmark.windows(300, 400, 60)) == 2 + 4 + 6 + 12 + 24
    assert len(benchmark.windows(300, 400, 194)) == 194


def test_a_region_finds_a_logo_by_its_overlap_or_by_its_middle(benchmark):
    boxes = [[0, 0, 10, 10], [40, 40, 60, 60]]
    regions = [[0, 0, 10, 10], [0, 0, 10, 20], [0, 0, 10, 30], [30, 30, 70, 70], [70, 70, 90, 90]]
    found = benchmark.finds(regions, boxes)
    assert benchmark.CRITERIA == ("IoU 0.3", "IoU 0.5", "middle inside") and found.shape == (5, 2, 3)
    # An IoU of 1, of half, of a third, and of none.
    assert found[:, 0].tolist() == [[True] * 3, [True] * 3, [True, False, True], [False] * 3, [False] * 3]
    # An IoU of a quarter, about the middle.
    assert found[:, 1].tolist() == [[False] * 3] * 3 + [[False, False, True], [False] * 3]
    assert benchmark.finds(np.zeros((0, 4)), boxes).shape == (0, 2, 3) and benchmark.finds(regions, []).shape == (5, 0, 3)


def test_as_many_windows_as_fill_the_time_of_the_detector_cost_as_much(benchmark):
    assert benchmark.Cost(photo=100, window=4).windows == 25 and benchmark.Cost(photo=1, window=4).windows == 1
    assert "100 ms a photo, embedding 4.0 ms a window: 25 windows" in str(benchmark.Cost(photo=100, window=4))


def test_the_many_windows_may_be_left_out(benchmark):
    spent = benchmark.Cost(photo=100, window=4)
    assert benchmark.sliding(SimpleNamespace(windows=True), spent) == {"windows": None, "windows, equal": 25}
    assert benchmark.sliding(SimpleNamespace(windows=False), spent) == {"windows, equal": 25}


def test_the_time_of_a_window_is_that_of_one(benchmark, monkeypatch):
    asked = []

    class Model:
        def detect(self, photo):
            asked.append(photo.shape)

        def look(self, photo, boxes):
            asked.append(len(boxes))

    monkeypatch.setattr(
        benchmark,
        "turns",
        lambda functions, rounds, warm: {name: [[function(0), 640.0][1]] * rounds for name, function in functions.items()},
    )
    found = benchmark.cost(Model(), [np.zeros((300, 400, 3), np.uint8)])
    assert asked == [(300, 400, 3), 64] and (found.photo, found.window, found.windows) == (640, 10, 64)


def test_photos_are_spread_over_the_set(benchmark):
    dataset = Dataset([f"{number}.jpg" for number in range(10)], [0] * 10, ["a"], [[(0, 0, 9, 9)]] * 9 + [[]])
    assert benchmark.limited(dataset, 3).paths == tuple(dataset.paths[number] for number in (0, 3, 6))
    assert benchmark.limited(dataset, 0) is dataset and benchmark.limited(dataset, 99) is dataset
    assert len(benchmark.with_boxes(dataset)) == 9


def test_boxes_are_embedded_in_batches_of_one_size(benchmark):
    class Embedder:
        image_size, preprocessing, dimensions, background_vectors, embed = 8, "stretch", 3, np.eye(3), None

        def predict_on_batch(self, images):
            assert len(images) == benchmark.BATCH
            means = images.mean(axis=(1, 2))
            return {"embedding": means, "objectness": means[:, 0]}

    class Keras(benchmark.Keras):
        detect, background_vectors = None, np.eye(3)

        def __init__(self):
            benchmark.Model.__init__(self, self, Embedder())

    photo = np.zeros((40, 80, 3), np.uint8)
    photo[:, 40:] = (100, 0, 200)
    boxes = np.float32([[10, 10, 20, 20], [10, 60, 20, 70]] * 20)
    vectors, objectness = Keras().look(photo, boxes)
    np.testing.assert_allclose(vectors, [[0, 0, 0], [100, 0, 200]] * 20)
    assert objectness.tolist() == [0, 100] * 20
    # The photo as a whole, and none.
    assert Keras().look(photo)[0].shape == (1, 3) and Keras().look(photo, boxes[:0])[0].shape == (0, 3)


def test_an_embedding_that_is_not_in_the_detector_is_refused(benchmark):
    one, other = (SimpleNamespace(background_vectors=vectors, detect=None, embed=None) for vectors in (np.eye(3), -np.eye(3)))
    with pytest.raises(UserError, match="the detector keeps another embedding"):
        benchmark.Model(one, other)
    assert benchmark.Model(one, one).background_vectors is one.background_vectors
