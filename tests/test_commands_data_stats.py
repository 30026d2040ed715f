"""logo-data stats as a user runs it: the files it leaves, what it says, what it refuses."""

import csv
import html
import re

import cv2
import photographs
import pytest

from logo_keras.commands import data_stats
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.pictures.statistics_page import write_page

# matplotlib is no part of the base install, and nothing is drawn without it.
pytest.importorskip("matplotlib")

FILES = {"index.html", "overview.png", "overview.csv", "brands.png", "brands.csv", "unreadable.csv"}


def run(*argv):
    return data_stats.COMMAND.main(["logo-data", *map(str, argv)])


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.fixture
def folder(tmp_path):
    """Photographs of two brands in the parts train and test, and one that is broken."""
    root = tmp_path / "photographs"
    for part, brand, number in (("train", "acme", 3), ("train", "Größe & <b>", 2), ("test", "acme", 1)):
        for seed in range(number):
            photographs.write(root / part / brand / f"{seed}.jpg", seed=seed)
    photographs.write(root / "none" / "0.jpg")
    (root / "train" / "acme" / "broken.jpg").write_bytes(b"<html>")
    return root


@pytest.fixture
def written(folder, tmp_path, capsys):
    """The folder that the command wrote."""
    out = tmp_path / "out"
    assert run("folder", folder, "--out", out) == 0
    return out


def test_every_part_of_a_folder_is_counted(written):
    assert table(written / "overview.csv") == [
        ["split", "brands", "photographs", "no brand", "boxes"],
        ["train", "2", "6", "0", "0"],
        ["test", "1", "1", "0", "0"],
        ["none", "0", "1", "1", "0"],
        ["all with a brand", "2", "7", "0", "0"],
    ]
    assert table(written / "brands.csv") == [["brand", "count"], ["acme", "5"], ["Größe & <b>", "2"]]


def test_only_what_there_is_to_show_is_written(written):
    assert {path.name for path in written.iterdir()} == FILES | {"contact-sheet-01.jpg"}
    assert "The data set has no boxes." in (written / "index.html").read_text(encoding="utf-8")


def test_every_picture_can_be_read_and_is_on_the_page(written):
    page = (written / "index.html").read_text(encoding="utf-8")
    pictures = {path.name for path in written.iterdir() if path.suffix in (".png", ".jpg")}
    assert set(re.findall(r'src="([^"]*)"', page)) == pictures
    assert set(re.findall(r'href="([^"]*)"', page)) == {path.name for path in written.glob("*.csv")}
    assert all(cv2.imread(str(written / name)) is not None for name in pictures)


def test_names_are_text_on_the_page(written):
    page = (written / "index.html").read_text(encoding="utf-8")
    assert "Größe &amp; &lt;b&gt;" in page and "<b>acme" not in page and "Größe & <b>" not in page


def test_a_photograph_that_cannot_be_read_is_named(folder, tmp_path, capsys):
    assert run("folder", folder, "--out", tmp_path / "out") == 0
    assert "1 photograph left out" in capsys.readouterr().err
    _, (path, reason) = table(tmp_path / "out" / "unreadable.csv")
    assert path.endswith("train/acme/broken.jpg") and "not an image" in reason


def test_the_same_photographs_give_the_same_tables_and_pictures(folder, written, tmp_path):
    assert run("folder", folder, "--out", tmp_path / "again") == 0
    for path in written.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_other_files_in_the_folder_stay(folder, written):
    (written / "mine.txt").write_text("mine")
    assert run("folder", folder, "--out", written, "--split", "test") == 0
    assert (written / "mine.txt").read_text() == "mine"
    assert table(written / "overview.csv")[1:] == [["test", "1", "1", "0", "0"]]
    assert not [path for path in written.iterdir() if path.name.startswith(".")]


def test_root_categories_have_a_table_and_a_picture(tmp_path, capsys):
    names = [f"Food/{number}" for number in range(50)] + ["Cars/x"]
    whole = Dataset(
        ["/none/a.jpg"] * 51 + ["/none/b.jpg"], [*range(51), 0], names, root_categories=[name.split("/")[0] for name in names]
    )
    write_page(whole, {"train": whole.subset([0])}, tmp_path, "made up", notes=["a <note>"])
    assert table(tmp_path / "overview.csv")[1:] == [["Cars", "1", "1", "0"], ["Food", "50", "51", "1"], ["all", "51", "52", "1"]]
    assert table(tmp_path / "brands-by-root.csv")[:3] == [
        ["root category", "brand", "count"],
        ["Cars", "Cars/x", "1"],
        ["Food", "Food/0", "2"],
    ]
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "a &lt;note&gt;" in page and "None of the photographs" in page
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"brands-by-root.png", "brands-by-root.csv"}


def test_a_page_names_a_hundred_photographs_that_cannot_be_read_and_the_table_all(tmp_path):
    names = [f"brand {number}" for number in range(130)]
    whole = Dataset([f"/none/{name}.jpg" for name in names], range(130), names, root="/none")
    write_page(whole, {}, tmp_path, "made up")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("no such file") == 100 and len(table(tmp_path / "unreadable.csv")) == 131


def test_a_set_without_any_brand_is_described(folder, tmp_path):
    assert run("folder", folder, "--split", "none", "--out", tmp_path / "out") == 0
    assert table(tmp_path / "out" / "overview.csv")[1:] == [["none", "0", "1", "1", "0"]]
    assert not (tmp_path / "out" / "brands.png").exists()


@pytest.mark.parametrize("arguments", [(), ("folder",), ("folder", "a", "b")])
def test_name_and_root_must_be_given(arguments, tmp_path, capsys):
    assert run(*arguments, "--out", tmp_path) == 1
    assert "expected NAME ROOT, got" in capsys.readouterr().err


def test_the_folder_to_write_to_must_be_given(folder, capsys):
    assert run("folder", folder) == 1
    assert "--out must be given" in capsys.readouterr().err


@pytest.mark.parametrize("place", [".", "statistics"])
def test_a_folder_of_brands_is_not_written_into(folder, place, capsys):
    assert run("folder", folder, "--out", folder / place) == 1
    assert "would count as photographs of a brand" in capsys.readouterr().err
    assert not (folder / "statistics").exists() and not (folder / "index.html").exists()


def test_an_unknown_kind_is_refused_before_anything_is_written(tmp_path, capsys):
    assert run("logo3k", tmp_path, "--out", tmp_path / "out") == 1
    assert "got 'logo3k'" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_toplogo10_is_described_with_its_boxes_and_authors(shared, tmp_path, capsys):
    assert run("toplogo10", shared / "data" / "toplogo10", "--out", tmp_path) == 0
    assert table(tmp_path / "overview.csv")[1:] == [
        ["train40", "10", "400", "0", "487"],
        ["test30", "10", "300", "0", "376"],
        ["all", "10", "700", "0", "863"],
    ]
    assert len(table(tmp_path / "boxes.csv")) == 864
    page = html.unescape((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "<h1>TopLogo-10</h1>" in page and "Licence: not stated" in page and "WACV 2017" in page
    assert 'src="boxes.png"' in page


def test_a_split_that_cannot_be_cut_is_not_counted_and_said(tmp_path, capsys):
    for split in ("train", "test"):
        photographs.write(tmp_path / "set" / split / "a" / "1.png")
    (tmp_path / "set" / "boxes.csv").write_text("path,x0,y0,x1,y1\ntrain/a/1.png,1,2,30,20\ntrain/a/1.png,5,5,9,9\n")
    assert run("folder", tmp_path / "set", "--cut", "0.1", "--out", tmp_path / "out") == 0
    assert "note: split test is not counted: " in capsys.readouterr().err
    rows = table(tmp_path / "out" / "overview.csv")
    assert rows[0][2] == "cut-out boxes" and [row[0] for row in rows[1:]] == ["train", "all"]
