"""How many of the true logos the best few regions find, of brands that were never trained, by the size of the logo.

.venv/bin/python benchmarks/proposals.py --detector FILE --toplogo10 FOLDER --flickrlogos27 FOLDER [--limit N]

The detector is a .keras, .tflite or .onnx file; all boxes of all 700 photos of TopLogo-10, and of the training photos of
FlickrLogos-27. A region finds a logo with an IoU of 0.3, of 0.5, or where the middle of the logo's box lies inside it; a logo
that any of the regions finds is found. What the detector is measured against:

grid            squares in the cells of a grid of as many cells as there are regions, in the shape of the photo
centre          squares about the middle of the photo, of as many sides
random          anchors of NTS-Net in a random order, another for each photo, those that overlap left out
largest         anchors of NTS-Net, the largest first, those in the middle before others, those that overlap left out
windows         sliding windows, some 200 a photo, the best first by the objectness of the embedding of each, those that overlap
                left out: as good as the embedding alone can find places, at many times the cost
windows, equal  as many of them, with longer steps and without the smallest, as take as much time as the detector

A second table has how many more the detector finds than windows do, of the same photos. Anchors are stretched with the photo. A
window is what the embedding sees; its region is the middle, without the context.
"""

import numpy as np
from keras import ops
from places import CRITERIA, cost, define_detector, finds, limited, opened, opened_sets, sliding, timed, windows, with_boxes
from result import Table, keep, run, shown

from logo_keras.export.release import head
from logo_keras.network.anchors import REFERENCE_SIZE, make_anchors
from logo_keras.network.regions import select_regions, suppress
from logo_keras.report.progress import progress

# The parts with boxes of brands.
SETS = {"toplogo10": None, "flickrlogos27": "train"}
COUNTS = (1, 2, 4, 8, 16)
# What the detector is compared with on the same photos.
WITH = ("windows, equal", "windows")
# A window that shares as much with a better one is left out, as in the detector.
SUPPRESSED = 0.5
# Sides of the squares in the middle, in shorter sides of the photo.
CENTRE = (0.1, 1.0)
# Where sizes part: the longer side of the box as a share of the photo's.
SIZES = (0.07, 0.15, 0.3)
SIZE_NAMES = ("below 7 %", "7 to 15 %", "15 to 30 %", "above 30 %")
RESAMPLES = 2000


def define(flags):
    for name in SETS:
        flags.string(name, None, f"The folder of {name}; one of the sets must be given.")
    define_detector(flags)


def main(flags, arguments):
    sets = {name: limited(with_boxes(dataset), flags.limit) for name, dataset in opened_sets(flags, SETS).items()}
    model = opened(flags)
    spent = cost(model, timed(next(iter(sets.values()))))
    lines = []
    for name, dataset in sets.items():
        found, sizes, photos = measure(dataset, model, sliding(flags, spent))
        for place, criterion in enumerate(CRITERIA):
            lines.append(f"\n{name}, {criterion}: percent of {len(sizes)} logos in {len(dataset)} photos\n")
            table = Table("size of the logo", "logos", "regions", *COUNTS)
            for size, chosen in (("all", sizes >= 0), *((size, sizes == number) for number, size in enumerate(SIZE_NAMES))):
                for row, hits in found.items():
                    shares = [shown(share(hits[count][chosen, place], photos[chosen])) for count in COUNTS]
                    table.add(size, int(chosen.sum()), row, *shares)
            lines.append("\n".join(table))
            table = Table("of all logos, difference in points", *COUNTS)
            for row in (each for each in WITH if each in found):
                pairs = ((found["detector"][count][:, place], found[row][count][:, place]) for count in COUNTS)
                table.add(f"detector minus {row}", *(shown(share(np.subtract(*pair, dtype=float), photos)) for pair in pairs))
            lines.append("\n".join(["", *table]))
    facts = [f"Commit: {head()}", f"{spent}", "In brackets: 95 % over photos, bootstrap."]
    keep("proposals", *lines, title="Where some logo is: recall of the best few regions", facts=facts)


def measure(dataset, model, slid):
    """Which logos are found.

    Args:
        dataset: Dataset with boxes of every photo.
        model: `places.Model`.
        slid: dict, what `places.sliding` gives.

    Returns:
        found: dict from the name of a row to a dict from each of `COUNTS` to bool `[n, 3]`, whether so many regions find each
            logo, by each of `CRITERIA`.
        sizes: int `[n]`, of each logo, which of `SIZE_NAMES`.
        photos: int `[n]`, which photo it is in.
    """
    parts, sizes, photos, anchors = {}, [], [], make_anchors(REFERENCE_SIZE)
    for number in progress(range(len(dataset)), "photos", len(dataset)):
        photo, boxes = dataset.shown(number)
        for row, of_count in regions(photo, model, slid, anchors, number).items():
            for count in COUNTS:
                parts.setdefault(row, {}).setdefault(count, []).append(finds(of_count(count), boxes).any(axis=0))
        sizes.append(np.digitize((boxes[:, 2:] - boxes[:, :2]).max(axis=1) / max(photo.shape), SIZES))
        photos.append(np.full(len(boxes), number))
    found = {row: {count: np.concatenate(each) for count, each in of_row.items()} for row, of_row in parts.items()}
    return found, np.concatenate(sizes), np.concatenate(photos)


def regions(photo, model, slid, anchors, seed):
    """Regions of a photo by the name of the row: dict to a function from a count to float `[at most count, 4]`, px."""
    height, width = photo.shape[:2]

    def best(boxes):
        return lambda count: boxes[:count]

    return {
        "detector": best(model.detect(photo).boxes),
        "grid": lambda count: grid(height, width, count),
        "centre": lambda count: centre(height, width, count),
        "random": best(shuffled(height, width, anchors, seed)),
        "largest": best(largest(height, width, anchors)),
        **{row: best(likeliest(photo, model, windows(height, width, most))) for row, most in slid.items()},
    }


def grid(height, width, count):
    """Squares in the middle of the first `count` cells of a grid, row by row, as large as fit: float `[count, 4]`."""
    rows = min(count, max(1, round((count * height / width) ** 0.5)))
    columns = -(-count // rows)
    # So that no row is empty.
    rows = -(-count // columns)
    y, x = (axis.ravel()[:count] + 0.5 for axis in np.indices((rows, columns)))
    half = min(height / rows, width / columns) / 2
    return _about(y * height / rows, x * width / columns, half)


def centre(height, width, count):
    """Squares about the middle, each side the same share of the next: float `[count, 4]`. One has the side between the two."""
    halves = np.geomspace(*CENTRE, count + 2)[-2:0:-1] * min(height, width) / 2
    return _about(np.full(count, height / 2), np.full(count, width / 2), halves)


def shuffled(height, width, anchors, seed):
    """Anchors in a random order: float `[16, 4]`."""
    return _picked(height, width, anchors, np.random.default_rng([0, seed]).permutation(len(anchors)))


def largest(height, width, anchors):
    """The largest anchors, of equally large ones first those in the middle: float `[16, 4]`."""
    sides = anchors[:, 2:] - anchors[:, :2]
    away = np.hypot(*((anchors[:, :2] + anchors[:, 2:]) / 2 - REFERENCE_SIZE / 2).T)
    # Rounded, because anchors are float32.
    return _picked(height, width, anchors, np.lexsort([away.round(3), -np.log(sides.astype(np.float64)).sum(axis=1).round(3)]))


def likeliest(photo, model, boxes):
    """The boxes whose embeddings look most like marks, those that overlap left out: float `[at most 16, 4]`."""
    _, objectness = model.look(photo, boxes)
    picks = ops.convert_to_numpy(suppress(objectness[None], boxes, min(max(COUNTS), len(boxes)), SUPPRESSED))
    return boxes[picks[0]]


def share(hits, photos):
    """The percentage of hits, bool `[n]`, and its interval over photos, of which one may have many: three floats, or None.

    Of differences of hits, -1, 0 or 1, it is the difference in points.
    """
    if not len(hits):
        return None
    _, photos = np.unique(photos, return_inverse=True)
    right, total = np.bincount(photos, hits), np.bincount(photos)
    chosen = np.random.default_rng(0).multinomial(len(total), np.full(len(total), 1 / len(total)), RESAMPLES)
    return [100 * hits.mean(), *np.quantile(100 * (chosen @ right) / (chosen @ total), (0.025, 0.975))]


def _about(y, x, half):
    return np.stack([y - half, x - half, y + half, x + half], axis=1)


def _picked(height, width, anchors, order):
    """The first anchors of an order, those that overlap left out, stretched to the photo and clipped to it."""
    picks = ops.convert_to_numpy(select_regions(0.0 - np.argsort(order)[None], anchors, max(COUNTS)))[0]
    scale = np.float32([height, width] * 2)
    return np.clip(anchors[picks] / REFERENCE_SIZE, 0, 1) * scale


if __name__ == "__main__":
    run(__doc__, main, define, required=("detector",))
