"""An exported file: made under a temporary name, run, compared with Keras, described, and only then given its name."""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

from logo_keras.extras import versions
from logo_keras.files import json_bytes, replacing

from .check.photos import chosen
from .check.reference import Reference, digests
from .check.verification import DiffersFromKeras, compare
from .served import described

# The file by which TensorFlow knows its folders.
SAVED_MODEL = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class Format:
    """How a kind of file is made and run.

    Attributes:
        name: str, for instance "ONNX".
        make: function from a path that does not exist yet; it writes the file, or the folder.
        open: function from the path of such a file to a function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of
            arrays, in the runtime that the file is meant for.
        describe: function from a path to a dict for JSON with `operators` (dict from name to count), `inputs` and `outputs`
            (lists of dicts with `name`, `shape`, `dtype`, `description`), and whatever else is worth saying.
        precision: str, a key of `verification.BOUNDS`.
        runtime: str, what ran it, with its version.
        folder: bool, the artifact is a folder.
        calibrated: bool, the photos `reference.calibration` gave it the ranges of its activations.
    """

    name: str
    make: Callable
    open: Callable
    describe: Callable
    precision: str
    runtime: str
    folder: bool = False
    calibrated: bool = False


def write(form, model, out, photos=None, limit=None, outputs=None, reference=None):
    """Writes a file and `<file>.json` if it answers as Keras does.

    Args:
        form: Format.
        model: the model of this package that the file is made from.
        out: str or Path of the file to write; missing folders are made. An older file of that name is replaced if the new
            one passes, and else kept.
        photos: photographs to compare with, as `photographs.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photographs, spread evenly; None takes all.
        outputs: names of the outputs to compare, as for `served.output_names`.
        reference: Reference, used in place of `photos`, `limit` and `outputs`.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be converted, or no photograph can be read.
        OSError: if `out` cannot be written.
    """
    out = Path(out)
    _check_place(out, form.folder)
    with replacing(report_path(out)) as report_file, replacing(out) as temporary:
        # A place that cannot be written to is refused now, not after the conversion.
        report_file.touch()
        form.make(temporary)
        with referring(model, photos, limit, outputs, reference) as reference:
            report = compare(form.open(temporary), reference, form.precision)
        if form.calibrated:
            report = dataclasses.replace(report, calibration=f"{len(reference.calibration)} photos {reference.origin}".rstrip())
        if report.failures:
            raise DiffersFromKeras(f"{out} was not written: {'; '.join(report.failures)}.", report)
        report_file.write_bytes(json_bytes(_facts(form, model, temporary, report, reference), default=str))
    return report


@contextlib.contextmanager
def referring(model, photos=None, limit=None, outputs=None, reference=None, calibration=None, calibrated=False, apart=()):
    """Yields the Reference that is given, or one of photographs; a synthetic set is gone after the block.

    Args:
        model, photos, limit, outputs, reference: as for `write`.
        calibration, calibrated: as for `photographs.chosen`.
        apart: as for Reference.

    Raises:
        ValueError: if no photograph can be read.
    """
    if reference is not None:
        yield reference
        return
    with chosen(photos, limit, calibration, calibrated) as photographs:
        yield Reference(model, photographs.compared, outputs, photographs.calibration, photographs.origin, apart)


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


def _facts(form, model, path, report, reference):
    return {
        "format": form.name,
        "precision": form.precision,
        "runtime": form.runtime,
        "date": datetime.date.today().isoformat(),
        "bytes": size(path),
        "figures": report.to_dict(),
        # By these `logo-export-all --check` leaves the photos out that the file was calibrated on.
        **({"calibrated_on": digests(reference.calibration)} if form.calibrated else {}),
        **form.describe(path),
        "metadata": dataclasses.asdict(described(model)),
        "versions": versions(),
    }
