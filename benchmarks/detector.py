"""What the files of a detector cost on one core, by precision and by how many regions they give.

.venv/bin/python benchmarks/detector.py --model FILE.keras --photos FOLDER [--limit 24]

--photos is a folder of whole photos. Every file is written and checked as logo-export-tflite does, on --limit of the photos.
Then all files take turns, with one thread, on photos that are decoded; a time is the median over them. Beside them the embedding
alone, of one crop.
"""

import statistics
import tempfile
from pathlib import Path

from result import Table, keep, run, turns

import logo_keras as lk
from logo_keras.commands.command import photos_of
from logo_keras.datasets.find_photos import find
from logo_keras.edge import Detector, Embedder
from logo_keras.export import tflite
from logo_keras.export.release import head
from logo_keras.gallery.embedders import shipped
from logo_keras.image.preprocessing import pixels

# Regions of float32 files, and of the files of other precisions.
REGIONS, PRECISIONS = (1, 4, 8, 16), ("float16", "dynamic", "int8")
# Photos of which the time is taken, and rounds over them.
TIMED, ROUNDS, WARM = 12, 4, 4


def define(flags):
    flags.string("model", None, "A detector, .keras.")
    flags.shared("photos", "limit")


def main(flags, arguments):
    photos = find(photos_of(flags, arguments))
    model = lk.load(flags.model)
    decoded = [pixels(photo) for photo in photos[:: max(1, len(photos) // TIMED)][:TIMED]]
    with tempfile.TemporaryDirectory() as folder:
        files, reports = {}, {}
        kinds = [(count, "float32") for count in REGIONS] + [(model.num_regions, precision) for precision in PRECISIONS]
        for count, precision in kinds:
            name = f"{precision}, {count} regions"
            files[name] = Path(folder) / f"{precision}-{count}.tflite"
            reports[name] = tflite.export(of_regions(model, count), files[name], photos, flags.limit or None, precision=precision)
        opened = {name: Detector(file, 1) for name, file in files.items()}
        functions = {name: asked(detector.detect, decoded) for name, detector in opened.items()}
        embedder = Embedder(shipped(), 1)
        functions["the embedding alone"] = asked(embedder.embed, decoded)
        times = {name: statistics.median(each) for name, each in turns(functions, ROUNDS * len(decoded), WARM).items()}
        lines = Table("file", "MB", "ms a photo", "of float32's time", "checked on photos")
        base = times[f"float32, {model.num_regions} regions"]
        for name, time in times.items():
            size = f"{files[name].stat().st_size / 1e6:.1f}" if name in files else "-"
            checked = reports[name].photographs if name in reports else "-"
            lines.add(name, size, f"{time:.0f}", f"{time / base:.2f}", checked)
    sides = f"Photos of {model.image_size} px, cells of {model.whole_size} px, regions of {model.region_size} px, one thread"
    keep("detector", lines, title="What a detector costs", facts=[f"Commit: {head()}", sides])


def asked(function, photos):
    """The function of a turn that asks about one of the photos."""
    return lambda turn: function(photos[turn % len(photos)])


def of_regions(model, count):
    """The same detector with another number of regions."""
    made = lk.LogoDetector.from_config(model.get_config() | {"num_regions": count})
    made.set_weights(model.get_weights())
    return made


if __name__ == "__main__":
    run(__doc__, main, define, required=("model", "photos"))
