"""What in a folder is a photograph, and what is skipped, in every format that walks through folders."""

import os

import pytest
from photographs import encode, scene, write

from logo_keras.datasets import load
from logo_keras.datasets.tree import Skipped, is_photograph, is_system, is_written, photographs_in
from logo_keras.export.check.photos import find
from logo_keras.files import MARK, mark

SYSTEM = (
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    ".thumbnails",
    "__MACOSX",
    ".Trash-1000",
)
SIDES = "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"
XML = f"<annotation><object><name>a</name><bndbox>{SIDES}</bndbox></object></annotation>"


def names(dataset):
    return sorted(os.path.basename(path) for path in dataset.paths)


@pytest.mark.parametrize("name", ["1.jfif", "1.JPE", "1.pjpeg", "1", "1.jpg_large", "1.img", "1.php", "1.dat", "1.txt"])
def test_photographs_are_told_by_their_content_where_the_suffix_says_nothing(tmp_path, name):
    for brand in "ab":
        write(tmp_path / brand / "0.jpg")
    (tmp_path / "b" / name).write_bytes(encode(scene()))
    dataset = load("folder", tmp_path)
    assert names(dataset) == sorted(["0.jpg", "0.jpg", name])
    assert dataset.check() == {} and dataset.notes == () and dataset.skipped == ()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".avif", ".gif"])
def test_every_format_that_is_read_is_recognised(tmp_path, suffix):
    path = tmp_path / "photo"
    path.write_bytes(encode(scene(), suffix))
    assert is_photograph(str(path))


def test_what_an_iphone_writes_is_a_photograph_with_and_without_its_suffix(tmp_path):
    write(tmp_path / "a" / "1.jpg")
    for name in ("2.heic", "3.HEIF", "4"):
        (tmp_path / "a" / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    dataset = load("folder", tmp_path)
    assert names(dataset) == ["1.jpg", "2.heic", "3.HEIF", "4"]
    assert names(dataset.subset([0])) == ["1.jpg"] and len(dataset.check()) == 3


def test_what_is_no_photograph_is_counted_and_named(tmp_path):
    write(tmp_path / "a" / "1.jpg")
    write(tmp_path / "lost.jpg")
    for name in ("a/notes.txt", "a/film.mp4", "README", "list.csv", "x.json"):
        (tmp_path / name).write_bytes(b"x")
    dataset = load("folder", tmp_path)
    assert names(dataset) == ["1.jpg"]
    assert dataset.notes == (
        "files that are no photographs, skipped: 5 (README, film.mp4, notes.txt, list.csv, x.json)",
        "photographs that lie in no brand's folder, skipped: 1 (lost.jpg)",
    )
    assert len(dataset.skipped) == 6 and str(tmp_path / "a" / "film.mp4") in dataset.skipped


def test_folders_inside_the_folders_of_brands_are_named(tmp_path):
    write(tmp_path / "train" / "a" / "1.jpg")
    write(tmp_path / "train" / "a" / "crops" / "2.jpg")
    (tmp_path / "test" / "a").mkdir(parents=True)
    dataset = load("folder", tmp_path)
    assert names(dataset) == ["1.jpg"]
    assert dataset.notes == ("folders inside the folders of brands, skipped: 1 (crops)",)
    write(tmp_path / "b" / "3.jpg")
    (tmp_path / "test" / "a").rmdir()
    (tmp_path / "test").rmdir()
    with pytest.raises(ValueError, match=r"train holds folders and b holds photographs\. The folders in train: a"):
        load("folder", tmp_path)


@pytest.mark.parametrize("name", [*SYSTEM, *map(str.upper, SYSTEM[:2])])
@pytest.mark.parametrize("place", ["", "a", "train", "train/a"])
def test_folders_of_file_systems_are_no_classes_and_no_errors(tmp_path, name, place):
    for split in ("train/", "test/") if "train" in place else ("",):
        for brand in "ab":
            write(tmp_path / f"{split}{brand}" / "1.jpg")
    write(tmp_path / place / name / "1.jpg" / "THUMB.jpg")
    write(tmp_path / place / name / "2.jpg")
    dataset = load("folder", tmp_path)
    assert dataset.class_names == ("a", "b") and set(names(dataset)) == {"1.jpg"}
    assert dataset.notes == (f"files and folders of file systems and servers, skipped: 1 ({name})",)
    assert dataset.skipped == (str(tmp_path / place / name),)


def test_what_lies_beside_the_folder_of_an_archive_is_said_too(tmp_path):
    for name in ("set/train/a/1.jpg", "set/test/a/1.jpg", "__MACOSX/set/train/a/1.jpg"):
        write(tmp_path / name)
    dataset = load("folder", tmp_path, "train")
    assert names(dataset) == ["1.jpg"] and dataset.skipped == (str(tmp_path / "__MACOSX"),)


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "._1.jpg", "ehthumbs.db"])
def test_files_of_file_systems_are_counted(tmp_path, name):
    write(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / name).write_bytes(encode(scene()))
    dataset = load("folder", tmp_path)
    assert names(dataset) == ["1.jpg"] and dataset.skipped == (str(tmp_path / "a" / name),)


def test_no_brand_is_taken_for_a_folder_of_a_system():
    assert not any(map(is_system, ("recycle", "#1", "@home", "System", "$", "eaDir", "lost", "found", "git", "sync", "tmp")))


def test_every_format_skips_folders_of_file_systems_and_says_so(tmp_path):
    for kind in ("voc", "yolo"):
        write(tmp_path / kind / "train" / "1.jpg")
        write(tmp_path / kind / "train" / "@eaDir" / "1.jpg" / "THUMB.jpg")
        write(tmp_path / kind / "#recycle" / "2.jpg")
    for place in ("train", "train/@eaDir", "#recycle"):
        (tmp_path / "voc" / place / f"{'2' if '#' in place else '1'}.xml").write_text(XML)
    (tmp_path / "yolo" / "classes.txt").write_text("a\n")
    (tmp_path / "yolo" / "train" / "1.txt").write_text("0 0.5 0.5 1 1\n")
    for kind in ("voc", "yolo"):
        dataset = load(kind, tmp_path / kind, "train")
        assert names(dataset) == ["1.jpg"], kind
        assert any("file systems and servers" in note and "@eaDir" in note for note in dataset.notes), kind
        assert [os.path.basename(path) for path in find(tmp_path / kind)] == ["1.jpg"]


def test_commands_find_photographs_by_the_same_rule(tmp_path):
    write(tmp_path / "a" / "1.jpg")
    for name in ("2", "3.jfif", "4.jpg_large"):
        (tmp_path / "a" / name).write_bytes(encode(scene()))
    for name in ("5.mp4", "6"):
        (tmp_path / "a" / name).write_bytes(b"x")
    assert [path.name for path in find(tmp_path)] == ["1.jpg", "2", "3.jfif", "4.jpg_large"]
    skipped = Skipped()
    assert len(list(photographs_in(str(tmp_path), skipped))) == 4
    assert skipped.notes() == ["files that are no photographs, skipped: 2 (5.mp4, 6)"]


@pytest.mark.parametrize(
    "files",
    [
        ["run/model.keras", "run/config.json", "run/history.csv", "run/curves.png"],
        ["run/unfinished/state.json", "run/unfinished/1.keras"],
        ["run/unfinished/held_out.json", "run/.lock"],
        ["run/00/1f/23ab.square", "run/00/2f/23ab.square"],
        ["run/saved_model.pb", "run/variables/variables.index"],
        ["run/model.tflite", "run/model.json", "run/check.png"],
        ["run/summary.json", "run/variants/int8.tflite"],
        ["run/logo/config.pbtxt", "run/logo/1/model.onnx", "run/other/1/model.onnx"],
        ["run/CACHEDIR.TAG", "run/1.jpg"],
        [f"run/{MARK}", "run/1.jpg", "run/deep/2.jpg"],
    ],
)
def test_what_this_package_writes_among_photographs_is_skipped(tmp_path, files):
    for split in ("", "train/"):
        for brand in "ab":
            write(tmp_path / split / "set" / brand / "1.jpg") if split else write(tmp_path / "flat" / brand / "1.jpg")
    for root, place in ((tmp_path / "flat", "flat"), (tmp_path / "train", "train")):
        for name in files:
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(scene()) if path.suffix in (".jpg", ".png") else b"x")
        dataset = load("folder", root)
        assert dataset.class_names == ("a", "b")
        assert dataset.notes == ("folders that programs wrote, such as runs, caches and exported models, skipped: 1 (run)",)
        assert {os.path.basename(path) for path in find(root)} == {"1.jpg"}


def test_a_root_in_which_a_run_ended_is_still_a_data_set(tmp_path):
    write(tmp_path / "a" / "1.jpg")
    for name in ("model.keras", "config.json", "list.txt", "history.csv"):
        (tmp_path / name).write_bytes(b"x")
    assert names(load("folder", tmp_path)) == ["1.jpg"]


def test_a_folder_of_texts_is_no_brand(tmp_path):
    write(tmp_path / "a" / "1.jpg")
    for name in ("notes/read.txt", "notes/table.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    dataset = load("folder", tmp_path)
    assert dataset.class_names == ("a",)
    assert dataset.notes == ("folders that hold texts and no photographs, skipped: 1 (notes)",)
    (tmp_path / "notes" / "drawing.svg").write_text("<svg/>")
    with pytest.raises(ValueError, match="brand 'notes' has no photographs in .*: its folder is empty or holds other files"):
        load("folder", tmp_path)


def test_a_model_among_photographs_makes_no_folder_of_brands_a_written_one(tmp_path):
    for name in ("train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/b/1.jpg"):
        write(tmp_path / name)
    (tmp_path / "train" / "model.txt").write_bytes(b"x")
    (tmp_path / "train" / "c").mkdir()
    (tmp_path / "train" / "c" / "m.onnx").write_bytes(b"x")
    dataset = load("folder", tmp_path)
    assert dataset.class_names == ("a", "b") and len(dataset) == 4
    assert dataset.skipped == (str(tmp_path / "train" / "c"), str(tmp_path / "train" / "model.txt"))


def test_a_marked_folder_is_known_as_written_and_one_that_holds_something_is_not_marked(tmp_path):
    mark(tmp_path / "x")
    write(tmp_path / "brand" / "1.jpg")
    mark(tmp_path / "brand")
    assert os.listdir(tmp_path / "brand") == ["1.jpg"]
    assert is_written(str(tmp_path / "x"), os.listdir(tmp_path / "x"))
    assert not is_written(str(tmp_path), os.listdir(tmp_path))


def test_a_brand_whose_folders_differ_in_unicode_form_is_one_class(tmp_path):
    composed, decomposed = "H\u00e4agen", "Ha\u0308agen"
    for split, name in (("train", composed), ("test", decomposed)):
        write(tmp_path / split / name / "1.jpg")
        write(tmp_path / split / "zara" / "1.jpg")
    for name in (composed, decomposed):
        write(tmp_path / "test" / name / "2.jpg")
    dataset = load("folder", tmp_path)
    assert dataset.class_names == (composed, "zara")
    assert dataset.labels.tolist() == [0] * 4 + [1] * 2
    assert dataset.check() == {}
    assert len(load("folder", tmp_path, "test")) == 4
