"""BelgaLogos: boxes in one file of nine fields, many photographs with several brands."""

import os

import pytest
from photographs import write

from logo_keras.datasets import load
from logo_keras.datasets.public.belgalogos import BOXES, QUERIES

LINES = """\
Adidas_0001	Adidas	1.jpg	logo	1	10	5	20	15
Adidas-text_0000	Adidas-text	1.jpg	logo	1	30	5	50	15
Nike_0000	Nike	1.jpg	logo	1	0	0	5	5
Nike_0001	Nike	2.jpg	logo	0	0	0	30	30
Kia_0000	Kia	2.jpg	logo	1	1	2	31	12
Kia_0001	Kia	3.jpg	logo	0	1	2	31	12
Kia_0002	Kia	4.jpg	logo	1	31	2	1	12
US_President_0000	US_President	5.jpg	logo	1	1	2	31	12
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / BOXES).write_text(LINES)
    for name in ("1", "2", "5"):
        write(tmp_path / "images" / f"{name}.jpg")
    return tmp_path


def test_a_photograph_takes_the_brand_of_its_largest_box_that_is_ok(small):
    dataset = load("belgalogos", small)
    assert dataset.class_names == ("Adidas", "Kia", "Nike", "US_President")
    assert [path.removeprefix(f"{small}/") for path in dataset.paths] == ["images/1.jpg", "images/2.jpg", "images/5.jpg"]
    assert dataset.labels.tolist() == [0, 1, 3]
    # x1 y1 x2 y2 becomes y0 x0 y1 x1; Adidas-text counts as Adidas.
    assert dataset.boxes[0].tolist() == [[5, 10, 15, 20], [5, 30, 15, 50]]
    assert dataset.notes == (
        "boxes that are not marked ok, left out: 2",
        "boxes with corners in the wrong order, left out: 1",
        "photographs with several brands, each labelled with that of its largest box: 1 (1.jpg)",
    )


def test_cut_gives_every_box_with_its_own_brand(small):
    dataset = load("belgalogos", small, cut=0.1)
    assert [dataset.class_names[label] for label in dataset.labels] == ["Adidas", "Adidas", "Nike", "Kia", "US_President"]
    assert dataset.windows[0].tolist() == [4, 9, 16, 21]
    assert dataset.photograph(0).shape == (12, 12, 3)


def test_photographs_may_lie_beside_the_file_or_nowhere(small):
    nested = small / "BelgaLogos"
    nested.mkdir()
    (small / BOXES).rename(nested / BOXES)
    assert load("belgalogos", small).paths[0] == str(nested / "images/1.jpg")
    write(nested / "1.jpg")
    assert load("belgalogos", small).paths[0] == str(nested / "1.jpg")
    assert load("belgalogos", small).root == str(small)


def test_queries_are_brought_to_the_names_of_the_boxes(small):
    (small / QUERIES).write_text(
        "Addidas1 1.jpg 10 5 20 15\r\nAddidas-text2\t1.jpg\t30\t5\t50\t15\nPresident12 5.jpg 1 2 31 12\n"
    )
    dataset = load("belgalogos", small, "qset1", cut=0)
    assert dataset.class_names == load("belgalogos", small).class_names
    assert [dataset.class_names[label] for label in dataset.labels] == ["Adidas", "Adidas", "US_President"]
    (small / QUERIES).write_text("Adiddas1 1.jpg 10 5 20 15\n")
    with pytest.raises(ValueError, match=r"qset1_internal\.qry:1: 'Adiddas1' is no logo of .*, which has Adidas, Kia"):
        load("belgalogos", small, "qset1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Kia_0\tKia\t1.jpg\tlogo\t1\t1\t2\t3", "expected id, logo, file, type, state"),
        ("Kia_0\tKia\t1.jpg\tlogo\t2\t1\t2\t3\t4", "expected id, logo, file, type, state"),
        ("Kia_0\tKia\t1.jpg\tlogo\t1\ta\t2\t3\t4", "expected id, logo, file, type, state"),
        ("Kia_0\tKia\t../1.jpg\tlogo\t1\t1\t2\t3\t4", "does not lie inside"),
    ],
)
def test_a_broken_line_is_named(small, line, message):
    (small / BOXES).write_text(f"{LINES}{line}\n")
    with pytest.raises(ValueError, match=rf"{BOXES}:9: .*{message}"):
        load("belgalogos", small)


def test_what_is_missing_is_named(small):
    with pytest.raises(ValueError, match="split must be one of qset3, qset1 or None, got 'test': .* use Dataset.split"):
        load("belgalogos", small, "test")
    with pytest.raises(FileNotFoundError, match=f"{QUERIES} is missing"):
        load("belgalogos", small, "qset1")
    (small / BOXES).unlink()
    with pytest.raises(FileNotFoundError, match=f"is no BelgaLogos: neither it nor a folder in it has {BOXES}"):
        load("belgalogos", small)


def test_the_real_file_has_its_counts(shared):
    root = shared / "data" / "lists" / "belgalogos"
    whole, cut = load("belgalogos", root), load("belgalogos", root, cut=0.1)
    assert (len(whole), len(whole.class_names), len(cut)) == (1318, 33, 2650)
    assert set(cut.labels) == set(range(33)) and not any(name.endswith("-text") for name in cut.class_names)
    # Of 9,844 lines 2,697 are ok, and the corners of 47 of these are in the wrong order.
    assert whole.notes[:2] == (
        "boxes that are not marked ok, left out: 7147",
        "boxes with corners in the wrong order, left out: 47",
    )
    brands = {}
    for path, label in zip(cut.paths, cut.labels, strict=True):
        brands.setdefault(path, set()).add(label)
    assert sum(len(each) > 1 for each in brands.values()) == 390
    assert {os.path.dirname(path) for path in whole.paths} == {str(root / "images")}
