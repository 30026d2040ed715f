"""Files appear complete or not at all."""

import pytest

from logo_keras.files import replacing


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
