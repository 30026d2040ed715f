"""Engines of TensorRT-RTX, built ahead of time: how long it takes, how large they are, how far their ONNX file is from Keras.

.venv/bin/python benchmarks/engines.py --model demo/model.keras --photos demo/FOLDER/test --calibration demo/FOLDER/train

Prints a table and keeps it in benchmarks/results/tensorrt-rtx.md. No engine is run: that needs a GPU. The differences are
those of onnxruntime on the ONNX file that the engine was built from. (As tensorrt.py this script would be what its
neighbours import for the library.)
"""

import json
import tempfile
from pathlib import Path

from result import Table, keep, run

from logo_keras.commands.command import photos_of
from logo_keras.export import tensorrt, tensorrt_engine
from logo_keras.export.artifact import report_path
from logo_keras.export.check.reference import referring
from logo_keras.export.served import opened


def define(flags):
    flags.string("model", None, "A .keras file.")
    flags.shared("photos", "calibration", "limit", limit=128)


def main(flags, arguments):
    given = {"calibration": flags.calibration, "calibrated": True}
    library = tensorrt_engine.library("tensorrt_rtx")
    lines = Table("precision", "GPUs", "build, s", "ONNX, MB", "engine, MB", "largest difference", "agreement", "right",
                  "same region")  # fmt: skip
    model, photos = opened(flags.model), photos_of(flags, arguments)
    with referring(model, photos, flags.limit or None, **given) as reference, tempfile.TemporaryDirectory() as folder:
        for precision in tensorrt.PRECISIONS:
            out, source = Path(folder) / "model.engine", Path(folder) / "model.onnx"
            report = tensorrt.export(
                model, out, precision=precision, runtime="tensorrt_rtx", compute_capabilities="8.6",
                keep_onnx=source, reference=reference,
            )  # fmt: skip
            seconds = json.loads(report_path(out).read_text(encoding="utf-8"))["build_seconds"]
            sizes = (f"{path.stat().st_size / 1e6:.1f}" for path in (source, out))
            shares = (f"{share:.1%}" for share in (report.top1_agreement, report.top1, report.same_regions))
            lines.add(precision, "8.6", f"{seconds:.1f}", *sizes, f"{report.max_abs_diff:.1e}", *shares)
    note = (
        f"{library}, engines for compute capability 8.6, not run: there was no GPU. Differences, agreement, right answers "
        f"(Keras: {report.keras_top1:.1%}) and regions are those of onnxruntime on the ONNX file that the engine was built "
        f"from, on {report.photographs} photographs, int8 calibrated on "
        f"{report.calibration}. The model has {model.image_size} px and {len(model.class_names)} brands."
    )
    keep("tensorrt-rtx", note, lines)


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos"))
