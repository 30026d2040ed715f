"""The lock of run folders and downloads: one holder at a time, and none that died."""

import errno
import subprocess
import sys
import threading

import pytest

from logo_keras.locks import Held, lock

HOLD = (
    "import sys; from logo_keras.locks import lock\n"
    "with lock(sys.argv[1]):\n"
    "    print('held', flush=True); sys.stdin.read()"
)  # fmt: skip


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
