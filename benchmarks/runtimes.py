"""One model in the runtimes of a CPU, side by side: Keras, TensorFlow, onnxruntime, LiteRT, OpenVINO.

.venv/bin/python benchmarks/runtimes.py --model demo/model.keras --photos demo/FOLDER/test

Writes a SavedModel, an ONNX and a TFLite file (float32) of the model, and times one photograph a call with one and with two
threads. The runtimes take turns, so that other work on the machine meets them alike: times are medians, ratios are medians
of the turns' own ratios, and the ratios are what holds elsewhere. Prints a table and keeps it in
benchmarks/results/runtimes.md.
"""

import statistics
import tempfile
from pathlib import Path

import numpy as np
from result import Table, fresh, keep, run, turns

from logo_keras.commands.command import photos_of

THREADS = (1, 2)
ROUNDS, WARM = 60, 5
# Seconds before each call: the threads of a pool spin on for a while after theirs, and would take the next runtime's core.
PAUSE = 0.05
KERAS = "Keras, `predict_on_batch`"


def runtimes(model, folder, threads):
    """The runtimes as a dict from name to a function from images `[1, S, S, 3]` to a dict of arrays."""
    import tensorflow as tf

    # Before TensorFlow's first operation; OpenVINO and the others take theirs from arguments.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    from logo_keras.edge import Recognizer
    from logo_keras.export import saved_model, served

    found = {
        KERAS: served.opened(model).predict_on_batch,
        "TensorFlow, SavedModel": saved_model.open_folder(folder / "model.saved_model"),
        "onnxruntime, ONNX": Recognizer(folder / "model.onnx", threads).infer,
        "onnxruntime, ONNX of batch 1": Recognizer(folder / "fixed.onnx", threads).infer,
        "LiteRT, TFLite": Recognizer(folder / "model.tflite", threads).infer,
    }
    for name in ("model.onnx", "model.tflite"):
        found[f"OpenVINO, {'ONNX' if name.endswith('onnx') else 'TFLite'}"] = in_openvino(folder / name, threads)
    return found


def in_openvino(path, threads):
    """A function that runs a file in OpenVINO in float32, compiled for one photograph a call."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([1, *model.input(0).partial_shape[1:]])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", options)
    outputs = {name: output for output in compiled.outputs for name in output.names}

    def infer(images):
        answer = compiled(images)
        return {name: answer[output] for name, output in outputs.items()}

    return infer


def largest(answers, expected):
    """The largest difference between answers, each of one photograph, and Keras's."""
    return float(np.abs(np.concatenate([np.asarray(answer) for answer in answers]) - expected).max())


def measure(model, folder, threads):
    """The times in milliseconds, one a turn, and the largest difference to Keras of each runtime."""
    folder = Path(folder)
    found, known = runtimes(model, folder, threads), np.load(folder / "reference.npz")
    images, names = known["images"], [name for name in known.files if name != "images"]
    differences = {}
    for runtime, infer in found.items():
        answers = [infer(image[None].astype(np.float32)) for image in images]
        differences[runtime] = {name: largest([answer[name] for answer in answers], known[name]) for name in names}
    images = images.astype(np.float32)
    asked = {name: lambda turn, infer=infer: infer(images[turn % len(images)][None]) for name, infer in found.items()}
    return {"times": turns(asked, ROUNDS, WARM, pause=PAUSE), "differences": differences}


def write(model, photos, limit, folder):
    """Writes the files, and the photographs with Keras's answers; returns the number of photographs and the sizes in MB."""
    from logo_keras.export import onnx, saved_model, tflite
    from logo_keras.export.check.reference import referring
    from logo_keras.export.served import opened

    model = opened(model)
    with referring(model, photos, limit) as reference:
        saved_model.export(model, folder / "model.saved_model", reference=reference)
        onnx.export(model, folder / "model.onnx", reference=reference)
        onnx.export(model, folder / "fixed.onnx", batch=1, reference=reference)
        tflite.export(model, folder / "model.tflite", reference=reference)
        # Where a choice hangs on less than 1e-5 two runtimes may rightly differ.
        clear = [number for number in range(len(reference)) if not reference.tied(number)]
        expected = {name: values[clear] for name, values in reference.expected.items()}
        np.savez(folder / "reference.npz", images=reference.images[clear], **expected)
    return len(clear), len(reference)


def row(runtime, measured):
    """The cells of a row."""
    cells = [runtime]
    for threads in THREADS:
        times, keras = (measured[threads]["times"][name] for name in (runtime, KERAS))
        ratio = statistics.median(own / base for own, base in zip(times, keras, strict=True))
        cells += [f"{statistics.median(times):.1f}", f"{ratio:.2f}"]
    worst = {}
    for threads in THREADS:
        for name, value in measured[threads]["differences"][runtime].items():
            worst[name] = max(value, worst.get(name, 0))
    return [*cells, f"{worst['probabilities']:.1e}", f"{worst['region_boxes']:.1e}" if "region_boxes" in worst else "-"]


def define(flags):
    flags.string("model", None, "A .keras file.")
    flags.shared("photos", "limit", limit=64)


def main(flags, arguments):
    with tempfile.TemporaryDirectory() as folder:
        clear, count = write(flags.model, photos_of(flags, arguments), flags.limit or None, Path(folder))
        # Threads of TensorFlow are fixed once a process.
        measured = {threads: fresh(measure, flags.model, folder, threads) for threads in THREADS}
    heads = [(f"{threads} thread{'s' * (threads > 1)}, ms", "to Keras") for threads in THREADS]
    lines = Table("runtime", *sum(heads, ()), "probabilities", "boxes, px")
    for runtime in measured[THREADS[0]]["times"]:
        lines.add(*row(runtime, measured))
    note = (
        f"One photograph a call, {PAUSE * 1000:.0f} ms after the last, medians of {ROUNDS} turns; below 1.00 is faster than "
        "Keras. TensorFlow is slower with two threads than with one where it has to wake them. The last two columns are the "
        f"largest differences to Keras on {clear} photographs ({count - clear} more hang on less than 1e-5 in Keras)."
    )
    keep("runtimes", note, lines)


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos"))
