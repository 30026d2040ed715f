"""Photographs by the paths that other machines and tools wrote."""

import os
import unicodedata

import pytest

from logo_keras.datasets.paths import Finder


def finder(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    places = [str(tmp_path), str(tmp_path / "images")]
    return Finder(places, lambda: [str(tmp_path / name) for name in names])


@pytest.mark.parametrize(
    "written",
    [
        "images/1/a b.jpg",
        "images\\1\\a b.jpg",
        "images\\1/a b.jpg",
        "1/a b.jpg",
        "./images//1/a b.jpg",
        "images/1/a%20b.jpg",
        "images/1/a b.jpg?d=x",
        "1/a%20b.jpg?token=1&d=x#top",
        "https://host/images/1/a%20b.jpg?d=x",
        "http://host:8080/some/where/1/a%20b.jpg",
        "file:///home/me/images/1/a%20b.jpg",
        "file://C:/images/1/a b.jpg",
        "s3://bucket/images/1/a b.jpg",
        "C:\\Users\\me\\images\\1\\a b.jpg",
        "\\\\server\\share\\images\\1\\a b.jpg",
        "/home/me/set/images/1/a b.jpg",
        "../../images/1/a b.jpg",
        "/data/local-files/?d=set/images/1/a%20b.jpg",
        "/data/local-files/?d=set%5Cimages%5C1%5Ca%20b.jpg",
        "http://localhost:8080/data/local-files/?d=1/a b.jpg",
        "https://host/images/1/a+b.jpg",
        "https://host/images/1/a%2520b.jpg",
        "Images/1/A B.JPG",
        "C:\\ME\\IMAGES\\1\\A B.JPG",
    ],
)
def test_what_tools_write_leads_to_the_photograph(tmp_path, written):
    found = finder(tmp_path, "images/1/a b.jpg", "images/2/a b.jpg")
    assert found.find(written) == str(tmp_path / "images" / "1" / "a b.jpg")
    assert found.notes("x.json") == []


@pytest.mark.parametrize(
    "written",
    ["x/a.jpg", "A.JPG", "images\\9/a.jpg", "/data/upload/7/90fbb0c7-a.jpg", "90fbb0c7-a.jpg", "http://host/?id=3&file=z/a.jpg"],
)
def test_as_a_last_try_the_file_name_decides_where_it_is_unique(tmp_path, written):
    found = finder(tmp_path, "deep/in/a.jpg", "deep/b.jpg")
    assert found.find(written) == str(tmp_path / "deep" / "in" / "a.jpg")
    assert found.notes("x.json") == [f"photographs found by their file names alone, since x.json has other paths: 1 ({written})"]


def test_an_upload_keeps_its_prefix_where_the_disk_has_it(tmp_path):
    found = finder(tmp_path, "x/90fbb0c7-a.jpg", "x/11111111-b.jpg", "x/22222222-b.jpg")
    assert found.find("a.jpg") == str(tmp_path / "x" / "90fbb0c7-a.jpg")
    assert found.find("b.jpg") is None
    assert found.find("y/22222222-b.jpg") == str(tmp_path / "x" / "22222222-b.jpg")


def test_a_name_that_several_photographs_have_is_not_guessed(tmp_path):
    found = finder(tmp_path, "p/a.jpg", "q/a.jpg", "q/B.jpg", "q/b.jpg")
    assert found.find("images/a.jpg") is None
    # But for one of exactly this name.
    assert found.find("images/B.jpg") == str(tmp_path / "q" / "B.jpg")
    assert found.find("images/b.JPG") is None


def test_where_none_is_found_a_note_says_so(tmp_path):
    found = finder(tmp_path, "p/a.jpg")
    assert (found.find("x/1.jpg"), found.find("x/2.jpg")) == (None, None)
    (note,) = found.notes("x.json")
    assert note.startswith("none of the 2 photographs that x.json names was found in ") and "'x/1.jpg'" in note
    assert found.notes("x.json", others=1) == []
    found.find("p/a.jpg")
    assert found.notes("x.json") == []


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
def test_unicode_forms_and_windows_bytes_do_not_matter(tmp_path, disk):
    name = unicodedata.normalize(disk, "é/ü.jpg")
    found = finder(tmp_path, name)
    for form in ("NFC", "NFD"):
        assert found.find(unicodedata.normalize(form, "é/ü.jpg")) == str(tmp_path / name)
    raw = os.fsdecode(tmp_path.joinpath("x").as_posix().encode() + b"/\xe4.jpg")
    os.makedirs(os.path.dirname(raw))
    open(raw, "wb").close()
    assert found.find("x/ä.jpg") == raw


def test_names_with_marks_are_first_taken_as_they_are(tmp_path):
    found = finder(tmp_path, "a%20b.jpg", "a b.jpg", "c?d=e.jpg", "f#g.jpg", "h\\i.jpg")
    for name in ("a%20b.jpg", "a b.jpg", "c?d=e.jpg", "f#g.jpg", "h\\i.jpg"):
        assert found.find(name) == str(tmp_path / name)
