"""Every format of a model side by side, as `logo-export-all` writes and checks them.

.venv/bin/python benchmarks/exports.py --model FILE.keras --photos FOLDER --calibration FOLDER [--limit 256]

--photos is a folder of photos in folders of their brands, which the model has not seen, --calibration one of photos that it was
trained on, of which the int8 file gets its ranges. Prints a table and keeps it in
benchmarks/results/exports.md. A time is the median over 20 photographs on which all files take turns, on all cores; the ratio
is Keras's time through the file's.
"""

import tempfile

from result import Table, keep, run

from logo_keras.commands.command import photos_of
from logo_keras.export import all as every

COMMANDS = {
    "SavedModel": "logo-export-saved-model",
    "ONNX": "logo-export-onnx",
    "ONNX, batch 1": "logo-export-onnx --batch=1",
    "TFLite float32": "logo-export-tflite",
    "TFLite float16": "logo-export-tflite --precision=float16",
    "TFLite dynamic int8": "logo-export-tflite --precision=dynamic",
    "TFLite int8": "logo-export-tflite --precision=int8",
    "TensorRT float16": "logo-export-tensorrt",
}


def table(rows):
    """The rows as lines of markdown; Keras's comes first."""
    lines = Table("format", "command", "MB", "right, %", "largest difference", "agrees with Keras, %",
                  "times as fast as Keras", "")  # fmt: skip
    base = rows[0].milliseconds
    for each in rows[1:]:
        report = each.report
        figures = ["-"] * 3 if report is None else [
            "-" if report.top1 is None else f"{100 * report.top1:.2f}",
            f"{report.max_abs_diff:.1e}",
            f"{100 * report.top1_agreement:.2f}",
        ]  # fmt: skip
        ratio = "-" if each.milliseconds is None else f"{base / each.milliseconds:.2f}"
        size = "-" if each.bytes is None else f"{each.bytes / 1e6:.1f}"
        said = each.problem or (f"passed; {each.note.removeprefix(f'{each.file}: ')}" if each.note else "passed")
        lines.add(each.title, f"`{COMMANDS[each.title]}`", size, *figures, ratio, said)
    return lines


def define(flags):
    flags.string("model", None, "A .keras file.")
    flags.shared("photos", "calibration", "limit")


def main(flags, arguments):
    photos = photos_of(flags, arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = every.export_all(flags.model, folder, photos, flags.limit or None, calibration=flags.calibration)
        # No path of this machine goes into the results.
        said = [line.replace(f"{folder}/", "") for line in table(rows)]
    (report, *_) = [row.report for row in rows if row.report]
    fact = (
        f"{report.photographs} photographs; Keras names {100 * report.keras_top1:.2f} % right and takes "
        f"{rows[0].milliseconds:.1f} ms a photograph (one compiled function)"
    )
    keep("exports", said, facts=[fact])


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos", "calibration"))
