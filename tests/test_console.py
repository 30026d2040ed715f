"""What commands print: names that a console cannot show, errors as one line, and their traceback on request."""

import contextlib
import io
import sys

import numpy as np
import pytest

from logo_keras.commands import _flags
from logo_keras.commands.console import accept_any_name


@contextlib.contextmanager
def latin_console():
    """A console that knows Latin letters only: in the block, a dict of what stdout and stderr received, filled at its end."""
    said = {}
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="strict") for name in ("stdout", "stderr")}
    with contextlib.redirect_stdout(streams["stdout"]), contextlib.redirect_stderr(streams["stderr"]):
        yield said
    for name, stream in streams.items():
        stream.flush()
        said[name] = stream.buffer.getvalue().decode("cp1252").strip()


def test_a_name_that_the_console_cannot_show_is_printed_as_escapes():
    with latin_console() as said:
        accept_any_name()
        print("华为 café caf\udce9.jpg")
        print("华为", file=sys.stderr)
    assert said == {"stdout": "\\u534e\\u4e3a café caf\\udce9.jpg", "stderr": "\\u534e\\u4e3a"}


def test_streams_without_an_encoding_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    accept_any_name()


def run(work, *arguments):
    return _flags.command(["logo-x", *arguments], "logo-x FILE", "Does something.", lambda values: None, work)


def test_every_command_survives_names_of_any_kind():
    def work(values, arguments):
        print(f"{arguments[0]}: ok")
        raise OSError(f"{arguments[0]}: damaged")

    with latin_console() as said:
        assert run(work, "华为\udce9.jpg") == 1
    assert said == {
        "stdout": "\\u534e\\u4e3a\\udce9.jpg: ok",
        "stderr": "logo-x: \\u534e\\u4e3a\\udce9.jpg: damaged",
    }


def numpys_own(values, arguments):
    np.zeros((2, 3)).reshape(4)


def ours(values, arguments):
    from logo_keras.image.preprocessing import read

    read("nowhere.jpg")


@pytest.mark.parametrize(("work", "hinted"), [(numpys_own, True), (ours, False)])
def test_an_error_is_one_line_and_of_another_library_one_that_leads_to_its_traceback(work, hinted, capsys):
    assert run(work) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("logo-x: ")
    assert line.endswith("(--debug shows where this comes from)") == hinted


@pytest.mark.parametrize("work", [numpys_own, ours])
def test_debug_shows_the_whole_traceback(work, capsys):
    assert run(work, "--debug") == 1
    text = capsys.readouterr().err
    assert text.startswith("Traceback") and f"in {work.__name__}" in text


def test_a_flag_that_does_not_exist_is_one_line_with_debug_too(capsys):
    assert run(ours, "--modle=x") == 1
    assert capsys.readouterr().err == "logo-x: Unknown command line flag 'modle'\n"
