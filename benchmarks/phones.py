"""What a GPU leaves on the CPU of an exported TFLite file, and what the parts of the file cost on this CPU.

.venv/bin/python benchmarks/phones.py NAME=MODEL.tflite ...

Prints a table a file and keeps them in benchmarks/results/phones.md. Which operators a GPU takes is what LiteRT's own GPU
accelerator says when it compiles the file; it needs a Vulkan driver. Where there is no GPU, SwiftShader is one:

export VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json LD_LIBRARY_PATH=/usr/lib/chromium

Times are those of LiteRT's CPU kernels with one thread, here and not on a phone: processor time, the least of 100 runs. The
shares are the figures that hold elsewhere, as far as any do.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from result import Table, keep, run, turns

from logo_keras.export.passes.flatbuffer import pack, parse

RUNS = 100
# Between two convolutions of one network lie fewer operators, between those of two networks more.
GAP = 30
_COMPILE = """
import sys
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
model = CompiledModel.from_file(sys.argv[1], hardware_accel=HardwareAccelerator.GPU | HardwareAccelerator.CPU)
print("whole" if model.is_fully_accelerated() else "parts")
"""


def operator_names(model):
    """The names of a file's operators, in the order in which they run."""
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    return [codes[operator.opcodeIndex] for operator in model.subgraphs[0].operators]


def stages(names):
    """Cuts a file where convolutions begin and end: a name, its first operator and the one behind its last, for each stage."""
    places = [number for number, name in enumerate(names) if "CONV_2D" in name]
    groups = [[places[0], places[0]]]
    for place in places:
        if place - groups[-1][1] > GAP:
            groups.append([place, place])
        groups[-1][1] = place
    found, done = [], 0
    for number, (first, last) in enumerate(groups, 1):
        if number > 1:
            found.append(("between", done, first))
            done = first
        found.append((f"network, run {number}", done, last + 1))
        done = last + 1
    return [*found, ("after", done, len(names))]


def part(data, start, stop):
    """A TFLite model of some consecutive operators; what they read becomes input.

    Returns:
        bytes, and the numbers in `data` of the tensors that became inputs.
    """
    model = parse(data)
    graph = model.subgraphs[0]
    chosen = graph.operators[start:stop]
    made = {int(tensor) for operator in chosen for tensor in operator.outputs}
    used = {int(tensor) for operator in chosen for tensor in operator.inputs if tensor >= 0}
    elsewhere = {int(tensor) for operator in graph.operators[stop:] for tensor in operator.inputs} | set(map(int, graph.outputs))
    inputs = sorted(tensor for tensor in used - made if model.buffers[graph.tensors[tensor].buffer].data is None)
    graph.inputs, graph.outputs = inputs, sorted(tensor for tensor in made if tensor in elsewhere or tensor not in used)
    graph.operators, model.signatureDefs, model.metadata = chosen, [], []
    return pack(model), inputs


def prepared(data, values):
    """Function that runs a TFLite model once with one thread; `values` are those of its inputs, in order."""
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for detail, value in zip(sorted(interpreter.get_input_details(), key=lambda detail: detail["index"]), values, strict=True):
        interpreter.set_tensor(detail["index"], value)
    return lambda turn: interpreter.invoke()


def on_gpu(data):
    """How many operators LiteRT's GPU accelerator takes, of all, and what it says of the others; None without a GPU."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(data)
        file.flush()
        ran = subprocess.run([sys.executable, "-c", _COMPILE, file.name], capture_output=True, text=True)
    said = ran.stdout + ran.stderr
    counts = re.search(r"(\d+) operations will run on the GPU, and the remaining (\d+)", said)
    reasons = re.findall(r"^([A-Z0-9_]+): (.+)$", said.partition("not supported by GPU delegate:")[2], re.MULTILINE)
    if counts:
        return int(counts[1]), sorted({name for name, _ in reasons if hasattr(schema.BuiltinOperator, name)})
    everything = len(parse(data).subgraphs[0].operators)
    return (everything, []) if "whole" in ran.stdout else None


def table(name, data):
    """The lines of one file."""
    names = operator_names(parse(data))
    # With XNNPACK the values in between would not be there to be read.
    plain = Interpreter(
        model_content=data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    plain.allocate_tensors()
    (images,) = plain.get_input_details()
    photo = np.random.default_rng(0).integers(0, 256, images["shape"]).astype(images["dtype"])
    plain.set_tensor(images["index"], photo)
    plain.invoke()
    found, runs = stages(names), {"whole": prepared(data, [photo])}
    for number, (_, start, stop) in enumerate(found):
        piece, inputs = part(data, start, stop)
        runs[number] = prepared(piece, [plain.get_tensor(tensor) for tensor in inputs])
    # The processor's time: with one thread all is done in this one, and other programs do not count.
    whole, *spent = map(min, turns(runs, RUNS, 0, time.thread_time).values())
    lines = Table("stage", "operators", "convolutions", "operators on the GPU", "alone on the CPU, ms", "of the whole")
    before, gpu = 0, on_gpu(data)
    for (stage, start, stop), least in zip(found, spent, strict=True):
        # The GPU takes one piece of the file, so a beginning that holds all of it gives the same count.
        taken = on_gpu(part(data, 0, stop)[0])
        count = "unknown" if taken is None else taken[0] - before
        before = taken[0] if taken else 0
        heavy = sum("CONV_2D" in name for name in names[start:stop])
        lines.add(stage, stop - start, heavy, count, f"{least:.2f}", f"{least / whole:.0%}")
    taken, left = ("unknown", []) if gpu is None else gpu
    return [
        f"## {name}",
        "",
        f"Of {len(names)} operators the GPU takes {taken}, in one piece. The whole file takes {whole:.2f} ms on the CPU.",
        *(["", f"It names, of those that it leaves: {', '.join(left)}."] if left else []),
        "",
        *lines,
    ]


def main(flags, arguments):
    tables = []
    for argument in arguments:
        name, _, path = argument.partition("=")
        print(name, flush=True)
        tables.append(table(name, Path(path).read_bytes()))
    keep("phones", *tables)


if __name__ == "__main__":
    run(__doc__, main)
