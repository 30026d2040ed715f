"""What data sets hold, as `logo_keras.datasets.load` reads them: photographs, brands, boxes, copies across splits.

.venv/bin/python benchmarks/counts.py flickrlogos27=FOLDER belgalogos=FOLDER ...

Lists are enough, photographs need not be there; where they are, those of one split that are copies of another's, byte for byte or
nearly, are counted too. Prints a table and keeps it in benchmarks/results/counts.md.
"""

from pathlib import Path

from result import Table, keep, run

from logo_keras import datasets
from logo_keras.datasets.quality.inspection import inspect
from logo_keras.datasets.splits import splits

# Parts that `splits` does not name, since they are not for training or testing as they are.
PARTS = {"belgalogos": (None,), "logos_in_the_wild": ("train", "test", None), "flickrlogos32": ("P1",)}
HEADS = ("data set", "split", "photographs", "brands", "boxes", "with several brands", "copies of another split's, byte for byte")


def main(flags, arguments):
    lines = Table(*HEADS)
    for argument in arguments:
        for cells in counts(*argument.split("=", 1)):
            lines.add(*cells)
    keep("counts", lines)


def counts(name, root):
    """A row a split."""
    opened = {split: datasets.load(name, root, split) for split in PARTS.get(name) or splits(name, root).names()}
    here = all(Path(path).is_file() for dataset in opened.values() for path in dataset.paths)
    found = inspect({split or "all": dataset for split, dataset in opened.items()}) if here else None
    for split, dataset in opened.items():
        brands = len(set(dataset.labels[dataset.labels >= 0].tolist()))
        figures = f"{len(dataset):,}", brands, f"{sum(map(len, dataset.boxes)):,}", several(name, root, split, dataset)
        yield name, split or "all", *figures, "not read" if found is None else copies(found, split)


def several(name, root, split, dataset):
    """Photographs whose boxes are of several brands."""
    if not any(map(len, dataset.boxes)):
        return "-"
    cut, brands = datasets.load(name, root, split, cut=0), {}
    for path, label in zip(cut.paths, cut.labels.tolist(), strict=True):
        brands.setdefault(path, set()).add(label)
    return f"{sum(len(found) > 1 for found in brands.values()):,} ({len(cut):,} boxes with cut)"


def copies(found, split):
    """Photographs of a split that are copies of one in another split."""
    near = {entry.path for finding in found.near_across for entry in finding.entries if entry.split == split}
    same = {entry.path for finding in found.identical_across for entry in finding.entries if entry.split == split}
    return f"{len(near | same)}, {len(same)}"


if __name__ == "__main__":
    run(__doc__, main)
