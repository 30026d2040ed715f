"""From a fresh process to the first answer of the edge runtime: seconds, and memory.

.venv/bin/python benchmarks/edge.py FILE.tflite FILE.onnx ...

Each file is opened in processes of their own, with one thread, and asked about a JPEG of 1280 x 720 px. Prints a table and
keeps it in benchmarks/results/edge.md. Times are medians and memory is the largest over these processes. Goals: the first
answer within 1.5 s, at most 150 MB resident, with EfficientNet-Lite0.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from result import Table, keep, run

from logo_keras.edge import model_file
from logo_keras.errors import UserError

PROCESSES, MORE = 7, 20
# Linux counts memory in kB of 1,024 bytes; the table in MB of a million.
KB = 1024 / 1e6

# Runs alone: what this script has imported must not count.
CHILD = f"""
import sys, time
start = time.perf_counter()
from logo_keras.edge import Recognizer
imported = time.perf_counter() - start
recognizer = Recognizer(sys.argv[1], num_threads=1)
opened = time.perf_counter() - start
recognizer.recognize(sys.argv[2])
first = time.perf_counter() - start
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
memory = {{name: int(status[name].split()[0]) for name in ("VmRSS", "RssFile")}}
more = []
for _ in range({MORE}):
    begin = time.perf_counter()
    recognizer.recognize(sys.argv[2])
    more.append(time.perf_counter() - begin)
memory["VmHWM"] = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
import json
print(json.dumps(dict(memory, imported=imported, opened=opened, first=first, more=sorted(more)[{MORE // 2}])))
"""


def photograph(path):
    """Writes a JPEG of 1280 x 720 px: blurred noise, which packs about as well as a photograph."""
    noise = np.random.default_rng(0).integers(0, 256, (45, 80, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC))


def measured(file, photo):
    """What the processes of one file measured, by name."""
    arguments = [sys.executable, "-c", CHILD, str(file), str(photo)]
    found = [json.loads(subprocess.run(arguments, capture_output=True, check=True).stdout) for _ in range(PROCESSES)]
    merged = {name: [each[name] for each in found] for name in found[0]}
    return {name: max(values) if name[0].isupper() else statistics.median(values) for name, values in merged.items()}


def figures(file, photo):
    """The cells of a row."""
    facts, found = model_file.read(file), measured(file, photo)
    seconds = (f"{found[name]:.2f}" for name in ("imported", "opened", "first"))
    memory = (f"{KB * found[name]:.0f}" for name in ("VmRSS", "RssFile", "VmHWM"))
    about = f"{facts.model}, {facts.image_size} px", file.suffix[1:], f"{file.stat().st_size / 1e6:.1f}"
    return *about, *seconds, f"{1000 * found['more']:.0f}", *memory


def main(flags, files):
    if not files:
        raise UserError("name at least one exported file, as in: python benchmarks/edge.py run/model.tflite run/model.onnx")
    lines = Table("model", "file", "size, MB", "imported, s", "opened, s", "first answer, s", "further answers, ms",
                  "resident, MB", "of it files, MB", "peak, MB")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photograph.jpg"
        photograph(photo)
        for file in map(Path, files):
            lines.add(*figures(file, photo))
    note = (
        "Resident: after the first answer, to a JPEG of 1280 x 720 px that is decoded in the same process. Of it files: shared "
        "libraries and the mapped model, which the system can let go of. Peak: over all answers. Seconds count from the import."
    )
    keep("edge", lines, note)


if __name__ == "__main__":
    run(__doc__, main)
