"""FlickrLogos-27 in its official layout."""

import numpy as np
import pytest
from photographs import write

from logo_keras.datasets import load
from logo_keras.datasets.public.flickrlogos27 import PHOTOGRAPHS, QUERIES, TRAINING


@pytest.fixture
def small(tmp_path):
    root = tmp_path / "flickr_logos_27_dataset"
    for number in range(1, 7):
        write(root / PHOTOGRAPHS / f"{number}.jpg")
    (root / TRAINING).write_text(
        "1.jpg HP 1 10 20 30 50 \n1.jpg HP 1 10 20 30 50 \n1.jpg HP 2 1 2 3 4 \n"
        "2.jpg Apple 1 0 0 4 4 \n2.jpg HP 1 0 0 9 9 \n2.jpg Apple 1 5 5 6 6 \n3.jpg Apple 6 3 7 3 7 \n"
    )
    (root / QUERIES).write_text("4.jpg\tHP\n5.jpg\tnone\n6.jpg\tApple\n")
    return root


def test_boxes_are_deduplicated_and_the_largest_gives_the_brand(small):
    dataset = load("flickrlogos27", small, "train")
    assert dataset.class_names == ("Apple", "HP")
    assert dataset.labels.tolist() == [1, 1, 0]
    # x1 y1 x2 y2 becomes y0 x0 y1 x1; the degenerate box of the third photograph is dropped.
    assert [boxes.tolist() for boxes in dataset.boxes] == [[[20, 10, 50, 30], [2, 1, 4, 3]], [[0, 0, 9, 9]], []]


def test_the_photograph_of_two_brands_is_named_and_gives_samples_of_both(small):
    assert load("flickrlogos27", small).notes == (
        "photographs with several brands, each labelled with that of its largest box: 1 (2.jpg)",
    )
    cut = load("flickrlogos27", small, "train", cut=0)
    assert [(path.rpartition("/")[2], cut.class_names[label]) for path, label in zip(cut.paths, cut.labels, strict=True)] == [
        ("1.jpg", "HP"), ("1.jpg", "HP"), ("2.jpg", "Apple"), ("2.jpg", "Apple"), ("2.jpg", "HP"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no photograph has a label and a box"):
        load("flickrlogos27", small, "test", cut=0)


def test_the_archive_may_lie_in_a_folder_of_its_own(small):
    dataset = load("flickrlogos27", small.parent, "none")
    assert dataset.paths == load("flickrlogos27", small, "none").paths
    assert dataset.root == str(small.parent) and dataset.split_name == "none" and dataset.about.name == "flickrlogos27"
    (small.parent / "again").mkdir()
    (small.parent / "again" / TRAINING).touch()
    with pytest.raises(ValueError, match="holds Flickr Logos 27 several times: give one of .*/again, .* as root"):
        load("flickrlogos27", small.parent)


def test_queries_without_a_brand_are_a_split_of_their_own(small):
    test, none, everything = (load("flickrlogos27", small, split) for split in ("test", "none", None))
    assert test.labels.tolist() == [1, 0]
    assert none.labels.tolist() == [-1] and none.paths == (str(small / PHOTOGRAPHS / "5.jpg"),)
    assert everything.labels.tolist() == [1, 1, 0, 1, 0]
    assert test.class_names == none.class_names == everything.class_names == ("Apple", "HP")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (TRAINING, "1.jpg HP 1 10 20 30\n", r"training_set_annotation\.txt:1: expected file brand subset x1 y1 x2 y2"),
        (TRAINING, "\n1.jpg HP 1 a b c d\n", r"training_set_annotation\.txt:2: expected file brand"),
        (TRAINING, "../1.jpg HP 1 1 2 3 4\n", r"training_set_annotation\.txt:1: '\.\./1\.jpg' does not lie inside"),
        (QUERIES, "/4.jpg HP\n", r"query_set_annotation\.txt:1: '/4\.jpg' does not lie inside"),
        (QUERIES, "4.jpg\n", r"query_set_annotation\.txt:1: expected file and brand, got '4\.jpg'"),
        (QUERIES, "4.jpg\tSony\n", "has brands that .* has not: Sony"),
    ],
)
def test_broken_annotations_are_named(small, file, text, message):
    (small / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        load("flickrlogos27", small)


def test_what_is_missing_is_named(small):
    with pytest.raises(ValueError, match="split must be one of train, test, none or None, got 'query'"):
        load("flickrlogos27", small, "query")
    with pytest.raises(FileNotFoundError, match=f"is no Flickr Logos 27: neither it nor a folder in it has {TRAINING}; .* 1.jpg"):
        load("flickrlogos27", small / PHOTOGRAPHS)
    (small / QUERIES).unlink()
    with pytest.raises(FileNotFoundError, match=f"{QUERIES} is missing"):
        load("flickrlogos27", small)
    (small / PHOTOGRAPHS).rename(small / "photographs")
    with pytest.raises(FileNotFoundError, match=f"has no folder {PHOTOGRAPHS}; .* holds {TRAINING}, photographs"):
        load("flickrlogos27", small)


@pytest.mark.parametrize(("split", "count"), [("train", 809), ("test", 135), ("none", 135), (None, 944)])
def test_official_splits_have_their_sizes(shared, split, count):
    dataset = load("flickrlogos27", shared / "data" / "flickrlogos27", split)
    assert len(dataset) == len(set(dataset.paths)) == count
    assert len(dataset.class_names) == 27 and "none" not in dataset.class_names
    assert set(dataset.labels) == ({-1} if split == "none" else set(range(27)))
    if split == "test":
        assert np.bincount(dataset.labels).tolist() == [5] * 27


def test_official_boxes_are_those_of_the_label(shared):
    dataset = load("flickrlogos27", shared / "data" / "flickrlogos27", "train")
    # 1,261 different ones, less the degenerate one and the two of the second brand of 3759339764.jpg.
    assert sum(map(len, dataset.boxes)) == 1258
    names = [path.rpartition("/")[2] for path in dataset.paths]
    assert dataset.class_names[dataset.labels[names.index("3759339764.jpg")]] == "Pepsi"
    assert [name for name, boxes in zip(names, dataset.boxes, strict=True) if not len(boxes)] == ["2662264721.jpg"]
    assert len(load("flickrlogos27", shared / "data" / "flickrlogos27", "train", cut=0.1)) == 1260
    assert dataset.notes[0].endswith("largest box: 1 (3759339764.jpg)")


def test_official_boxes_lie_inside_their_photographs(shared):
    dataset = load("flickrlogos27", shared / "data" / "flickrlogos27", "train")
    for index in range(0, 809, 10):
        height, width = dataset.photograph(index).shape[:2]
        for y0, x0, y1, x1 in dataset.boxes[index]:
            assert 0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width


def test_split_keeps_the_official_duplicates_together(shared):
    whole = load("flickrlogos27", shared / "data" / "flickrlogos27")
    ours = {whole.labels[place] for place, path in enumerate(whole.paths) if path.endswith("/4056335981.jpg")}
    dataset = whole.subset(whole.labels == ours.pop())
    names = [path.rpartition("/")[2] for path in dataset.paths]
    twins = names.index("4056335981.jpg"), names.index("4057075142.jpg")
    for seed in range(3):
        first, _ = dataset.split(0.5, seed)
        assert len({dataset.paths[twin] in first.paths for twin in twins}) == 1
