"""Photographs with boxes in the format of YOLO."""

import json

import numpy as np
import pytest
from photographs import encode, scene, with_orientation, write
from samples import summary

from logo_keras.datasets import load


def label(photograph, text, folder="labels"):
    path = photograph.parent.parent / folder / f"{photograph.stem}.txt" if folder else photograph.with_suffix(".txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def roboflow(tmp_path):
    """Photographs of 40 x 60 px. The tests are named and not there, as Roboflow does where there are none."""
    (tmp_path / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 3\nnames: ['puma', 'nike', 'no']\n"
    )
    for name, text in {
        "train/images/a.jpg": "0 0.5 0.5 0.5 0.25\r\n0 0.1 0.1 0.1 0.1\r\n",
        "train/images/b.JPG": "1 0.25 0.5 0.5 1\n0 0.5 0.5 0.1 0.1\n\n",
        "train/images/c.png": "",
        "valid/images/d.jpg": "2 0.5 0.5 1 1",
    }.items():
        label(write(tmp_path / name), text)
    write(tmp_path / "train" / "images" / "e.jpg")
    return tmp_path


def test_shares_become_px_of_the_photograph(roboflow):
    dataset = load("yolo", roboflow, "train")
    # In the order of the description, and "no" is no truth value.
    assert dataset.class_names == ("puma", "nike", "no")
    assert summary(dataset) == [
        ("a.jpg", "puma", [[15, 15, 25, 45], [2, 3, 6, 9]]),
        ("b.JPG", "nike", [[0, 0, 40, 30]]),
        ("c.png", None, []),
        ("e.jpg", None, []),
    ]
    assert "several brands" in dataset.notes[0]
    assert (dataset.root, dataset.split_name) == (str(roboflow), "train")


def test_without_a_split_only_photographs_with_a_brand_are_there(roboflow):
    assert [name for name, _, _ in summary(load("yolo", roboflow))] == ["a.jpg", "b.JPG", "d.jpg"]


def test_val_valid_and_validation_are_one_split(roboflow):
    assert load("yolo", roboflow, "valid").paths == load("yolo", roboflow / "data.yaml", "validation").paths
    assert load("yolo", roboflow, "val").labels.tolist() == [2]


def test_an_unknown_split_is_answered_with_the_known_ones(roboflow):
    with pytest.raises(FileNotFoundError, match=r"data\.yaml has no split 'test', only train, val"):
        load("yolo", roboflow, "test")


def test_cut_makes_a_sample_of_every_box(roboflow):
    dataset = load("yolo", roboflow, "train", cut=0)
    assert sorted(dataset.labels.tolist()) == [0, 0, 0, 1]
    assert dataset.photograph(0).shape == (10, 30, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_shares_are_those_of_the_upright_photograph(tmp_path, orientation):
    (tmp_path / "classes.txt").write_text("puma\n")
    (tmp_path / "a.jpg").write_bytes(with_orientation(encode(scene()), orientation))
    label(tmp_path / "a.jpg", "0 0.5 0.5 1 1", folder=None)
    dataset = load("yolo", tmp_path)
    assert dataset.boxes[0].tolist() == [[0, 0, *dataset.photograph(0).shape[:2]]]


def test_an_outline_gives_the_box_around_it(tmp_path):
    (tmp_path / "classes.txt").write_text("puma\n")
    label(write(tmp_path / "a.jpg"), "0 0.1 0.2 0.5 0.1 0.4 0.6\n0 0.5 0.5 0.6 0.5 0.6 0.6 0.5 0.6", folder=None)
    assert summary(load("yolo", tmp_path)) == [("a.jpg", "puma", [[4, 6, 24, 30], [20, 30, 24, 36]])]


def test_points_of_a_pose_are_not_taken_for_an_outline(tmp_path):
    (tmp_path / "data.yaml").write_text("train: .\nkpt_shape: [1, 2]\nnames: {0: puma}\n")
    label(write(tmp_path / "a.jpg"), "0 0.5 0.5 0.5 0.5 0.9 0.9", folder=None)
    assert summary(load("yolo", tmp_path)) == [("a.jpg", "puma", [[10, 15, 30, 45]])]


def test_a_photograph_that_cannot_be_read_keeps_its_label_for_check_to_find(roboflow):
    (roboflow / "train" / "images" / "b.JPG").write_bytes(b"<html>")
    dataset = load("yolo", roboflow, "train")
    assert summary(dataset)[1] == ("b.JPG", "nike", [])
    assert "cannot be read, without boxes: 1 (b.JPG)" in dataset.notes[0]
    assert list(dataset.check()) == [dataset.paths[1]]


def test_names_may_be_numbered_with_gaps_and_entries_several(tmp_path):
    (tmp_path / "logos.yaml").write_text(
        "path: set  # beside\ntrain:\n  - images/one\n  - images/two\nval: val.txt\n"
        "names:\n  0: puma\n  80: nike\n  2: 2024-01-01\n"
    )
    for name, text in {"one/a.jpg": "80 0.5 0.5 1 1", "two/b.jpg": "2 0.5 0.5 1 1", "three/c.jpg": "0 0.5 0.5 1 1"}.items():
        write(tmp_path / "set" / "images" / name)
        path = (tmp_path / "set" / "labels" / name).with_suffix(".txt")
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (tmp_path / "set" / "val.txt").write_text("./images/three/c.jpg\n")
    assert load("yolo", tmp_path).class_names == ("puma", "2024-01-01", "nike")
    assert load("yolo", tmp_path, "train").labels.tolist() == [2, 1]
    assert load("yolo", tmp_path, "val").labels.tolist() == [0]
    assert load("yolo", tmp_path).root == str(tmp_path / "set")


def test_photographs_outside_the_root_are_read_and_the_set_has_no_root(tmp_path):
    (tmp_path / "here").mkdir()
    label(write(tmp_path / "there" / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    (tmp_path / "here" / "data.yaml").write_text("train: ../there\nnames: [puma]\n")
    dataset = load("yolo", tmp_path / "here")
    assert (len(dataset), dataset.root) == (1, None)


@pytest.mark.parametrize("written", ["{}/a.jpg", "data/obj/a.jpg", "obj\\a.jpg", "/home/me/darknet/data/obj/a.jpg"])
def test_lists_of_darknet_lead_to_the_photographs_wherever_they_were_written(tmp_path, written):
    (tmp_path / "obj.names").write_text("puma\n\nnike\n")
    for name in ("a", "b"):
        label(write(tmp_path / "obj" / f"{name}.jpg"), "2 0.5 0.5 1 1", folder=None)
    (tmp_path / "train.txt").write_text(written.format(tmp_path / "obj") + "\n")
    dataset = load("yolo", tmp_path, "train")
    assert dataset.paths == (str(tmp_path / "obj" / "a.jpg"),)
    assert dataset.class_names == ("puma", "nike")
    assert dataset.labels.tolist() == [1]
    with pytest.raises(FileNotFoundError, match=r"obj\.names has no split 'test', only train"):
        load("yolo", tmp_path, "test")


def test_a_listed_photograph_that_is_missing_stays_in_its_place(tmp_path):
    (tmp_path / "classes.txt").write_text("puma\n")
    (tmp_path / "train.txt").write_text("x/gone.jpg\nx/a.jpg\n")
    label(write(tmp_path / "set" / "x" / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    (tmp_path / "set" / "x" / "gone.txt").write_text("0 0.5 0.5 1 1")
    (tmp_path / "set" / "classes.txt").write_text("puma\n")
    (tmp_path / "set" / "train.txt").write_text("x/gone.jpg\nx/a.jpg\n")
    dataset = load("yolo", tmp_path / "set", "train")
    assert [len(boxes) for boxes in dataset.boxes] == [0, 1]
    assert list(dataset.check().values()) == ["no such file"]


def test_without_a_description_folders_are_splits(tmp_path):
    (tmp_path / "classes.txt").write_text("puma\nnike\n")
    for name in ("train/a.jpg", "val/b.jpg"):
        write(tmp_path / "images" / name)
        (tmp_path / "labels" / name).parent.mkdir(parents=True)
        (tmp_path / "labels" / name).with_suffix(".txt").write_text("1 0.5 0.5 1 1")
    assert load("yolo", tmp_path, "val").paths == (str(tmp_path / "images" / "val" / "b.jpg"),)
    assert len(load("yolo", tmp_path)) == 2


def test_labels_beside_photographs_count_where_there_is_no_folder_of_labels(tmp_path):
    (tmp_path / "images" / "classes.txt").parent.mkdir()
    (tmp_path / "images" / "classes.txt").write_text("puma\n")
    label(write(tmp_path / "images" / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    assert len(load("yolo", tmp_path)) == 1
    with pytest.raises(FileNotFoundError, match="only photographs: leave it out"):
        load("yolo", tmp_path, "train")


def test_the_class_none_is_no_brand(tmp_path):
    (tmp_path / "classes.txt").write_text("none\npuma\n")
    label(write(tmp_path / "train" / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    label(write(tmp_path / "train" / "b.jpg"), "1 0.5 0.5 1 1", folder=None)
    assert load("yolo", tmp_path, "train").labels.tolist() == [-1, 0]
    assert load("yolo", tmp_path).class_names == ("puma",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.5 0.5 1", r"a\.txt:1: expected class x y width height, or class x1 y1"),
        ("0 0.5 0.5 1 1 0.9", r"a\.txt:1: expected class x y width height"),
        ("\n0 0.5 0.5 1 1\npuma 0.5 0.5 1 1", r"a\.txt:3: expected class x y width height"),
        ("2 0.5 0.5 1 1", r"a\.txt:1: class 2 is none of the 1 in .*classes\.txt"),
        ("-1 0.5 0.5 1 1", r"a\.txt:1: class -1 is none of the 1"),
        ("0 30 20 10 10", r"a\.txt:1: expected shares of the photograph between 0 and 1, got '0 30 20 10 10'"),
        ("0 0.5 0.5 nan 1", r"a\.txt:1: expected shares"),
        ("0 0.5 0.5 -0.5 1", r"a\.txt:1: expected shares"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, text, message):
    (tmp_path / "classes.txt").write_text("puma\n")
    label(write(tmp_path / "a.jpg"), text, folder=None)
    with pytest.raises(ValueError, match=message):
        load("yolo", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: a\nnames: [a, b\n", r"data\.yaml:3: not YAML"),
        ("[" * 5000, r"data\.yaml: not YAML \(RecursionError\)"),
        ("a: \x00", r"data\.yaml: not YAML"),
        ("#" * (2**20 + 1), r"data\.yaml: a description has at most 1048576 bytes"),
        ("train: images\n", r"data\.yaml needs names"),
        ("names: 3\ntrain: .\n", r"data\.yaml needs names"),
        ("names: [a, [b]]\ntrain: .\n", r"data\.yaml needs names"),
        ("names: {a: puma}\ntrain: .\n", r"data\.yaml needs names"),
        ("- a\n", r"data\.yaml needs names"),
        ("names: [a]\ntrain: {a: b}\n", r"data\.yaml: train must be a folder, a list of photographs, or several of them"),
        ("names: !!python/object/apply:os.getcwd []\ntrain: .\n", r"data\.yaml needs names"),
    ],
    ids=range(11),
)
def test_a_description_that_cannot_be_read_is_named(tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        load("yolo", tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file or folder .*nowhere"):
        load("yolo", tmp_path / "nowhere")
    write(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match=r"must hold data\.yaml, or classes\.txt or obj\.names .* holds a\.jpg"):
        load("yolo", tmp_path)
    (tmp_path / "data.yaml").write_text("names: [a]\ntrain: gone\n")
    with pytest.raises(FileNotFoundError, match=r"data\.yaml names no folder or list that exists as train, val or test"):
        load("yolo", tmp_path)


def test_the_same_boxes_of_real_photographs_come_out_of_every_format(shared, tmp_path):
    real = load("toplogo10", shared / "data" / "toplogo10", "test30").subset(range(0, 300, 15))
    (tmp_path / "images").mkdir()
    images, annotations, rows, found = [], [], ["path,x,y,width,height,brand"], {}
    for index, (path, boxes) in enumerate(zip(real.paths, real.boxes, strict=True)):
        brand, name = real.class_names[real.labels[index]], f"{index}.jpg"
        (tmp_path / "images" / name).symlink_to(path)
        height, width = real.photograph(index).shape[:2]
        found[name] = brand, boxes
        images.append({"id": index, "file_name": name})
        objects, lines = "", []
        for y0, x0, y1, x1 in boxes.tolist():
            annotations.append({"image_id": index, "category_id": int(real.labels[index]), "bbox": [x0, y0, x1 - x0, y1 - y0]})
            rows.append(f"images/{name},{x0},{y0},{x1 - x0},{y1 - y0},{brand}")
            sides = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            objects += f"<object><name>{brand}</name><bndbox>{sides}</bndbox></object>"
            middle = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height
            lines.append(f"{real.labels[index]} {' '.join(map(str, middle))}")
        for folder, suffix, text in (
            ("Annotations", "xml", f"<annotation>{objects}</annotation>"),
            ("labels", "txt", "\n".join(lines)),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{index}.{suffix}").write_text(text)
    (tmp_path / "all.txt").write_text("".join(f"images/{name}\t{brand}\n" for name, (brand, _) in found.items()))
    (tmp_path / "boxes.csv").write_text("\n".join(rows))
    (tmp_path / "data.yaml").write_text(json.dumps({"train": "images", "names": list(real.class_names)}))
    categories = [{"id": number, "name": name} for number, name in enumerate(real.class_names)]
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    for name, root in (("voc", "."), ("yolo", "."), ("coco", "coco.json"), ("list", "all.txt")):
        dataset = load(name, tmp_path / root)
        assert len(dataset) == len(real), name
        for path, label, boxes in zip(dataset.paths, dataset.labels, dataset.boxes, strict=True):
            brand, expected = found[path.rsplit("/", 1)[1]]
            assert dataset.class_names[label] == brand
            np.testing.assert_allclose(boxes, expected, atol=1e-3)


def test_all_lines_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "classes.txt").write_text("puma\n")
    label(write(tmp_path / "a.jpg"), "0 1.0371 0.5 0.4 0.4\n0 0.5 0.5 1 1\n3 0.5 0.5 1 1\n", folder=None)
    label(write(tmp_path / "b.jpg"), "0 0.5\n", folder=None)
    with pytest.raises(
        ValueError, match=r"^3 problems:\n.*a\.txt:1: expected shares.*\n.*a\.txt:3: class 3.*\n.*b\.txt:1: expected class"
    ):
        load("yolo", tmp_path)


def test_names_and_descriptions_of_windows_are_read(tmp_path):
    label(write(tmp_path / "train" / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "data.yaml").write_bytes("train: train\r\nnames: [café]\r\n".encode(encoding))
        assert load("yolo", tmp_path).class_names == ("café",)
    (tmp_path / "data.yaml").unlink()
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "classes.txt").write_bytes("cafe\u0301\r\n".encode(encoding) if encoding != "cp1252" else b"caf\xe9\r\n")
        assert load("yolo", tmp_path).class_names == ("caf\u00e9",)


@pytest.mark.parametrize(
    "line", ['"shop 1/a b.jpg"', "shop%201/a%20b.jpg", "https://host/shop%201/a%20b.jpg?d=x", "else/a b.jpg"]
)
def test_paths_of_lists_are_found_as_tools_write_them(tmp_path, line):
    (tmp_path / "classes.txt").write_text("puma\n")
    (tmp_path / "train.txt").write_text(f"{line}\n")
    found = write(tmp_path / "shop 1" / "a b.jpg")
    label(found, "0 0.5 0.5 1 1", folder=None)
    dataset = load("yolo", tmp_path, "train")
    assert dataset.paths == (str(found),) and len(dataset.boxes[0]) == 1
    assert any("by their file names alone" in note for note in dataset.notes) == line.startswith("else")


def test_photographs_of_other_suffixes_are_read(tmp_path):
    (tmp_path / "classes.txt").write_text("puma\n")
    for name in ("a.jfif", "b", "c.heic"):
        (tmp_path / name).write_bytes(encode(scene()))
        label(tmp_path / name, "0 0.5 0.5 1 1", folder=None)
    dataset = load("yolo", tmp_path)
    assert [path.rsplit("/", 1)[1] for path in dataset.paths] == ["a.jfif", "b", "c.heic"] and dataset.check() == {}


def test_names_that_a_run_left_among_photographs_are_not_those_of_the_set(tmp_path):
    label(write(tmp_path / "a.jpg"), "0 0.5 0.5 1 1", folder=None)
    (tmp_path / "obj.names").write_text("puma\n")
    for folder, more in (("run", "model.keras"), ("notes", "x.md")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "classes.txt").write_text("nike\n")
        (tmp_path / folder / more).write_text("")
    assert load("yolo", tmp_path).class_names == ("puma",)
