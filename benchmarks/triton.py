"""Triton on this machine's processor: eight clients at once, dynamic batching on and off, side by side.

.venv/bin/python benchmarks/triton.py --model M.onnx --photos FOLDER --python .clients/triton/bin/python

Prints a table and keeps it in benchmarks/results/triton.md. The clients run on the same cores as the server.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from result import Table, keep, run, turns

from logo_keras.commands.command import photos_of
from logo_keras.edge import model_file
from logo_keras.export.check import photos
from logo_keras.image import preprocessing

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 8
# A run sends so many requests by each protocol; the settings take turns, so that what else the machine does meets all.
REQUESTS, ROUNDS = 128, 3
PROTOCOLS = {"http": "HTTP", "grpc": "gRPC"}
# Name in the table: flags of deploy/triton/repository.py.
SETTINGS = {
    "on": [],
    "off": ["--no-batching"],
    "on, threads that spin": ["--spinning"],
    "on, two copies of one thread": ["--instances", "2", "--threads", "1"],
}
PACKAGES = "import json, sys; from importlib import metadata; print(json.dumps({n: metadata.version(n) for n in sys.argv[1:]}))"


def output(*command):
    """What a command prints."""
    command = [str(part) for part in command]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=400, check=True).stdout


def served(python, model, images, folder):
    """Asks a server with each of the settings; returns a dict from setting to a list of what the clients printed."""
    for place, flags in enumerate(SETTINGS.values()):
        output(sys.executable, ROOT / "deploy/triton/repository.py", "--model", model, "--out", folder / str(place), *flags)
    found = {name: [] for name in SETTINGS}
    for number in range(ROUNDS):
        for place, name in enumerate(SETTINGS):
            command = [python, "-P", ROOT / "tests/clients/triton.py", "--repository", folder / str(place)]
            command += ["--images", images, "--clients", CLIENTS, "--requests", REQUESTS]
            found[name].append(json.loads(output(*command)))
            print(f"round {number + 1} of {ROUNDS}: batching {name}", flush=True)
    return found


def rows(found):
    """Lines of the table: figures of all rounds together; the rate is the median of the rounds."""
    columns = ["dynamic batching", "protocol", "photographs/s", "of the rounds", "p50, ms", "p95, ms", "p99, ms"]
    columns += ["mean batch", "in the queue, ms", "processor, ms"]
    lines = Table(*columns)
    for name, runs in found.items():
        for protocol, title in PROTOCOLS.items():
            parts = [run[protocol] for run in runs]
            rates = [part["requests"] / part["seconds"] for part in parts]
            times = sorted(time for part in parts for time in part["milliseconds"])
            p50, p95, p99 = (times[-(-share * len(times) // 100) - 1] for share in (50, 95, 99))
            batch = sum(part["inferences"] for part in parts) / sum(part["executions"] for part in parts)
            queue, processor = (statistics.mean(part[key] for part in parts) for key in ("queue_ms", "processor_ms"))
            shown = f"{statistics.median(rates):.1f}", f"{min(rates):.1f} to {max(rates):.1f}"
            shown += tuple(f"{value:.0f}" for value in (p50, p95, p99)) + (f"{batch:.2f}", f"{queue:.0f}", f"{processor:.0f}")
            lines.add(name, title, *shown)
    return lines


def direct(model, images):
    """Median milliseconds of a photograph in onnxruntime, in this process, for batches of 1 and 8, taking turns."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # As deploy/triton/cpu has it.
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    batches = {count: {"images": images[:count].astype(np.float32)} for count in (1, 8)}
    asked = {count: lambda turn, batch=batch: session.run(None, batch) for count, batch in batches.items()}
    return {count: statistics.median(kept) / count for count, kept in turns(asked, 13, 2).items()}


def define(flags):
    flags.string("model", None, "An ONNX file with a free batch.")
    flags.shared("photos")
    flags.string("python", None, "The Python of the environment of requirements/clients/triton.txt.")


def main(flags, arguments):
    described = model_file.read(flags.model)
    paths = photos.spread(photos.find(photos_of(flags, arguments)), 64)
    images = np.stack(
        [preprocessing.prepare(path, described.image_size, described.preprocessing).astype(np.uint8) for path in paths]
    )
    load = os.getloadavg()[0]
    alone = direct(flags.model, images)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.save(folder / "images.npy", images)
        found = served(flags.python, flags.model, folder / "images.npy", folder)
    version = next(iter(found.values()))[0]["server"]["version"]
    names = ("nvidia-pytriton", "tritonclient", "onnxruntime", "numpy")
    packages = json.loads(output(flags.python, "-c", PACKAGES, *names))
    server = ", ".join(f"{name} {number}" for name, number in packages.items())
    facts = [
        f"Server: Triton {version}, Python backend; its environment: {server}",
        f"Model: {described.model}, {described.image_size} px, {len(described.class_names)} classes, {len(images)} photographs",
        f"Load: {CLIENTS} clients at once, on the same cores as the server; {ROUNDS} rounds of {REQUESTS} requests a row, "
        "the settings taking turns",
        f"Other work on the machine when the run began: a load of {load:.1f}",
        "Column processor, ms: what the server's processes used for a photograph; other work on the machine touches it least",
        f"onnxruntime alone, in one process: {alone[1]:.1f} ms a photograph one by one, {alone[8]:.1f} ms in batches of 8",
    ]
    keep("triton", rows(found), facts=facts)


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos", "python"))
