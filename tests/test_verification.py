"""Which differences from Keras an exported file may have: the bound, and the rule for ties. No TensorFlow needed."""

import json

import cv2
import numpy as np
import pytest

from logo_keras.export.check import verification
from logo_keras.export.check.photos import find, spread
from logo_keras.export.check.reference import TIE, Reference
from logo_keras.export.check.verification import BOUNDS

SIZE = 4
# One photograph each, told apart by its brightness.
PHOTOS = [np.full((SIZE, SIZE, 3), number, np.uint8) for number in range(40)]


class Model:
    """Answers as a model does: two classes, one region; near ties on the photographs named."""

    image_size = SIZE
    preprocessing = "stretch"
    export_outputs = ("probabilities", "region_boxes", "region_scores")
    class_names = ("Acme", "Zeta")
    boxes = np.float32([[0, 0, 4, 4], [0, 0, 2, 2], [5, 5, 9, 9]])

    def __init__(self, ties=()):
        self.ties = ties

    def __call__(self, images, training, embedding=False):
        assert training is False
        count = len(images)
        return {
            "probabilities": np.tile(np.float32([[0.9, 0.1]]), (count, 1)),
            "region_boxes": np.tile(self.boxes[:1], (count, 1, 1)),
            "region_scores": np.zeros((count, 1), np.float32),
            "whole_logits": np.zeros((count, 2), np.float32),
            **({"embedding": np.tile(np.float32([[0.6, 0.8]]), (count, 1))} if embedding else {}),
        }

    def near_ties(self, images, tolerance):
        assert tolerance == TIE
        return np.array([int(image[0, 0, 0]) in self.ties for image in images])


def file(probabilities=(), boxes=()):
    """Returns a file's `infer`, off by the given differences on the photographs named."""

    def infer(images):
        number = int(images[0, 0, 0, 0])
        answer = Model()(images, training=False, embedding=True)
        del answer["whole_logits"]
        difference = dict(probabilities).get(number, 0.0)
        answer["probabilities"] = answer["probabilities"] + np.float32([[-difference, difference]])
        answer["region_boxes"] = answer["region_boxes"] + np.float32(dict(boxes).get(number, 0.0))
        return answer

    return infer


def compare(infer, model, photographs, precision="float32", outputs=None):
    return verification.compare(infer, Reference(model, photographs, outputs), precision)


def test_a_file_that_answers_alike_passes():
    report = compare(file(), Model(), PHOTOS)
    assert report.failures == ()
    assert (report.photographs, report.max_abs_diff, report.max_box_diff, report.max_score_diff) == (40, 0, 0, 0)
    assert (report.top1_agreement, report.over, report.tied, report.moved) == (1, 0, 0, 0)


def test_differences_within_the_bound_pass_and_the_largest_is_reported():
    report = compare(file({3: 5e-5, 7: 8e-5}), Model(), PHOTOS)
    assert report.failures == ()
    assert report.max_abs_diff == pytest.approx(8e-5, rel=1e-3)


def test_one_photograph_over_the_bound_fails():
    report = compare(file({3: 2e-4}), Model(), PHOTOS)
    assert report.over == 1
    assert report.failures == ("1 of 40 photographs over the bound of 0.0001",)


def test_an_answer_that_is_no_number_fails():
    assert compare(file({3: np.nan}), Model(), PHOTOS).over == 1


def test_a_tie_excuses_and_its_differences_are_left_out():
    report = compare(file({3: 0.5, 7: 2e-5}, boxes={3: 20}), Model(ties={3}), PHOTOS)
    assert report.failures == ()
    assert (report.over, report.tied, report.moved) == (0, 1, 0)
    assert report.max_abs_diff == pytest.approx(2e-5, rel=1e-2)
    assert report.max_box_diff == 0


def test_a_tie_elsewhere_excuses_nothing():
    assert compare(file({3: 0.5}), Model(ties={4}), PHOTOS).failures


def test_a_tie_within_the_bound_is_not_counted():
    assert compare(file({3: 5e-5}), Model(ties=set(range(40))), PHOTOS).tied == 0


@pytest.mark.parametrize(("tied", "passes"), [(2, True), (3, False)])
def test_at_most_one_photograph_in_twenty_is_excused(tied, passes):
    numbers = range(tied)
    report = compare(file(dict.fromkeys(numbers, 0.01)), Model(ties=set(numbers)), PHOTOS)
    assert report.tied == tied
    assert (report.failures == ()) is passes


@pytest.mark.parametrize(("photographs", "excused"), [(3, 0), (4, 1), (8, 2), (19, 2), (20, 2)])
def test_of_few_photographs_at_most_a_quarter_is_excused(photographs, excused):
    for tied in (excused, excused + 1):
        numbers = range(tied)
        report = compare(file(dict.fromkeys(numbers, 0.01)), Model(ties=set(numbers)), PHOTOS[:photographs])
        assert (report.failures == ()) is (tied == excused)


def test_top1_agreement_counts_the_excused_too():
    report = compare(file({3: 0.8}), Model(ties={3}), PHOTOS)
    assert report.top1_agreement == pytest.approx(39 / 40)


@pytest.mark.parametrize(("moved", "passes"), [(2, True), (3, False)])
def test_regions_elsewhere_fail_even_where_probabilities_agree(moved, passes):
    report = compare(file(boxes=dict.fromkeys(range(moved), 5.0)), Model(), PHOTOS)
    assert (report.moved, report.max_box_diff) == (moved, 5)
    assert (report.failures == ()) is passes


def test_a_plain_classifier_has_no_figures_of_regions():
    model = Model()
    model.export_outputs = ("probabilities",)
    report = compare(file(), model, PHOTOS)
    assert report.max_box_diff is None and report.max_score_diff is None
    assert "region" not in str(report)


def test_the_embedding_is_compared_where_it_is_asked_for():
    names = ("probabilities", "embedding")
    assert compare(file(), Model(), PHOTOS, outputs=names).max_embedding_diff == 0
    assert compare(file(), Model(), PHOTOS, outputs=names).max_box_diff is None
    assert compare(file(), Model(), PHOTOS).max_embedding_diff is None


@pytest.mark.parametrize("outputs", ["region_boxes", "probabilities,probabilities", "probabilities,logits"])
def test_outputs_that_cannot_be_given_are_refused(outputs):
    with pytest.raises(ValueError, match="outputs must name probabilities|has no output 'logits'; it has probabilities"):
        Reference(Model(), PHOTOS, outputs)


def test_regions_are_told_by_the_anchor_that_they_lie_nearest_to():
    # On one photograph another anchor, 4 x 4 px against 2 x 2: IoU 1/4. On another the same anchor, half a px off.
    report = compare(file(boxes={3: [[0, 0, -2, -2]], 5: [[0, 0, 0, 0.5]]}), Model(), PHOTOS, "int8")
    assert report.same_regions == pytest.approx(39 / 40)
    assert report.same_region_diff == 0.5
    assert report.region_iou == pytest.approx((38 + 1 / 4 + 16 / 18) / 40)


@pytest.fixture
def labelled(tmp_path):
    """Photographs of the two brands: 60 of the first, 40 of the second."""
    paths = []
    for brand, count in (("Acme", 60), ("Zeta", 40)):
        (tmp_path / brand).mkdir()
        for _ in range(count):
            paths.append(tmp_path / brand / f"{len(paths)}.png")
            cv2.imwrite(str(paths[-1]), np.full((SIZE, SIZE, 3), len(paths) - 1, np.uint8))
    return paths


def test_brands_are_those_of_the_folders(labelled):
    report = compare(file(), Model(), labelled)
    assert (report.labelled, report.top1, report.keras_top1) == (100, 0.6, 0.6)
    assert compare(file(), Model(), PHOTOS).top1 is None


@pytest.mark.parametrize(("changed", "passes"), [(5, True), (6, False)])
def test_int8_must_agree_on_95_of_100(labelled, changed, passes):
    # Wrong answers made right: no drop, so agreement alone decides.
    report = compare(file(dict.fromkeys(range(60, 60 + changed), 0.5)), Model(), labelled, "int8")
    assert report.top1_agreement == pytest.approx(1 - changed / 100)
    assert (report.failures == ()) is passes


@pytest.mark.parametrize(("lost", "passes"), [(2, True), (3, False)])
def test_int8_may_lose_two_right_answers_in_100(labelled, lost, passes):
    report = compare(file(dict.fromkeys(range(lost), 0.5)), Model(), labelled, "int8")
    assert report.top1 == pytest.approx(0.6 - lost / 100)
    assert (report.failures == ()) is passes


def test_reduced_precision_has_no_bound_on_differences_but_on_numbers():
    assert compare(file(dict.fromkeys(range(40), 0.3)), Model(), PHOTOS, "int8").failures == ()
    assert compare(file({3: np.nan}), Model(), PHOTOS, "float16").failures


def test_figures_become_json(labelled):
    figures = compare(file({3: np.nan}), Model(), labelled).to_dict()
    assert figures["max_abs_diff"] is None and figures["failures"] and figures["top1"] == 0.59
    json.dumps(figures, allow_nan=False)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=f"one of {', '.join(BOUNDS)}, got 'int4'"):
        compare(file(), Model(), PHOTOS, "int4")


def test_unreadable_photographs_are_named_and_left_out(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    report = compare(file(), Model(), [PHOTOS[0], broken, PHOTOS[1]])
    assert report.photographs == 2 and list(report.unreadable) == [str(broken)]
    assert "broken.jpg: " in str(report) and "2 (1 unreadable)" in str(report)


def test_no_readable_photograph_is_an_error(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 1 photographs can be read .*broken.jpg"):
        compare(file(), Model(), [broken])


def test_folders_are_searched_to_the_bottom(tmp_path):
    for name in ("b/deep/2.JPG", "a/1.png", "a/notes.txt", "a/.hidden.jpg", "b/._2.JPG", "3.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find(tmp_path) == [tmp_path / "3.webp", tmp_path / "a/1.png", tmp_path / "b/deep/2.JPG"]


def test_a_list_of_files_names_photographs(tmp_path):
    (tmp_path / "list.txt").write_text("/photos/a b.jpg\n\n/photos/c.jpg\n")
    (tmp_path / "d.jpg").write_bytes(b"")
    found = find([tmp_path / "list.txt", tmp_path / "d.jpg", tmp_path / "d.jpg"])
    assert [path.name for path in found] == ["a b.jpg", "c.jpg", "d.jpg"]


def test_paths_of_a_list_start_in_its_folder_and_then_in_the_working_folder(tmp_path, monkeypatch):
    for name in ("lists/a b.jpg", "work/a b.jpg", "work/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "lists" / "all.txt").write_bytes(b'\xef\xbb\xbfa b.jpg\r\n"c.jpg" puma\r\n')
    monkeypatch.chdir(tmp_path / "work")
    assert find("../lists/all.txt") == [tmp_path / "lists" / "a b.jpg", tmp_path / "work" / "c.jpg"]
    (tmp_path / "lists" / "all.txt").write_text("d.jpg\na b.jpg\ne.jpg puma\n")
    places = f"neither in {tmp_path / 'lists'} nor in {tmp_path / 'work'}"
    with pytest.raises(ValueError, match=rf"^2 problems:\n.*all\.txt:1: there is no 'd\.jpg', {places}\.\n.*:3: .*'e\.jpg puma'"):
        find(tmp_path / "lists" / "all.txt")


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no photographs in"):
        find(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        find(tmp_path / "nowhere")


def test_a_limit_takes_photographs_from_all_brands():
    paths = [f"{brand}/{number}.jpg" for brand in "abcd" for number in range(10)]
    assert spread(paths, 4) == ["a/0.jpg", "b/0.jpg", "c/0.jpg", "d/0.jpg"]
    assert len(set(spread(paths, 7))) == 7
    assert spread(paths, 100) == spread(paths) == paths
    with pytest.raises(ValueError, match="limit must be at least 1"):
        spread(paths, 0)
