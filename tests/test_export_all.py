"""Every format from one model, side by side: what passes, what fails, and files that exist already."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.errors import UserError
from logo_keras.export import all as every
from logo_keras.export.artifact import report_path
from logo_keras.export.check import table

pytestmark = pytest.mark.usefixtures("hardly_timed")
FORMATS = ("onnx", "tflite", "tflite_float16")


@pytest.fixture(scope="module")
def model_file(few_photos, tmp_path_factory):
    keras.utils.set_random_seed(1)
    names = sorted(folder.name for folder in few_photos.iterdir())
    path = tmp_path_factory.mktemp("model") / "brands.keras"
    lk.Classifier(class_names=names, image_size=64, backbone=tiny_backbone(64)).save(path)
    return path


@pytest.fixture(scope="module")
def exported(model_file, few_photos, tmp_path_factory):
    """The folder, and the rows."""
    out = tmp_path_factory.mktemp("all") / "new" / "folder"
    return out, every.export_all(model_file, out, few_photos, formats=FORMATS, say=lambda line: None)


def untimed(rows):
    """Returns what does not change from run to run."""
    kept = []
    for row in rows:
        report = row.report and dataclasses.replace(row.report, milliseconds=0)
        kept.append((row.file, row.bytes, report, row.problem, row.failed))
    return sorted(kept, key=lambda each: each[0])


def test_each_format_has_a_file_named_after_the_model(exported):
    out, rows = exported
    files = ["brands.onnx", "brands.tflite", "brands-float16.tflite"]
    assert [row.file for row in rows] == ["", *files]
    assert {path.name for path in out.iterdir()} == {"export.json", *files, *(f"{file}.json" for file in files)}


def test_each_row_has_its_figures(exported):
    keras_row, *rows = exported[1]
    assert keras_row.title == "Keras" and keras_row.milliseconds > 0
    for row in rows:
        assert row.problem == "" and not row.failed and row.milliseconds > 0
        assert row.report.photographs == row.report.labelled == 24 and row.report.keras_top1 is not None
    assert rows[0].report.max_abs_diff < 1e-4
    assert rows[2].bytes < 0.6 * rows[1].bytes


def test_the_summary_has_the_rows(exported, model_file):
    out, rows = exported
    summary = json.loads((out / "export.json").read_text())
    assert summary["model"] == str(model_file)
    assert [row["passed"] for row in summary["rows"]] == [False, True, True, True]
    assert summary["rows"][2]["figures"]["max_abs_diff"] == rows[2].report.max_abs_diff


def test_files_that_exist_give_the_same_rows_again(exported, few_photos):
    out, rows = exported
    again = every.check_all(out, photos=few_photos, say=lambda line: None)
    assert untimed(again) == untimed(rows)


def test_a_damaged_file_is_a_row_that_fails_and_the_others_are_checked(exported, few_photos, tmp_path):
    out, _ = exported
    for path in out.iterdir():
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[: len(data) // 2] if path.name == "brands.tflite" else data)
    rows = {row.file: row for row in every.check_all(tmp_path, photos=few_photos, say=lambda line: None)}
    assert rows["brands.tflite"].failed and "brands.tflite" in rows["brands.tflite"].problem
    assert not rows["brands.onnx"].failed and rows["brands.onnx"].report


def test_a_file_of_another_model_fails(exported, few_photos):
    keras.utils.set_random_seed(2)
    out, _ = exported
    names = lk.edge.Recognizer(out / "brands.tflite").class_names
    other = lk.Classifier(class_names=names, image_size=64, backbone=tiny_backbone(64))
    rows = {row.file: row for row in every.check_all(out, other, few_photos, say=lambda line: None)}
    assert rows["brands.tflite"].failed and "over the bound" in rows["brands.tflite"].problem


def test_a_format_that_fails_leaves_no_file_and_stops_no_other(model_file, few_photos, tmp_path, monkeypatch):
    def no_library(model, out, reference):
        raise ImportError("needs a library")

    def refusing(model, out, reference):
        raise ValueError("cannot\nbe converted")

    targets = {
        "absent": every.Target("Absent", ".absent", no_library, optional=True),
        "broken": every.Target("Broken", ".broken", refusing),
        "tflite": every.TARGETS["tflite"],
    }
    monkeypatch.setattr(every, "TARGETS", targets)
    _, absent, broken, tflite = every.export_all(model_file, tmp_path, few_photos, limit=3, say=lambda line: None)
    assert (absent.problem, absent.failed) == ("needs a library", False)
    assert (broken.problem, broken.failed, broken.bytes) == ("cannot be converted", True, None)
    assert tflite.report and not tflite.failed
    assert not (tmp_path / "brands.broken").exists()


def test_a_file_that_cannot_run_on_this_machine_has_passed_and_says_so(model_file, few_photos, tmp_path, monkeypatch):
    def no_gpu(path):
        raise ImportError("there is no GPU")

    monkeypatch.setitem(every._OPEN, "TFLite", no_gpu)
    _, row = every.export_all(model_file, tmp_path, few_photos, limit=3, formats=["tflite"], say=lambda line: None)
    assert (row.problem, row.note, row.failed, row.milliseconds) == ("", "there is no GPU", False, None)
    assert table.text([row]).endswith("  yes; there is no GPU")


def test_the_table_is_aligned_and_says_why_not():
    rows = [table.Row("Keras", "", milliseconds=12.3), table.Row("ONNX", "m.onnx", problem="no library", failed=True)]
    header, first, second = table.text(rows).splitlines()
    assert header.split() == ["format", "file", "MB", "top-1", "largest", "diff.", "agreement", "ms", "passed"]
    assert first.split() == ["Keras", "-", "-", "-", "-", "12.3"]
    assert second.endswith("  no library")
    assert header.index("ms") + 2 == first.index("12.3") + 4


def test_photographs_are_timed_in_turns():
    calls = []

    class Reference:
        model = names = None

        def __len__(self):
            return 2

        def image(self, number):
            return np.full(1, number)

    def runner(name):
        return lambda image: calls.append((name, int(image[0])))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_compiled", lambda model, names: runner("keras"))
        rows = table.timed([table.Row("a", "a", infer=runner("a")), table.Row("none", "none")], Reference())
    assert calls[:4] == [("keras", 0), ("a", 0), ("keras", 1), ("a", 1)]
    assert rows[1].milliseconds is not None and rows[2].milliseconds is None


def test_what_cannot_be_written_or_checked_is_refused(model_file, tmp_path):
    with pytest.raises(ValueError, match="no exported file with its .json beside it"):
        every.check_all(tmp_path)
    with pytest.raises(OSError, match="nowhere: no such folder."):
        every.check_all(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="formats must be of saved_model, onnx.*, got 'gguf'"):
        every.export_all(model_file, tmp_path / "out", formats=["onnx", "gguf"])
    with pytest.raises(ValueError, match="Classifier has no output 'region_boxes'"):
        every.export_all(model_file, tmp_path / "out", outputs="region_boxes")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ([], "--model and --out must be given, or --check;"),
        (["--check=there", "--out=there"], "--check writes nothing"),
        (["--check=nowhere"], "nowhere: no such folder."),
    ],
)
def test_wrong_flags_are_one_clear_line(flags, complaint, capsys):
    assert every.main(["logo-export-all", *flags]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("logo-export-all: ") and complaint in line


def test_a_model_that_is_gone_is_asked_for(exported, few_photos, tmp_path):
    out, _ = exported
    for path in out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "export.json").write_text('{"model": "/gone/brands.keras"}')
    with pytest.raises(ValueError, match="was /gone/brands.keras, which is no longer there: name it with --model"):
        every.check_all(tmp_path, photos=few_photos)
    (tmp_path / "export.json").unlink()
    with pytest.raises(ValueError, match="is not known: name it with --model"):
        every.check_all(tmp_path, photos=few_photos)


@pytest.mark.parametrize("text", ["{", '{"format": "TFLite", "precision": "float32", "outputs": [1]}'])
def test_a_damaged_report_is_named(text, tmp_path):
    (tmp_path / "brands.tflite").touch()
    report_path(tmp_path / "brands.tflite").write_text(text)
    with pytest.raises(UserError, match="brands.tflite.json: damaged"):
        every.check_all(tmp_path)
