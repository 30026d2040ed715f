"""Logo-2K+ as its authors give it out: two lists, and photographs beside them or in a folder."""

import pytest
from photographs import write

from logo_keras.datasets import load

TRAIN, TEST = "train_images_root.txt", "test_images_root.txt"


@pytest.fixture
def small(tmp_path):
    (tmp_path / TRAIN).write_text("Food/Arla/1.jpg\nFood/Arla/10.jpg\nNecessities/Baccarat/1.jpg\nAccessories/BACCARAT/1.jpg\n")
    (tmp_path / TEST).write_text("Food/Arla/2.jpg\nFood/7 up/3.jpg\n")
    return tmp_path


def test_a_class_is_root_category_and_brand_as_written(small):
    train, test = load("logo2k", small, "train"), load("logo2k", small, "test")
    names = ("Accessories/BACCARAT", "Food/7 up", "Food/Arla", "Necessities/Baccarat")
    assert train.class_names == test.class_names == names
    assert train.root_categories == ("Accessories", "Food", "Food", "Necessities")
    assert train.labels.tolist() == [2, 2, 3, 0] and test.labels.tolist() == [2, 1]
    assert train.paths[1] == str(small / "Food/Arla/10.jpg")
    assert train.root == str(small) and train.split_name == "train" and train.about.title == "Logo-2K+"


def test_without_a_split_both_lists_are_read_and_a_photograph_counts_once(small):
    (small / TEST).write_text("Food/Arla/2.jpg\nFood/Arla/1.jpg\nFood/Arla/2.jpg\n")
    dataset = load("logo2k", small)
    assert [path.rpartition("/")[2] for path in dataset.paths] == ["1.jpg", "10.jpg", "1.jpg", "1.jpg", "2.jpg"]
    assert len(load("logo2k", small, "test")) == 2


def test_what_lists_of_other_hands_add_is_taken_off(small):
    lines = [
        "./Food/Arla/1.jpg",
        "Food\\Arla\\2.jpg",
        "Logo-2K+/Food/Häagen-Dazs/3.jpg  ",
        "Food/L'Oréal 12/4.jpg 17",
        "Food/L'Oréal 12/5.JPEG\tFood/L'Oréal 12",
        "Food/百度/6 7.jpg",
        "Food/Arla/no suffix 3",
    ]
    (small / TRAIN).write_bytes("\r\n".join(["", *lines, ""]).encode("utf-8-sig"))
    (small / TEST).unlink()
    dataset = load("logo2k", small)
    assert [path.removeprefix(f"{small}/") for path in dataset.paths] == [
        "Food/Arla/1.jpg",
        "Food/Arla/2.jpg",
        "Food/Häagen-Dazs/3.jpg",
        "Food/L'Oréal 12/4.jpg",
        "Food/L'Oréal 12/5.JPEG",
        "Food/百度/6 7.jpg",
        "Food/Arla/no suffix 3",
    ]
    assert dataset.class_names == ("Food/Arla", "Food/Häagen-Dazs", "Food/L'Oréal 12", "Food/百度")


@pytest.mark.parametrize(
    ("lists", "photographs"),
    [
        ("", ""),
        ("", "Logo-2K+"),
        ("List", "Logo-2K+"),
        ("List", "."),
        ("Logo-2K+", "Logo-2K+"),
        ("Logo-2K+/List", "Logo-2K+/Logo-2K+"),
        ("List", "train_and_test/{split}"),
    ],
)
def test_photographs_are_found_where_the_archives_unpack_them(small, lists, photographs):
    root = small / "root"
    (root / lists).mkdir(parents=True)
    for split, name, path in (("train", TRAIN, "Food/Arla/1.jpg"), ("test", TEST, "Food/7 up/3.jpg")):
        (small / name).rename(root / lists / name)
        write(root / photographs.format(split=split) / path)
    train, test = load("logo2k", root, "train"), load("logo2k", root, "test")
    assert train.paths[0] == str(root / photographs.format(split="train") / "Food/Arla/1.jpg")
    assert train.photograph(0).shape == (40, 60, 3) and test.photograph(1).shape == (40, 60, 3)
    assert load("logo2k", root).paths == (*train.paths, *test.paths)
    assert train.root == str(root)


def test_a_photograph_that_is_missing_is_found_by_the_check_only(small):
    write(small / "Food/Arla/1.jpg")
    dataset = load("logo2k", small, "train")
    assert set(dataset.check()) == set(dataset.paths[1:])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Arla/1.jpg", r"train_images_root\.txt:2: expected Root/Brand/photograph, got 'Arla/1\.jpg'"),
        ("Food/Arla/", r"txt:2: expected Root/Brand/photograph"),
        ("Food//1.jpg", r"txt:2: expected Root/Brand/photograph"),
        ("Food/Arla/old/1.jpg", r"txt:2: expected Root/Brand/photograph"),
        ("Food/../1.jpg", r"txt:2: 'Food/\.\./1\.jpg' does not lie inside"),
        ("../Arla/1.jpg", r"txt:2: .* does not lie inside"),
        ("/Food/Arla/1.jpg", r"txt:2: .* does not lie inside"),
        ("C:\\Arla\\1.jpg", r"txt:2: .* does not lie inside"),
    ],
)
def test_a_line_of_another_form_is_named(small, line, message):
    (small / TRAIN).write_text(f"Food/Arla/1.jpg\n{line}\n")
    with pytest.raises(ValueError, match=message):
        load("logo2k", small, "test")


def test_what_is_missing_is_named(small):
    with pytest.raises(ValueError, match="split must be one of train, test or None, got 'validation'"):
        load("logo2k", small, "validation")
    with pytest.raises(ValueError, match="cut needs boxes"):
        load("logo2k", small, "train", cut=0.1)
    (small / TEST).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{TEST} is missing; .* holds {TRAIN}"):
        load("logo2k", small, "test")
    assert load("logo2k", small, "train").notes == (f"{TEST} is missing: classes are those of the other list",)
    (small / TRAIN).unlink()
    with pytest.raises(FileNotFoundError, match=rf"is no Logo-2K\+: neither it .* has {TRAIN} or {TEST}; .* empty"):
        load("logo2k", small)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        load("logo2k", small / "nowhere")
