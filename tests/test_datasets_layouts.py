"""Folders of annotations and photographs as the tools lay them out."""

import json
import os

import pytest
from photographs import encode, scene, with_orientation, write
from samples import summary

from logo_keras.datasets import load
from logo_keras.datasets.splits import splits

LABEL = "0 0.5 0.5 0.5 0.5\n"
BOX = [[10.0, 15.0, 30.0, 45.0]]


def put(root, texts, photographs=()):
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    for name in photographs:
        write(root / name)
    return root


def xml(filename="a.jpg", folder="x", size=(40, 60), extra=""):
    return (
        f"<annotation><folder>{folder}</folder><filename>{filename}</filename><path>C:\\me\\{filename}</path>"
        f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>{extra}<object><name>puma</name>"
        "<bndbox><xmin>15</xmin><ymin>10</ymin><xmax>45</xmax><ymax>30</ymax></bndbox></object></annotation>"
    )


def coco(*names, categories=({"id": 1, "name": "puma", "supercategory": ""},), size=(40, 60), category=1):
    images = [{"id": place, "file_name": name, "height": size[0], "width": size[1]} for place, name in enumerate(names, 1)]
    boxes = [
        {"id": each["id"], "image_id": each["id"], "category_id": category, "bbox": [15, 10, 30, 20], "iscrowd": 0}
        for each in images
    ]
    return {"images": images, "annotations": boxes, "categories": list(categories)}


def check(dataset, *paths):
    assert dataset.class_names == ("puma",)
    assert [os.path.relpath(path, dataset.root) for path in dataset.paths] == list(paths)
    assert [boxes.tolist() for boxes in dataset.boxes] == [BOX] * len(paths)
    assert dataset.check() == {}


def test_darknet_with_obj_data(tmp_path):
    put(
        tmp_path,
        {
            "data/obj.data": "classes = 1\ntrain  = data/train.txt\nvalid  = data/test.txt\nnames = data/obj.names\nbackup=x\n",
            "data/obj.names": "puma\n",
            "data/train.txt": "data/obj/a.jpg\n",
            "data/test.txt": "data/obj/b.jpg\n",
            "data/obj/a.txt": LABEL,
            "data/obj/b.txt": LABEL,
        },
        ["data/obj/a.jpg", "data/obj/b.jpg"],
    )
    check(load("yolo", tmp_path, "train"), "data/obj/a.jpg")
    check(load("yolo", tmp_path, "val"), "data/obj/b.jpg")
    check(load("yolo", tmp_path / "data", "train"), "obj/a.jpg")
    check(load("yolo", tmp_path / "data" / "obj.data", "train"), "obj/a.jpg")
    assert (splits("yolo", tmp_path).train, splits("yolo", tmp_path).validation) == ("train", "valid")


@pytest.mark.parametrize("images", ["images", "JPEGImages"])
def test_darknet_with_labels_in_a_folder_of_their_own(tmp_path, images):
    put(
        tmp_path,
        {
            "logos.data": "names=/home/me/logos.names\ntrain=/home/me/logos/train.txt",
            "logos.names": "puma\n",
            "train.txt": f"/home/me/logos/{images}/x/a.jpg\n",
            "labels/x/a.txt": LABEL,
        },
        [f"{images}/x/a.jpg"],
    )
    check(load("yolo", tmp_path, "train"), f"{images}/x/a.jpg")


@pytest.mark.parametrize("photographs", [["obj_train_data/a.jpg"], ["obj_train_data/images/1/a.jpg"]])
def test_cvat_yolo_1_1(tmp_path, photographs):
    (name,) = photographs
    put(
        tmp_path,
        {
            "obj.data": "classes = 1\nnames = data/obj.names\ntrain = data/train.txt\nbackup = backup/\n",
            "obj.names": "puma\n",
            "train.txt": f"data/{name}\n",
            name.replace(".jpg", ".txt"): LABEL,
        },
        photographs,
    )
    check(load("yolo", tmp_path, "train"), name)
    check(load("yolo", tmp_path), name)


def test_cvat_ultralytics(tmp_path):
    put(
        tmp_path,
        {
            "data.yaml": "names:\n  0: puma\npath: .\ntrain: train.txt\n",
            "train.txt": "data/images/train/a.jpg\n",
            "labels/train/a.txt": LABEL,
        },
        ["images/train/a.jpg"],
    )
    check(load("yolo", tmp_path, "train"), "images/train/a.jpg")


@pytest.mark.parametrize("place", ["images/a.jpg", "images/default/a.jpg", "a.jpg"])
def test_cvat_coco(tmp_path, place):
    put(tmp_path, {"annotations/instances_default.json": coco("a.jpg")}, [place])
    check(load("coco", tmp_path, "default"), place)
    check(load("coco", tmp_path), place)


def test_cvat_voc(tmp_path):
    put(
        tmp_path,
        {
            "Annotations/a b.xml": xml("a b.jpg"),
            "Annotations/sub/c.xml": xml("sub/c.jpg"),
            "ImageSets/Main/default.txt": "a b\nsub/c\n",
            "ImageSets/Main/puma_default.txt": "a b  1\nsub/c  -1\n",
            "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\npuma:1,2,3::\n",
        },
        ["JPEGImages/a b.jpg", "JPEGImages/sub/c.jpg"],
    )
    check(load("voc", tmp_path, "default"), "JPEGImages/a b.jpg", "JPEGImages/sub/c.jpg")
    check(load("voc", tmp_path, "puma_default"), "JPEGImages/a b.jpg")


@pytest.mark.parametrize(
    "written", ["images\\90fbb0c7-a.jpg", "images/1/90fbb0c7-a.jpg", "/data/upload/1/90fbb0c7-a.jpg", "90fbb0c7-a.jpg"]
)
@pytest.mark.parametrize("there", ["images/90fbb0c7-a.jpg", "images/a.jpg", "a.jpg"])
def test_label_studio_coco(tmp_path, written, there):
    put(tmp_path, {"result.json": coco(written, categories=[{"id": 0, "name": "puma"}], category=0)}, [there])
    check(load("coco", tmp_path), there)
    check(load("coco", tmp_path / "result.json"), there)


def test_label_studio_yolo(tmp_path):
    notes = {"categories": [{"id": 0, "name": "puma"}], "info": {"version": "1.0"}}
    put(tmp_path, {"classes.txt": "puma\n", "notes.json": notes, "labels/90fb-a.txt": LABEL}, ["images/90fb-a.jpg"])
    check(load("yolo", tmp_path), "images/90fb-a.jpg")


@pytest.mark.parametrize("prefix", ["../", ""])
def test_roboflow_yolo(tmp_path, prefix):
    put(
        tmp_path,
        {
            "data.yaml": f"train: {prefix}train/images\nval: {prefix}valid/images\ntest: {prefix}test/images\nnames: [puma]\n",
            "README.roboflow.txt": "images.jpg\n",
            **{f"{split}/labels/a.txt": LABEL for split in ("train", "valid", "test")},
        },
        [f"{split}/images/a.jpg" for split in ("train", "valid", "test")],
    )
    for split, folder in (("train", "train"), ("validation", "valid"), ("test", "test")):
        check(load("yolo", tmp_path, split), f"{folder}/images/a.jpg")


def test_roboflow_darknet(tmp_path):
    for split in ("train", "valid"):
        put(tmp_path, {f"{split}/_darknet.labels": "puma\n", f"{split}/a_jpg.rf.1.txt": LABEL}, [f"{split}/a_jpg.rf.1.jpg"])
    check(load("yolo", tmp_path, "val"), "valid/a_jpg.rf.1.jpg")


def test_roboflow_coco(tmp_path):
    categories = [{"id": 0, "name": "logos", "supercategory": "none"}, {"id": 1, "name": "puma", "supercategory": "logos"}]
    for split in ("train", "valid", "test"):
        put(tmp_path, {f"{split}/_annotations.coco.json": coco("a.jpg", categories=categories)}, [f"{split}/a.jpg"])
    for split, folder in (("train", "train"), ("val", "valid"), ("validation", "valid"), ("test", "test")):
        check(load("coco", tmp_path, split), f"{folder}/a.jpg")


def test_roboflow_voc(tmp_path):
    for split in ("train", "valid"):
        put(tmp_path, {f"{split}/a_jpg.rf.1.xml": xml("a_jpg.rf.1.jpg", folder="")}, [f"{split}/a_jpg.rf.1.jpg"])
    check(load("voc", tmp_path, "val"), "valid/a_jpg.rf.1.jpg")


def test_labelimg_yolo(tmp_path):
    put(tmp_path, {"a.txt": LABEL, "classes.txt": "puma\n"}, ["a.jpg"])
    check(load("yolo", tmp_path), "a.jpg")


def test_labelimg_with_another_folder_for_its_files(tmp_path):
    put(tmp_path, {"labels/a.txt": LABEL, "labels/classes.txt": "puma\n"}, ["photos/a.jpg"])
    check(load("yolo", tmp_path), "photos/a.jpg")
    put(tmp_path / "x", {"annotations/a.xml": xml(folder="photos")}, ["photos/a.jpg"])
    check(load("voc", tmp_path / "x"), "photos/a.jpg")


def test_labelimg_voc(tmp_path):
    put(tmp_path, {"a.xml": xml()}, ["a.jpg"])
    check(load("voc", tmp_path), "a.jpg")


def test_ultralytics_with_a_folder_a_split(tmp_path):
    put(
        tmp_path,
        {
            "coco8.yaml": "path: ../datasets/coco8\ntrain: images/train2017\nval: images/val2017\nnames: {0: puma}\n",
            "labels/train2017/a.txt": LABEL,
            "labels/val2017/b.txt": LABEL,
        },
        ["images/train2017/a.jpg", "images/val2017/b.jpg"],
    )
    check(load("yolo", tmp_path, "train"), "images/train2017/a.jpg")
    check(load("yolo", tmp_path, "validation"), "images/val2017/b.jpg")


@pytest.mark.parametrize("name", ["valid", "val", "validation", "val2017"])
@pytest.mark.parametrize("asked", ["valid", "val", "validation"])
def test_the_part_for_validation_has_many_names(tmp_path, name, asked):
    put(tmp_path / "coco", {f"annotations/instances_{name}.json": coco("a.jpg")}, [f"{name}/a.jpg"])
    put(tmp_path / "voc", {f"{name}/a.xml": xml()}, [f"{name}/a.jpg"])
    put(tmp_path / "yolo", {"classes.txt": "puma\n", f"labels/{name}/a.txt": LABEL}, [f"images/{name}/a.jpg"])
    put(tmp_path / "folder", {}, [f"{name}/puma/a.jpg", "train/puma/b.jpg"])
    put(tmp_path / "list", {f"{name}.txt": "a.jpg puma\n"}, ["a.jpg"])
    for kind in ("coco", "voc", "yolo", "folder", "list"):
        dataset = load(kind, tmp_path / kind, asked)
        assert [os.path.basename(path) for path in dataset.paths] == ["a.jpg"], kind
        assert splits(kind, tmp_path / kind).validation is not None, kind


def test_a_photograph_that_is_gone_is_not_searched_in_another_split(tmp_path):
    for split in ("train", "valid"):
        put(tmp_path, {f"{split}/_annotations.coco.json": coco("a.jpg")}, ["valid/a.jpg"])
    train = load("coco", tmp_path, "train")
    assert train.check() == {str(tmp_path / "train" / "a.jpg"): "no such file"}


def test_other_json_files_beside_are_skipped_and_named(tmp_path):
    put(tmp_path, {"set.json": coco("a.jpg"), "config.json": {"a": 1}, "findings.json": []}, ["a.jpg"])
    dataset = load("coco", tmp_path)
    assert summary(dataset) == [("a.jpg", "puma", BOX)]
    assert dataset.notes == ("JSON files that are not COCO's, skipped: 2 (config.json, findings.json)",)


@pytest.mark.parametrize("kind", ["coco", "voc", "boxes.json", "boxes.csv"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("drawn", ["stored", "upright"])
def test_boxes_lie_on_the_logo_whichever_way_the_photograph_was_annotated(tmp_path, kind, orientation, drawn):
    # A red mark on grey at rows 8 to 24, columns 40 to 80 of 64 x 96 px, as stored.
    photo = scene(64, 96) * 0 + 128
    photo[8:24, 40:80] = (255, 0, 0)
    turned = with_orientation(encode(photo), orientation)
    # Another photograph, turned by a quarter, tells how those were drawn whose size does not.
    for name, data in (("a.jpg", turned), ("b.jpg", with_orientation(encode(photo), 6))):
        path = tmp_path / "puma" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    rows, images, boxes = ["path,x0,y0,x1,y1,image_width,image_height"], [], []
    for place, (name, exif) in enumerate((("a.jpg", orientation), ("b.jpg", 6))):
        y0, x0, y1, x1 = _upright((8, 40, 24, 80), exif) if drawn == "upright" else (8, 40, 24, 80)
        height, width = (96, 64) if drawn == "upright" and exif > 4 else (64, 96)
        rows.append(f"puma/{name},{x0},{y0},{x1},{y1},{width},{height}")
        images.append({"id": place, "file_name": f"puma/{name}", "width": width, "height": height})
        boxes.append({"id": place, "image_id": place, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]})
        sides = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        if kind == "voc":
            text = f"<annotation>{size}<object><name>puma</name><bndbox>{sides}</bndbox></object></annotation>"
            (tmp_path / "puma" / name).with_suffix(".xml").write_text(text)
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "puma"}]}
    if kind == "boxes.csv":
        (tmp_path / kind).write_text("\n".join(rows))
    elif kind != "voc":
        (tmp_path / ("set.json" if kind == "coco" else kind)).write_text(json.dumps(content))
    dataset = load("folder" if kind.startswith("boxes") else kind, tmp_path)
    for index, path in enumerate(dataset.paths):
        shown = dataset.photograph(index).astype(int)
        marked = (shown[..., 0] > 200) & (shown[..., 1] < 90)
        y0, x0, y1, x1 = dataset.boxes[index][0].astype(int)
        assert marked[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].all(), (path, dataset.boxes[index])
        assert marked.sum() < (y1 - y0 + 3) * (x1 - x0 + 3)
    assert dataset.unclear == {}
    assert any("were turned with them" in note for note in dataset.notes) == (drawn == "stored")


def _upright(box, exif):
    """By hand: where rows 8 to 24, columns 40 to 80 of 64 x 96 px go."""
    assert box == (8, 40, 24, 80)
    return {
        1: (8, 40, 24, 80),
        2: (8, 16, 24, 56),
        3: (40, 16, 56, 56),
        4: (40, 40, 56, 80),
        5: (40, 8, 80, 24),
        6: (40, 40, 80, 56),
        7: (16, 40, 56, 56),
        8: (16, 8, 56, 24),
    }[exif]


@pytest.mark.parametrize(
    ("size", "stated", "orientation"),
    [
        ((64, 96), (64, 96), 3),
        ((64, 96), (64, 96), 2),
        ((64, 64), (64, 64), 6),
        ((64, 96), (50, 80), 6),
        ((64, 96), (96, 64), 1),
        ((64, 96), (128, 192), 1),
    ],
)
def test_what_sizes_do_not_tell_is_named_and_kept(tmp_path, size, stated, orientation):
    (tmp_path / "a.jpg").write_bytes(with_orientation(encode(scene(*size)), orientation))
    put(tmp_path, {"set.json": coco("a.jpg", size=stated)})
    dataset = load("coco", tmp_path)
    assert dataset.boxes[0].tolist() == BOX
    ((path, reason),) = dataset.unclear.items()
    assert path == dataset.paths[0] and reason.startswith(f"EXIF orientation {orientation}, stored {size[1]} x {size[0]} px")
    assert any("whose boxes may lie elsewhere" in note and "a.jpg" in note for note in dataset.notes)
    assert dataset.subset([0]).unclear == dataset.unclear and dataset.subset([]).unclear == {}


@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_boxes_of_photographs_without_a_stated_size_are_upright(tmp_path, orientation):
    (tmp_path / "a.jpg").write_bytes(with_orientation(encode(scene(60, 60)), orientation))
    content = coco("a.jpg")
    for key in ("width", "height"):
        del content["images"][0][key]
    put(tmp_path, {"set.json": content})
    dataset = load("coco", tmp_path)
    assert dataset.boxes[0].tolist() == BOX and dataset.unclear == {} and dataset.notes == ()
