"""Photographs sorted into folders."""

from pathlib import Path

import pytest
from photographs import write

from logo_keras.datasets import load


def names(dataset):
    return [Path(path).name for path in dataset.paths]


def test_folders_of_the_root_are_brands(tmp_path):
    for name in ("puma/2.jpg", "puma/1.JPG", "adidas/x.png"):
        write(tmp_path / name)
    dataset = load("folder", tmp_path)
    assert dataset.class_names == ("adidas", "puma")
    assert names(dataset) == ["x.png", "1.JPG", "2.jpg"]
    assert dataset.labels.tolist() == [0, 1, 1]
    assert [len(boxes) for boxes in dataset.boxes] == [0, 0, 0]


@pytest.fixture
def splits(tmp_path):
    for name in ("train/puma/1", "train/adidas/2", "test/puma/3", "test/nike/4", "none/5", "test/none/6"):
        write(tmp_path / f"{name}.jpg")
    return tmp_path


def test_classes_come_from_all_splits_so_that_they_agree(splits):
    train, test = load("folder", splits, "train"), load("folder", splits, "test")
    assert train.class_names == test.class_names == ("adidas", "nike", "puma")
    assert (names(train), train.labels.tolist()) == (["2.jpg", "1.jpg"], [0, 2])
    assert (names(test), test.labels.tolist()) == (["4.jpg", "3.jpg"], [1, 2])


def test_without_a_split_every_labelled_photograph_is_there_and_no_other(splits):
    dataset = load("folder", splits)
    assert sorted(names(dataset)) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert dataset.labels.min() == 0


def test_none_is_never_a_class(splits, tmp_path):
    dataset = load("folder", splits, "none")
    assert (names(dataset), dataset.labels.tolist()) == (["5.jpg", "6.jpg"], [-1, -1])
    assert dataset.class_names == ("adidas", "nike", "puma")


def test_none_beside_brands_is_no_class_either(tmp_path):
    for name in ("puma/1.jpg", "none/2.jpg"):
        write(tmp_path / name)
    assert load("folder", tmp_path).class_names == ("puma",)
    assert load("folder", tmp_path, "none").labels.tolist() == [-1]


def test_hidden_files_and_other_files_are_skipped(tmp_path):
    write(tmp_path / "puma" / "1.jpg")
    for name in ("puma/.2.jpg", ".git/3.jpg", "puma/notes.txt", "puma/Thumbs.db", "4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(load("folder", tmp_path)) == ["1.jpg"]


def test_unreadable_photographs_are_listed_until_they_are_read(tmp_path):
    (tmp_path / "puma").mkdir()
    (tmp_path / "puma" / "empty.jpg").write_bytes(b"")
    assert len(load("folder", tmp_path)) == 1


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        load("folder", tmp_path / "nowhere")


def test_a_missing_split_is_answered_with_what_there_is(splits):
    with pytest.raises(FileNotFoundError, match="no split 'validation'; .* holds none, test, train"):
        load("folder", splits, "validation")


def test_a_split_of_a_root_without_splits_is_refused(tmp_path):
    write(tmp_path / "puma" / "1.jpg")
    with pytest.raises(FileNotFoundError, match="leave out split='train'"):
        load("folder", tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="has no folder 'none'"):
        load("folder", tmp_path, "none")


def test_a_brand_without_photographs_is_refused(tmp_path):
    write(tmp_path / "puma" / "1.jpg")
    (tmp_path / "nike").mkdir()
    with pytest.raises(ValueError, match="brand 'nike' has no photographs"):
        load("folder", tmp_path)


def test_a_brand_may_be_empty_in_one_split(splits):
    (splits / "test" / "adidas").mkdir()
    assert load("folder", splits, "test").labels.tolist() == [1, 2]


def test_an_empty_root_and_mixed_layouts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is empty"):
        load("folder", tmp_path)
    write(tmp_path / "train" / "puma" / "1.jpg")
    write(tmp_path / "nike" / "1.jpg")
    with pytest.raises(ValueError, match="train holds folders and nike holds photographs"):
        load("folder", tmp_path)


def test_the_set_knows_its_root_and_its_split(splits):
    dataset = load("folder", splits, "test")
    assert (dataset.root, dataset.split_name) == (str(splits), "test")


def test_a_folder_with_the_name_of_a_photograph_is_a_photograph_that_cannot_be_read(tmp_path):
    write(tmp_path / "puma" / "1.jpg")
    write(tmp_path / "nike" / "2.jpg")
    (tmp_path / "puma.jpg").write_bytes(b"")
    (tmp_path / "nike" / "3.jpg").mkdir()
    (tmp_path / "nike" / "4.jpg").symlink_to("4.jpg")
    dataset = load("folder", tmp_path)
    assert names(dataset) == ["2.jpg", "3.jpg", "4.jpg", "1.jpg"]
    assert set(dataset.check()) == set(dataset.paths[1:3])


def test_without_boxes_nothing_can_be_cut(splits):
    with pytest.raises(ValueError, match="cut needs boxes"):
        load("folder", splits, cut=0.1)


def test_boxes_of_all_splits_stand_in_one_file(splits):
    (splits / "boxes.csv").write_text("path,x0,y0,x1,y1\ntrain/puma/1.jpg,1,2,3,4\ntest/puma/3.jpg,5,6,7,8\n")
    assert [boxes.tolist() for boxes in load("folder", splits, "test").boxes] == [[], [[6, 5, 8, 7]]]
    assert load("folder", splits, cut=0).boxes[0].tolist() == [[6, 5, 8, 7]]


def test_the_boxes_of_a_synthetic_set_are_read_as_its_own_loader_reads_them(tmp_path):
    # As `synthesize` writes it.
    for name in ("train/Nike/0000", "test/Nike/0000", "test/Puma/0000", "none/0000"):
        write(tmp_path / f"{name}.jpg")
    (tmp_path / "boxes.csv").write_text(
        "split,brand,path,y0,x0,y1,x1\n"
        "train,Nike,train/Nike/0000.jpg,1,2,30,40\n"
        "test,Nike,test/Nike/0000.jpg,3,4,20,30\n"
        "test,Puma,test/Puma/0000.jpg,5,6,10,20\n"
        "none,,none/0000.jpg,,,,\n"
    )
    (tmp_path / "synthetic.json").write_text('{"class_names": ["Nike", "Puma"]}')
    for split in ("train", "test", "none", None):
        own, other = load("synthetic", tmp_path, split), load("folder", tmp_path, split)
        assert sorted(own.paths) == sorted(other.paths)
        assert own.class_names == other.class_names
        found = [
            {path: (label, boxes.tolist()) for path, label, boxes in zip(each.paths, each.labels, each.boxes, strict=True)}
            for each in (own, other)
        ]
        assert found[0] == found[1]
