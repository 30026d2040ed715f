"""FlickrLogos-32 in its official layout: lists in three forms, jpg and masks."""

import codecs

import pytest
from photographs import write

from logo_keras.datasets import load

PARTS = {
    "trainset": ["adidas/1.jpg", "HP/2.jpg"],
    "valset-logosonly": ["HP/3.jpg", "adidas/4.jpg", "adidas/5.jpg"],
    "valset-nologos": ["no-logo/6.jpg"],
    "testset-logosonly": ["adidas/7.jpg", "HP/8.jpg"],
    "testset-nologos": ["no-logo/9.jpg", "no-logo/10.jpg"],
}


@pytest.fixture
def small(tmp_path):
    """Lists of both forms, some with a byte order mark, photographs, and boxes with a header; HP is hp in masks."""
    root = tmp_path / "FlickrLogos-v2"
    for part, names in PARTS.items():
        for name in names:
            brand, file = name.split("/")
            write(root / "classes/jpg" / name)
            if brand != "no-logo":
                mask = root / "classes/masks" / brand.lower() / f"{file}.bboxes.txt"
                mask.parent.mkdir(parents=True, exist_ok=True)
                mask.write_text("x y width height\n10 20 5 8\n1 2 30 4\n3 3 0 4\n")
        write_list(root, part, names)
    for stem in ("valset", "testset"):
        write_list(root, stem, PARTS[f"{stem}-nologos"] + PARTS[f"{stem}-logosonly"])
    return root


def write_list(root, stem, names):
    (root / f"{stem}.txt").write_text("".join(f"{name.replace('/', ',')}\n" for name in names))
    paths = "".join(f"classes/jpg/{name}\r\n" for name in names)
    (root / f"{stem}.relpaths.txt").write_bytes(codecs.BOM_UTF8 + paths.encode())


def numbers(dataset):
    return [int(path.rpartition("/")[2].removesuffix(".jpg")) for path in dataset.paths]


def test_official_parts_have_their_photographs(small):
    expected = {
        "P1": [1, 2],
        "P2": [6, 3, 4, 5],
        "P3": [9, 10, 7, 8],
        "P2-logos": [3, 4, 5],
        "P2-none": [6],
        "P3-logos": [7, 8],
        "P3-none": [9, 10],
        None: [1, 2, 3, 4, 5, 7, 8],
    }
    for split, found in expected.items():
        dataset = load("flickrlogos32", small, split)
        assert numbers(dataset) == found, split
        assert dataset.class_names == ("HP", "adidas") and dataset.split_name == split and dataset.notes == ()
    assert load("flickrlogos32", small, "P2").labels.tolist() == [-1, 0, 1, 1]
    assert load("flickrlogos32", small, "P3-none").labels.tolist() == [-1, -1]


def test_boxes_follow_a_header_and_lie_in_a_folder_of_other_letter_case(small):
    dataset = load("flickrlogos32", small, "P1")
    # x y width height becomes y0 x0 y1 x1; the box without a width is dropped.
    assert [boxes.tolist() for boxes in dataset.boxes] == [[[20, 10, 28, 15], [2, 1, 6, 31]]] * 2
    assert dataset.paths[1] == str(small / "classes/jpg/HP/2.jpg") and dataset.photograph(1).shape == (40, 60, 3)
    assert len(load("flickrlogos32", small, cut=0.1)) == 14


@pytest.mark.parametrize("form", [".txt", ".relpaths.txt", ".spaces.txt"])
def test_any_form_of_the_lists_is_enough(small, form):
    expected = {split: load("flickrlogos32", small, split).paths for split in ("P1", "P2", "P3-logos", None)}
    for file in small.glob("*.txt"):
        stem, _, rest = file.name.partition(".")
        if form == ".spaces.txt" and rest == "txt":
            file.with_name(f"{stem}{form}").write_text(file.read_text().replace(",", " "))
        if f".{rest}" != form:
            file.unlink()
    for split, paths in expected.items():
        assert load("flickrlogos32", small, split).paths == paths
    assert load("flickrlogos32", small.parent, "P1").paths == expected["P1"]


def test_a_part_may_be_given_whole_or_in_halves(small):
    for form in (".txt", ".relpaths.txt"):
        (small / f"valset{form}").unlink()
        (small / f"testset-logosonly{form}").unlink()
    assert numbers(load("flickrlogos32", small, "P2")) == [3, 4, 5, 6]
    assert numbers(load("flickrlogos32", small, "P3-logos")) == [7, 8]


def test_lists_alone_are_enough_and_classes_are_named_as_in_the_first(tmp_path):
    (tmp_path / "trainset.txt").write_text("HP,1.jpg\nadidas, 2.jpg \n")
    (tmp_path / "valset.txt").write_text("hp,3.jpg\nno-logo,4.jpg\n")
    dataset = load("flickrlogos32", tmp_path)
    assert dataset.class_names == ("HP", "adidas") and dataset.labels.tolist() == [0, 1, 0]
    assert dataset.paths[2] == str(tmp_path / "classes/jpg/HP/3.jpg")
    assert dataset.notes == ("parts without a list, left out: P3", "photographs without a file of boxes: 3, for instance 1.jpg")
    with pytest.raises(ValueError, match="no photograph has a label and a box"):
        load("flickrlogos32", tmp_path, "P1", cut=0.1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("adidas", "expected class,file or a path that ends with class/file, got 'adidas'"),
        ("adidas,", "expected class,file"),
        ("classes/jpg/../../1.jpg", "does not lie inside"),
        ("/classes/jpg/adidas/1.jpg", "does not lie inside"),
        ("..,1.jpg", "does not lie inside"),
        ("adidas,..", "does not lie inside"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    (tmp_path / "trainset.txt").write_text(f"HP,1.jpg\n{line}\n")
    with pytest.raises(ValueError, match=rf"trainset\.txt:2: .*{message}"):
        load("flickrlogos32", tmp_path, "P1")


def test_what_is_missing_is_named(small):
    with pytest.raises(ValueError, match="split must be one of P1, P2, P3, .* or None, got 'train'"):
        load("flickrlogos32", small, "train")
    (small / "classes/masks/hp/2.jpg.bboxes.txt").write_text("x y width height\n1 2 3\n")
    with pytest.raises(ValueError, match=r"2\.jpg\.bboxes\.txt:2: expected x y width height, got '1 2 3'"):
        load("flickrlogos32", small, "P1")
    for file in small.glob("testset*"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"testset\.txt is missing; .* holds classes, trainset"):
        load("flickrlogos32", small, "P3")
    with pytest.raises(FileNotFoundError, match="is no FlickrLogos-32"):
        load("flickrlogos32", small / "classes/jpg")


def test_the_real_list_has_its_counts(shared):
    dataset = load("flickrlogos32", shared / "data" / "lists" / "flickrlogos32", "P1")
    assert len(dataset) == len(set(dataset.paths)) == 320
    assert len(dataset.class_names) == 32 and dataset.class_names[0] == "HP" and dataset.class_names[1] == "adidas"
    assert [dataset.labels.tolist().count(label) for label in range(32)] == [10] * 32
