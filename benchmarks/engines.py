"""Engines of TensorRT-RTX, built ahead of time: how long it takes, how large they are, how far their ONNX file is from Keras.

.venv/bin/python benchmarks/engines.py --model demo/model.keras --photos demo/FOLDER/test --calibration demo/FOLDER/train

Prints a table and keeps it in benchmarks/results/tensorrt-rtx.md. No engine is run: that needs a GPU. The differences are
those of onnxruntime on the ONNX file that the engine was built from. (As tensorrt.py this script would be what its
neighbours import for the library.)
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import machine

from logo_keras.export import engine, tensorrt
from logo_keras.export.artifact import report_path
from logo_keras.export.check.reference import referring
from logo_keras.export.served import opened


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a .keras file")
    parser.add_argument("--photos", required=True, help="photographs to compare on, a folder a brand")
    parser.add_argument("--calibration", help="photographs to take the ranges of int8 from")
    parser.add_argument("--limit", type=int, default=128, help="photographs to compare on")
    values = parser.parse_args()
    library = engine.library("tensorrt_rtx")
    lines = [
        "| precision | GPUs | build, s | ONNX, MB | engine, MB | largest difference | agreement | right | same region |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    model = opened(values.model)
    given = {"calibration": values.calibration, "calibrated": True}
    with referring(model, values.photos, values.limit, **given) as reference, tempfile.TemporaryDirectory() as folder:
        for precision in tensorrt.PRECISIONS:
            out, source = Path(folder) / "model.engine", Path(folder) / "model.onnx"
            report = tensorrt.export(
                model, out, precision=precision, runtime="tensorrt_rtx", compute_capabilities="8.6",
                keep_onnx=source, reference=reference,
            )  # fmt: skip
            seconds = json.loads(report_path(out).read_text(encoding="utf-8"))["build_seconds"]
            lines.append(
                f"| {precision} | 8.6 | {seconds:.1f} | {source.stat().st_size / 1e6:.1f} | {out.stat().st_size / 1e6:.1f} "
                f"| {report.max_abs_diff:.1e} | {report.top1_agreement:.1%} | {report.top1:.1%} | {report.same_regions:.1%} |"
            )
            print(lines[-1], flush=True)
    facts = [f"- {line}" for line in machine.lines(machine.describe())]
    note = (
        f"{library}, engines for compute capability 8.6, not run: there was no GPU. Differences, agreement, right answers "
        f"(Keras: {report.keras_top1:.1%}) and regions are those of onnxruntime on the ONNX file that the engine was built "
        f"from, on {report.photographs} photographs, int8 calibrated on "
        f"{report.calibration}. The model has {model.image_size} px and {len(model.class_names)} brands."
    )
    command = "    python benchmarks/engines.py --model model.keras --photos test --calibration train"
    text = "\n".join(["# tensorrt-rtx", "", command, "", *facts, "", note, "", *lines, ""])
    (Path(__file__).parent / "results" / "tensorrt-rtx.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
