"""The TFLite variants of a model side by side: size, answers, regions, time; and the bare backbone's for comparison.

.venv/bin/python benchmarks/quantization.py --model FILE.keras --photos FOLDER --calibration FOLDER

--photos is a folder of photographs in folders of their brands, which the model has not seen; --calibration one of photographs
that it was trained on, of which the int8 file gets its ranges. Prints two tables and keeps them in
benchmarks/results/quantization.md. A time is the median, over rounds in which all files take turns, of the float32 file's time
through the other's. With one thread it is the processor's time, which other programs hardly disturb; with two the clock's.
"""

import statistics
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from result import Table, keep, run, turns

import logo_keras as lk
from logo_keras.commands.command import photos_of
from logo_keras.export import tflite
from logo_keras.export.check import photos
from logo_keras.export.check.reference import Reference
from logo_keras.export.check.verification import compare
from logo_keras.export.passes import quantization
from logo_keras.image import preprocessing

ROUNDS, WARM = 60, 5
CALIBRATION = 100
BARE_SIZE = 224


def runner(data, threads):
    """A function that runs a file on prepared photographs, float32 or uint8 `[1, S, S, 3]`."""
    run = Interpreter(model_content=data, num_threads=threads).get_signature_runner("serving_default")
    dtype = run.get_input_details()["images"]["dtype"]
    return lambda images: run(images=images.astype(dtype))


def variants(model, images):
    """Every file of a model by its precision."""
    files = {"float32": tflite.convert(model)}
    for precision in quantization.PRECISIONS:
        if precision == "int8":
            files[precision] = quantization.quantized(tflite.convert(model, dtype="uint8"), precision, images)
        else:
            files[precision] = quantization.quantized(files["float32"], precision)
    return files


def speeds(files, images, threads):
    """How many times as fast as float32 each file is, by its precision, and the milliseconds of float32."""
    clock = time.process_time if threads == 1 else time.perf_counter
    functions = {name: runner(data, threads) for name, data in files.items()}
    asked = {name: lambda turn, run=run: run(images[turn % len(images)][None]) for name, run in functions.items()}
    kept = turns(asked, ROUNDS - WARM, WARM, clock)
    ratios = {name: statistics.median(np.array(kept["float32"]) / values) for name, values in kept.items()}
    return ratios, statistics.median(kept["float32"])


def prepared(paths, size, model):
    return [preprocessing.prepare(path, size, model.preprocessing).astype(np.uint8) for path in paths]


def answers(files, reference):
    """The table of what the files say."""
    lines = Table("file", "size, MB", "smaller", "top-1, %", "agrees with Keras, %", "mean IoU of regions", "same anchor, %",
                  "its box moves, px")  # fmt: skip
    for name, data in files.items():
        report = compare(runner(data, 2), reference, tflite.PRECISIONS[name])
        top1 = "" if report.top1 is None else f"{100 * report.top1:.2f}"
        cells = [name, f"{len(data) / 1e6:.2f}", f"{len(files['float32']) / len(data):.2f}", top1]
        cells.append(f"{100 * report.top1_agreement:.2f}")
        if report.region_iou is None:
            cells += ["", "", ""]
        else:
            cells += [f"{report.region_iou:.3f}", f"{100 * report.same_regions:.1f}", f"{report.same_region_diff:.3f}"]
        lines.add(*cells)
    return lines


def times(subjects):
    """The table of how fast they are; `subjects`: dict from a name to files and images."""
    precisions = ("float16", "dynamic", "int8")
    lines = Table("model", "float32, 1 thread, ms", *precisions, "float32, 2 threads, ms", *precisions)
    for name, (files, images) in subjects.items():
        cells = [name]
        for threads in (1, 2):
            ratios, milliseconds = speeds(files, images, threads)
            cells += [f"{milliseconds:.1f}", *(f"{ratios[precision]:.2f}" for precision in quantization.PRECISIONS)]
        lines.add(*cells)
    return lines


def define(flags):
    flags.string("model", None, "A .keras file.")
    flags.shared("photos", "calibration", "limit", limit=0)


def main(flags, arguments):
    model = lk.load(flags.model)
    shown = photos.spread(photos.find(flags.calibration), CALIBRATION)
    paths = photos.spread(photos.find(photos_of(flags, arguments)), flags.limit or None)
    reference = Reference(model, paths, calibration=shown)
    files = variants(model, prepared(shown, model.image_size, model))
    told = answers(files, reference)

    bare = lk.Classifier(class_names=model.class_names, backbone=model.backbone, image_size=BARE_SIZE)
    bare_files = variants(bare, prepared(shown, BARE_SIZE, bare))
    timed = times(
        {
            f"{type(model).__name__}, {model.image_size} px": (files, reference.images),
            f"the bare backbone, {BARE_SIZE} px": (bare_files, np.stack(prepared(paths[:ROUNDS], BARE_SIZE, bare))),
        }
    )
    ratio = len(bare_files["float32"]) / len(bare_files["int8"])
    right = "" if reference.labels.max() < 0 else f", Keras names {100 * keras_top1(reference):.2f} % of them right"
    keep(
        "quantization",
        told,
        "Regions are compared with Keras's rank by rank. Where the anchor is the same, so is its box.",
        "Times as fast as float32, files in turns; with one thread in time of the processor, with two in time of the clock.\n"
        f"The bare backbone's int8 file is {ratio:.2f} times smaller than its float32 file.",
        timed,
        facts=[
            f"Model: {type(model).__name__}, {len(model.class_names)} classes, {model.image_size} px; {len(reference)} "
            f"photographs{right}; int8 from {len(shown)} photographs of its training"
        ],
    )


def keras_top1(reference):
    known = reference.labels >= 0
    return np.mean(reference.expected["probabilities"].argmax(axis=-1)[known] == reference.labels[known])


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos", "calibration"))
