"""Marks that look alike: an index of a folder, what is found in it, the command and its page."""

import json

import galleries
import photographs
import pytest

import logo_keras as lk
from logo_keras.commands import search
from logo_keras.gallery import look_alikes
from logo_keras.image import svg


@pytest.fixture
def marks(tmp_path):
    """A folder of marks, `OWNER/mark.svg`."""
    return galleries.write_marks(tmp_path / "marks")


def empty_gallery():
    return lk.Gallery(embed=galleries.embed, image_size=galleries.SIZE)


@pytest.fixture
def gallery(marks):
    gallery = empty_gallery()
    assert look_alikes.index(gallery, marks) == {}
    return gallery


def run(*words):
    return search.main(["logo-search", *map(str, words)])


def test_marks_are_called_as_their_paths_and_belong_to_their_folders(marks, gallery):
    (marks / "alone.svg").write_bytes(galleries.mark("Globex").replace(b"#06c", b"#0a0"))
    look_alikes.index(gallery, marks)
    assert set(gallery.labels) == {"Acme/mark", "Globex/mark", "Initech/mark", "alone"}
    assert [look_alikes.owner_of(label) for label in ("Acme/mark", "Acme/old/mark", "alone")] == ["Acme", "Acme", "alone"]


def test_files_that_differ_in_their_suffix_show_one_mark(marks):
    other = galleries.mark("Acme").replace(b"#d00", b"#0d0")
    (marks / "Globex" / "mark.png").write_bytes(photographs.encode(svg.draw(other, 64)[..., :3], ".png"))
    gallery = empty_gallery()
    look_alikes.index(gallery, marks)
    assert {each.source for each in gallery.references("Globex/mark")} == {"mark.svg", "mark.png"}


def test_the_same_picture_is_found_for_each_of_its_owners(marks, gallery):
    (marks / "Copycat").mkdir()
    (marks / "Copycat" / "ours.svg").write_bytes(galleries.mark("Acme"))
    look_alikes.index(gallery, marks)
    found = look_alikes.find(gallery, galleries.mark("Acme"), top=2)
    assert {each.label for each in found} == {"Acme/mark", "Copycat/ours"}
    assert [each.similarity for each in found] == pytest.approx([1, 1], abs=1e-5)
    (best, *_) = look_alikes.find(gallery, galleries.mark("Acme"), not_own="Acme")
    assert (best.label, best.owner) == ("Copycat/ours", "Copycat")


def test_an_inverted_copy_is_found_as_such(gallery):
    image = gallery.crop(gallery.references("Globex/mark")[0])
    (best,) = look_alikes.find(gallery, (255 - image, None), top=1)
    assert best.label == "Globex/mark" and best.similarity > 0.99 and best.seen.startswith("inverted")


def test_a_recoloured_copy_comes_before_another_mark_of_its_colour(gallery):
    copy = galleries.mark("Globex").replace(b"#06c", b"#d00")
    assert look_alikes.find(gallery, copy)[0].label == "Globex/mark"


def test_marks_come_in_the_order_of_their_similarity_and_no_more_than_asked(gallery):
    found = look_alikes.find(gallery, galleries.mark("Initech"))
    similarities = [each.similarity for each in found]
    assert len(found) == 3 and found[0].label == "Initech/mark"
    assert similarities == sorted(similarities, reverse=True)
    assert look_alikes.find(gallery, galleries.mark("Initech"), top=2) == found[:2]


def test_what_cannot_be_used_is_told_and_the_rest_is_indexed(marks, tmp_path):
    (marks / "Acme" / "broken.png").write_bytes(b"no picture")
    gallery = empty_gallery()
    assert set(look_alikes.index(gallery, marks)) == {str(marks / "Acme" / "broken.png")}
    assert len(gallery.labels) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no artwork"):
        look_alikes.index(gallery, tmp_path / "empty")
    (tmp_path / "empty" / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="none of the 1 files"):
        look_alikes.index(gallery, tmp_path / "empty")


def test_a_long_index_is_kept_from_time_to_time_and_goes_on_from_there(marks, monkeypatch):
    monkeypatch.setattr(look_alikes, "_SAVED", 2)
    gallery, kept = empty_gallery(), []
    look_alikes.index(gallery, marks, lambda: kept.append(len(gallery.labels)))
    assert kept == [2]
    # What is there is not drawn again.
    monkeypatch.setattr(gallery, "add", None)
    look_alikes.index(gallery, marks)


def test_what_cannot_be_asked_is_refused(gallery):
    mark = galleries.mark("Acme")
    with pytest.raises(ValueError, match="top"):
        look_alikes.find(gallery, mark, top=0)
    with pytest.raises(ValueError, match="no mark of the gallery belongs to 'Nobody'"):
        look_alikes.find(gallery, mark, not_own="Nobody")
    with pytest.raises(ValueError, match="no marks yet"):
        look_alikes.find(empty_gallery(), mark)
    gallery.remove("Globex/mark")
    gallery.remove("Initech/mark")
    assert look_alikes.find(gallery, mark, not_own="Acme") == ()


@pytest.mark.usefixtures("shipped_embedding")
def test_the_command_indexes_finds_and_draws_a_page(marks, tmp_path, capsys):
    pytest.importorskip("jinja2", reason="needs jinja2, of the extra [report]")
    index, mark = tmp_path / "marks.gallery", marks / "Acme" / "mark.svg"
    assert run("index", marks, "--out", index) == 0
    assert "3 marks of 3 owners" in capsys.readouterr().out
    page, figures = tmp_path / "found.html", tmp_path / "found.json"
    assert run("find", mark, "--in", index, "--not_own", "Acme", "--page", page, "--json", figures) == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(figures.read_text())["found"]
    assert [line.split()[1] for line in lines] == [each["label"] for each in found]
    assert {each["owner"] for each in found} == {"Globex", "Initech"}
    text = page.read_text()
    assert text.count("data:image/jpeg") == 3 and "those of Acme were left out" in text and "Globex/mark" in text


@pytest.mark.usefixtures("shipped_embedding")
def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert run("find", tmp_path / "mark.svg") == 1
    assert "--in must be given" in capsys.readouterr().err
    assert run("find", "--in", tmp_path / "marks.gallery") == 1
    assert "name one mark" in capsys.readouterr().err
    assert run("look") == 1
    assert "expected one of index, find, got look" in capsys.readouterr().err
