"""Photographs named in text files."""

import codecs

import pytest
from photographs import encode, scene, write

from logo_keras.datasets import load
from logo_keras.datasets.paths import Finder


def test_the_label_is_the_last_word_and_paths_may_hold_spaces(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("shop window/photo 1.jpg puma\n\n  b.jpg   adidas  \nc.jpg\tred bull\n")
    dataset = load("list", file)
    assert dataset.class_names == ("adidas", "puma", "red bull")
    assert dataset.paths == tuple(str(tmp_path / name) for name in ("shop window/photo 1.jpg", "b.jpg", "c.jpg"))
    assert dataset.labels.tolist() == [1, 0, 2]


def test_paths_are_relative_to_the_list_and_absolute_ones_stay(tmp_path):
    photo = write(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "all.txt").write_text(f"../elsewhere/a.png puma\n{photo} puma\n")
    dataset = load("list", tmp_path / "lists" / "all.txt")
    # The same photograph twice is one photograph.
    assert dataset.paths == (str(photo),)
    assert dataset.photograph(0).shape == (40, 60, 3)


def test_integer_labels_are_sorted_as_numbers(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg 10\nb.jpg 9\nc.jpg -1\n")
    dataset = load("list", tmp_path / "list.txt")
    assert dataset.class_names == ("9", "10")
    assert dataset.labels.tolist() == [1, 0]


def test_splits_are_lists_of_the_folder_and_their_classes_agree(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\nb.jpg nike\n")
    (tmp_path / "test.txt").write_text("c.jpg adidas\nd.jpg none\n")
    train, test = load("list", tmp_path, "train"), load("list", tmp_path, "test")
    assert train.class_names == test.class_names == ("adidas", "nike", "puma")
    assert train.labels.tolist() == [2, 1]
    assert test.labels.tolist() == [0, -1]
    assert load("list", tmp_path).labels.tolist() == [0, 2, 1]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_byte_order_marks_and_windows_line_ends_are_tolerated(tmp_path, mark):
    encoding = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}[mark]
    (tmp_path / "list.txt").write_bytes(mark + "café.jpg puma\r\nb.jpg nike\r\n".encode(encoding))
    dataset = load("list", tmp_path / "list.txt")
    assert dataset.paths == (str(tmp_path / "café.jpg"), str(tmp_path / "b.jpg"))
    assert dataset.class_names == ("nike", "puma")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a.jpg puma\n\nb.jpg\n", r"list\.txt:3: expected a path and a label, got 'b\.jpg'"),
        (b"a.jpg puma\nb\0.jpg nike\n", r"list\.txt:2: not text, it holds bytes of value zero"),
        (
            b"a.jpg\na.jpg puma\na.jpg nike\nb.jpg\n",
            r"^3 problems:\n.*:1: expected .*\n.*:4: expected .*\n.*:3: a\.jpg has label",
        ),
        (b"a\n" * 12, r"^12 problems:\n(.*list\.txt:\d+: expected .*\n){10}and 2 more\.$"),
        (b"a.jpg puma\na.jpg nike\n", r"list\.txt:2: .*a\.jpg has label 'nike' here and 'puma' before"),
        (b"\n\n", r"no labelled photographs in .*list\.txt"),
    ],
)
def test_errors_name_the_file_and_the_line(tmp_path, text, message):
    (tmp_path / "list.txt").write_bytes(text)
    with pytest.raises(ValueError, match=message):
        load("list", tmp_path / "list.txt")


def test_a_missing_list_is_answered_with_what_there_is(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\n")
    with pytest.raises(FileNotFoundError, match=r"no list validation\.txt; .* holds train\.txt"):
        load("list", tmp_path, "validation")
    with pytest.raises(FileNotFoundError, match="there is no list or folder"):
        load("list", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="leave out split='train'"):
        load("list", tmp_path / "train.txt", "train")


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"it has no \*\.txt"):
        load("list", tmp_path)


def test_the_set_knows_its_root_unless_a_photograph_lies_outside(tmp_path):
    (tmp_path / "in.txt").write_text(f"a.jpg puma\n./b/../c.jpg nike\n{tmp_path}/d.jpg puma\n..d/e.jpg puma\n")
    (tmp_path / "out.txt").write_text("a.jpg puma\n../b.jpg nike\n")
    inside, outside = load("list", tmp_path, "in"), load("list", tmp_path, "out")
    assert (inside.root, inside.split_name) == (str(tmp_path), "in")
    assert inside.paths == tuple(str(tmp_path / name) for name in ("a.jpg", "c.jpg", "d.jpg", "..d/e.jpg"))
    assert outside.root is None
    assert outside.paths[1] == str(tmp_path.parent / "b.jpg")


def test_a_photograph_repeated_in_a_list_stays_repeated_in_its_split(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\nb.jpg nike\na.jpg puma\n")
    assert load("list", tmp_path, "train").labels.tolist() == [1, 0, 1]
    assert load("list", tmp_path).labels.tolist() == [1, 0]


def test_boxes_lie_beside_the_lists(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\nb.jpg none\n")
    (tmp_path / "test.txt").write_text("c.jpg nike\n")
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1,brand\na.jpg,1,2,3,4,\nc.jpg,5,6,7,8,nike\na.jpg,0,0,9,9,nike\n")
    train = load("list", tmp_path, "train")
    assert [boxes.tolist() for boxes in train.boxes] == [[[2, 1, 4, 3]], []]
    assert load("list", tmp_path, "train", cut=0).labels.tolist() == [1, 0]
    # Beside one list that is the root as well, whose classes are its own.
    with pytest.raises(ValueError, match=r"boxes\.csv:3: 'c\.jpg' is no photograph of the set"):
        load("list", tmp_path / "train.txt")


def test_a_box_of_an_unlisted_photograph_is_named(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\n")
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.jpg,1,2,3,4\nz.jpg,1,2,3,4\n")
    with pytest.raises(ValueError, match=r"boxes\.csv:3: 'z\.jpg' is no photograph of the set"):
        load("list", tmp_path)


def test_without_boxes_nothing_can_be_cut(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg puma\n")
    with pytest.raises(ValueError, match="cut needs boxes"):
        load("list", tmp_path, cut=0.1)


@pytest.mark.parametrize(
    "line",
    [
        "shop 1/a b.jpg puma\n",
        '"shop 1/a b.jpg" puma\n',
        "'shop 1/a b.jpg'\t'puma'\n",
        '"shop 1/a b.jpg","puma"\n',
        "shop 1/a b.jpg,puma\n",
        "shop 1/a b.jpg; puma\n",
        'shop 1/a b.jpg "puma"\n',
        "path,label\nshop 1/a b.jpg,puma\n",
        "image\tclass\nshop 1/a b.jpg\tpuma\n",
        "split,Label,Image\ntrain,puma,shop 1/a b.jpg\n",
        '"filename";"x";"class"\n"shop 1/a b.jpg";"3";"puma"\n',
        "# brands of shop 1\nshop 1/a b.jpg puma\n#\n",
        "shop%201/a%20b.jpg puma\n",
        "shop 1\\a b.jpg puma\n",
        "/home/me/shop 1/a b.jpg puma\n",
        "https://host/shop%201/a%20b.jpg?d=x puma\n",
    ],
)
def test_paths_and_labels_are_parted_and_found_however_they_are_written(tmp_path, line):
    photo = write(tmp_path / "shop 1" / "a b.jpg")
    (tmp_path / "list.txt").write_text(line)
    dataset = load("list", tmp_path / "list.txt")
    assert (dataset.paths, dataset.class_names) == ((str(photo),), ("puma",))
    assert dataset.root == str(tmp_path) and dataset.notes == ()


@pytest.mark.parametrize(
    "line", ['a.jpg "red bull"', "a.jpg,red bull", '"a.jpg" red bull', "a.jpg;red bull", "'a.jpg' 'red bull'"]
)
def test_labels_of_two_words_stand_in_quotes_or_after_a_mark(tmp_path, line):
    (tmp_path / "list.txt").write_text(line)
    assert load("list", tmp_path / "list.txt").class_names == ("red bull",)


def test_commas_in_the_name_of_a_photograph_are_part_of_it(tmp_path):
    (tmp_path / "list.txt").write_text("a, b.jpg puma\nc,d.jpg,nike\n")
    dataset = load("list", tmp_path / "list.txt")
    assert dataset.paths == (str(tmp_path / "a, b.jpg"), str(tmp_path / "c,d.jpg"))
    assert [dataset.class_names[label] for label in dataset.labels] == ["puma", "nike"]


def test_a_photograph_without_the_suffix_of_one_is_told_by_its_content(tmp_path):
    for name in ("a", "b.jpg_large"):
        (tmp_path / name).write_bytes(encode(scene()))
    (tmp_path / "train.txt").write_text("a puma\nb.jpg_large puma\n")
    assert load("list", tmp_path, "train").check() == {}
    (tmp_path / "train.txt").write_text("a puma\nc puma\n")
    with pytest.raises(ValueError, match=r"train\.txt:2: expected a path and a label, got 'c puma'"):
        load("list", tmp_path, "train")


def test_paths_start_in_the_folder_of_the_list_and_then_in_the_working_folder(tmp_path, monkeypatch):
    here, there = write(tmp_path / "lists" / "x" / "a.jpg"), write(tmp_path / "work" / "x" / "b.jpg")
    write(tmp_path / "work" / "x" / "a.jpg")
    (tmp_path / "lists" / "all.txt").write_text("x/a.jpg puma\nx/b.jpg puma\n")
    monkeypatch.chdir(tmp_path / "work")
    assert load("list", tmp_path / "lists" / "all.txt").paths == (str(here), str(there))


def test_the_file_name_decides_as_a_last_try_and_a_note_says_so(tmp_path):
    found = write(tmp_path / "deep" / "in" / "a.jpg")
    (tmp_path / "train.txt").write_text("photos/a.jpg puma\n")
    dataset = load("list", tmp_path, "train")
    assert dataset.paths == (str(found),) and "found by their file names alone" in dataset.notes[0]
    (tmp_path / "train.txt").write_text("photos/b.jpg puma\n")
    assert "none of the 1 photographs that" in load("list", tmp_path, "train").notes[0]


def test_other_text_files_of_the_folder_are_skipped_and_named(tmp_path):
    write(tmp_path / "a.jpg")
    (tmp_path / "train.txt").write_bytes("a.jpg puma\n".encode("utf-16"))
    for name, text in (("notes.txt", "remember the milk"), ("classes.txt", "puma\n"), ("empty.txt", "")):
        (tmp_path / name).write_text(text)
    dataset = load("list", tmp_path)
    assert dataset.class_names == ("puma",)
    assert dataset.notes == ("text files that are no lists of photographs, skipped: 3 (classes.txt, empty.txt, notes.txt)",)


def test_labels_in_two_unicode_forms_are_one_class(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg caf\u00e9\n", encoding="utf-8")
    (tmp_path / "test.txt").write_text("b.jpg cafe\u0301\n", encoding="utf-8")
    assert load("list", tmp_path).class_names == ("caf\u00e9",)


def test_long_lists_of_photographs_that_are_elsewhere_are_not_searched_for_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("logo_keras.datasets.formats.listing._TRIED", 4)
    tried = []
    find = Finder.find
    monkeypatch.setattr(Finder, "find", lambda self, name: tried.append(name) or find(self, name))
    (tmp_path / "all.txt").write_text("".join(f"{number}.jpg puma\n" for number in range(100)))
    assert len(load("list", tmp_path)) == 100
    assert len(tried) == 4
    write(tmp_path / "deep" / "25.jpg")
    assert len(load("list", tmp_path).check()) == 99
