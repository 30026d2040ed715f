"""Files appear complete or not at all; locks have one holder at a time, and none that died."""

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from logo_keras.files import Held, lock, replacing, write_json

HOLD = (
    "import sys; from logo_keras.files import lock\n"
    "with lock(sys.argv[1]):\n"
    "    print('held', flush=True); sys.stdin.read()"
)  # fmt: skip


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


@pytest.fixture
def steps(monkeypatch):
    """What reaches the disk, and what is renamed, in order."""
    sync, rename, done = os.fsync, os.replace, []

    def synced(descriptor):
        done.append(("sync", os.fstat(descriptor).st_ino))
        sync(descriptor)

    def renamed(source, target):
        done.append(("rename", os.stat(source).st_ino))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return done


@pytest.mark.skipif(os.name != "posix", reason="folders are not synced elsewhere")
def test_a_file_is_on_the_disk_before_it_gets_its_name_and_its_name_after(tmp_path, steps):
    path = tmp_path / "model.keras"
    with replacing(path) as partial:
        partial.write_text("new")
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert steps == [("sync", file), ("rename", file), ("sync", folder)]


@pytest.mark.skipif(os.name != "posix", reason="folders are not synced elsewhere")
def test_all_of_a_folder_is_on_the_disk_before_it_gets_its_name(tmp_path, steps):
    path = tmp_path / "saved"
    with replacing(path) as partial:
        (partial / "variables").mkdir(parents=True)
        (partial / "variables" / "data").write_text("new")
    renamed = steps.index(("rename", path.stat().st_ino))
    assert {("sync", name.stat().st_ino) for name in (path, *path.rglob("*"))} == set(steps[:renamed])


def test_what_can_be_made_anew_does_not_wait_for_the_disk(tmp_path, steps):
    with replacing(tmp_path / "square", durable=False) as partial:
        partial.write_text("new")
    assert [step for step, _ in steps] == ["rename"]


def test_a_file_system_that_cannot_sync_still_gets_the_file(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "fsync", refuse)
    with replacing(tmp_path / "a") as partial:
        partial.write_text("new")
    assert (tmp_path / "a").read_text() == "new"


def test_a_disk_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def fail(descriptor):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="input/output error"), replacing(tmp_path / "a") as partial:
        partial.write_text("new")
    assert (tmp_path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


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


def test_one_holds_it_and_the_file_goes_with_it(tmp_path):
    path = tmp_path / ".lock"
    with lock(path):
        with pytest.raises(Held), lock(path):
            pass
        assert path.exists()
    assert not path.exists()
    with lock(path):
        pass


def test_the_lock_of_a_killed_process_is_no_lock(tmp_path):
    path = tmp_path / ".lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Held), lock(path):
            pass
        process.kill()
        process.wait()
    assert path.exists()
    with lock(path):
        pass
    assert not path.exists()


def test_who_waits_says_so_and_gets_it(tmp_path):
    path, said, entered = tmp_path / ".lock", threading.Event(), threading.Event()

    def other():
        with lock(path, waiting=said.set):
            entered.set()

    with lock(path):
        thread = threading.Thread(target=other)
        thread.start()
        assert said.wait(10) and not entered.is_set()
    thread.join(10)
    assert entered.is_set() and not path.exists()


def test_a_file_system_without_locks_is_said_and_used(tmp_path, monkeypatch, capsys):
    import filelock

    def refuse(self, timeout=None):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with lock(tmp_path / ".lock"):
        pass
    assert "a file system without locks" in capsys.readouterr().err
