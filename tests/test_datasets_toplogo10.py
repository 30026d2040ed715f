"""TopLogo-10 in its official layout."""

import numpy as np
import pytest
from photographs import write

from logo_keras.datasets import load


@pytest.fixture
def small(tmp_path):
    """Two brands; the names of one differ from its folder in letter case."""
    root = tmp_path / "toplogo10"
    masks = {"gucci/Gucci1": "10 20 5 8", "gucci/Gucci2": "1 2 3 4\n5 6 7 8\n3 3 0 4", "hh/HH1": "0 0 9 9"}
    for name, boxes in masks.items():
        write(root / "jpg" / f"{name}.jpg")
        mask = root / "masks" / f"{name}.jpg.bboxes.txt"
        mask.parent.mkdir(parents=True, exist_ok=True)
        mask.write_text(boxes)
    lists = root / "ImageSets"
    lists.mkdir()
    (lists / "40_images_per_class_train.txt").write_text("HH1\nGucci2")
    (lists / "30_images_per_class_test.txt").write_text("Gucci1\n")
    (lists / "all.txt").write_text("Gucci1\nGucci2\nHH1\n")
    return root


def test_lists_name_photographs_and_masks_give_their_boxes(small):
    dataset = load("toplogo10", small, "train40")
    assert dataset.class_names == ("gucci", "hh")
    assert dataset.paths == (str(small / "jpg/hh/HH1.jpg"), str(small / "jpg/gucci/Gucci2.jpg"))
    assert dataset.labels.tolist() == [1, 0]
    # x y width height becomes y0 x0 y1 x1; the box without a width is dropped.
    assert [boxes.tolist() for boxes in dataset.boxes] == [[[0, 0, 9, 9]], [[2, 1, 6, 4], [6, 5, 14, 12]]]
    assert len(load("toplogo10", small, "test30")) == 1
    assert len(load("toplogo10", small)) == 3


def test_what_is_missing_is_named(small, tmp_path):
    with pytest.raises(ValueError, match="split must be one of train40, test30, train10, test60 or None, got 'train'"):
        load("toplogo10", small, "train")
    with pytest.raises(FileNotFoundError, match="10_images_per_class_train.txt is missing; .* holds 30_images"):
        load("toplogo10", small, "train10")
    with pytest.raises(FileNotFoundError, match="is no TopLogo-10: neither it nor a folder in it has ImageSets; .* gucci, hh"):
        load("toplogo10", small / "masks")
    (small / "ImageSets/all.txt").write_text("../HH1\n")
    with pytest.raises(ValueError, match=r"all\.txt:1: there is no photo '\.\./HH1'"):
        load("toplogo10", small)
    (small / "jpg").rename(small / "photographs")
    with pytest.raises(FileNotFoundError, match="has no folder jpg; .* holds ImageSets, masks, photographs"):
        load("toplogo10", small)


def test_a_missing_photograph_is_known_by_its_boxes_and_found_by_the_check(small):
    (small / "jpg/hh/HH1.jpg").unlink()
    dataset = load("toplogo10", small)
    assert dataset.paths[2] == str(small / "jpg/hh/HH1.jpg") and list(dataset.check()) == [dataset.paths[2]]
    (small / "masks/hh/HH1.jpg.bboxes.txt").unlink()
    with pytest.raises(ValueError, match=r"all\.txt:3: there is no photo 'HH1'"):
        load("toplogo10", small)


def test_names_match_without_regard_to_letter_case_and_suffix(small):
    (small / "masks/hh").rename(small / "masks/HH")
    (small / "jpg/gucci/Gucci1.jpg").rename(small / "jpg/gucci/gucci1.PNG")
    (small / "ImageSets/all.txt").write_bytes(b"\xef\xbb\xbfGucci1.jpg \r\nhh1\r\n\r\nGucci2")
    dataset = load("toplogo10", small.parent)
    assert [path.rpartition("/")[2] for path in dataset.paths] == ["gucci1.PNG", "HH1.jpg", "Gucci2.jpg"]
    assert [len(boxes) for boxes in dataset.boxes] == [1, 1, 2]
    assert dataset.notes == () and dataset.root == str(small.parent)


def test_a_photograph_without_a_file_of_boxes_is_noted(small):
    (small / "masks/gucci/Gucci1.jpg.bboxes.txt").unlink()
    assert load("toplogo10", small).notes == ("photographs without a file of boxes: 1, for instance Gucci1.jpg",)
    assert len(load("toplogo10", small, cut=0.5)) == 3


def test_a_broken_line_of_boxes_is_named(small):
    (small / "masks/hh/HH1.jpg.bboxes.txt").write_text("1 2 3 4\n1 2 3\n")
    with pytest.raises(ValueError, match=r"HH1\.jpg\.bboxes\.txt:2: expected x y width height, got '1 2 3'"):
        load("toplogo10", small)


@pytest.mark.parametrize("split", ["train40", "test30", "train10", "test60", None])
def test_official_splits_have_their_sizes(shared, split):
    count = {"train40": 400, "test30": 300, "train10": 100, "test60": 600, None: 700}[split]
    dataset = load("toplogo10", shared / "data" / "toplogo10", split)
    assert len(dataset) == len(set(dataset.paths)) == count
    assert np.bincount(dataset.labels).tolist() == [count // 10] * 10
    assert dataset.class_names == (
        "adidas0", "chanel", "gucci", "hh", "lacoste", "mk", "nike", "prada", "puma", "supreme",
    )  # fmt: skip


def test_official_boxes_lie_inside_their_photographs(shared):
    dataset = load("toplogo10", shared / "data" / "toplogo10")
    assert sum(map(len, dataset.boxes)) == 863
    assert sum(len(boxes) > 1 for boxes in dataset.boxes) == 136
    for index in range(0, 700, 10):
        height, width = dataset.photograph(index).shape[:2]
        # The boxes were rescaled with the photographs and rounded.
        assert dataset.boxes[index].min() >= 0
        assert (dataset.boxes[index][:, 2:] <= (height + 1, width + 1)).all()


def test_training_and_test_lists_share_no_photograph(shared):
    root = shared / "data" / "toplogo10"
    assert not set(load("toplogo10", root, "train40").paths) & set(load("toplogo10", root, "test30").paths)


def test_cut_gives_a_sample_a_box(shared):
    cut = load("toplogo10", shared / "data" / "toplogo10", "test30", cut=0.2)
    whole = load("toplogo10", shared / "data" / "toplogo10", "test30")
    assert len(cut) == sum(map(len, whole.boxes))
    y0, x0, y1, x1 = cut.boxes[0][0]
    photo = cut.photograph(0)
    assert y1 - y0 <= photo.shape[0] <= 1.4 * (y1 - y0) + 2
    assert x1 - x0 <= photo.shape[1] <= 1.4 * (x1 - x0) + 2
