"""Photographs with boxes in the format of Pascal VOC."""

import pytest
from photographs import encode, scene, write
from samples import summary

from logo_keras.datasets import load


def xml(*objects, filename="a.jpg", start='<?xml version="1.0"?>'):
    """An annotation: objects as (name, xmin, ymin, xmax, ymax)."""
    body = "".join(
        f"<object>\n<name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>\n"
        for name, x0, y0, x1, y1 in objects
    )
    named = f"<filename>{filename}</filename>" if filename is not None else ""
    return (
        f"{start}<annotation>\n<folder>x</folder>{named}<size><width>60</width><height>40</height></size>\n{body}</annotation>\n"
    )


def put(path, *objects, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(xml(*objects, **kwargs), encoding="utf-8")


@pytest.fixture
def official(tmp_path):
    """The layout of the challenge, with a photograph without an object and one without an annotation."""
    home = tmp_path / "VOCdevkit" / "VOC2012"
    for name, objects in {
        "1": [("puma", 2, 1, 8.5, 5)],
        "2": [("nike", 0, 0, 10, 10)],
        "3": [],
        "4": [("fila", 1, 1, 2, 2)],
    }.items():
        put(home / "Annotations" / f"{name}.xml", *objects, filename=f"{name}.jpg")
        write(home / "JPEGImages" / f"{name}.jpg")
    write(home / "JPEGImages" / "5.jpg")
    write(home / "SegmentationClass" / "1.png")
    lists = home / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2\r\n1\r\n3\r\n5\r\n")
    (lists / "val.txt").write_text("JPEGImages/4.jpg")
    (lists / "puma_train.txt").write_text("1  1\n2 -1\n3  0\n")
    return tmp_path


def test_a_split_has_the_photographs_of_its_list_in_its_order(official):
    dataset = load("voc", official, "train")
    assert dataset.class_names == ("fila", "nike", "puma")
    assert summary(dataset) == [
        ("2.jpg", "nike", [[0, 0, 10, 10]]),
        ("1.jpg", "puma", [[1, 2, 5, 8.5]]),
        ("3.jpg", None, []),
    ]
    assert dataset.notes == ("photographs without an annotation, left out: 1",)
    assert dataset.paths[1] == str(official / "VOCdevkit" / "VOC2012" / "JPEGImages" / "1.jpg")
    assert (dataset.root, dataset.split_name) == (str(official), "train")


def test_the_root_may_be_the_folder_of_the_annotations_itself(official):
    home = official / "VOCdevkit" / "VOC2012"
    assert load("voc", home, "val").paths == load("voc", official, "val").paths == (str(home / "JPEGImages" / "4.jpg"),)


def test_a_list_of_one_class_leaves_out_what_is_flagged_absent(official):
    assert [name for name, _, _ in summary(load("voc", official, "puma_train"))] == ["1.jpg", "3.jpg"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("shot\nshot 1\n", ["shot.jpg", "shot 1.jpg"]),
        ('"shot 1"\n', ["shot 1.jpg"]),
        ("'shot 1' 1\nshot  1\n", ["shot 1.jpg", "shot.jpg"]),
        ("shot 1 -1\nshot -1\nshot 2\t1\n", ["shot 2.jpg"]),
        ("shot 1.jpg\nJPEGImages\\shot 2.jpg\n", ["shot 1.jpg", "shot 2.jpg"]),
        ("/home/me/VOC/JPEGImages/shot 1.jpg 1\nshot%202\n", ["shot 1.jpg", "shot 2.jpg"]),
        ("shot 1\t1\nshot 2,0\n", ["shot 1.jpg", "shot 2.jpg"]),
    ],
)
def test_names_with_blanks_are_no_names_and_flags(tmp_path, lines, expected):
    for name in ("shot", "shot 1", "shot 2"):
        put(tmp_path / "Annotations" / f"{name}.xml", ("puma", 2, 1, 8, 5), filename=f"{name}.jpg")
        write(tmp_path / "JPEGImages" / f"{name}.jpg")
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_text(lines)
    names = [name for name, _, _ in summary(load("voc", tmp_path, "train"))]
    # A line `shot  1` with two blanks is a name and a flag.
    assert names == expected


def test_all_names_that_are_nowhere_are_named(official):
    (official / "VOCdevkit" / "VOC2012" / "ImageSets" / "Main" / "val.txt").write_text("4\n8\n9 1\n")
    with pytest.raises(ValueError, match=r"^2 problems:\n.*val\.txt:2: there is no annotation of '8'\.\n.*val\.txt:3: .* '9'\.$"):
        load("voc", official, "val")


def test_all_problems_of_all_annotations_are_named(tmp_path):
    put(tmp_path / "a.xml", ("", 1, 1, 5, 5), ("puma", 1, 1, 5, "x"))
    (tmp_path / "b.xml").write_text("<annotation>")
    put(tmp_path / "c.xml", ("puma", 1, 1, 5, 5))
    with pytest.raises(
        ValueError, match=r"^3 problems:\n.*a\.xml:3: an object without.*\n.*a\.xml:5: expected.*\n.*b\.xml:1: not XML"
    ):
        load("voc", tmp_path)


@pytest.mark.parametrize("filename", ["C:\\me\\b.jpg", "/data/upload/3/90fbb0c7-b.jpg", "b%2Ejpg", "https://host/b.jpg?d=x"])
def test_the_photograph_of_a_filename_is_searched_in_all_folders(tmp_path, filename):
    put(tmp_path / "Annotations" / "0001.xml", ("puma", 1, 1, 5, 5), filename=filename)
    found = write(tmp_path / "deep" / "in" / "b.jpg")
    dataset = load("voc", tmp_path)
    assert dataset.paths == (str(found),)
    assert "found by their file names alone" in dataset.notes[-1]


def test_a_photograph_of_another_suffix_belongs_to_its_annotation(tmp_path):
    for name in ("a", "b.img"):
        put(tmp_path / f"{name.partition('.')[0]}.xml", ("puma", 1, 1, 5, 5), filename=None)
        (tmp_path / name).write_bytes(encode(scene()))
    dataset = load("voc", tmp_path)
    assert [path.rsplit("/", 1)[1] for path in dataset.paths] == ["a", "b.img"] and dataset.check() == {}


def test_without_a_split_only_photographs_with_a_brand_are_there(official):
    dataset = load("voc", official)
    assert [name for name, _, _ in summary(dataset)] == ["1.jpg", "2.jpg", "4.jpg"]
    assert dataset.notes == ("photographs without an annotation, left out: 1",)


def test_a_listed_photograph_that_is_nowhere_is_named(official):
    (official / "VOCdevkit" / "VOC2012" / "ImageSets" / "Main" / "val.txt").write_text("4\n9\n")
    with pytest.raises(ValueError, match=r"val\.txt:2: there is no annotation of '9'"):
        load("voc", official, "val")


def test_an_unknown_split_is_answered_with_the_known_ones(official):
    with pytest.raises(FileNotFoundError, match="no split 'test', only puma_train, train, val"):
        load("voc", official, "test")


@pytest.fixture
def beside(tmp_path):
    """XML files beside the photographs, a folder a split, as Roboflow writes them."""
    for split, name, brand in (("train", "a_jpg.rf.01", "puma"), ("train", "b", "nike"), ("valid", "c", "puma")):
        put(tmp_path / split / f"{name}.xml", (brand, 2, 1, 8, 5), filename=f"{name}.jpg")
        write(tmp_path / split / f"{name}.jpg")
    return tmp_path


def test_folders_of_the_root_are_splits_where_there_are_no_lists(beside):
    train = load("voc", beside, "train")
    assert [(name, brand) for name, brand, _ in summary(train)] == [("a_jpg.rf.01.jpg", "puma"), ("b.jpg", "nike")]
    assert load("voc", beside, "valid").class_names == train.class_names == ("nike", "puma")
    assert len(load("voc", beside)) == 3
    with pytest.raises(FileNotFoundError, match="no split 'test', only train, valid"):
        load("voc", beside, "test")


def test_folders_in_folders_are_searched(tmp_path):
    put(tmp_path / "Clothes" / "Puma" / "1.xml", ("Puma", 1, 1, 5, 5), filename="1.jpg")
    put(tmp_path / "Food" / "Mars" / "1.xml", ("Mars", 1, 1, 5, 5), filename="1.jpg")
    paths = [str(write(tmp_path / "Clothes" / "Puma" / "1.jpg")), str(write(tmp_path / "Food" / "Mars" / "1.jpg"))]
    assert load("voc", tmp_path).paths == tuple(paths)
    assert load("voc", tmp_path, "Food").labels.tolist() == [0]


def test_each_split_may_have_folders_for_both_kinds(tmp_path):
    for split in ("train", "test"):
        put(tmp_path / split / "annotations" / "1.xml", ("puma", 1, 1, 5, 5), filename=None)
        write(tmp_path / split / "images" / "1.png")
    assert load("voc", tmp_path, "test").paths == (str(tmp_path / "test" / "images" / "1.png"),)


def test_a_single_folder_has_no_splits(tmp_path):
    put(tmp_path / "a.xml", ("puma", 1, 1, 5, 5))
    with pytest.raises(FileNotFoundError, match="only photographs: leave it out"):
        load("voc", tmp_path, "train")


@pytest.mark.parametrize("filename", [None, "", "a.png", "D:\\photos\\a.JPG", "/home/me/a.jpg", "other.jpg", "a", "../.."])
def test_the_photograph_of_the_same_name_belongs_to_an_annotation(tmp_path, filename):
    put(tmp_path / "a.xml", ("puma", 1, 1, 5, 5), filename=filename)
    write(tmp_path / "a.jpg")
    write(tmp_path / "b.jpg")
    assert load("voc", tmp_path).paths == (str(tmp_path / "a.jpg"),)


def test_else_the_one_that_filename_says(tmp_path):
    put(tmp_path / "x" / "0001.xml", ("puma", 1, 1, 5, 5), filename="shop\\b.JPG")
    write(tmp_path / "x" / "b.png")
    dataset = load("voc", tmp_path)
    assert dataset.paths == (str(tmp_path / "x" / "b.png"),)
    assert dataset.notes == ()


def test_of_two_photographs_of_one_name_filename_decides(tmp_path):
    for name in ("a.jpg", "a.png"):
        write(tmp_path / name)
    put(tmp_path / "a.xml", ("puma", 1, 1, 5, 5), filename="a.png")
    assert load("voc", tmp_path).paths == (str(tmp_path / "a.png"),)
    put(tmp_path / "a.xml", ("puma", 1, 1, 5, 5), filename="a")
    assert load("voc", tmp_path).paths == (str(tmp_path / "a.jpg"),)


@pytest.mark.parametrize("filename", ["gone.jpg", "..", "../../gone.jpg", None])
def test_a_photograph_that_is_missing_has_a_path_inside_the_root(tmp_path, filename):
    put(tmp_path / "set" / "Annotations" / "a.xml", ("puma", 1, 1, 5, 5), filename=filename)
    (tmp_path / "set" / "JPEGImages").mkdir()
    name = "a.jpg" if filename in ("..", None) else "gone.jpg"
    dataset = load("voc", tmp_path / "set")
    assert dataset.paths == (str(tmp_path / "set" / "JPEGImages" / name),)
    assert dataset.check() == {dataset.paths[0]: "no such file"}


def test_the_suffix_of_the_photograph_may_stand_in_the_name_of_the_annotation(tmp_path):
    put(tmp_path / "a.jpg.xml", ("puma", 1, 1, 5, 5), filename=None)
    write(tmp_path / "a.jpg")
    assert load("voc", tmp_path).paths == (str(tmp_path / "a.jpg"),)


def test_the_brand_is_that_of_the_largest_box_and_cut_makes_a_sample_of_each(tmp_path):
    put(tmp_path / "a.xml", ("puma", 0, 0, 5, 5), ("nike", 0, 0, 9, 9), ("puma", 10, 10, 14, 14))
    write(tmp_path / "a.jpg")
    whole, cut = load("voc", tmp_path), load("voc", tmp_path, cut=0)
    assert summary(whole) == [("a.jpg", "nike", [[0, 0, 9, 9]])]
    assert "several brands" in whole.notes[0]
    assert sorted(cut.labels.tolist()) == [0, 1, 1]


def test_difficult_objects_are_kept_and_parts_are_not_objects(tmp_path):
    text = xml(("puma", 2, 1, 8, 5)).replace("<difficult>0", "<difficult>1")
    part = "<part><name>cat</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></part>"
    (tmp_path / "a.xml").write_text(text.replace("<name>", f"{part}<name>"))
    write(tmp_path / "a.jpg")
    assert summary(load("voc", tmp_path)) == [("a.jpg", "puma", [[1, 2, 5, 8]])]


def test_corners_the_wrong_way_round_are_exchanged_and_counted(tmp_path):
    put(tmp_path / "a.xml", ("puma", 8, 1, 2, 5))
    write(tmp_path / "a.jpg")
    dataset = load("voc", tmp_path)
    assert summary(dataset) == [("a.jpg", "puma", [[1, 2, 5, 8]])]
    assert dataset.notes == ("boxes whose corners stood the wrong way round, put right: 1",)


def test_the_object_none_is_no_brand(tmp_path):
    put(tmp_path / "train" / "a.xml", ("none", 0, 0, 5, 5))
    put(tmp_path / "train" / "b.xml", ("puma", 0, 0, 5, 5))
    assert load("voc", tmp_path, "train").labels.tolist() == [-1, 0]
    assert load("voc", tmp_path).labels.tolist() == [0]


@pytest.mark.parametrize(
    "data",
    [
        xml(("görtz", 1, 1, 5, 5)).encode("utf-8-sig"),
        xml(("görtz", 1, 1, 5, 5), start="").encode("cp1252"),
        xml(("görtz", 1, 1, 5, 5), start='<?xml version="1.0" encoding="UTF-8"?>').encode("cp1252"),
        xml(("görtz", 1, 1, 5, 5), start='<?xml version="1.0" encoding="iso-8859-1"?>').encode("utf-8"),
        xml(("görtz", 1, 1, 5, 5), start="<?xml version='1.0' encoding='iso-8859-15'?>").encode("iso-8859-15"),
        xml(("görtz", 1, 1, 5, 5), start='<?xml version="1.0" encoding="no-such-thing"?>').encode("utf-8"),
        xml(("görtz", 1, 1, 5, 5), start='<?xml version="1.0" encoding="punycode"?>').encode("cp1252"),
        xml(("görtz", 1, 1, 5, 5), start='<?xml version="1.0" encoding="utf-16"?>').encode("utf-16"),
        xml(("görtz", 1, 1, 5, 5), start="").encode("utf-16-le"),
    ],
)
def test_names_are_read_right_whatever_encoding_is_declared(tmp_path, data):
    (tmp_path / "a.xml").write_bytes(data)
    assert load("voc", tmp_path).class_names == ("görtz",)


def test_an_encoding_of_chinese_tools_is_read(tmp_path):
    (tmp_path / "a.xml").write_bytes(
        xml(("老干妈", 1, 1, 5, 5), start='<?xml version="1.0" encoding="gb2312"?>').encode("gb2312")
    )
    assert load("voc", tmp_path).class_names == ("老干妈",)


BOMB = '<!DOCTYPE a [<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(20))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", r"a\.xml:1: not XML \(no element found\)"),
        ("<annotation>\n<object>\n", r"a\.xml:3: not XML"),
        ("<annotation><object></annotation>", r"a\.xml:1: not XML \(mismatched tag\)"),
        ("<html><body>404</body></html>", r"a\.xml:1: expected a Pascal VOC file, which starts with <annotation>, got <html>"),
        (f"{BOMB}]>\n<annotation><object><name>&u;</name></object></annotation>", r"a\.xml:1: expected no entities, got 'a'"),
        ("<annotation>" + "<a>" * 100_000, r"a\.xml:1: expected at most 64 tags inside each other"),
        (xml(("", 1, 1, 5, 5)), r"a\.xml:3: an object without a name"),
        (xml(("puma", 1, 1, 5, "x")), r"a\.xml:3: expected numbers in the bndbox of 'puma', got .*'ymax': 'x'"),
        (xml(("nike", 1, 1, 5, 5), ("puma", 1, 1, 5, "inf")), r"a\.xml:5: expected numbers in the bndbox of 'puma'"),
        ("<annotation><object><name>puma</name></object></annotation>", r"a\.xml:1: expected numbers in the bndbox of 'puma'"),
        (" " * (16 * 2**20 + 1), r"a\.xml: an annotation has at most 16777216 bytes, this file has more"),
    ],
    ids=range(11),
)
def test_errors_name_the_file_and_the_line(tmp_path, data, message):
    (tmp_path / "a.xml").write_text(data)
    with pytest.raises(ValueError, match=message):
        load("voc", tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        load("voc", tmp_path / "nowhere")
    write(tmp_path / "a.jpg")
    with pytest.raises(
        FileNotFoundError, match=r"must hold Annotations/\*\.xml, or XML files beside the photographs; .* holds a\.jpg"
    ):
        load("voc", tmp_path)


def test_links_to_folders_are_followed_and_circles_are_not(tmp_path):
    put(tmp_path / "set" / "Annotations" / "a.xml", ("puma", 1, 1, 5, 5))
    write(tmp_path / "elsewhere" / "a.jpg")
    (tmp_path / "set" / "JPEGImages").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    dataset = load("voc", tmp_path / "set")
    assert dataset.paths == (str(tmp_path / "set" / "JPEGImages" / "a.jpg"),)
