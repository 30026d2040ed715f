"""The Dataset value: what it holds, what it refuses, subsets and cut-outs."""

import os

import numpy as np
import pytest
from photographs import scene, write

from logo_keras.datasets.dataset import Dataset
from logo_keras.image import preprocessing
from logo_keras.image.preprocessing import UnreadablePhotograph, prepare


def make(count=4, **changes):
    paths, labels = [f"{i}.jpg" for i in range(count)], [i % 2 for i in range(count)]
    return Dataset(**(dict(paths=paths, labels=labels, class_names=["a", "b"]) | changes))


def test_a_dataset_has_canonical_types():
    dataset = make(boxes=[[], [(1, 2, 3, 4)], [], [(0, 0, 1, 1), (5, 5, 6, 7)]])
    assert len(dataset) == 4
    assert dataset.paths[1] == os.path.abspath("1.jpg")
    assert dataset.labels.dtype == np.int64 and dataset.labels.tolist() == [0, 1, 0, 1]
    assert dataset.class_names == ("a", "b")
    assert [boxes.shape for boxes in dataset.boxes] == [(0, 4), (1, 4), (0, 4), (2, 4)]
    assert all(boxes.dtype == np.float32 for boxes in dataset.boxes)
    assert repr(dataset) == "Dataset(4 photographs, 2 classes, 3 boxes)"


def test_paths_open_after_the_working_folder_changed(tmp_path, monkeypatch):
    write(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    dataset = Dataset(paths=["photo.png"], labels=[0], class_names=["a"])
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(dataset.photograph(0), scene())


def test_a_dataset_cannot_be_changed():
    dataset = make(boxes=[[(0, 0, 1, 1)]] * 4)
    with pytest.raises(AttributeError):
        dataset.labels = [0]
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        dataset.boxes[0][0, 0] = 1


def test_datasets_are_compared_and_hashed_by_identity():
    first, second = make(), make()
    assert first == first and first != second
    assert len({first, second}) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [0, 1]}, "one label a sample, got 2 for 4 paths"),
        ({"labels": [0, 1, 2, 0]}, "between -1 and 1, got 0 to 2"),
        ({"labels": [0, -2, 1, 0]}, "got -2 to 1"),
        ({"labels": [0.5] * 4}, "labels must be integers, got float64"),
        ({"class_names": ["a", "a"]}, "class_names must be different strings"),
        ({"boxes": [[]]}, "one array of boxes a sample, got 1 for 4"),
        ({"boxes": [[(5, 0, 5, 9)], [], [], []]}, "y0 < y1"),
        ({"boxes": [[(0, 0, np.nan, 9)], [], [], []]}, "finite"),
        ({"windows": [(0, 0, 1, 1)]}, "one window a sample, got 1 for 4"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_subset_takes_indices_or_a_mask():
    dataset = make(boxes=[[(0, 0, 1, i + 1)] for i in range(4)])
    chosen = dataset.subset([3, 0])
    assert chosen.paths == (dataset.paths[3], dataset.paths[0])
    assert chosen.labels.tolist() == [1, 0]
    assert [boxes[0, 3] for boxes in chosen.boxes] == [4, 1]
    assert dataset.subset(dataset.labels == 1).paths == dataset.paths[1::2]
    assert len(dataset.subset([])) == 0 and dataset.subset([]).class_names == ("a", "b")


def test_check_names_what_cannot_be_read_and_readable_leaves_it_out(tmp_path):
    dataset = make(3, paths=[write(tmp_path / "0.jpg"), tmp_path / "1.jpg", write(tmp_path / "2.png")])
    assert dataset.check() == dataset.unreadable == {dataset.paths[1]: "no such file"}
    assert dataset.readable().paths == dataset.paths[::2]
    assert dataset.readable().check() == {}


def test_check_names_photos_in_the_order_of_the_data_set():
    dataset = make(40)
    assert [*dataset.check()] == [*dataset.paths]


def test_a_dataset_and_those_made_from_it_write_to_one_log(tmp_path):
    dataset = make(3, paths=[write(tmp_path / "0.jpg"), tmp_path / "1.jpg", tmp_path / "2.png"])
    parts = [dataset.subset([0, 1]), dataset.with_class_names(["b", "a"])]
    assert parts[0].check() == {dataset.paths[1]: "no such file"}
    assert dataset.log is parts[1].log and [*dataset.log] == [dataset.paths[1]]
    # Each names its own alone.
    assert dataset.subset([0, 2]).unreadable == {} and dataset.subset([1]).unreadable == dataset.unreadable == dataset.log
    # A cut-out may be unreadable where the photo is not.
    boxed = make(1, paths=dataset.paths[:1], labels=[0], boxes=[[(0, 0, 9, 9)]])
    assert boxed.cut(0).log is not boxed.log


def test_a_photograph_is_checked_once_also_for_subsets(tmp_path, monkeypatch):
    dataset = make(2, paths=[write(tmp_path / "0.jpg"), tmp_path / "1.jpg"])
    dataset.check()
    monkeypatch.setattr(preprocessing, "check", lambda path, *limits: pytest.fail(f"checked {path} again"))
    assert dataset.subset([1]).check() == dataset.unreadable and len(dataset.unreadable) == 1


def test_cut_outs_are_checked_anew_and_go_with_their_photograph(tmp_path):
    path = write(tmp_path / "0.png", height=40, width=60)
    dataset = make(1, paths=[path], boxes=[[(0, 0, 9, 9), (90, 0, 99, 9)]])
    assert dataset.check() == {}
    cut = dataset.cut(0)
    assert "lies outside the photograph of 40 x 60 px" in cut.check()[str(path)]
    assert len(cut.readable()) == 0


def test_a_cut_out_is_checked_though_another_one_of_its_photograph_was(tmp_path):
    path = write(tmp_path / "0.png", height=40, width=60)
    cut = make(1, paths=[path], boxes=[[(0, 0, 9, 9), (90, 0, 99, 9)]]).cut(0)
    assert cut.subset([0]).check() == {}
    assert list(cut.check()) == [str(path)]


def test_cut_gives_one_sample_per_box_with_a_margin_on_each_side():
    dataset = make(boxes=[[(10, 20, 30, 60)], [], [(0, 0, 4, 8), (1, 1, 2, 2)], []])
    cut = dataset.cut(0.25)
    assert len(cut) == 3
    assert cut.paths == (dataset.paths[0], dataset.paths[2], dataset.paths[2])
    assert cut.labels.tolist() == [0, 0, 0]
    # Height 20 and width 40: 5 px above and below, 10 px on either side.
    assert cut.windows[0].tolist() == [5, 10, 35, 70]
    assert [boxes.tolist() for boxes in cut.boxes] == [[[10, 20, 30, 60]], [[0, 0, 4, 8]], [[1, 1, 2, 2]]]
    assert repr(cut) == "Dataset(3 cut-out boxes, 2 classes, 3 boxes)"


def test_a_cut_out_is_clipped_to_the_photograph(tmp_path):
    path = write(tmp_path / "photo.png", height=40, width=60)
    dataset = Dataset(paths=[path], labels=[0], class_names=["a"], boxes=[[(30, 10, 38, 20)]])
    np.testing.assert_array_equal(dataset.cut(0).photograph(0), scene()[30:38, 10:20])
    np.testing.assert_array_equal(dataset.cut(1).photograph(0), scene()[22:40, 0:30])


def test_a_window_between_pixels_takes_those_it_touches(tmp_path):
    path = write(tmp_path / "photo.png")
    dataset = Dataset(paths=[path], labels=[0], class_names=["a"], boxes=[[(3.6, 5.2, 4.1, 5.3)]])
    np.testing.assert_array_equal(dataset.cut(0).photograph(0), scene()[3:5, 5:6])


def test_a_window_outside_the_photograph_is_unreadable(tmp_path):
    path = write(tmp_path / "photo.png")
    dataset = Dataset(paths=[path], labels=[0], class_names=["a"], boxes=[[(100, 0, 120, 9)]])
    with pytest.raises(UnreadablePhotograph, match="lies outside the photograph of 40 x 60 px"):
        dataset.cut(0).photograph(0)


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf"), "1", True])
def test_cut_refuses_a_margin_below_zero(margin):
    with pytest.raises(ValueError, match="cut must be a number of at least 0"):
        make(boxes=[[(0, 0, 1, 1)]] * 4).cut(margin)


def test_cut_needs_boxes_and_whole_photographs():
    with pytest.raises(ValueError, match="cut needs boxes"):
        make().cut(0.1)
    with pytest.raises(ValueError, match="cut out already"):
        make(boxes=[[(0, 0, 1, 1)]] * 4).cut(0.1).cut(0.1)


def test_a_sample_has_its_boxes_in_its_own_pixels(tmp_path):
    path = write(tmp_path / "photo.png", height=40, width=60)
    dataset = Dataset(paths=[path], labels=[0], class_names=["a"], boxes=[[(10, 30, 20, 60)]])
    image, boxes = dataset.sample(0, 20)
    np.testing.assert_array_equal(image, prepare(path, 20))
    np.testing.assert_allclose(boxes, [[5, 10, 10, 20]], rtol=1e-6)
    # The window is (5, 15, 25, 60): clipped at the right, 20 x 45 px.
    image, boxes = dataset.cut(0.5).sample(0, 90)
    assert image.shape == (90, 90, 3)
    np.testing.assert_allclose(boxes, [[22.5, 30, 67.5, 90]], rtol=1e-6)


def test_boxes_of_a_sample_lie_in_the_frame_of_the_paper(tmp_path):
    path = write(tmp_path / "photo.png", height=300, width=1200)
    dataset = Dataset(paths=[path], labels=[0], class_names=["a"], boxes=[[(0, 0, 300, 1200), (38, 152, 262, 1048)]])
    image, boxes = dataset.sample(0, 448, "paper")
    np.testing.assert_array_equal(image, prepare(path, 448, "paper"))
    np.testing.assert_allclose(boxes, [[-76, -76, 524, 524], [0, 0, 448, 448]], atol=1e-4)


def test_labels_follow_the_order_of_class_names_that_is_asked_for():
    dataset = make(labels=[0, 1, -1, 1], boxes=[[(0, 0, 1, 1)], [], [], [(0, 0, 2, 2)]], root_categories=["A", "B"])
    other = dataset.cut(0).with_class_names(["b", "a"])
    assert other.class_names == ("b", "a") and other.root_categories == ("B", "A")
    assert other.labels.tolist() == [1, 0]
    assert [boxes.tolist() for boxes in other.boxes] == [[[0, 0, 1, 1]], [[0, 0, 2, 2]]]
    np.testing.assert_array_equal(other.windows, dataset.cut(0).windows)
    assert dataset.with_class_names(("b", "a")).labels.tolist() == [1, 0, -1, 0]


def test_class_names_are_matched_whatever_their_unicode_form():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    other = make(class_names=["a", decomposed]).with_class_names([composed, "a"])
    assert other.class_names == (composed, "a")
    assert other.labels.tolist() == [1, 0, 1, 0]
    with pytest.raises(ValueError, match="different strings"):
        make(class_names=[composed, decomposed])


def test_other_class_names_are_refused_and_named():
    with pytest.raises(
        ValueError, match="2 classes and 3 were asked for.*only in the data set: 'b'; not in the data set: 'c', 'd'"
    ):
        make().with_class_names(["a", "c", "d"])
    with pytest.raises(ValueError, match="'8' and 3 more.$"):
        make().with_class_names(["a", "b", *map(str, range(-1, 12))])
    with pytest.raises(ValueError, match="different strings"):
        make().with_class_names(["a", "b", "b"])
