"""`logo-data check` as a user runs it: what it prints and writes, and how it ends."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from photographs import encode, scene, write

from logo_keras.commands import data_check


def check(*arguments):
    return data_check.COMMAND.main(["logo-data", *map(str, arguments)])


@pytest.fixture
def root(tmp_path):
    """A folder of two brands, in the parts train and test, and photographs without a brand."""
    for first, split in ((0, "train"), (100, "test")):
        for number, brand in enumerate(("acme", "globex")):
            for seed in range(3):
                write(tmp_path / "set" / split / brand / f"{seed}.jpg", first + 10 * number + seed)
    write(tmp_path / "set" / "none" / "0.jpg", 200)
    return tmp_path / "set"


def test_a_clean_set_ends_with_0_and_its_counts_are_printed(root, capsys):
    assert check("folder", root) == 0
    text, error = capsys.readouterr()
    rows = [line.split() for line in text.splitlines()]
    assert ["train", "6", "2", "3", "3", "0"] in rows
    assert ["test", "6", "2", "3", "3", "0"] in rows
    assert ["none", "1", "0", "-", "-", "0"] in rows
    assert "trouble" not in text and not error


def test_a_copy_across_splits_ends_with_1_and_names_both(root, capsys):
    shutil.copy(root / "train" / "acme" / "0.jpg", root / "test" / "acme" / "2.jpg")
    assert check("folder", root) == 1
    text, error = capsys.readouterr()
    train, test = (os.path.join(*each) for each in (("train", "acme", "0.jpg"), ("test", "acme", "2.jpg")))
    assert f"  train acme {train} = test acme {test}\n" in text
    assert error == "logo-data: trouble in folder. byte-identical photographs in two splits: 1.\n"


def test_one_split_alone_knows_nothing_of_the_others(root, capsys):
    shutil.copy(root / "train" / "acme" / "0.jpg", root / "test" / "acme" / "2.jpg")
    assert check("folder", root, "--split=test") == 0
    assert check("folder", root, "--split=test", "--split=none") == 0
    assert "train" not in capsys.readouterr().out.partition("split ")[2]
    assert check("folder", root, "--split=test", "--split=train") == 1


def test_a_copy_within_a_split_is_told_and_no_trouble(root, capsys):
    shutil.copy(root / "train" / "acme" / "0.jpg", root / "train" / "acme" / "1.jpg")
    assert check("folder", root) == 0
    assert "byte-identical photographs in one split:\n" in capsys.readouterr().out


def test_negatives_without_a_brand_are_no_trouble(root, tmp_path, capsys):
    write(tmp_path / "other" / "0.jpg", 300)
    assert check("folder", root, f"--negatives={tmp_path / 'other'}") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["negatives", "1", "0", "-", "-", "0"] in rows
    # Those of the set itself, too: they are no second copy.
    assert check("folder", root, f"--negatives={root / 'none'}") == 0


def test_negatives_that_are_photographs_of_a_brand_are_named(root, tmp_path, capsys):
    photo = root / "train" / "acme" / "0.jpg"
    write(tmp_path / "other" / "0.jpg", 300)
    shutil.copy(photo, tmp_path / "other" / "copied.jpg")
    picture = cv2.imread(str(root / "test" / "globex" / "1.jpg"))
    cv2.imwrite(str(tmp_path / "other" / "near.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 70])
    assert check("folder", root, f"--negatives={tmp_path / 'other'}") == 1
    text, error = capsys.readouterr()
    assert f"train acme {os.path.join('train', 'acme', '0.jpg')} = negatives none {tmp_path / 'other' / 'copied.jpg'}" in text
    assert f"test globex {os.path.join('test', 'globex', '1.jpg')} = negatives none {tmp_path / 'other' / 'near.jpg'}" in text
    assert "byte-identical photographs in two splits: 1; nearly identical photographs in two splits: 1" in error


@pytest.mark.parametrize("folder", ["ACME", "more/Globex"])
def test_negatives_in_a_folder_named_as_a_brand_are_named(root, tmp_path, folder, capsys):
    write(tmp_path / "acme" / "other" / folder / "0.jpg", 300)
    assert check("folder", root, f"--negatives={tmp_path / 'acme' / 'other'}") == 1
    text, error = capsys.readouterr()
    brand = folder.rpartition("/")[2].lower()
    assert f"{os.path.join(*folder.split('/'), '0.jpg')}: {brand}\n" in text
    assert error == "logo-data: trouble in folder. negatives in a folder that is named as a brand: 1.\n"


def test_folders_above_the_negatives_say_nothing_and_their_own_does(root, tmp_path):
    write(tmp_path / "acme" / "other" / "0.jpg", 300)
    assert check("folder", root, f"--negatives={tmp_path / 'acme' / 'other'}") == 0
    assert check("folder", root, f"--negatives={tmp_path / 'acme'}") == 1


def test_negatives_that_are_not_there_are_an_error_of_one_line(root, tmp_path, capsys):
    assert check("folder", root, f"--negatives={tmp_path / 'gone'}") == 1
    assert f"{tmp_path / 'gone'}: no such file or folder" in capsys.readouterr().err


def test_ten_of_a_kind_are_printed_and_all_are_in_the_json(root, tmp_path, capsys):
    for number in range(14):
        (root / "train" / "acme" / f"bad-{number:02}.jpg").write_bytes(b"")
    out = tmp_path / "new" / "check.json"
    assert check("folder", root, f"--json={out}") == 1
    text = capsys.readouterr().out
    assert text.count("bad-") == 10 and "  and 4 more; --json has all\n" in text
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["data"] == "folder" and found["root"] == str(root) and found["smallest"] == 32 and found["trouble"] is True
    assert len(found["findings"]["unreadable"]) == found["counts"]["unreadable"] == 14
    assert found["findings"]["unreadable"][0]["detail"] == "the file is empty"
    assert list(found["notes"]) == ["train", "test", "none"]


def test_the_flags_reach_the_inspection(root, capsys):
    assert check("folder", root, "--smallest=41", "--nonear") == 0
    text = capsys.readouterr().out
    assert "tiny photographs:\n" in text and "60 x 40 px\n" in text
    assert "nearly" not in text


def test_what_a_list_names_and_is_not_there_is_missing(tmp_path, capsys):
    write(tmp_path / "a.jpg")
    (tmp_path / "train.txt").write_text("a.jpg acme\ngone.jpg acme\n", encoding="utf-8")
    assert check("list", tmp_path / "train.txt") == 1
    text, error = capsys.readouterr()
    assert "no such file:\n  all acme gone.jpg\n" in text
    assert error == "logo-data: trouble in list. no such file: 1.\n"


def test_a_folder_of_brands_and_none_is_checked_as_a_whole(tmp_path, capsys):
    write(tmp_path / "acme" / "0.jpg", 0)
    (tmp_path / "none").mkdir()
    shutil.copy(tmp_path / "acme" / "0.jpg", tmp_path / "none" / "1.jpg")
    assert check("folder", tmp_path) == 1
    text, error = capsys.readouterr()
    assert "identical photographs under two labels: 1" in error
    assert "acme, none\n" in text


def test_a_name_that_no_terminal_can_show_is_escaped(root, capsys):
    (root / "train" / "acme" / "写真\n.jpg").write_bytes(b"")
    assert check("folder", root) == 1
    assert "写真\\n.jpg: the file is empty\n" in capsys.readouterr().out


def test_toplogo10_has_no_trouble(shared, capsys):
    root = shared / "data" / "toplogo10"
    if not root.is_dir():
        pytest.skip("needs TopLogo-10")
    assert check("toplogo10", root) == 0
    text = capsys.readouterr().out
    assert "lacoste6.jpg = train40 lacoste" in text


@pytest.mark.parametrize("arguments", [(), ("folder",), ("folder", "a", "b")])
def test_a_name_and_a_folder_are_asked_for(arguments, capsys):
    assert check(*arguments) == 1
    assert "name a kind of data set and its folder" in capsys.readouterr().err


def test_what_is_no_data_set_is_an_error_of_one_line(tmp_path, capsys):
    assert check("nothing", tmp_path) == 1
    assert "name must be one of folder, list" in capsys.readouterr().err
    assert check("folder", tmp_path / "gone") == 1
    assert str(tmp_path / "gone") in capsys.readouterr().err


def test_help_says_what_trouble_is(capsys):
    assert check("--help") == 0
    text = capsys.readouterr().out
    assert "Ends with 1 if there is trouble" in text and "For instance" in text and "--[no]near" in text


def test_what_was_skipped_is_counted_and_named(root, capsys):
    (root / "train" / "acme" / "film.mp4").write_bytes(b"x")
    write(root / "train" / "@eaDir" / "0.jpg" / "THUMB.jpg")
    (root / "train" / "acme" / "0").write_bytes(
        encode(np.dstack([scene(seed=77)[..., :3], np.full((40, 60), 9, np.uint8)]), ".png")
    )
    assert check("folder", root) == 0
    text = capsys.readouterr().out
    rows = [line.rsplit(None, 1) for line in text.splitlines()]
    assert ["files and folders that were left out", "2"] in rows
    assert ["photographs with an alpha channel, which are read on white or grey", "1"] in rows
    assert f"  {os.path.join('train', 'acme', 'film.mp4')}\n" in text and f"  {os.path.join('train', '@eaDir')}\n" in text
    assert "note: files that are no photographs, skipped: 1 (film.mp4)" in text
