"""Every format of a model side by side, as `logo-export-all` writes and checks them.

.venv/bin/python benchmarks/exports.py --model FILE.keras --photos FOLDER --calibration FOLDER [--limit 256]

--photos is a folder of photos in folders of their brands, which the model has not seen, --calibration one of photos that it was
trained on, of which the int8 file gets its ranges. Prints a table and keeps it in
benchmarks/results/exports.md. A time is the median over 20 photographs on which all files take turns, on all cores; the ratio
is Keras's time through the file's.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import machine

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
    lines = [
        "| format | command | MB | right, % | largest difference | agrees with Keras, % | times as fast as Keras | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = rows[0].milliseconds
    for row in rows[1:]:
        report = row.report
        figures = ["-"] * 3 if report is None else [
            "-" if report.top1 is None else f"{100 * report.top1:.2f}",
            f"{report.max_abs_diff:.1e}",
            f"{100 * report.top1_agreement:.2f}",
        ]  # fmt: skip
        ratio = "-" if row.milliseconds is None else f"{base / row.milliseconds:.2f}"
        size = "-" if row.bytes is None else f"{row.bytes / 1e6:.1f}"
        said = row.problem or (f"passed; {row.note.removeprefix(f'{row.file}: ')}" if row.note else "passed")
        lines.append(f"| {row.title} | `{COMMANDS[row.title]}` | {size} | {' | '.join(figures)} | {ratio} | {said} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--photos", required=True)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--limit", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = every.export_all(arguments.model, folder, arguments.photos, arguments.limit, calibration=arguments.calibration)
        # No path of this machine goes into the results.
        said = [line.replace(f"{folder}/", "") for line in table(rows)]
    (report, *_) = [row.report for row in rows if row.report]
    lines = [
        "# exports",
        "",
        "    python benchmarks/exports.py --model model.keras --photos test --calibration train",
        "",
        *(f"- {line}" for line in machine.lines(machine.describe())),
        f"- {report.photographs} photographs; Keras names {100 * report.keras_top1:.2f} % right and takes "
        f"{rows[0].milliseconds:.1f} ms a photograph (one compiled function)",
        "",
        *said,
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parent / "results" / "exports.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
