"""Writes every format from one .keras file: SavedModel, ONNX, TFLite in four precisions, and TensorRT where its
libraries are. Each is run on the photographs in its own runtime and compared with Keras. Ends with a table, a row a format:
size, top-1 on the photographs, largest difference of a probability from Keras, share of photographs with the same class
first (of embedders R@1, largest difference of a number, mean cosine; of detectors share of the regions, largest difference of a
number of an embedding, mean cosine of regions), median time of a photograph in its own runtime (in turns), and whether it
passed or why not.

  logo-export-all --model M.keras --out DIR   writes DIR/M.tflite and so on, and DIR/export.json
  logo-export-all --check DIR                 the same table of the files that are in DIR already
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

from logo_keras.commands.command import EXPORTED_MODEL, Command, photos_of
from logo_keras.edge.runner import Runner
from logo_keras.errors import UserError
from logo_keras.files import write_json

from . import onnx, saved_model, tensorrt, tflite
from .artifact import report_path, size
from .check import table
from .check.reference import referring
from .check.table import Row
from .check.verification import DiffersFromKeras, compare
from .served import EMBEDDING, REGIONS, judged, opened

SUMMARY = "export.json"


@dataclasses.dataclass(frozen=True)
class Target:
    """One file that is written.

    Attributes:
        title: str, its row in the table.
        ending: str, what its name has behind that of the model.
        export: the format's function.
        options: dict, what it is called with besides model, path and reference.
        optional: bool, whether a library that is not installed is no failure.
    """

    title: str
    ending: str
    export: Callable
    options: dict = dataclasses.field(default_factory=dict)
    optional: bool = False


TARGETS = {
    "saved_model": Target("SavedModel", ".saved_model", saved_model.export),
    "onnx": Target("ONNX", ".onnx", onnx.export),
    "onnx_static": Target("ONNX, batch 1", "-batch1.onnx", onnx.export, {"batch": 1}),
    "tflite": Target("TFLite float32", ".tflite", tflite.export),
    "tflite_float16": Target("TFLite float16", "-float16.tflite", tflite.export, {"precision": "float16"}),
    "tflite_dynamic": Target("TFLite dynamic int8", "-dynamic.tflite", tflite.export, {"precision": "dynamic"}),
    "tflite_int8": Target("TFLite int8", "-int8.tflite", tflite.export, {"precision": "int8"}),
    "tensorrt": Target("TensorRT float16", "-float16.engine", tensorrt.export, {"precision": "float16"}, optional=True),
}
# By the `format` that the JSON file about an artifact names.
_OPEN = {
    "SavedModel": saved_model.open_folder,
    "ONNX": lambda path: Runner(path, _cores()).infer,
    "TFLite": lambda path: Runner(path, _cores()).infer,
    "TensorRT": tensorrt.open_engine,
}


def export_all(model, out, photos=None, limit=None, outputs=None, formats=None, calibration=None, say=print):
    """Writes the formats into a folder.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the folder; its files are named after the model's file, or `model`.
        photos, limit, outputs: as for the formats' own `export`.
        formats: names of TARGETS; None takes all, of a detector all but TensorRT.
        calibration: as for `tflite.export`. Where int8 is among the formats, no file is compared on the photos that it is
            calibrated on, so that all rows are of the same photos.
        say: function that takes a line about what is done next.

    Returns:
        list of Row; the first has Keras's own time.

    Raises:
        ValueError: if there is no such format, the model cannot be read, or no photo can be read.
        OSError: if the folder cannot be written.
    """
    out = Path(out)
    unknown = [name for name in formats or () if name not in TARGETS]
    if unknown:
        raise UserError(f"formats must be of {', '.join(TARGETS)}, got {unknown[0]!r}.")
    source = Path(model).resolve() if isinstance(model, (str, Path)) else None
    model = opened(model)
    # `tensorrt.export` refuses a detector.
    chosen = formats or [name for name in TARGETS if name != "tensorrt" or judged(model) != REGIONS]
    out.mkdir(parents=True, exist_ok=True)
    rows, calibrated = [], any(TARGETS[name].options.get("precision") == "int8" for name in chosen)
    with referring(model, photos, limit, outputs, calibration=calibration, calibrated=calibrated) as reference:
        for number, name in enumerate(chosen, 1):
            target = TARGETS[name]
            say(f"[{number}/{len(chosen)}] {target.title}")
            rows.append(_exported(target, model, out / f"{source.stem if source else 'model'}{target.ending}", reference))
        say("Timing them in turns")
        rows = table.timed(rows, reference)
    write_json(out / SUMMARY, {"model": source and str(source), "rows": [row.to_dict() for row in rows]})
    return rows


def check_all(folder, model=None, photos=None, limit=None, say=print):
    """Compares the files of a folder with Keras again, on photos that none of them was calibrated on.

    Args:
        folder: str or Path of a folder that `export_all` or the formats' own commands wrote into.
        model: the model or its `.keras` file; None takes the file that `export_all` noted.
        photos, limit, say: as for `export_all`.

    Returns:
        list of Row, as `export_all` gives them.

    Raises:
        ValueError: if the folder holds no such file, it is not known which model they are from, or no photo can be read.
        OSError: if something cannot be read.
    """
    folder = Path(folder)
    found = _artifacts(folder)
    model = opened(model or _noted_model(folder))
    given = {output["name"] for facts in found.values() for output in facts["outputs"]}
    names = [name for name in dict.fromkeys((*model.export_outputs, EMBEDDING)) if name in given]
    apart = {digest for facts in found.values() for digest in facts.get("calibrated_on", ())}
    rows = []
    with referring(model, photos, limit, names, apart=apart) as reference:
        for path, facts in found.items():
            say(f"Checking {path.name}")
            rows.append(_checked(path, facts, reference))
        say("Timing them in turns")
        return table.timed(rows, reference)


def _define(flags):
    flags.string("model", None, EXPORTED_MODEL)
    flags.string("out", None, "The folder to write into.")
    flags.shared("photos", "limit", "outputs", "calibration")
    flags.list("formats", None, f"The formats to write, with commas: any of {', '.join(TARGETS)}. All by default.")
    flags.string(
        "check",
        None,
        "Write nothing; compare the files of this folder with Keras again. --model is needed only where the .keras file is "
        "no longer where it was.",
    )


def _work(flags, arguments):
    given, limit = photos_of(flags, arguments), flags.limit or None
    if flags.check is None:
        rows = export_all(flags.model, flags.out, given, limit, flags.outputs, flags.formats, flags.calibration)
    elif flags.out is None:
        rows = check_all(flags.check, flags.model, given, limit)
    else:
        raise UserError("--check writes nothing: give it without --out.")
    print(f"\n{table.text(rows)}")
    return int(any(row.failed for row in rows))


def _cores():
    """Cores that this process may use; TensorFlow takes them all, so the others get as many."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextlib.contextmanager
def _noting(row, optional):
    """Notes in a row why its file fails; where `optional`, a library that is not installed is no failure."""
    try:
        yield
    except DiffersFromKeras as error:
        row.report, row.problem, row.failed = error.report, "; ".join(error.report.failures), True
    except (ValueError, OSError, ImportError) as error:
        row.problem, row.failed = " ".join(str(error).split()), not (optional and isinstance(error, ImportError))


def _exported(target, model, path, reference):
    row = Row(target.title, path.name)
    with _noting(row, target.optional):
        row.report = target.export(model, path, reference=reference, **target.options)
        row.bytes = size(path)
        row.note = f"calibrated on {row.report.calibration}" if row.report.calibration else ""
        try:
            row.infer = _OPEN[json.loads(report_path(path).read_text(encoding="utf-8"))["format"]](path)
        except ImportError as error:
            # An engine that was built for a GPU elsewhere.
            row.note = "; ".join(filter(None, [row.note, str(error)]))
    return row


def _checked(path, facts, reference):
    row = Row(" ".join([facts["format"], facts.get("variant", "")]).strip(), path.name, size(path))
    with _noting(row, optional=True):
        infer = _OPEN[facts["format"]](path)
        row.report = compare(infer, reference.only([output["name"] for output in facts["outputs"]]), facts["precision"])
        row.infer, row.problem = infer, "; ".join(row.report.failures)
        row.failed = bool(row.problem)
    return row


def _artifacts(folder):
    """dict from the path of each artifact in a folder to the facts of its JSON file."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder.")
    found = {}
    for path in sorted(folder.iterdir()):
        file = report_path(path)
        if not file.is_file():
            continue
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            known = facts["format"] in _OPEN and facts["precision"] and [output["name"] for output in facts["outputs"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{file}: damaged, or not written by an export command ({error}): export {path.name} again."
            ) from error
        if known:
            found[path] = facts
    if not found:
        raise UserError(f"{folder}: no exported file with its .json beside it. Write some with logo-export-all.")
    return found


def _noted_model(folder):
    try:
        noted = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError, TypeError):
        noted = None
    if noted is None or not Path(noted).is_file():
        missing = "is not known" if noted is None else f"was {noted}, which is no longer there"
        raise UserError(f"{folder}: the model that these files are from {missing}: name it with --model.")
    return noted


COMMAND = Command("logo-export-all --model M.keras --out DIR", __doc__, _define, _work, ("model", "out"), unless="check")
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
