"""Grids of answers and of failures: what is written, in which order, and what is refused."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from photographs import scene, write
from test_visualize_regions import written  # noqa: F401 a fixture

import logo_keras as lk
from logo_keras.datasets.dataset import Dataset
from logo_keras.edge.recognition import Recognition
from logo_keras.evaluation import Evaluation
from logo_keras.visualize import sheet


def recognition(labels, probabilities, **more):
    boxes = np.float32([(0, 0, 20, 20), (10, 10, 30, 40)])
    return Recognition(labels, probabilities, boxes, np.zeros(2, np.float32), **more)


RIGHT = recognition(("adidas", "puma", "nike", "hh"), (0.9, 0.05, 0.03, 0.02))
NONE = recognition((), (), known=False, confidence=0.4)


def test_three_brands_are_written_with_a_sign_at_the_first_and_the_truth(written):  # noqa: F811
    picture = lk.visualize.answers([scene(), scene(8, 90)], [RIGHT, RIGHT], ["adidas", "puma"])
    assert picture.shape[1] == 800
    for text in ("\N{CHECK MARK} adidas", "\N{BALLOT X} adidas", "90 %", "true: puma", "nike"):
        assert text in written
    assert "hh" not in written


def test_none_is_right_for_a_photo_without_a_brand_and_wrong_for_one_with(written):  # noqa: F811
    lk.visualize.answers([scene()] * 2, [NONE, NONE], [None, "puma"])
    assert [text for text in written if "none" in text] == [
        "\N{CHECK MARK} none",
        "true: none of its brands",
        "\N{BALLOT X} none",
    ]


def test_without_truth_nothing_is_judged(written):  # noqa: F811
    lk.visualize.answers([scene()], [RIGHT])
    assert "adidas" in written and not any(text[0] in sheet.SIGNS.values() for text in written)


def test_as_many_of_each_are_needed_and_a_sheet_holds_sixty():
    with pytest.raises(ValueError, match="1 to 60 photos, got 0"):
        lk.visualize.answers([], [])
    with pytest.raises(ValueError, match="truths must be one a photo, got 1 for 2"):
        lk.visualize.answers([scene()] * 2, [RIGHT] * 2, ["adidas"])


@pytest.fixture
def judged(tmp_path):
    """An Evaluation of four photos, the second and the last wrong, and its Dataset."""
    paths = [str(write(tmp_path / f"{number}.png", number)) for number in range(4)]
    labels = np.array([0, 1, 0, 1])
    probabilities = np.float32([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])
    dataset = Dataset(paths, labels, ("adidas", "puma"), [np.zeros((0, 4), np.float32)] * 4)
    return Evaluation(dataset.class_names, dataset.paths, labels, probabilities, {}, None, 32), dataset


def test_failures_are_the_wrong_answers_the_surest_first(judged, written):  # noqa: F811
    lk.visualize.failures(*judged)
    assert [text for text in written if "%" in text] == ["80 %", "20 %", "60 %", "40 %"]
    written.clear()
    lk.visualize.failures(*judged, count=1)
    assert written.count("true: puma") == 1


def test_nothing_wrong_and_nothing_that_can_be_read_are_said(judged):
    evaluation, dataset = judged
    right = Evaluation(("adidas", "puma"), dataset.paths[:1], dataset.labels[:1], np.float32([[0.9, 0.1]]), {}, None, 32)
    with pytest.raises(ValueError, match="all 1 answers are right"):
        lk.visualize.failures(right, dataset)
    with pytest.raises(ValueError, match="none of the 2 photos"):
        lk.visualize.failures(evaluation, dataset.subset([0]))


def test_pictures_are_saved_whole_or_refused(tmp_path):
    picture = lk.visualize.answers([scene()], [RIGHT])
    lk.visualize.save(picture, tmp_path / "new" / "a.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "a.png"))[..., ::-1], picture)
    lk.visualize.save(picture, tmp_path / "a.JPEG")
    assert (tmp_path / "a.JPEG").read_bytes()[:2] == b"\xff\xd8"
    for wrong, path in ((picture, "a.gif"), (picture / 255, "a.png"), ("a", "a.png")):
        with pytest.raises(ValueError, match="picture is"):
            lk.visualize.save(wrong, tmp_path / path)


def test_the_pictures_of_before_need_neither_matplotlib_nor_keras():
    code = """import sys, json
sys.modules["matplotlib"] = None
import logo_keras as lk
lk.visualize.draw_regions, lk.visualize.contact_sheet
assert set(lk.visualize.__all__) <= set(dir(lk.visualize))
print(json.dumps([name for name in ("keras", "tensorflow") if name in sys.modules]))
import numpy as np
try:
    lk.visualize.curves([{"epoch": 1, "loss": 1.0}])
except ImportError as error:
    print(error)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    loaded, missing = done.stdout.splitlines()
    assert json.loads(loaded) == [] and "logo_keras[report]" in missing
