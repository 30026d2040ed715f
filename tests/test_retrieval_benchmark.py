"""benchmarks/retrieval.py: which squares and drawings it compares, and the log of its runs."""

import importlib
import json

import numpy as np
import pytest
from conftest import ROOT

from logo_keras.datasets.dataset import Dataset


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("retrieval")


def test_the_square_around_the_largest_box_of_each_photo_is_taken(benchmark, tmp_path):
    import cv2

    photo = np.zeros((100, 200, 3), np.uint8)
    photo[30:50, 60:100] = 255
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    boxes = [[(0, 0, 9, 9), (30, 60, 50, 100)], []]
    crops, labels, brands = benchmark.squares(Dataset([tmp_path / "photo.png"] * 2, [1, 0], ["a", "b"], boxes))
    assert (labels.tolist(), brands) == ([1], ("a", "b"))
    # 50 px, of which the box is 20 high and 40 wide.
    assert crops.shape == (1, 256, 256, 3)
    assert (crops[0, ..., 0] > 128).mean() == pytest.approx(20 * 40 / 50**2, abs=0.01)


def test_a_drawing_stands_in_the_middle_and_out_from_its_ground(benchmark):
    opaque = np.full((80, 160), 255, np.uint8)
    for color, ground, seen in (((200, 0, 0), 255, (200, 0, 0)), ((250, 250, 240), 255, (0, 0, 0)), ((9, 9, 9), 0, (255,) * 3)):
        picture = benchmark.on_ground(opaque, color, ground)
        assert picture.shape == (256, 256, 3)
        assert picture[128, 128].tolist() == list(seen) and picture[2, 2].tolist() == [ground] * 3
    # 1.25 times the longer side, as of a crop.
    assert (benchmark.on_ground(opaque, None, 255)[128] == 0).all(axis=-1).mean() == pytest.approx(0.8, abs=0.02)
    colours = np.dstack([np.full((8, 8, 3), 100, np.uint8), np.full((8, 8), 128, np.uint8)])
    # Multiplied by its opacity already.
    assert benchmark.on_ground(colours, None, 0)[128, 128].tolist() == [100] * 3


def test_figures_are_means_with_their_intervals_in_percent(benchmark):
    labels = np.repeat(np.arange(3), 8)
    vectors = np.eye(3)[labels]
    found = benchmark.measure(vectors, labels, np.eye(3)[:2], np.array([0, 1]))
    assert found == {name: [100.0] * 3 for name in ("R@1", "mAP", "1-shot", "5-shot")} | {"artwork": found["artwork"]}
    # The third brand has no artwork, and is not asked for.
    assert found["artwork"] == [100.0] * 3
    assert benchmark.measure(vectors, labels, None, np.zeros(0, np.int64))["artwork"] is None


def test_galleries_of_half_of_the_brands_are_asked_about_all(benchmark):
    class Model:
        background_vectors, threshold = np.eye(5, dtype=np.float32)[4:], 0.7

    # Crops of the four brands are apart; each is a little like a crop of the next.
    labels = np.repeat(np.arange(4), 8)
    vectors = np.eye(5, dtype=np.float32)[labels] + 0.3 * np.eye(5, dtype=np.float32)[(labels + 1) % 4]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = benchmark.uncalibrated(vectors, labels, np.eye(5, dtype=np.float32)[:2], np.arange(2), Model())
    assert list(found) == [(shots, rule) for shots in ("1", "5", "artwork") for rule in ("0", "0.700 of the file")]
    for shots in ("1", "5", "artwork"):
        # Nearer to any mark than to a background; and no mark of another brand stands out.
        assert found[shots, "0"] == [100, 0, 100]
        assert found[shots, "0.700 of the file"] == [100, 0, 0]
    Model.threshold = None
    assert {rule for _, rule in benchmark.uncalibrated(vectors, labels, None, None, Model())} == {"0"}
    assert benchmark.uncalibrated(vectors, labels, None, None, None) == {}


def test_every_run_is_counted(benchmark, tmp_path):
    log = tmp_path / "retrieval.jsonl"
    assert [benchmark.record(log, {"set": {"row": run}}) for run in range(3)] == [1, 2, 3]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["figures"]["set"]["row"] for line in lines] == [0, 1, 2]
    assert all(line["date"] and line["commit"] for line in lines)
