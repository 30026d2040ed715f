"""Photographs with boxes of several brands become samples with one label each."""

import pytest

from logo_keras.datasets.annotations import NONE, Photograph, annotated

NAMES = ("nike", "puma")
SMALL, LARGE = (0, 0, 10, 10), (20, 20, 60, 90)


def test_a_photograph_takes_the_brand_of_its_largest_box_and_keeps_the_boxes_of_that_brand():
    dataset = annotated([Photograph("/a/1.jpg", boxes=[("puma", SMALL), ("nike", LARGE), ("nike", (1, 1, 2, 2))])], NAMES)
    assert dataset.class_names == NAMES
    assert dataset.labels.tolist() == [0]
    assert dataset.boxes[0].tolist() == [list(LARGE), [1, 1, 2, 2]]
    assert dataset.notes == ("photographs with several brands, each labelled with that of its largest box: 1 (1.jpg)",)


def test_of_equal_boxes_the_first_decides():
    assert annotated([Photograph("/1.jpg", boxes=[("b", SMALL), ("a", SMALL)])], ["a", "b"]).labels.tolist() == [1]


def test_a_stated_brand_counts_more_than_boxes():
    dataset = annotated([Photograph("/1.jpg", "puma", [("nike", LARGE), ("puma", SMALL)])], NAMES)
    assert [dataset.class_names[label] for label in dataset.labels] == ["puma"]
    assert dataset.boxes[0].tolist() == [list(SMALL)] and dataset.notes == ()


def test_cut_makes_a_sample_of_every_box_with_its_own_brand():
    dataset = annotated([Photograph("/1.jpg", boxes=[("puma", SMALL), ("nike", LARGE)]), Photograph("/2.jpg")], NAMES, cut=0.1)
    assert [dataset.class_names[label] for label in dataset.labels] == ["puma", "nike"]
    assert dataset.windows.round(3).tolist() == [[-1, -1, 11, 11], [16, 13, 64, 97]]
    assert dataset.notes == ("photographs without a box, left out: 1 (2.jpg)",)


def test_repeated_and_degenerate_boxes_do_not_count():
    boxes = [("a", SMALL), ("a", SMALL), ("a", (5, 5, 5, 9)), ("b", (9, 9, 3, 12)), ("a", (float("nan"), 0, 1, 1))]
    dataset = annotated([Photograph("/1.jpg", boxes=boxes)], ["a", "b"])
    assert dataset.boxes[0].tolist() == [list(SMALL)] and dataset.notes == ()


def test_photographs_without_brand_have_label_minus_one():
    dataset = annotated([Photograph("/1.jpg", "a"), Photograph("/2.jpg", NONE)], ["a"])
    assert dataset.class_names == ("a",) and dataset.labels.tolist() == [0, -1]


def test_a_note_names_five_photographs_and_counts_the_others():
    dataset = annotated([Photograph("/0.jpg", "a"), *(Photograph(f"/{n}.jpg") for n in range(1, 8))], ["a"])
    assert dataset.notes == ("photographs without a box, left out: 7 (1.jpg, 2.jpg, 3.jpg, 4.jpg, 5.jpg, ...)",)


def test_fields_reach_the_data_set():
    dataset = annotated([Photograph("/r/1.jpg", "a")], ["a"], root="/r", split_name="train", notes=["first"])
    assert (dataset.root, dataset.split_name, dataset.notes) == ("/r", "train", ("first",))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="/1.jpg shows 'b', which is no class of the set"):
        annotated([Photograph("/1.jpg", "b")], ["a"])
    with pytest.raises(ValueError, match="no photograph has a label."):
        annotated([Photograph("/1.jpg")], ["a"])
    with pytest.raises(ValueError, match="no photograph has a label and a box."):
        annotated([Photograph("/1.jpg", "a")], ["a"], cut=0.1)
