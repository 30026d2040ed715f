"""Names of classes: one form, one order."""

import unicodedata

import pytest
from photographs import write

from logo_keras.datasets import load
from logo_keras.datasets.classes import composed, listed, matching, ordered

CAFE = "café"
DECOMPOSED = unicodedata.normalize("NFD", CAFE)


def test_whole_numbers_are_sorted_as_numbers_and_names_by_code_point():
    assert ordered(["10", "9", "1", "none"]) == ["1", "9", "10"]
    assert ordered(["10", "9", "b", "B", "é", "none"]) == ["10", "9", "B", "b", "é"]
    assert ordered(["7", "07"]) == ["07", "7"]


def test_two_unicode_forms_are_one_name():
    assert CAFE != DECOMPOSED
    assert ordered([CAFE, DECOMPOSED]) == [composed(DECOMPOSED)] == [CAFE]
    assert matching(CAFE, ["x", DECOMPOSED]) == DECOMPOSED
    assert matching("y", ["x"]) is None


def test_long_lists_are_cut():
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(list("abcdefghijkl")).endswith("'j' and 2 more")


@pytest.mark.parametrize(
    "brands",
    [["10", "9", "100"], ["1", "2", "x"], ["b", "A", "a", "é"], ["Zara", "adidas", "3M"], ["red bull", "Red"], ["01", "1"]],
)
def test_every_format_has_the_same_order_of_the_same_brands(tmp_path, brands):
    for place, brand in enumerate(brands):
        write(tmp_path / "set" / brand / f"{place}.jpg")
        box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
        write(tmp_path / "voc" / f"{place}.jpg")
        (tmp_path / "voc" / f"{place}.xml").write_text(f"<annotation><object><name>{brand}</name>{box}</object></annotation>")
    lines = "".join(f"set/{brand}/{place}.jpg\t{brand}\n" for place, brand in enumerate(brands))
    (tmp_path / "all.txt").write_text(lines, encoding="utf-8")
    folder, listing = load("folder", tmp_path / "set"), load("list", tmp_path / "all.txt")
    assert folder.class_names == listing.class_names == load("voc", tmp_path / "voc").class_names
    assert dict(zip(folder.paths, folder.labels.tolist(), strict=True)) == dict(
        zip(listing.paths, listing.labels.tolist(), strict=True)
    )
