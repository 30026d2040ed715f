"""What an evaluation of many photos and brands takes: memory, size of its files, and what reading them back takes.

.venv/bin/python benchmarks/evaluation_memory.py

A made-up model answers at random; its photos are links to one small file. So the figures are of the evaluation, its JSON and its
page, not of a network nor of decoding. Every row runs in a process of its own, whose largest resident memory is what counts.
"""

import os
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from result import Table, fresh, keep, run

from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation import evaluate, novelty, read
from logo_keras.evaluation.report import write_report
from logo_keras.network.anchors import make_anchors

# Samples and brands: Logo-2K+'s test photos with its brands, and four times as many brands.
_SIZES = ((5_000, 100), (50_000, 2_341), (50_000, 10_000))
_SIDE = 64


class MadeUp:
    """Answers as a model of two regions does, at random, but right on about half of the photos."""

    image_size, preprocessing, temperature, threshold = _SIDE, "stretch", 1.5, 0.2

    def __init__(self, labels, number):
        self.class_names = tuple(f"Category {place % 10}/Brand {place}" for place in range(number))
        self.card = {"data": {"kind": "logo2k", "training_images": [20 + place % 80 for place in range(number)]}}
        self.boxes = make_anchors(_SIDE)
        self._labels, self._asked, self._rng = labels, 0, np.random.default_rng(0)

    def predict_on_batch(self, images):
        """Of B images, which come in order: dict of float arrays."""
        count, number = len(images), len(self.class_names)
        logits = self._rng.normal(size=(count, number)).astype(np.float32)
        truth = self._labels[np.minimum(np.arange(self._asked, self._asked + count), len(self._labels) - 1)]
        logits[np.arange(count), truth] += self._rng.normal(4, 2, count)
        self._asked += count
        shares = np.exp(logits)
        corners = self._rng.integers(0, _SIDE // 2, (count, 2, 2))
        return {
            "probabilities": shares / shares.sum(axis=1, keepdims=True),
            "fused_logits": logits,
            "whole_logits": logits,
            "region_boxes": np.concatenate([corners, corners + _SIDE // 3], axis=2).astype(np.float32),
        }


def main(flags, arguments):
    table = Table(
        "samples", "brands", "seconds", "peak, MB", "evaluation.json, MB", "report.html, MB", "read back: peak, MB", "seconds"
    )
    for samples, number in _SIZES:
        with tempfile.TemporaryDirectory() as folder:
            written = fresh(measure, folder, samples, number)
            table.add(f"{samples:,}", f"{number:,}", *written, *fresh(measure_reading, folder))
    start = fresh(measure_start)
    keep("evaluation-memory", table, title="Evaluating many photos of many brands", facts=[f"{start} MB are the imports alone."])


def measure(folder, samples, number):
    """Evaluates and writes the report; seconds, peak in MB, and the sizes of both files in MB."""
    folder, rng = Path(folder), np.random.default_rng(1)
    paths = _photos(folder / "photos", samples)
    labels = rng.integers(0, number, samples)
    boxes = np.sort(rng.integers(0, _SIDE, (samples, 2, 2)), axis=1).reshape(samples, 1, 4) + np.array([0, 0, 1, 1])
    model = MadeUp(labels, number)
    categories = [name.partition("/")[0] for name in model.class_names]
    dataset = Dataset(paths, labels, model.class_names, boxes, root=str(folder / "photos"), root_categories=categories)
    start = time.perf_counter()
    found = evaluate(model, dataset, probabilities=False, scores=novelty.scores)
    write_report(folder / "report", found, dataset)
    seconds = time.perf_counter() - start
    sizes = [(folder / "report" / name).stat().st_size for name in ("evaluation.json", "report.html")]
    return [f"{seconds:.0f}", _peak(), *(f"{size / 1e6:.1f}" for size in sizes)]


def measure_reading(folder):
    """Reads it back; peak in MB and seconds."""
    start = time.perf_counter()
    read(Path(folder) / "report")
    return [_peak(), f"{time.perf_counter() - start:.0f}"]


def measure_start():
    """The peak of this script's imports in MB."""
    return _peak()


def _photos(folder, count):
    """Links to one small photo, a thousand a folder: list of str."""
    folder.mkdir()
    first = folder / "photo.png"
    cv2.imwrite(str(first), np.full((_SIDE, _SIDE, 3), 127, np.uint8))
    paths = []
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        path.parent.mkdir(exist_ok=True)
        os.link(first, path)
        paths.append(str(path))
    return paths


def _peak():
    # In kB on Linux.
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


if __name__ == "__main__":
    run(__doc__, main)
