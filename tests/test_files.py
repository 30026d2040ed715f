"""Files appear complete or not at all."""

import json
import os

import pytest

from logo_keras.files import replacing, write_json


def test_replacing_shows_the_new_file_only_after_the_block(tmp_path):
    path = tmp_path / "deep" / "model.weights.h5"
    with replacing(path) as partial:
        partial.write_text("new")
        assert not path.exists()
        assert partial.parent == path.parent and partial.name.endswith("model.weights.h5")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_replacing_keeps_the_old_file_when_the_block_fails(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_removes_a_half_written_folder(tmp_path):
    with pytest.raises(RuntimeError), replacing(tmp_path / "saved") as partial:
        partial.mkdir()
        (partial / "variables").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_replacing_says_when_nothing_was_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing was written for .*model.tflite"):
        with replacing(tmp_path / "model.tflite"):
            pass


def test_replacing_puts_a_folder_in_the_place_of_an_older_one(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "old").write_text("old")
    with replacing(tmp_path / "saved") as partial:
        partial.mkdir()
        (partial / "new").write_text("new")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["saved", "saved/new"]


def test_replacing_keeps_the_older_folder_when_the_new_one_cannot_follow(tmp_path, monkeypatch):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "old").write_text("old")
    rename, calls = os.replace, []

    def second_fails(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError("no space left")
        rename(source, target)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(OSError, match="no space left"), replacing(tmp_path / "saved") as partial:
        partial.mkdir()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["saved", "saved/old"]


def test_json_keeps_every_file_name_and_is_utf8(tmp_path):
    names = ["plain.jpg", "华为.jpg", os.fsdecode(b"caf\xe9.jpg")]
    write_json(tmp_path / "deep" / "names.json", {"names": names})
    text = (tmp_path / "deep" / "names.json").read_bytes().decode("utf-8", "strict")
    assert "华为" in text
    assert json.loads(text) == {"names": names}


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, [1])
    with pytest.raises(TypeError):
        write_json(path, [object()])
    assert json.loads(path.read_text()) == [1] and list(tmp_path.iterdir()) == [path]
