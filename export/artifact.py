"""How an exported file comes into being: made under a temporary name, opened, compared with Keras, described, renamed."""

import dataclasses
import datetime
from pathlib import Path

from logo_keras.extras import versions
from logo_keras.files import json_bytes, replacing

from .check.reference import digests
from .check.verification import DiffersFromKeras, compare
from .served import metadata_of

# The file by which TensorFlow knows its folders.
SAVED_MODEL = "saved_model.pb"


def write(out, reference, *, name, make, open, describe, precision, runtime, folder=False, calibrated=False):
    """Writes a file and `<file>.json` if it answers as Keras does.

    Args:
        out: str or Path of the file to write; missing folders are made. An older file of that name is replaced if the new
            one passes, and kept if not.
        reference: Reference to compare with.
        name: str, the format, for instance "ONNX".
        make: function from a path that does not exist yet; it writes the file, or the folder.
        open: function from the path of such a file to a function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of
            arrays, in the runtime that the file is meant for.
        describe: function from a path to a dict for JSON with `operators` (dict from name to count), `inputs` and `outputs`
            (lists of dicts as `served.tensor` gives them), and whatever else is worth saying.
        precision: str, a key of `verification.BOUNDS`.
        runtime: str, what runs it, with its version.
        folder: bool, whether the artifact is a folder.
        calibrated: bool, whether it has the ranges of its activations from `reference.calibration`.

    Returns:
        A report, as `verification.compare`.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be converted.
        OSError: if `out` cannot be written.
    """
    out = Path(out)
    _check_place(out, folder)
    with replacing(report_path(out)) as report_file, replacing(out) as temporary:
        # Refuses a place that cannot be written to before the conversion, not after it.
        report_file.touch()
        make(temporary)
        report = compare(open(temporary), reference, precision)
        if calibrated:
            report = dataclasses.replace(report, calibration=f"{len(reference.calibration)} photos {reference.origin}".rstrip())
        if report.failures:
            raise DiffersFromKeras(f"{out} was not written: {'; '.join(report.failures)}.", report)
        facts = {
            "format": name,
            "precision": precision,
            "runtime": runtime,
            "date": datetime.date.today().isoformat(),
            "bytes": size(temporary),
            "figures": report.to_dict(),
            # From these `logo-export-all --check` knows the photos to leave out.
            **({"calibrated_on": digests(reference.calibration)} if calibrated else {}),
            **describe(temporary),
            "metadata": metadata_of(reference.model).to_dict(),
            "versions": versions(),
        }
        report_file.write_bytes(json_bytes(facts, default=str))
    return report


def report_path(out):
    """Path of the JSON file about an artifact."""
    return Path(out).with_name(f"{Path(out).name}.json")


def size(path):
    """Bytes of a file, or of all files in a folder."""
    path = Path(path)
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _check_place(out, folder):
    """Refuses to put a file where a folder is, and a folder where anything but a SavedModel is."""
    if out.is_dir() and not folder:
        raise IsADirectoryError(f"{out}: cannot be written: it is a folder.")
    if folder and out.exists() and not (out.is_dir() and ((out / SAVED_MODEL).is_file() or not any(out.iterdir()))):
        raise FileExistsError(f"{out}: cannot be written: something else than a SavedModel is there. Name another folder.")
