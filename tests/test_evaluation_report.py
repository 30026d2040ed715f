"""The report of an evaluation: what the page says and escapes, what is never overwritten, what a lack of something does."""

import dataclasses
import errno
import json
import sys

import cv2
import numpy as np
import pytest
from test_report import Checked

from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation import Evaluation, document, evaluate, negatives, novelty, read, report
from logo_keras.evaluation.doubts import doubts
from logo_keras.report import html

# One of them is hostile.
BRANDS = ("red <script>alert(1)</script>", "green & 'green'", "blue")


class Regions:
    """Answers as an exported file does: the probability of a brand is the share of its colour; two regions."""

    class_names, image_size, preprocessing, threshold = BRANDS, 32, "stretch", 0.6

    def infer(self, images):
        means = images.mean(axis=(1, 2)) + 1e-3
        boxes = np.repeat(np.float32([[(0, 0, 16, 16), (8, 8, 30, 30)]]), len(images), axis=0)
        return {"probabilities": means / means.sum(axis=1, keepdims=True), "region_boxes": boxes}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Datasets: twelve photos, four of which are labelled wrongly, and three without a brand."""
    folder = tmp_path_factory.mktemp("photos")

    def written(name, colour):
        cv2.imwrite(str(folder / name), np.full((20, 40, 3), colour[::-1], np.uint8))
        return folder / name

    paths = [written(f"{n} <b>.png", np.roll([200 + n, 60, 9 * n], n % 3)) for n in range(12)]
    labels = [n % 3 if n < 8 else (n + 1) % 3 for n in range(12)]
    grey = [written(f"grey{n}.png", (100 + n, 100, 100)) for n in range(3)]
    boxes = [[(2, 2, 10 + n, 12)] for n in range(12)]
    known = Dataset(paths, labels, BRANDS, boxes, root=str(folder), root_categories=("a <i>", "b", "b"))
    return known, Dataset(grey, [-1] * 3, BRANDS, root=str(folder))


@pytest.fixture(scope="module")
def found(photos):
    asked = evaluate(Regions(), photos[0], scores=novelty.scores)
    none = negatives.judge(asked, Regions(), photos[1], source="<grey>")
    about = {"name": "<model>.keras", "sha256": "00"}
    data = {"kind": "folder", "root": "/somewhere/<photos>", "split": "test", "cut": None, "held_out": None}
    return dataclasses.replace(
        asked,
        none=none,
        model=asked.model | about,
        data=data,
        training_images=(3, 30, 300),
        unreadable={"/x/<y>.jpg": "it <is> gone"},
    )


@pytest.fixture(scope="module")
def written(found, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    assert report.write_report(folder, found, *photos) == folder / "report.html"
    return folder


def test_the_page_is_whole_and_escapes_every_name(written):
    text = (written / "report.html").read_text()
    page = Checked(text)
    assert "<script>" not in text and "<b>" not in text.replace('<div class="card"><b>', "") and "<i>" not in text
    assert "script" not in page.tags and "".join(page.words).count("red <script>alert(1)</script>") > 2
    # Nothing is fetched but the JSON beside it.
    assert {address.partition(",")[0] for address in page.addresses} == {"data:image/jpeg;base64", "evaluation.json"}


def test_the_page_has_every_part(written):
    words = " ".join("".join(Checked((written / "report.html").read_text()).words).split())
    for part in (
        "When to distrust these figures", "12 photos of 3 brands", "66.7 %", "root category",
        "calibration error", "Its threshold is 0.60", "AUROC", "those of other photos",
        "3 photos that show no brand of the list (<grey>), against 12 photos",
        "Anchors are not in an exported file: their rows are left out", "Small logos and brands with few training images",
        "Where it was surest and wrong", "it <is> gone", "SHA-256",
    ):  # fmt: skip
        assert part in words, part
    assert words.count("When to distrust it:") == 7


def test_pictures_are_few_and_small(written, photos, found):
    text = (written / "report.html").read_text()
    assert text.count("data:image/jpeg") == 2 * 3 + 4 + 3 and len(text) < 400e3


def test_the_json_beside_it_is_the_evaluation(written, found):
    again = read(written)
    assert again.top1 == found.top1 and again.none == found.none and again.paths[0] == "0 <b>.png"
    said = json.loads((written / document.FILE).read_text())
    assert said["packages"]["numpy"] and said["date"] and said["figures"]["localisation"]["figures"]["model"]["iou"] > 0


def test_the_same_may_be_repeated_and_others_are_refused(written, found, tmp_path):
    before = (written / document.FILE).read_bytes()
    report.write_report(written, found)
    other = dataclasses.replace(found, model=found.model | {"sha256": "11"})
    with pytest.raises(ValueError, match="holds the evaluation of another model .<model>.keras.: choose another folder"):
        report.write_report(written, other)
    with pytest.raises(ValueError, match="of other photos .kind folder, root .*, split test.: choose another"):
        report.write_report(written, dataclasses.replace(found, data=found.data | {"split": "validation"}))
    with pytest.raises(ValueError, match="another model"):
        report.check_folder(written, found.model, found.data, ("red", "green"))
    assert (written / document.FILE).read_bytes() == before
    report.write_report(tmp_path, found)
    report.write_report(tmp_path, other, overwrite=True)
    assert read(tmp_path).model["sha256"] == "11"


def test_what_is_no_report_is_not_overwritten(found, tmp_path):
    (tmp_path / "report.html").write_text("my own page")
    with pytest.raises(ValueError, match="report.html is there without an evaluation.json"):
        report.write_report(tmp_path, found)
    (tmp_path / document.FILE).write_text('{"mine": true}')
    with pytest.raises(ValueError, match="evaluation.json cannot be read as an evaluation"):
        report.write_report(tmp_path, found)
    assert (tmp_path / "report.html").read_text() == "my own page"
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "report"):
        with pytest.raises(NotADirectoryError, match="file is a file; the report needs a folder"):
            report.write_report(folder, found)


def test_a_folder_that_may_not_be_written_is_refused_before_the_work(found, tmp_path, monkeypatch):
    monkeypatch.setattr(report.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="may not be written: choose another folder"):
        report.check_folder(tmp_path / "new" / "report", found.model, found.data, BRANDS)


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_without_the_extra_the_json_is_written_and_the_page_named(library, found, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    html._templates.cache_clear()
    said = []
    assert report.write_report(tmp_path / "new", found, say=said.append) == tmp_path / "new" / document.FILE
    monkeypatch.undo()
    html._templates.cache_clear()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [".logo_keras", document.FILE]
    assert said[0].startswith("note: report.html is left out") and "pip install 'logo_keras[report]'" in said[0]


def test_a_full_disk_leaves_what_was_there(written, found, monkeypatch):
    before = {path.name: path.read_bytes() for path in written.iterdir()}

    def full(path, document):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(document, "write", full)
    with pytest.raises(OSError, match="the disk is full .*; what was there is as it was"):
        report.write_report(written, found)
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


def test_photos_that_have_gone_since_are_left_out_of_the_pictures(found, photos, tmp_path):
    gone = dataclasses.replace(photos[0], paths=[path.replace(".png", ".gone") for path in photos[0].paths])
    report.write_report(tmp_path / "gone", found, gone)
    report.write_report(tmp_path / "none", found)
    assert "data:image" not in (tmp_path / "gone" / "report.html").read_text() + (tmp_path / "none" / "report.html").read_text()


def test_pictures_of_cut_out_boxes_show_these(photos, tmp_path):
    cut = photos[0].cut(0.1)
    found = evaluate(Regions(), cut)
    report.write_report(tmp_path, found, cut)
    text = (tmp_path / "report.html").read_text()
    assert "12 boxes of 3 brands" in text and text.count("data:image/jpeg") == 2 * 3 + 4


def test_ten_thousand_brands_stay_readable_and_small(tmp_path):
    number = 10_000
    places = np.arange(2 * number) % number
    best = (places[:, None] + np.arange(5) * 3 + (np.arange(2 * number) % 3 == 0)[:, None]) % number
    found = Evaluation(
        tuple(f"brand {place}" for place in range(number)),
        tuple(f"{place}.jpg" for place in range(2 * number)),
        places,
        None,
        {},
        None,
        32,
        best=best,
        best_probabilities=np.linspace(0.9, 0.1, 2 * number)[:, None] * np.float32([1, 0.1, 0.1, 0, 0]),
        ranks=np.where(best[:, 0] == places, 0, 9),
    )
    report.write_report(tmp_path, found)
    size = (tmp_path / "report.html").stat().st_size
    assert size < 200e3 and (tmp_path / document.FILE).stat().st_size < 6e6
    assert "more are in evaluation.json" in (tmp_path / "report.html").read_text()


def test_doubts_say_what_is_known_of_the_photos(found):
    def said(**changes):
        return " ".join(doubts(dataclasses.replace(found, **changes)))

    learnt = found.model | {"trained_on": {"kind": "folder", "split": "train"}}
    assert "does not say what it learnt from" in said()
    assert "learnt from" not in said(model=learnt)
    assert "may know them by heart" in said(model=learnt, data=found.data | {"split": "train"})
    assert "No split was named" in said(model=learnt, data=found.data | {"split": None})
    assert "No split was named" not in said(model=learnt, data=found.data | {"split": None, "held_out": 0.3})
    assert "fitted on 7 of these photos" in said(fitted=7)
    assert "There are 12 of them, so few" in said() and "3 of the 3 brands have fewer than 10" in said()
    assert "was not calibrated" in said() and "was not calibrated" not in said(model=learnt | {"calibration": {"validation": 9}})
    assert "drawn by a program" in said(data={"kind": "synthetic"})
