"""One model on one data set, from photographs to a verified file: train, evaluate, export, run the file.

.venv/bin/python benchmarks/accuracy.py --data NAME --root FOLDER --model plain|nts|drna [-- FLAGS OF logo-train]

The work is done by the commands themselves, with their defaults; everything behind `--` goes to logo-train. The table is
printed and kept in benchmarks/results/accuracy-DATA-MODEL.md, the answers photograph by photograph (for paired tests:
benchmarks/compare.py) beside it as JSON.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from result import RESULTS, Table, command_line, keep, run

from logo_keras.datasets.splits import OFFICIAL
from logo_keras.evaluation import read

DATA = ("toplogo10", "flickrlogos27", "synthetic")


def define(flags):
    flags.enum("data", None, DATA, "The data set.")
    flags.shared("root")
    flags.enum("model", None, ("plain", "nts", "drna"), "The kind of network.")
    flags.integer("seed", 0, "Of the training.")
    flags.string("name", None, "What to call the row, where options behind -- differ from the defaults.")


def main(flags, further):
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(flags, further, Path(folder))
    name = f"accuracy-{flags.data}-{flags.name or flags.model}-seed{flags.seed}"
    (RESULTS / f"{name}.json").write_text(json.dumps({"command": command_line()} | figures, indent=1) + "\n")
    keep(name, table(figures))


def measure(options, further, folder):
    """Runs the four commands; returns their figures."""
    data = ("--data", options.data, "--root", options.root)
    seconds = {}

    def command(stage, module, *arguments):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True)
        seconds[stage] = round(time.perf_counter() - start, 1)

    model, file = folder / "run" / "model.keras", folder / "model.tflite"
    run = ("--model", options.model, "--seed", options.seed, "--out", folder / "run")
    command("train", "logo_keras.commands.train", *data, *run, *further)
    split = OFFICIAL[options.data].test
    answers = {}
    command("export", "logo_keras.export.tflite", "--model", model, "--out", file, "--photos", options.root, "--limit", 100)
    for kind, path in (("keras", model), ("tflite", file)):
        command(
            f"evaluate_{kind}", "logo_keras.commands.evaluate", "--model", path, *data, "--split", split, "--json", folder / kind
        )
        answers[kind] = json.loads((folder / kind).read_text())
    with open(folder / "run" / "history.csv", newline="") as history:
        epochs = [float(row["seconds"]) for row in csv.DictReader(history)]
    keras, tflite = answers["keras"], answers["tflite"]
    return {
        "data": options.data,
        "split": split,
        "config": json.loads((folder / "run" / "config.json").read_text())["config"],
        "epochs": len(epochs),
        "training_seconds": round(sum(epochs), 1),
        **kept(read(folder / "keras"), keras["figures"]["heads"]),
        "tflite_top1": tflite["figures"]["top1"]["share"],
        "tflite_agreement": agreement(keras["samples"], tflite["samples"]),
        "tflite_bytes": file.stat().st_size,
        "seconds": seconds,
        # Names of files and boxes only: enough for paired tests, and nothing of the machine or of the photographs.
        "answers": [
            [row["photo"], row.get("box"), keras["class_names"][row["class"]], keras["class_names"][row["top"][0]]]
            for row in keras["samples"]
        ],
    }


def kept(found, heads):
    """What is kept of an Evaluation and its heads' figures; what is not known is left out."""
    figures = {"photographs": len(found.paths), "top1": found.top1, "top1_interval": list(found.top1_interval)}
    figures |= {"top5": found.top5}
    figures |= {f"{name}_top1": each["share"] for name, each in heads.items()} | {"per_class": found.per_class}
    names = ("region_hit_rate", "region_hit_rate_any", "region_hit_rate_chance", "region_area")
    return figures | {name: getattr(found, name) for name in names if getattr(found, name) is not None}


def agreement(first, second):
    """Share of the photographs to which two lists of predictions give the same first label."""
    return sum(a["top"][0] == b["top"][0] for a, b in zip(first, second, strict=True)) / len(first)


def table(figures):
    """The figures as a Markdown table."""
    low, high = figures["top1_interval"]
    lines = Table("figure", "value")
    lines.add("top-1", f"{figures['top1']:.1%} (95 % interval {low:.1%} to {high:.1%}, {figures['photographs']} photos)")
    lines.add("top-5", f"{figures['top5']:.1%}")
    if "fused_top1" in figures:
        lines.add("top-1, fused alone; whole alone", f"{figures['fused_top1']:.1%}; {figures['whole_top1']:.1%}")
    lines.add("top-1 of the TFLite file", f"{figures['tflite_top1']:.1%}")
    lines.add("file and Keras agree", f"{figures['tflite_agreement']:.1%}")
    lines.add("size of the file", f"{figures['tflite_bytes'] / 1e6:.1f} MB")
    lines.add("epochs", f"{figures['epochs']}, {figures['training_seconds']:.0f} s")
    if figures.get("region_hit_rate") is not None:
        hits, chance = figures["region_hit_rate"], figures["region_hit_rate_chance"]
        lines.add("logo centre in the best region", f"{hits:.1%}, by chance {chance:.1%}")
        lines.add("logo centre in any region", f"{figures['region_hit_rate_any']:.1%}")
        lines.add("share of the photo in the best region", f"{figures['region_area']:.1%}")
    return lines


if __name__ == "__main__":
    run(__doc__, main, define, required=("data", "root", "model"))
