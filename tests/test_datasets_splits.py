"""Which parts of a data set are for training, validation and testing: what its loader finds."""

import pytest
from photographs import write

from logo_keras import datasets
from logo_keras.datasets.splits import OFFICIAL, Splits, splits

VOC = (
    "<annotation><object><name>a</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
    "</annotation>"
)


def test_names_come_in_the_order_of_use_and_only_those_there_are():
    assert Splits("P1", "P3", "P2", "P3-none").names() == ("P1", "P2", "P3", "P3-none")
    assert OFFICIAL["belgalogos"].names() == ()


def test_every_official_split_is_one_that_the_loader_knows():
    for name, parts in OFFICIAL.items():
        for part in parts.names():
            with pytest.raises(FileNotFoundError):
                datasets.load(name, "/nowhere", split=part)


def test_folders_of_folders_are_parts_and_a_brand_called_test_is_none(tmp_path):
    for name in ("own/train/a/1.jpg", "own/valid/a/2.jpg", "own/none/3.jpg", "flat/test/1.jpg", "flat/train/2.jpg"):
        write(tmp_path / name)
    assert splits("folder", tmp_path / "own") == Splits("train", None, "valid", "none")
    assert splits("folder", tmp_path / "flat") == Splits()
    # In a folder of their own, as archives leave them.
    (tmp_path / "archive").mkdir()
    (tmp_path / "own").rename(tmp_path / "archive" / "own")
    assert splits("folder", tmp_path / "archive").train == "train"


def test_lists_are_parts(tmp_path):
    for name in ("train.txt", "val.txt"):
        (tmp_path / name).write_text("a.jpg puma\n")
    assert splits("list", tmp_path) == Splits("train", None, "val")
    assert splits("list", tmp_path / "train.txt") == Splits()


def test_parts_of_voc_are_those_that_its_lists_name(tmp_path):
    home = tmp_path / "VOCdevkit" / "VOC2007"
    for number, part in enumerate(("train", "val", "test")):
        write(home / "JPEGImages" / f"{number}.jpg")
        for path, text in ((f"Annotations/{number}.xml", VOC), (f"ImageSets/Main/{part}.txt", f"{number}\n")):
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)
    for root in (tmp_path, home):
        found = splits("voc", root)
        assert found == Splits("train", "test", "val")
        assert all(len(datasets.load("voc", root, split=name)) == 1 for name in found.names())


def test_photographs_without_annotations_are_no_part(tmp_path):
    write(tmp_path / "test" / "1.jpg")
    write(tmp_path / "train" / "1.jpg")
    (tmp_path / "train" / "1.xml").write_text(VOC)
    assert splits("voc", tmp_path).names() == ("train",)


def test_parts_of_yolo_are_those_that_its_description_names(tmp_path):
    for part in ("train", "val", "test"):
        write(tmp_path / "images" / part / "1.jpg")
    (tmp_path / "data.yaml").write_text("names: [a]\ntrain: images/train\nval: images/val\n")
    for root in (tmp_path, tmp_path / "data.yaml"):
        assert splits("yolo", root) == Splits("train", None, "val")


def test_years_of_coco_are_left_out(tmp_path):
    (tmp_path / "annotations").mkdir()
    for part in ("train2017", "val2017"):
        (tmp_path / "annotations" / f"instances_{part}.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert splits("coco", tmp_path) == Splits("train", None, "val")


def test_lists_of_logos_in_the_wild_are_parts_where_there_are_no_xml_files(tmp_path):
    (tmp_path / "data_all_train.txt").write_text("")
    assert splits("logos_in_the_wild", tmp_path) == Splits("train", "test")
    (tmp_path / "data").mkdir()
    assert splits("logos_in_the_wild", tmp_path) == Splits()
