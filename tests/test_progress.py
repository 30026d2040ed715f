"""Progress: lines in a log, a bar on a terminal, nothing of short work."""

import os
import re
import struct
import subprocess
import sys
import time

import pytest

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


# A terminal of its own, as a user's: arguments are its columns and the encoding of Python's streams; then follows the program.
BAR = """
import os, struct, sys, time, fcntl, termios
from logo_keras.report import progress
from logo_keras.report.progress import Bar, beside_bars

progress._REDRAWN = 0
bar = Bar("epoch 1 of 3", 40, 8, "preparing")
for step in range(1, 21):
    bar.at(step, lambda: {"loss": 0.5, "top1": 0.25})
    time.sleep(0.005)
"""
ENDS = {
    "line": 'with beside_bars(): print("left out: a.png")\nbar.close()\nprint("END")\n',
    "narrow": 'fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))\nprint("NARROW")\nbar.at(21)\nbar.close()\n',
}


def on_a_terminal(program, columns=120, encoding="utf-8"):
    """What a program writes to a terminal of so many columns."""
    pty, fcntl, termios = (pytest.importorskip(name, reason="terminals are Unix's") for name in ("pty", "fcntl", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:
        # Linux says so when the other end is closed.
        pass
    assert process.wait(60) == 0, said
    os.close(ours)
    return said.decode()


def test_a_bar_says_the_rate_the_figures_and_the_time_left():
    said = on_a_terminal(BAR + ENDS["line"])
    states = [state for state in said.split("\r") if state.startswith("epoch 1 of 3")]
    assert states[0].rstrip().endswith("0 of 40, preparing") and "|" in states[0]
    assert re.search(r" 50%\|█+.*\| 20 of 40, [\d,.]+ images/s, loss 0\.500, top1 0\.250, 0:00 left", said)
    assert all(len(state) <= 120 for state in states)


def test_other_lines_stand_whole_above_a_bar_and_the_last_one_at_the_front():
    lines = on_a_terminal(BAR + ENDS["line"]).split("\r\n")
    # What a terminal shows of a line is what follows its last return.
    assert [line.rsplit("\r", 1)[-1] for line in lines] == ["left out: a.png", "END", ""]


def test_a_bar_follows_the_width_of_the_terminal_and_its_letters():
    said = on_a_terminal(BAR + ENDS["narrow"], encoding="ascii")
    wide, narrow = said.split("NARROW\r\n")
    assert all(len(state.rstrip()) <= 40 for state in narrow.split("\r"))
    assert said.isascii() and "##" in wide


def test_a_log_gets_a_line_a_minute_and_no_carriage_return(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    asked = []
    bar = progress.Bar("epoch 2 of 3", 400, 16)
    for step in range(1, 101):
        now[0] += 2
        bar.at(step, lambda: asked.append(now[0]) or {"loss": 0.5})
    bar.close()
    said = capsys.readouterr().err
    assert "\r" not in said
    # A step takes 2 s: 8 images a second; 300 steps are left at the last but one minute.
    assert said.splitlines()[1] == "epoch 2 of 3: step 60 of 400, 8 images/s, loss 0.500, 11:20 left"
    # Figures are waited for: only where they are said.
    assert len(said.splitlines()) == len(asked) == 3


def test_work_of_unknown_length_and_without_images_says_steps(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    bar = progress.Bar("validation")
    for step in range(1, 4):
        now[0] += 61
        bar.at(step)
    assert capsys.readouterr().err.splitlines()[1] == "validation: step 2, 0.0164 steps/s"


def test_times_and_numbers_read_well():
    assert [*map(progress.clock, (42.4, 725, 4320))] == ["0:42", "12:05", "1:12:00"]
    assert [*map(progress.lasting, (42.4, 725, 5520, 273600))] == ["42 s", "12 min", "1 h 32 min", "3 d 4 h"]
    assert [*map(progress.rounded, (0.1234, 31.17, 1234.4))] == ["0.123", "31.2", "1,234"]
