"""Progress: lines in a log, a bar on a terminal, nothing of short work."""

import sys
import time

from logo_keras.report import progress


def slow(count):
    for number in range(count):
        time.sleep(0.01)
        yield number


def test_a_log_gets_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_PAUSE", 0.05)
    assert list(progress.progress(slow(20), "reading labels", 20)) == list(range(20))
    said = capsys.readouterr().err
    assert "\r" not in said and said.splitlines()
    assert all(line.startswith("reading labels: ") and " of 20, " in line for line in said.splitlines())


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_PAUSE", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    list(progress.progress(slow(20), "reading labels", 20))
    said = capsys.readouterr().err
    assert "/20 [" in said and "%|" in said
    assert "\n" not in said and not said.split("\r")[-2].strip()


def test_short_work_says_nothing(capsys):
    assert list(progress.progress(range(9), "reading labels", 9)) == list(range(9))
    assert not capsys.readouterr().err


def test_without_tqdm_the_items_still_come(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(progress.progress(iter("abc"), "reading labels", 3)) == ["a", "b", "c"]
