"""Logos in the Wild."""

import collections

import pytest
from photographs import write

from logo_keras.datasets import load
from logo_keras.datasets.public.logos_in_the_wild import clean_name


def put(path, *objects):
    body = "".join(
        f"<object><name>{name}</name><truncated>0</truncated><difficult>0</difficult><bndbox><xmin>{x0}</xmin>"
        f"<ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in objects
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{path.stem}.jpg</filename>{body}</annotation>", encoding="utf-8")


@pytest.fixture
def distributed(tmp_path):
    """The archive after some photographs were fetched: one has no box, one was not to be had."""
    data = tmp_path / "LogosInTheWild-v2" / "data"
    put(data / "burger king" / "img000001.xml", ("BurgerKing", 1, 2, 9, 8), ("Görtz-schriftzug", 1, 1, 20, 20))
    put(data / "burger king" / "img000002.xml", ("Hungry Jacks logo-teilsichtbar", 5, 5, 9, 9))
    put(data / "H&M" / "img000001.xml", ("H&amp;M", 1, 2, 9, 8))
    put(data / "H&M" / "img000002.xml")
    for name in ("burger king/img000001.jpg", "H&M/img000001.jpg", "H&M/img000002.jpg"):
        write(data / name)
    (data / "H&M" / "urls.txt").write_text("000001 http://127.0.0.1/1.jpg\n")
    return tmp_path


@pytest.fixture
def both(distributed):
    """The same with what the authors' script wrote, under which names the script has are kept."""
    cleaned = distributed / "LogosInTheWild-v2" / "data_cleaned" / "voc_format"
    put(cleaned / "burger king" / "img000001_2.xml", ("burgerking-symbol", 1, 2, 9, 8), ("goertz.text", 1, 1, 20, 20))
    write(cleaned / "burger king" / "img000001_2.jpg")
    return distributed


def test_names_are_as_distributed_on_demand(distributed):
    dataset = load("logos_in_the_wild", distributed, "distributed")
    assert dataset.class_names == ("BurgerKing", "Görtz-schriftzug", "H&M", "Hungry Jacks logo-teilsichtbar")
    # Folders by code point: capitals first.
    assert [dataset.class_names[label] for label in dataset.labels] == ["H&M", "Görtz-schriftzug"]
    assert [boxes.tolist() for boxes in dataset.boxes] == [[[2, 1, 8, 9]], [[1, 1, 20, 20]]]
    assert dataset.about.title == "Logos in the Wild"
    assert (dataset.root, dataset.split_name) == (str(distributed), "distributed")


def test_what_was_not_fetched_and_what_has_no_box_is_left_out_and_counted(distributed):
    notes = load("logos_in_the_wild", distributed).notes
    assert notes[0] == "photographs that were not fetched, left out: 1 of 4"
    assert "several brands" in notes[1] and "img000001.jpg" in notes[1]
    assert "without a box, left out: 1 (img000002.jpg)" in notes[2]


def test_names_are_cleaned_by_the_rule_where_the_authors_script_was_not_run(distributed):
    expected = ("burgerking", "goertz-text", "h&m", "hungryjacks-symbol")
    assert load("logos_in_the_wild", distributed).class_names == expected
    assert load("logos_in_the_wild", distributed, "cleaned").class_names == expected


def test_what_the_authors_script_wrote_stands_as_it_is(both):
    for split in (None, "cleaned"):
        dataset = load("logos_in_the_wild", both, split)
        assert dataset.class_names == ("burgerking-symbol", "goertz.text")
        assert dataset.paths[0].endswith("voc_format/burger king/img000001_2.jpg")
    assert len(load("logos_in_the_wild", both, "distributed").class_names) == 4


@pytest.mark.parametrize("part", [".", "LogosInTheWild-v2", "LogosInTheWild-v2/data"])
def test_the_root_may_be_any_folder_of_the_archive(distributed, part):
    assert len(load("logos_in_the_wild", distributed / part)) == 2


@pytest.mark.parametrize("part", ["LogosInTheWild-v2/data_cleaned", "LogosInTheWild-v2/data_cleaned/voc_format"])
def test_the_root_may_be_the_cleaned_folder(both, part):
    assert load("logos_in_the_wild", both / part).class_names == ("burgerking-symbol", "goertz.text")
    with pytest.raises(FileNotFoundError, match=r"must hold data/BRAND/\*\.xml, in itself"):
        load("logos_in_the_wild", both / part, "distributed")


def test_cut_makes_a_sample_of_every_box(distributed):
    dataset = load("logos_in_the_wild", distributed, cut=0)
    assert sorted(dataset.class_names[label] for label in dataset.labels) == ["burgerking", "goertz-text", "h&m"]


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("BMW", "bmw"),
        ("adidas1", "adidas1"),
        ("McDonalds-Schrift", "mcdonalds-text"),
        ("starbucks-symbol+teilsichtbar", "starbucks-symbol"),
        ("Google+", "google+"),
        ("Gucci logo", "gucci-symbol"),
        ("Kellogg`s", "kelloggs"),
        ("1.FCKöln", "1fckoeln"),
        ("Würth", "wuerth"),
        ("boing-text", "boeing-text"),
        (" Coca-Cola ", "coca-cola"),
        ("logoland", "logoland"),
    ],
)
def test_the_rule_of_clean_names(name, clean):
    assert clean_name(name) == clean


def test_cleaning_twice_is_cleaning_once(shared):
    names = (shared / "data" / "lists" / "logos_in_the_wild" / "data_all_classes.txt").read_text(encoding="utf-8").split("\n")
    assert [clean_name(clean_name(name)) for name in names] == [clean_name(name) for name in names]


def test_without_any_photograph_the_user_is_told_where_to_get_them(tmp_path):
    put(tmp_path / "data" / "puma" / "img000001.xml", ("Puma", 1, 2, 9, 8))
    with pytest.raises(FileNotFoundError, match="none of the 1 photographs is in .*: fetch those in urls.txt"):
        load("logos_in_the_wild", tmp_path)


def test_an_unknown_split_and_another_folder_are_answered_with_what_is_expected(tmp_path):
    with pytest.raises(ValueError, match="split must be one of cleaned, distributed, train, test or None, got 'val'"):
        load("logos_in_the_wild", tmp_path, "val")
    with pytest.raises(FileNotFoundError, match="must hold data/BRAND.* is empty"):
        load("logos_in_the_wild", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"data_all_train\.txt is missing"):
        load("logos_in_the_wild", tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        load("logos_in_the_wild", tmp_path / "nowhere")


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "data_all_classes.txt").write_text("puma\nwürth\nnike\n", encoding="utf-8")
    (tmp_path / "data_all_train.txt").write_text(
        "LogosInTheWild-v2/data_cleaned/voc_format/red bull/img000001_2.jpg 1,2,9,8,1 0,0,3,3,0\r\n"
        "LogosInTheWild-v2/data_cleaned/voc_format/puma/img000001_3.jpg\r\n"
        "/home/me/LogosInTheWild-v2/data_cleaned/voc_format/puma/img 2.jpg 1,2,9.5,8,0"
    )
    (tmp_path / "data_all_test.txt").write_text("LogosInTheWild-v2/data_cleaned/voc_format/puma/img000009_3.jpg 1,2,9,8,0\n")
    return tmp_path


def test_lists_of_the_cleaned_set_give_paths_boxes_and_names(lists):
    dataset = load("logos_in_the_wild", lists, "train")
    assert dataset.class_names == ("nike", "puma", "würth")
    home = lists / "LogosInTheWild-v2" / "data_cleaned" / "voc_format"
    assert dataset.paths == (str(home / "red bull" / "img000001_2.jpg"), str(home / "puma" / "img 2.jpg"))
    assert dataset.labels.tolist() == [2, 1]
    assert [boxes.tolist() for boxes in dataset.boxes] == [[[2, 1, 8, 9]], [[2, 1, 8, 9.5]]]
    assert load("logos_in_the_wild", lists, "train", cut=0).labels.tolist() == [2, 1, 1]
    # Both, where nothing else is there.
    assert len(load("logos_in_the_wild", lists)) == 3


def test_photographs_of_lists_lie_in_the_root_if_that_is_the_archives_folder(lists):
    photograph = write(lists / "data_cleaned" / "voc_format" / "puma" / "img000009_3.jpg")
    assert load("logos_in_the_wild", lists, "test").paths == (str(photograph),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg 1,2,9,8,3", r"data_all_test\.txt:2: class 3 is none of the 3 of the list"),
        ("a.jpg 1,2,9,8", r"data_all_test\.txt:2: expected the path of a photo and boxes x1,y1,x2,y2,class"),
        ("1,2,9,8,1", r"data_all_test\.txt:2: expected the path of a photo"),
        ("../a.jpg 1,2,9,8,1", r"data_all_test\.txt:2: '\.\./a\.jpg' does not lie inside"),
        ("/etc/a.jpg 1,2,9,8,1", r"data_all_test\.txt:2: '/etc/a\.jpg' does not lie inside"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(lists, line, message):
    (lists / "data_all_test.txt").write_text(f"\n{line}\n")
    with pytest.raises(ValueError, match=message):
        load("logos_in_the_wild", lists, "test")


@pytest.mark.parametrize(
    ("split", "photographs", "boxes", "brands", "several"), [("train", 5913, 17570, 662, 2120), ("test", 2590, 8017, 500, 932)]
)
def test_the_lists_made_by_others(shared, split, photographs, boxes, brands, several):
    root = shared / "data" / "lists" / "logos_in_the_wild"
    dataset, cut = load("logos_in_the_wild", root, split), load("logos_in_the_wild", root, split, cut=0.1)
    assert (len(dataset), len(cut), len(dataset.class_names)) == (photographs, boxes, 788)
    assert len(set(cut.labels.tolist())) == brands
    shown = collections.defaultdict(set)
    for path, label in zip(cut.paths, cut.labels.tolist(), strict=True):
        shown[path].add(label)
    assert sum(len(labels) > 1 for labels in shown.values()) == several
    assert "several brands" in dataset.notes[0] and f": {several} (" in dataset.notes[0]
