"""benchmarks/proposals.py: the controls, and how recall is counted."""

import importlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import ROOT

from logo_keras.datasets.dataset import Dataset
from logo_keras.network.anchors import make_anchors


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("proposals")


def test_a_grid_has_squares_in_the_middle_of_its_cells(benchmark):
    assert benchmark.grid(300, 400, 1).tolist() == [[0, 50, 300, 350]]
    assert benchmark.grid(400, 400, 4).tolist() == [
        [0, 0, 200, 200],
        [0, 200, 200, 400],
        [200, 0, 400, 200],
        [200, 200, 400, 400],
    ]
    # The first three cells of four.
    assert benchmark.grid(400, 400, 3).tolist() == benchmark.grid(400, 400, 4)[:3].tolist()
    # In the shape of the photo.
    assert benchmark.grid(100, 400, 2).tolist() == [[0, 50, 100, 150], [0, 250, 100, 350]]
    assert benchmark.grid(400, 100, 2).tolist() == [[50, 0, 150, 100], [250, 0, 350, 100]]
    for count in benchmark.COUNTS:
        boxes = benchmark.grid(50, 1000, count)
        assert len(np.unique(boxes, axis=0)) == count and boxes.min() >= 0 and (boxes[:, 2:] <= [50, 1000]).all()


def test_squares_in_the_middle_have_sides_between_a_tenth_and_all(benchmark):
    np.testing.assert_allclose(benchmark.centre(100, 200, 1), [[50 - 15.811, 100 - 15.811, 50 + 15.811, 100 + 15.811]], atol=1e-3)
    boxes = benchmark.centre(100, 200, 4)
    sides = boxes[:, 2] - boxes[:, 0]
    np.testing.assert_allclose(sides[1:] / sides[:-1], 0.1 ** (1 / 5), rtol=1e-6)
    assert 10 < sides[-1] and sides[0] < 100


def test_the_largest_anchors_come_first_those_in_the_middle_before_others(benchmark):
    anchors = make_anchors(448)
    boxes = benchmark.largest(448, 896, anchors)
    assert len(boxes) == 16
    # 192 px times the cube root of 4, at a stride of 128: centres lie at 64, 192, 320 and 448. Stretched with the photo.
    side = 192 * 2 ** (2 / 3)
    assert (boxes[0, 2:] - boxes[0, :2]).prod() == pytest.approx(2 * side**2, rel=1e-3)
    assert ((boxes[0, :2] + boxes[0, 2:]) / 2).tolist() == pytest.approx([192, 384], abs=0.1)
    assert boxes.min() >= 0 and (boxes[:, 2:] <= [448, 896]).all()


def test_random_anchors_are_others_for_each_photo_and_the_same_again(benchmark):
    anchors = make_anchors(448)
    boxes = benchmark.shuffled(300, 400, anchors, 1)
    assert boxes.shape == (16, 4) and (boxes == benchmark.shuffled(300, 400, anchors, 1)).all()
    assert (boxes != benchmark.shuffled(300, 400, anchors, 2)).any()


def test_windows_that_look_like_marks_come_first_without_those_that_overlap(benchmark):
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [0, 50, 9, 59]])
    model = SimpleNamespace(look=lambda photo, boxes: (None, np.float32([0.2, 0.3, 0.9, -0.1])))
    best = benchmark.likeliest(None, model, boxes)
    # What is left out fills up the end.
    assert best.tolist() == boxes[[2, 1, 3, 0]].tolist()


def test_the_interval_of_a_share_is_over_photos(benchmark):
    hits = np.repeat([True, False], 50)
    many, two = benchmark.share(hits, np.arange(100)), benchmark.share(hits, np.repeat([7, 3], 50))
    assert many[0] == two[0] == 50 and two[1:] == [0, 100]
    # Two standard deviations of a share of 100.
    np.testing.assert_allclose(many[1:], [40, 60], atol=1)
    assert benchmark.share(hits[:0], np.zeros(0)) is None
    assert benchmark.share(np.ones(4, bool), np.arange(4)) == [100, 100, 100]
    # Of differences: one is found more in every photo, and one less in every second.
    assert benchmark.share(np.tile([1.0, 0.0], 50), np.repeat(np.arange(50), 2)) == [50, 50, 50]
    assert benchmark.share(np.tile([1.0, -1.0], 50), np.repeat(np.arange(50), 2)) == [0, 0, 0]


def test_logos_are_counted_by_size_and_found_by_the_first_regions(benchmark, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((300, 400, 3), np.uint8))
    # 5 %, 10 %, 20 % and half of the longer side.
    logos = [(0, 0, 20, 20), (100, 100, 120, 140), (200, 0, 280, 10), (0, 200, 100, 400)]
    dataset = Dataset([tmp_path / "photo.png"] * 2, [0, 0], ["a"], [logos, logos[:1]])
    # The second logo first, the fourth third, and another that shares a part.
    found = np.float32([logos[1], (0, 0, 10, 16), logos[3]])
    model = SimpleNamespace(
        detect=lambda photo: SimpleNamespace(boxes=found),
        look=lambda photo, boxes: (None, np.linspace(1, 0, len(boxes), dtype=np.float32)),
    )
    rows, sizes, photos = benchmark.measure(dataset, model, {"windows": None, "windows, equal": 20})
    assert sizes.tolist() == [0, 1, 2, 3, 0] and photos.tolist() == [0, 0, 0, 0, 1]
    assert set(rows) == {"detector", "grid", "centre", "random", "largest", "windows", "windows, equal"}
    assert all(set(each) == set(benchmark.COUNTS) and each[1].shape == (5, 3) for each in rows.values())
    detector = rows["detector"]
    assert detector[1][:, 1].tolist() == [False, True, False, False, False]
    assert detector[4][:, 1].tolist() == [False, True, False, True, False]
    # An IoU of 160 / 400; the middle of the small logo lies at the corner.
    assert detector[2][:, 0].tolist() == [True, True, False, False, True]
    assert detector[2][:, 2].tolist() == [True, True, False, False, True]
    assert detector[16].tolist() == detector[4].tolist()
