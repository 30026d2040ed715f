"""From a model's outputs to an answer in the photograph's own px."""

import json

import cv2
import numpy as np
import pytest

from logo_keras.edge.recognition import recognize
from logo_keras.image.preprocessing import UnreadablePhotograph, prepare

NAMES = ("red", "green", "blue", "grey")
PHOTO = np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)


def plain(images):
    return {"probabilities": np.array([[0.2, 0.1, 0.4, 0.3]], np.float32)}


def with_regions(images):
    boxes = np.array([[[0, 0, 16, 32], [-8, 4, 8, 40]]], np.float32)
    return plain(images) | {"region_boxes": boxes, "region_scores": np.array([[2.5, -1]], np.float32)}


def test_labels_come_best_first():
    recognition = recognize(plain, PHOTO, NAMES, 32, top=3)
    assert recognition.labels == ("blue", "grey", "red")
    assert recognition.probabilities == pytest.approx((0.4, 0.3, 0.2))


def test_equal_probabilities_keep_the_order_of_the_classes():
    recognition = recognize(lambda images: {"probabilities": np.full((1, 4), 0.25)}, PHOTO, NAMES, 32, top=4)
    assert recognition.labels == NAMES


def test_more_labels_than_classes_are_all_classes():
    assert len(recognize(plain, PHOTO, NAMES, 32, top=9).labels) == 4


@pytest.mark.parametrize("top", [0, -1])
def test_no_labels_are_refused(top):
    with pytest.raises(ValueError, match="top must be an integer of at least 1"):
        recognize(plain, PHOTO, NAMES, 32, top)


def test_boxes_are_stretched_to_the_photograph_axis_by_axis():
    recognition = recognize(with_regions, PHOTO, NAMES, 32, top=1)
    # 32 px stand for 40 rows and for 80 columns.
    np.testing.assert_allclose(recognition.region_boxes, [[0, 0, 20, 80], [-10, 10, 10, 100]])
    np.testing.assert_array_equal(recognition.region_scores, np.float32([2.5, -1]))


def test_boxes_in_the_frame_of_the_paper_lie_in_the_photograph():
    boxes = np.array([[[0, 0, 448, 448], [-76, -76, 524, 524]]], np.float32)
    photo = np.zeros((300, 1200, 3), np.uint8)

    def infer(images):
        return plain(images) | {"region_boxes": boxes, "region_scores": np.zeros((1, 2))}

    recognition = recognize(infer, photo, NAMES, 448, 1, "paper")
    # 76 of 600 px are 38 rows and 152 columns; the second box is the whole photograph.
    np.testing.assert_allclose(recognition.region_boxes, [[38, 152, 262, 1048], [0, 0, 300, 1200]])


def test_the_model_sees_the_frame_of_the_paper():
    seen = []
    recognize(lambda images: seen.append(images) or plain(images), PHOTO, NAMES, 32, 1, "paper")
    np.testing.assert_array_equal(seen[0], prepare(PHOTO, 32, "paper")[None])


def test_a_plain_classifier_gives_no_boxes():
    recognition = recognize(plain, PHOTO, NAMES, 32, top=1)
    assert recognition.region_boxes.shape == (0, 4) and recognition.region_scores.shape == (0,)


def test_the_model_sees_what_prepare_makes():
    seen = []
    recognize(lambda images: seen.append(images) or plain(images), PHOTO, NAMES, 32, top=1)
    np.testing.assert_array_equal(seen[0], prepare(PHOTO, 32)[None])


def test_path_bytes_and_array_are_the_same_photograph(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", PHOTO[..., ::-1])[1].tobytes())

    def brightness(images):
        return with_regions(images) | {"probabilities": images[:, ::8, 0].mean(-1) / 255}

    photos = (path, str(path), path.read_bytes(), PHOTO)
    answers = [recognize(brightness, photo, NAMES, 32, top=4).to_dict() for photo in photos]
    assert answers[:3] == answers[3:] * 3


def test_an_answer_becomes_json():
    answer = recognize(with_regions, PHOTO, NAMES, 32, top=2).to_dict()
    assert json.loads(json.dumps(answer)) == answer
    assert answer["region_boxes"][0] == [0, 0, 20, 80]


@pytest.mark.parametrize(
    ("threshold", "known"),
    [(None, True), (0, True), (0.3, True), (float(np.float32(0.4)), True), (0.41, False), (0.99, False)],
)
def test_a_brand_is_known_from_the_threshold_on(threshold, known):
    recognition = recognize(with_regions, PHOTO, NAMES, 32, 2, threshold=threshold)
    assert recognition.known is known and recognition.confidence == pytest.approx(0.4)
    assert recognition.labels == (("blue", "grey") if known else ()) and len(recognition.probabilities) == 2 * known
    assert recognition.label == ("blue" if known else None)
    # Where it looked is told either way.
    assert len(recognition.region_boxes) == len(recognition.region_scores) == 2


def test_json_of_nothing_known_has_null():
    answer = json.loads(json.dumps(recognize(with_regions, PHOTO, NAMES, 32, 2, threshold=0.5).to_dict()))
    assert answer["known"] is False and answer["confidence"] == pytest.approx(0.4) and len(answer["region_boxes"]) == 2
    assert [answer[name] for name in ("label", "labels", "probabilities")] == [None] * 3
    answer = recognize(plain, PHOTO, NAMES, 32, 2, threshold=0.4).to_dict()
    assert (answer["known"], answer["label"], answer["labels"]) == (True, "blue", ["blue", "grey"])


def test_what_is_no_number_is_known_of_no_threshold_alone():
    def nothing(images):
        return {"probabilities": np.full((1, 4), np.nan)}

    assert not recognize(nothing, PHOTO, NAMES, 32, 1, threshold=0.1).known
    assert recognize(nothing, PHOTO, NAMES, 32, 1).known


@pytest.mark.parametrize("threshold", [1, -0.1, float("nan"), "0.5", True])
def test_another_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold must be a number in \[0, 1\)"):
        recognize(plain, PHOTO, NAMES, 32, 1, threshold=threshold)


def test_an_unreadable_photograph_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"")
    with pytest.raises(UnreadablePhotograph, match="broken.jpg"):
        recognize(plain, path, NAMES, 32, top=1)


@pytest.mark.parametrize("photo", [None, 7, np.zeros((4, 4)), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_photograph_is_refused(photo):
    with pytest.raises(ValueError, match="photo must be"):
        recognize(plain, photo, NAMES, 32, top=1)
