"""Exported files side by side: one row each."""

import dataclasses
import time

import numpy as np

from ..served import answers
from .report import Reported
from .verification import Report

# Photos that every file is timed on, and those before, that do not count.
_TIMED, _WARM = 20, 2
# Seconds between two calls: threads of the one before may still be spinning in wait of more work (onnxruntime's do).
_PAUSE = 0.05


@dataclasses.dataclass
class Row:
    """What became of one file.

    Attributes:
        title: str, for instance "TFLite int8".
        file: str, its name.
        bytes: int, or None where there is no file.
        report: verification.Report or the like, or None where it could not be made or run.
        problem: str, why not, or why it did not pass; empty if it passed.
        note: str, what else is worth saying of a file that passed.
        failed: bool, whether that is a failure; a library that is not installed is none.
        infer: the function that runs it, as `verification.compare` takes it, or None.
        milliseconds: float, median time of a photo, in turns with the others; None where it was not run.
    """

    title: str
    file: str
    bytes: int | None = None
    report: Reported | None = None
    problem: str = ""
    note: str = ""
    failed: bool = False
    infer: object = None
    milliseconds: float | None = None

    def to_dict(self):
        """The row for JSON."""
        return {
            "format": self.title,
            "file": self.file,
            "bytes": self.bytes,
            "figures": self.report and self.report.to_dict(),
            "passed": self.report is not None and not self.problem,
            "problem": self.problem,
            "note": self.note,
            "milliseconds": self.milliseconds,
        }


def timed(rows, reference):
    """The rows with the time of each file, and before them one of Keras itself.

    They take turns, each on the same photo: on a machine with other work, ratios stand where single times do not.

    Args:
        rows: list of Row.
        reference: Reference.

    Returns:
        list of Row; those given are changed.
    """
    rows = [Row("Keras", "", infer=_compiled(reference.model, reference.names)), *rows]
    running = [row for row in rows if row.infer is not None]
    seconds = [[] for _ in running]
    for turn in range(_WARM + _TIMED):
        image = reference.image(turn % len(reference))
        for row, times in zip(running, seconds, strict=True):
            time.sleep(_PAUSE)
            start = time.perf_counter()
            row.infer(image)
            times.append(time.perf_counter() - start)
    for row, times in zip(running, seconds, strict=True):
        row.milliseconds = float(np.median(times[_WARM:])) * 1e3
    return rows


def text(rows):
    """The rows as aligned text: words to the left, figures to the right, and the last column as it is."""
    columns = next((row.report.columns for row in rows if row.report), Report.columns)
    lines = [("format", "file", "MB", *columns, "ms", "passed")]
    for row in rows:
        report, megabytes = row.report, row.bytes and row.bytes / 1e6
        figures = report.figures if report else [(None, "")] * len(columns)
        cells = [_figure(*each) for each in ((megabytes, ".1f"), *figures, (row.milliseconds, ".1f"))]
        passed = row.problem or (f"yes; {row.note}" if row.note else "yes" if report else "")
        lines.append((row.title, row.file, *cells, passed))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<<>>>>>", widths[:-1], strict=True))
    return "\n".join(f"{form.format(*cells)}  {last}".rstrip() for *cells, last in lines)


def _figure(value, form):
    return "-" if value is None else format(value, form)


def _compiled(model, names):
    """Keras as fast as it goes: one compiled function."""
    import tensorflow as tf

    answer = tf.function(answers(model, names))
    return lambda images: {name: value.numpy() for name, value in answer(tf.constant(images)).items()}
