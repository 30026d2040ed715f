"""Photographs a second and core: this package's batches for training, torchvision's loader doing the same work, and PIL alone.

make comparison
.venv/bin/python benchmarks/loading.py [--root FOLDER]

FOLDER has a folder of photographs a brand; without it a synthetic set is drawn. Every loader runs in a process of its own, in
turns, so that other work on the machine meets them alike; figures are medians, ratios are medians of the turns' own ratios. A
second table says what a process holds in memory after every epoch. Prints the tables and keeps them in
benchmarks/results/loading.md.
"""

import json
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from result import Table, fresh, keep, run
from waiting import define, photos_in

from logo_keras import datasets
from logo_keras.errors import UserError

HERE = Path(__file__).parent
TORCH = HERE.parent / ".clients" / "torchvision" / "bin" / "python"
SIZES = (224, 448)
BATCH, TURNS, EPOCHS, MEMORY_EPOCHS = 32, 2, 1, 8
OURS = "ours, tf.data"
# Name in the table: what the script is asked for, in our Python or in that of torchvision.
LOADERS = {
    OURS: ("ours", "tf.data"),
    "ours, PyDataset": ("ours", "keras"),
    "ours, tf.data, cached": ("ours", "cached"),
    "torchvision, PIL photographs (its default)": ("torchvision", "pil"),
    "torchvision, tensors": ("torchvision", "tensor"),
    "PIL alone, one process": ("ours", "PIL"),
}


def main(flags, arguments):
    if not TORCH.exists():
        raise UserError(f"{TORCH} is missing: make comparison installs it.")
    with tempfile.TemporaryDirectory() as folder:
        root = str(photos_in(flags, folder))
        tables = [table(measure(root, size, str(Path(folder) / "cache")), size) for size in SIZES]
        held = fresh(memory, root)
    about = (
        f"Photographs: {flags.what}. Batches of {BATCH}, two threads or worker processes, medians of {TURNS} turns of "
        f"{EPOCHS} epoch after one that warms up. Each cuts out 60 to 100 % of the area, stretches it to a square, mirrors "
        "half, changes brightness and contrast and gives float32. A core second is a second of one core, summed over processes."
    )
    rows = Table("epoch", *range(1, MEMORY_EPOCHS + 1))
    for engine, values in held.items():
        rows.add(f"{engine}, MB", *(f"{value:.0f}" for value in values))
    held = "Memory that the process holds after every epoch of training batches at 224 px:"
    keep("loading", about, *tables, held, rows)


def measure(root, size, cache):
    """Turns of all loaders: dict from name to a list of dict."""
    found = {name: [] for name in LOADERS}
    for _ in range(TURNS):
        for name, (whose, kind) in LOADERS.items():
            if whose == "torchvision":
                words = [TORCH, HERE / "loading_torchvision.py", root, kind, size, BATCH, 2, EPOCHS]
                ran = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True)
                found[name].append(json.loads(ran.stdout.splitlines()[-1]))
            else:
                found[name].append(fresh(one_loader, root, kind, size, cache))
    return found


def table(found, size):
    heads = (f"{size} px", "photographs a core second", "ours is so many times as fast", "photographs a second", "ours")
    lines = Table(*heads)
    for name, turns in found.items():
        cells = [name]
        for unit in ("core_seconds", "seconds"):
            rates = [turn["photographs"] / turn[unit] for turn in turns]
            ratios = [mine["photographs"] / mine[unit] / rate for mine, rate in zip(found[OURS], rates, strict=True)]
            cells += [f"{statistics.median(rates):.0f}", f"{statistics.median(ratios):.2f}"]
        lines.add(*cells)
    return lines


def one_loader(root, kind, size, cache):
    """One loader in this process."""
    batches = pil(root, size) if kind == "PIL" else ours(root, kind, size, cache)
    for _ in range(2 if kind == "cached" else 1):
        for _ in batches():
            pass
    seen, before, start = 0, resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for _ in range(EPOCHS):
        for images in batches():
            seen += len(images)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"photographs": seen, "seconds": wall, "core_seconds": used}


def ours(root, kind, size, cache):
    """A function that gives the images of one epoch of this package's batches."""
    dataset = datasets.load("folder", root)
    engine = "keras" if kind == "keras" else "tf.data"
    batches = dataset.batches(BATCH, size, training=True, engine=engine, cache=cache if kind == "cached" else None)
    return lambda: (images for images, _ in batches)


def pil(root, size):
    """The same work with PIL and numpy in one loop."""
    from PIL import Image

    paths, rng = [path for path in sorted(Path(root).rglob("*")) if path.is_file()], np.random.default_rng(0)

    def epoch():
        batch = []
        for number in rng.permutation(len(paths)):
            with Image.open(paths[number]) as photo:
                width, height = photo.size
                side = np.sqrt(rng.uniform(0.6, 1.0))
                wide, tall = max(1, round(width * side)), max(1, round(height * side))
                left, top = rng.integers(width - wide + 1), rng.integers(height - tall + 1)
                box = (left, top, left + wide, top + tall)
                image = photo.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box=box)
            if rng.random() < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            pixels = np.asarray(image)
            mean, contrast, brightness = pixels.mean(), rng.uniform(0.8, 1.2), rng.uniform(-25, 25)
            levels = np.clip(np.rint((np.arange(256) - mean) * contrast + mean + brightness), 0, 255).astype(np.uint8)
            batch.append(levels[pixels])
            if len(batch) == BATCH:
                yield np.stack(batch).astype(np.float32)
                batch = []
        if batch:
            yield np.stack(batch).astype(np.float32)

    return epoch


def memory(root):
    """MB that this process holds after each epoch, by engine."""
    held = {}
    for engine in ("tf.data", "keras"):
        epoch, held[engine] = ours(root, engine, 224, None), []
        for _ in range(MEMORY_EPOCHS):
            for _ in epoch():
                pass
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            held[engine].append(pages * resource.getpagesize() / 1e6)
    return held


if __name__ == "__main__":
    run(__doc__, main, define)
