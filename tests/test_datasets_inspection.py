"""What `logo-data check` finds: each fault on a tiny tree that has it, and nothing where there is none."""

import dataclasses
import json
import shutil

import cv2
import numpy as np
import pytest
from photographs import encode, scene, with_orientation, write

from logo_keras.datasets import load
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.quality.inspection import KINDS, TROUBLE, inspect


@pytest.fixture
def parts(tmp_path):
    """Two splits of two brands, four different photographs each."""
    found = {}
    for first, split in enumerate(("train", "test")):
        paths = [write(tmp_path / split / f"{number}.jpg", 10 * first + number) for number in range(4)]
        found[split] = Dataset(paths=paths, labels=[0, 0, 1, 1], class_names=["acme", "globex"])
    return found


def names(findings):
    """The files of findings, without their folders."""
    return [[entry.path.rsplit("/", 1)[1] for entry in finding.entries] for finding in findings]


def found(inspection):
    return {kind for kind in KINDS if getattr(inspection, kind)}


def with_photograph(dataset, path, label):
    return dataclasses.replace(dataset, paths=[*dataset.paths, path], labels=[*dataset.labels, label], boxes=None)


def test_nothing_is_found_where_nothing_is_wrong(parts):
    inspection = inspect(parts)
    assert not found(inspection) and not inspection.trouble
    assert inspection.photographs == {"train": 4, "test": 4}
    assert inspection.classes == {"train": {"acme": 2, "globex": 2}, "test": {"acme": 2, "globex": 2}}
    assert inspection.boxes == {"train": 0, "test": 0}


def test_missing_and_unreadable_photographs_are_told_apart(parts, tmp_path):
    (tmp_path / "train" / "0.jpg").unlink()
    (tmp_path / "train" / "1.jpg").write_bytes(b"<html>")
    (tmp_path / "test" / "0.jpg").unlink()
    (tmp_path / "test" / "0.jpg").mkdir()
    inspection = inspect(parts)
    assert found(inspection) == {"missing", "unreadable"} and inspection.trouble
    assert inspection.missing[0].entries == ((str(tmp_path / "train" / "0.jpg"), "train", "acme"),)
    assert names(inspection.unreadable) == [["1.jpg"], ["0.jpg"]]
    assert "not an image" in inspection.unreadable[0].detail and "folder" in inspection.unreadable[1].detail


def test_identical_files_in_two_splits_are_trouble(parts, tmp_path):
    shutil.copy(tmp_path / "train" / "2.jpg", tmp_path / "test" / "3.jpg")
    inspection = inspect(parts)
    assert found(inspection) == {"identical_across"} and inspection.trouble
    assert [(entry.split, entry.brand) for entry in inspection.identical_across[0].entries] == [
        ("train", "globex"),
        ("test", "globex"),
    ]


def test_identical_files_in_one_split_are_no_trouble(parts, tmp_path):
    shutil.copy(tmp_path / "train" / "2.jpg", tmp_path / "train" / "3.jpg")
    inspection = inspect(parts)
    assert found(inspection) == {"identical_within"} and not inspection.trouble
    assert names(inspection.identical_within) == [["2.jpg", "3.jpg"]]


def test_a_copy_saved_anew_is_near_and_with_its_twin_one_finding(parts, tmp_path):
    photo = cv2.imread(str(tmp_path / "train" / "0.jpg"))
    cv2.imwrite(str(tmp_path / "test" / "1.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 70])
    shutil.copy(tmp_path / "train" / "0.jpg", tmp_path / "train" / "1.jpg")
    inspection = inspect(parts)
    assert found(inspection) == {"near_across", "identical_within"} and inspection.trouble
    assert names(inspection.near_across) == [["0.jpg", "1.jpg", "1.jpg"]]
    assert found(inspect(parts, near=False)) == {"identical_within"}


def test_a_photograph_listed_in_two_splits_is_trouble(parts):
    parts["test"] = with_photograph(parts["test"], parts["train"].paths[0], 0)
    inspection = inspect(parts)
    assert found(inspection) == {"repeated"} and inspection.trouble
    assert [entry.split for entry in inspection.repeated[0].entries] == ["train", "test"]


@pytest.mark.parametrize("label, brand", [(1, "globex"), (-1, "none")])
def test_a_photograph_listed_under_two_labels_contradicts_itself(parts, label, brand):
    parts["test"] = with_photograph(parts["test"], parts["train"].paths[0], label)
    inspection = inspect(parts)
    assert found(inspection) == {"repeated", "contradicting"}
    assert inspection.contradicting[0].detail == f"acme, {brand}"


def test_identical_files_under_two_labels_are_trouble(parts, tmp_path):
    shutil.copy(tmp_path / "train" / "0.jpg", tmp_path / "train" / "3.jpg")
    inspection = inspect(parts)
    assert found(inspection) == {"identical_within", "contradicting"} and inspection.trouble
    assert inspection.contradicting[0].detail == "acme, globex"


def test_nearly_identical_photographs_under_two_labels_are_only_doubtful(parts, tmp_path):
    photo = cv2.imread(str(tmp_path / "train" / "0.jpg"))
    cv2.imwrite(str(tmp_path / "train" / "3.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 70])
    inspection = inspect(parts)
    assert found(inspection) == {"near_within", "doubtful"} and not inspection.trouble


def test_cut_outs_of_one_photograph_may_have_different_brands(tmp_path):
    path = write(tmp_path / "0.jpg")
    boxes = [[(0, 0, 20, 20)], [(20, 20, 40, 40)]]
    cut = Dataset(paths=[path, path], labels=[0, 1], class_names=["acme", "globex"], boxes=boxes).cut(0.1)
    inspection = inspect({"all": cut})
    assert not found(inspection)
    assert inspection.photographs == {"all": 1} and inspection.boxes == {"all": 2}


def test_tiny_photographs_are_named_with_their_size(parts, tmp_path):
    write(tmp_path / "train" / "0.jpg", height=40, width=31)
    inspection = inspect(parts)
    assert found(inspection) == {"tiny"} and not inspection.trouble
    assert (names(inspection.tiny), inspection.tiny[0].detail) == ([["0.jpg"]], "31 x 40 px")
    assert not found(inspect(parts, smallest=31))


def test_boxes_outside_the_upright_photograph_are_named(tmp_path):
    # 40 x 60 px stored, turned by a quarter: 60 px high, 40 wide.
    path = tmp_path / "0.jpg"
    path.write_bytes(with_orientation(encode(scene(40, 60)), 6))

    def boxes(*each):
        part = Dataset(paths=[path], labels=[0], class_names=["acme"], boxes=[each])
        return inspect({"all": part}).outside

    # One px is what counting from 1 makes.
    assert not boxes((0, 0, 60, 40), (-1, -1, 61, 41))
    (finding,) = boxes((0, 0, 40, 60), (0, 0, 60, 40), (-5, 3, 20, 30))
    assert finding.detail == "40 x 60 px, (y0, x0, y1, x1) = (0, 0, 40, 60), (-5, 3, 20, 30)"


def test_classes_without_a_photograph_are_named_but_not_in_a_split_without_brands(parts, tmp_path):
    parts["test"] = parts["test"].subset([0, 1])
    none = write(tmp_path / "none" / "0.jpg", seed=99)
    parts["none"] = Dataset(paths=[none], labels=[-1], class_names=["acme", "globex"])
    inspection = inspect(parts)
    assert found(inspection) == {"empty"} and not inspection.trouble
    assert [finding.detail for finding in inspection.empty] == ["globex in test"]
    assert inspection.classes["none"] == {"acme": 0, "globex": 0, "none": 1}


def test_everything_goes_into_json(parts, tmp_path):
    (tmp_path / "train" / "0.jpg").unlink()
    again = json.loads(json.dumps(inspect(parts).to_dict()))
    assert again["trouble"] is True and again["counts"]["missing"] == 1
    assert again["findings"]["missing"] == [
        {"photographs": [{"path": str(tmp_path / "train" / "0.jpg"), "split": "train", "brand": "acme"}]}
    ]
    assert set(again["findings"]) == set(KINDS) > set(TROUBLE)


def test_a_data_set_without_photographs_can_be_inspected():
    inspection = inspect({"all": Dataset(paths=[], labels=[], class_names=["acme"])})
    assert found(inspection) == set() and inspection.photographs == {"all": 0}


@pytest.mark.parametrize("smallest", [-1, 1.5, True, "32"])
def test_what_is_no_number_of_px_is_refused(parts, smallest):
    with pytest.raises(ValueError, match="smallest must be an integer of at least 0"):
        inspect(parts, smallest=smallest)


def test_no_split_is_refused():
    with pytest.raises(ValueError, match="no split"):
        inspect({})


def test_flickrlogos27_has_copies_across_its_splits(shared):
    root = shared / "data" / "flickrlogos27"
    if not root.is_dir():
        pytest.skip("needs FlickrLogos-27")
    inspection = inspect({split: load("flickrlogos27", root, split) for split in ("train", "test", "none")})
    assert inspection.photographs == {"train": 809, "test": 135, "none": 135}
    assert len(inspection.identical_across) == 2 and len(inspection.identical_within) == 7
    brands = [{entry.brand for entry in finding.entries} for finding in inspection.near_across]
    assert brands == [{"Fedex"}, {"Ford"}, {"Mini"}, {"Nike"}, {"Vodafone"}]
    assert not inspection.unreadable and not inspection.missing and not inspection.contradicting


def test_transparent_photographs_are_counted_whatever_their_suffix(parts, tmp_path):
    clear = np.dstack([scene(seed=90), np.full((40, 60), 128, np.uint8)])
    for name in ("a.png", "b.jpg"):
        (tmp_path / "train" / name).write_bytes(encode(clear + np.uint8(name == "b.jpg"), ".png"))
    (tmp_path / "train" / "c.png").write_bytes(encode(scene(seed=91), ".png"))
    for name in ("a.png", "b.jpg", "c.png"):
        parts["train"] = with_photograph(parts["train"], str(tmp_path / "train" / name), 0)
    inspection = inspect(parts, near=False)
    assert found(inspection) == {"transparent"} and not inspection.trouble
    assert names(inspection.transparent) == [["a.png"], ["b.jpg"]]


def test_what_is_unclear_and_what_was_left_out_is_listed(parts, tmp_path):
    path = parts["train"].paths[0]
    parts["train"] = dataclasses.replace(parts["train"], unclear={path: "why"}, skipped=["/x/a.mp4"])
    parts["test"] = dataclasses.replace(parts["test"], skipped=["/x/a.mp4", "/x/b.mp4"])
    inspection = inspect(parts)
    assert found(inspection) == {"unclear", "skipped"} and not inspection.trouble
    assert [finding.detail for finding in inspection.unclear] == ["why"] and inspection.unclear[0].entries[0].path == path
    assert [finding.detail for finding in inspection.skipped] == ["/x/a.mp4", "/x/b.mp4"]
    assert inspection.to_dict()["counts"]["skipped"] == 2
