"""What commands print: names that a console cannot show, errors as one line, and their traceback on request."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from conftest import ROOT

from logo_keras.commands.command import Command, accept_any_name, exporting
from logo_keras.errors import UserError
from logo_keras.extras import require


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


def define(flags):
    flags.string("out_file", None, "A file.")
    flags.integer("top_brands", 3, "A number.")
    flags.boolean("one_brand", True, "A switch.")
    flags.multi_string("url", [], "Several.")


def run(work, *arguments, **options):
    return Command("logo-x FILE", "Does something.", define, work, **options).main(["logo-x", *arguments])


def test_every_command_survives_names_of_any_kind():
    def work(flags, arguments):
        print(f"{arguments[0]}: ok")
        raise OSError(f"{arguments[0]}: damaged")

    with latin_console() as said:
        assert run(work, "华为\udce9.jpg") == 1
    assert said == {
        "stdout": "\\u534e\\u4e3a\\udce9.jpg: ok",
        "stderr": "logo-x: \\u534e\\u4e3a\\udce9.jpg: damaged",
    }


def missing_file(flags, arguments):
    open("nowhere.jpg")


def missing_extra(flags, arguments):
    require("no_such_library", "train")


def wrong_value(flags, arguments):
    raise UserError("size must be positive,\ngot -1.")


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (missing_file, "logo-x: [Errno 2] No such file or directory: 'nowhere.jpg'\n"),
        (missing_extra, "logo-x: this part of logo_keras needs no_such_library, which is not installed: "
                        "pip install 'logo_keras[train]'\n"),
        (wrong_value, "logo-x: size must be positive, got -1.\n"),
    ],
)  # fmt: skip
def test_what_a_user_can_mend_is_one_line_and_with_debug_a_traceback(work, line, capsys):
    assert run(work) == 1
    assert capsys.readouterr().err == line
    with pytest.raises((UserError, OSError, ImportError)) as raised:
        run(work, "--debug")
    assert work.__name__ in [entry.name for entry in raised.traceback]


def numpys_own(flags, arguments):
    np.zeros((2, 3)).reshape(4)


def broken_library(flags, arguments):
    raise ImportError("cannot import name 'x' from 'y'")


@pytest.mark.parametrize(("work", "kind"), [(numpys_own, ValueError), (broken_library, ImportError)])
def test_a_fault_of_a_program_keeps_its_traceback(work, kind):
    with pytest.raises(kind):
        run(work)


def test_ctrl_c_ends_with_130(capsys):
    def work(flags, arguments):
        raise KeyboardInterrupt("Go on with --resume.")

    assert run(work) == 130
    assert capsys.readouterr().err == "\nlogo-x: stopped. Go on with --resume.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there such a pipe is another error")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_command_whose_reader_has_gone_ends_without_a_word(buffered):
    reads, writes = os.pipe()
    os.close(reads)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "logo_keras.commands.gallery", "--help"],
            stdout=writes,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": buffered},
        )
    finally:
        os.close(writes)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--modle=x"], "Unknown command line flag 'modle'"),
        (["--debug", "--modle=x"], None),
        (["--top-brands=few"], "flag --top_brands=few: invalid literal for int() with base 10: 'few'"),
        (["--out-file"], "Missing value for flag --out_file"),
        (["--noone_brand=1"], "--noone_brand=1 does not take an argument"),
    ],
)
def test_a_wrong_flag_is_one_line(words, line, capsys):
    if line is None:
        with pytest.raises(Exception, match="Unknown command line flag 'modle'"):
            run(wrong_value, *words)
    else:
        assert run(wrong_value, *words) == 1
        assert capsys.readouterr().err == f"logo-x: {line}\n"


@pytest.mark.parametrize(
    ("words", "out_file", "switch", "rest"),
    [
        (["--out-file=a-b.txt", "c-d"], "a-b.txt", True, ["c-d"]),
        (["--out-file", "--one-brand", "-"], "--one-brand", True, ["-"]),
        (["--no-one-brand", "--out_file=--a-b"], "--a-b", False, []),
        (["--noone-brand", "--", "--out-file=x"], None, False, ["--out-file=x"]),
        (["x", "--one-brand=false"], None, False, ["x"]),
    ],
)
def test_hyphens_are_accepted_in_names_of_flags_and_kept_elsewhere(words, out_file, switch, rest):
    seen = []
    assert run(lambda flags, arguments: seen.append((flags.out_file, flags.one_brand, arguments)), *words) == 0
    assert seen == [(out_file, switch, rest)]


def test_what_must_be_given_is_named_unless_another_flag_replaces_it(capsys):
    must = {"required": ("out_file",), "unless": "url"}
    assert run(lambda flags, arguments: None, **must) == 1
    assert capsys.readouterr().err == "logo-x: --out_file must be given, or --url; logo-x --help explains the flags.\n"
    assert run(lambda flags, arguments: None, "--url=x", **must) == 0


def test_photos_that_may_be_meant_for_calibration_are_refused(capsys):
    seen = []

    def compared(words):
        command = exporting(
            "logo-x", "Exports.", lambda **options: seen.append(options), lambda flags: flags.shared("calibration")
        )
        return command.main(["logo-x", "--model=m.keras", "--out=o", *words])

    assert compared(["--photos", "a.jpg", "b.jpg"]) == 0 and seen[0]["photos"] == ["a.jpg", "b.jpg"]
    assert compared(["--photos", "a.jpg", "--calibration", "c", "--photos", "b.jpg"]) == 0
    assert (seen[1]["photos"], seen[1]["calibration"]) == (["a.jpg", "b.jpg"], ["c"])
    assert compared(["--photos", "a.jpg", "--calibration", "c.jpg", "d.jpg"]) == 1
    assert "d.jpg may belong to --photos or to --calibration" in capsys.readouterr().err


def test_a_command_ends_with_the_code_of_its_work():
    assert run(lambda flags, arguments: 1) == 1
    assert run(lambda flags, arguments: None) == 0


def test_help_shows_flags_and_their_defaults(capsys):
    assert run(wrong_value, "--help", required=("url",)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Usage: logo-x FILE", "", "Does something.", "", "Flags:",
        "  --url=...", "      Several. (must be given)",
        "  --out_file=...", "      A file.",
        "  --top_brands=...", "      A number. (default 3)",
        "  --[no]one_brand", "      A switch.",
        "  --[no]debug", "      Show the whole traceback of an error.",
        "  --[no]help", "      Shows this text.",
    ]  # fmt: skip


PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCRIPTS = {name: entry.partition(":")[0] for name, entry in PYPROJECT["project"]["scripts"].items()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_console_script_explains_itself_and_each_flag(name, capsys):
    module = importlib.import_module(SCRIPTS[name])
    assert module.main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: {name} ") and getattr(module, "DESCRIPTION", module.__doc__).strip() in text
    # A command of parts has no flags of its own.
    command = getattr(module, "COMMAND", None)
    own = list(command.flags()) if hasattr(command, "flags") else []
    assert all(f"  --{flag}=..." in text or f"  --[no]{flag}\n" in text for flag in own)
