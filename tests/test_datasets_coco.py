"""Photographs with boxes in COCO's format."""

import json

import pytest
from photographs import write
from samples import summary

from logo_keras.datasets import load


def content(images, annotations=(), categories=((1, "puma"), (2, "nike")), **more):
    """A COCO file: images as (id, name), annotations as (image, category, box), categories as (id, name)."""
    return {
        "info": {},
        "licenses": [],
        "images": [{"id": number, "file_name": name, "width": 60, "height": 40} for number, name in images],
        "annotations": [
            {"id": place, "image_id": image, "category_id": category, "bbox": box, "iscrowd": 0, "area": 1}
            for place, (image, category, box) in enumerate(annotations)
        ],
        "categories": [{"id": number, "name": name, "supercategory": "logo"} for number, name in categories],
        **more,
    }


def put(path, *args, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content(*args, **kwargs)))
    return path


@pytest.fixture
def official(tmp_path):
    """COCO's own layout, with categories that do not start at 1 and have a gap, and a photograph without a logo."""
    categories = ((18, "puma"), (3, "nike"), (90, "fila"))
    put(
        tmp_path / "annotations" / "instances_train2017.json",
        [(397133, "a.jpg"), (5, "b.jpg"), (6, "c.jpg")],
        [(397133, 18, [2, 1, 6.5, 4]), (5, 3, [0, 0, 10, 10]), (397133, 18, [20, 10, 5, 5])],
        categories,
    )
    put(tmp_path / "annotations" / "instances_val2017.json", [(1, "d.jpg")], [(1, 90, [1, 1, 2, 2])], categories)
    (tmp_path / "annotations" / "captions_train2017.json").write_text("{}")
    for name in ("train2017/a.jpg", "train2017/b.jpg", "train2017/c.jpg", "val2017/d.jpg"):
        write(tmp_path / name)
    return tmp_path


def test_a_split_has_the_boxes_of_its_file_and_photographs_without_any(official):
    dataset = load("coco", official, "train2017")
    assert dataset.class_names == ("fila", "nike", "puma")
    assert summary(dataset) == [
        ("a.jpg", "puma", [[1, 2, 5, 8.5], [10, 20, 15, 25]]),
        ("b.jpg", "nike", [[0, 0, 10, 10]]),
        ("c.jpg", None, []),
    ]
    assert dataset.paths[0] == str(official / "train2017" / "a.jpg")
    assert (dataset.root, dataset.split_name) == (str(official), "train2017")


def test_the_year_of_a_split_may_be_left_out(official):
    assert load("coco", official, "val").paths == load("coco", official, "val2017").paths


def test_without_a_split_only_photographs_with_a_brand_are_there(official):
    assert [name for name, _, _ in summary(load("coco", official))] == ["a.jpg", "b.jpg", "d.jpg"]


def test_classes_agree_between_splits(official):
    assert load("coco", official, "train").class_names == load("coco", official, "val").class_names


def test_cut_makes_a_sample_of_every_box(official):
    dataset = load("coco", official, "train", cut=0)
    assert dataset.labels.tolist() == [2, 2, 1]
    assert dataset.photograph(0).shape == (4, 7, 3)


def test_the_brand_is_that_of_the_largest_box_and_the_report_says_so(tmp_path):
    file = put(tmp_path / "set.json", [(1, "a.jpg")], [(1, 1, [0, 0, 5, 5]), (1, 2, [0, 0, 6, 6])])
    dataset = load("coco", file)
    assert summary(dataset) == [("a.jpg", "nike", [[0, 0, 6, 6]])]
    assert "several brands" in dataset.notes[0] and "a.jpg" in dataset.notes[0]


@pytest.mark.parametrize("place", ["images/train/a.jpg", "images/a.jpg", "train/a.jpg", "annotations/a.jpg", "a.jpg"])
def test_photographs_are_found_where_tools_put_them(tmp_path, place):
    put(tmp_path / "annotations" / "train.json", [(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])])
    write(tmp_path / place)
    assert load("coco", tmp_path, "train").paths == (str(tmp_path / place),)
    assert load("coco", tmp_path / "annotations" / "train.json").paths == (str(tmp_path / place),)


def test_a_photograph_that_is_missing_has_the_path_it_should_have(tmp_path):
    put(tmp_path / "train.json", [(1, "x/a.jpg")], [(1, 1, [0, 0, 5, 5])])
    (tmp_path / "images").mkdir()
    dataset = load("coco", tmp_path, "train")
    assert dataset.paths == (str(tmp_path / "images" / "x" / "a.jpg"),)
    assert dataset.check() == {dataset.paths[0]: "no such file"}


def test_roboflow_has_a_file_a_split_and_a_category_that_is_none(tmp_path):
    categories = [
        {"id": 0, "name": "logos", "supercategory": "none"},
        {"id": 1, "name": "puma", "supercategory": "logos"},
        {"id": 2, "name": "nike", "supercategory": "logos"},
    ]
    for split in ("train", "valid"):
        write(tmp_path / split / "a.jpg")
        put(tmp_path / split / "_annotations.coco.json", [(0, "a.jpg")], [(0, 1, [0, 0, 5, 5])], categories=())
        file = tmp_path / split / "_annotations.coco.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"categories": categories}))
    (tmp_path / "README.roboflow.txt").write_text("")
    dataset = load("coco", tmp_path, "valid")
    assert dataset.class_names == ("nike", "puma")
    assert dataset.paths == (str(tmp_path / "valid" / "a.jpg"),)
    assert len(load("coco", tmp_path)) == 2


def test_a_category_of_id_0_is_a_class_where_it_has_boxes_or_no_children(tmp_path):
    put(tmp_path / "a.json", [(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])], ((0, "logo"), (1, "puma")))
    assert load("coco", tmp_path / "a.json").class_names == ("puma",)
    put(tmp_path / "a.json", [(1, "a.jpg")], [(1, 0, [0, 0, 5, 5])], ((0, "logo"), (1, "puma")))
    assert load("coco", tmp_path / "a.json").class_names == ("logo", "puma")
    put(tmp_path / "a.json", [(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])], ((0, "nike"), (1, "puma")))
    assert load("coco", tmp_path / "a.json").class_names == ("nike", "puma")


def test_boxes_of_crowds_are_left_out_and_a_photograph_of_crowds_alone_is_too(tmp_path):
    file = put(
        tmp_path / "a.json", [(1, "a.jpg"), (2, "b.jpg")], [(1, 1, [0, 0, 5, 5]), (1, 1, [0, 0, 9, 9]), (2, 1, [0, 0, 9, 9])]
    )
    read = json.loads(file.read_text())
    for annotation in read["annotations"][1:]:
        annotation["iscrowd"] = 1
    (tmp_path / "a.json").write_text(json.dumps(read))
    dataset = load("coco", tmp_path, "a")
    assert summary(dataset) == [("a.jpg", "puma", [[0, 0, 5, 5]])]
    assert "without a box" in dataset.notes[0]


def test_ids_may_be_strings_and_a_number_equals_its_string(tmp_path):
    put(
        tmp_path / "a.json",
        [("x1", "a.jpg"), (2, "b.jpg")],
        [("x1", "c1", [0, 0, 5, 5]), ("2", 7, [0, 0, 5, 5])],
        (("c1", "puma"), ("7", "nike")),
    )
    assert [brand for _, brand, _ in summary(load("coco", tmp_path))] == ["puma", "nike"]


def test_the_category_none_is_no_brand(tmp_path):
    put(
        tmp_path / "a.json",
        [(1, "a.jpg"), (2, "b.jpg")],
        [(1, 1, [0, 0, 5, 5]), (2, 2, [0, 0, 5, 5])],
        ((1, "none"), (2, "puma")),
    )
    assert summary(load("coco", tmp_path, "a")) == [("a.jpg", None, []), ("b.jpg", "puma", [[0, 0, 5, 5]])]
    assert load("coco", tmp_path).class_names == ("puma",)


def test_paths_of_another_machine_lead_to_the_name_alone(tmp_path):
    names = ["C:\\Users\\me\\a.jpg", "/home/me/b.jpg", "../c.jpg", "sub\\d.jpg"]
    put(tmp_path / "a.json", list(enumerate(names)), [(n, 1, [0, 0, 5, 5]) for n in range(4)])
    found = [write(tmp_path / "images" / name) for name in ("a.jpg", "b.jpg", "c.jpg", "sub/d.jpg")]
    assert load("coco", tmp_path).paths == tuple(map(str, found))


@pytest.mark.parametrize("name", ["../../a.jpg", "/etc/passwd", "images/../../a.jpg"])
def test_a_path_that_leads_out_of_the_root_is_refused(tmp_path, name):
    put(tmp_path / "in" / "a.json", [(1, name)], [(1, 1, [0, 0, 5, 5])])
    write(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"a\.json: image 1 of the list: .* does not lie inside it"):
        load("coco", tmp_path / "in")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [],\n "annotations": [}', r"a\.json:2: not JSON"),
        ("[" * 100_000, r"a\.json: not JSON"),
        ("[]", r"a\.json is no COCO file: expected lists of objects called images, annotations and categories"),
        ('{"images": [], "categories": []}', r"a\.json is no COCO file"),
        ('{"images": [1], "annotations": [], "categories": []}', r"a\.json is no COCO file"),
        (content([(1, "a.jpg"), (1, "b.jpg")]), r"image 2 of the list has the id 1 of another image"),
        (content([(1, "")]), r"image 1 of the list needs file_name, a string, got ''"),
        (content([(1, "\ud800.jpg")]), r"image 1 of the list needs file_name"),
        (content([(None, "a.jpg")]), r"image 1 of the list needs id, a number or a string, got None"),
        (content([(1, "a.jpg")], [(2, 1, [0, 0, 1, 1])]), r"annotation 0 belongs to image 2, which the file does not list"),
        (content([(1, "a.jpg")], [(1, 9, [0, 0, 1, 1])]), r"annotation 0 belongs to category 9, which the file does not list"),
        (content([(1, "a.jpg")], [(1, 1, [0, 0, 1])]), r"annotation 0 needs bbox \[x, y, width, height\]"),
        (content([(1, "a.jpg")], [(1, 1, [0, 0, -1, 1])]), r"annotation 0 needs bbox"),
        (content([(1, "a.jpg")], [(1, 1, [0, float("nan"), 1, 1])]), r"annotation 0 needs bbox"),
        (content([(1, "a.jpg")], [(1, 1, [10**400, 0, 1, 1])]), r"annotation 0 needs bbox"),
        (content([(1, "a.jpg")], [(1, 1, None)]), r"annotation 0 needs bbox"),
        (content([], categories=((1, "a"), (1, "b"))), r"category 2 of the list has the id 1 of another category"),
    ],
)
def test_errors_name_the_file_and_the_place(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(ValueError, match=message):
        load("coco", tmp_path)


def test_what_is_missing_is_answered_with_what_there_is(official, tmp_path):
    with pytest.raises(FileNotFoundError, match="no split 'test', only train2017, val2017"):
        load("coco", official, "test")
    with pytest.raises(FileNotFoundError, match="there is no file or folder .*nowhere"):
        load("coco", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is one file: leave out split='train'"):
        load("coco", official / "annotations" / "instances_train2017.json", "train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="must hold annotations/instances_SPLIT.json.* is empty"):
        load("coco", tmp_path / "empty")


def test_a_byte_order_mark_is_tolerated(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(content([(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])])), encoding="utf-8-sig")
    assert len(load("coco", tmp_path)) == 1


def test_all_problems_of_a_file_are_named(tmp_path):
    annotations = [(1, 9, [0, 0, 1, 1]), (1, 1, [0, 0, 5, 5]), (2, 1, [0, 0, 1, 1]), (1, 1, [0, 0, -1, 1])]
    put(tmp_path / "a.json", [(1, "a.jpg")], annotations)
    put(tmp_path / "b.json", [(1, "a.jpg"), (1, "b.jpg"), (2, "")])
    with pytest.raises(
        ValueError,
        match=r"^5 problems:\n.*a\.json: annotation 0 .*\n.*annotation 2 .*\n.*annotation 3 .*\n.*b\.json: image 2 .*\n.*image 3",
    ):
        load("coco", tmp_path)


def test_names_in_two_unicode_forms_are_one_category(tmp_path):
    put(tmp_path / "a.json", [(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])], ((1, "caf\u00e9"),))
    put(tmp_path / "b.json", [(1, "e\u0301.jpg")], [(1, 1, [0, 0, 5, 5])], ((1, "cafe\u0301"),))
    write(tmp_path / "images" / "\u00e9.jpg")
    dataset = load("coco", tmp_path)
    assert dataset.class_names == ("caf\u00e9",)
    assert dataset.paths[1] == str(tmp_path / "images" / "\u00e9.jpg")


def test_json_of_windows_is_read(tmp_path):
    text = json.dumps(content([(1, "a.jpg")], [(1, 1, [0, 0, 5, 5])], ((1, "caf\u00e9"),)), ensure_ascii=False)
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "a.json").write_bytes(text.encode(encoding))
        assert load("coco", tmp_path).class_names == ("caf\u00e9",)


def test_of_paths_of_another_machine_those_that_are_missing_are_left_for_check(tmp_path):
    names = ["/home/me/set/a.jpg", "/home/me/set/b.jpg", "../../c.jpg", "https://host/d.jpg?x=1"]
    put(tmp_path / "set" / "a.json", list(enumerate(names)), [(number, 1, [0, 0, 5, 5]) for number in range(4)])
    write(tmp_path / "set" / "a.jpg")
    dataset = load("coco", tmp_path / "set")
    assert [path.rsplit("/", 1)[1] for path in dataset.paths] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert {*dataset.check().values()} == {"no such file"} and len(dataset.unreadable) == 3
