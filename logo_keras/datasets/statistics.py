"""Figures of a data set: photos of each brand and root category, sizes of the logos, photos to look at."""

import csv
import io
import os
from dataclasses import dataclass

import numpy as np

from logo_keras.datasets.sizes import read_sizes

# What the row of all samples is called.
ALL = "all"
NO_BRAND = "no brand"


@dataclass(frozen=True)
class BoxSizes:
    """How large the boxes of a data set are, one entry a box. A box may reach beyond its photo; it counts whole.

    Attributes:
        paths: tuple of str.
        brands: tuple of str.
        boxes: float32 `[n, 4]`, `(y0, x0, y1, x1)` px of the upright photo.
        photographs: int64 `[n, 2]`, height and width of the photo, px.
        area_sides: float64 `[n]`, the square root of box area / photo area.
        longer_sides: float64 `[n]`, longer side of the box / longer side of the photo.
        unreadable: dict, path to reason, of the photos whose boxes are left out.
    """

    paths: tuple
    brands: tuple
    boxes: np.ndarray
    photographs: np.ndarray
    area_sides: np.ndarray
    longer_sides: np.ndarray
    unreadable: dict


def noun(dataset):
    """What a sample of the data set is called, in the plural."""
    return "photographs" if dataset.windows is None else "cut-out boxes"


def overview(dataset, parts=None):
    """The table of the paper's slides: brands and photos of each root category; without categories, of each split.

    Brands without a photo are not counted.

    Args:
        dataset: Dataset.
        parts: dict, name to Dataset, the splits to count beside it, or None. They need not add up: a set may have two
            protocols.

    Returns:
        header: list of str.
        rows: list of lists, a str and then ints; the last one counts the whole of `dataset`.
    """
    parts = parts or {}
    if dataset.root_categories is None:
        header = ["split", "brands", noun(dataset), NO_BRAND, "boxes"]
        # `dataset` may leave out what `parts` hold: photos without a brand are a split of their own.
        name = dataset.split_name or (ALL if all((part.labels >= 0).all() for part in parts.values()) else "all with a brand")
        rows = [[name, *_row(part)] for name, part in (*parts.items(), (name, dataset))]
        return header, rows
    columns, rows = (dataset, *parts.values()), []
    counts = [each.counts for each in columns]
    for category, pairs in by_category(dataset).items():
        numbers = (sum(count[brand] for brand, _ in pairs) for count in counts)
        rows.append([category, sum(count > 0 for _, count in pairs), *numbers])
    if any(bare := [int((each.labels < 0).sum()) for each in columns]):
        rows.append([NO_BRAND, 0, *bare])
    rows.append([ALL, present(dataset), *map(len, columns)])
    return ["root category", "brands", noun(dataset), *parts], rows


def brands(dataset):
    """Brands and their numbers of samples, the most first, equal ones by name: list of `(str, int)`."""
    return sorted(dataset.counts.items(), key=lambda pair: (-pair[1], pair[0]))


def present(dataset):
    """How many brands have a sample: int."""
    return sum(count > 0 for count in dataset.counts.values())


def by_category(dataset):
    """Root categories by name, and of each what `brands` gives: dict. Empty where none are known."""
    categories = dict(zip(dataset.class_names, dataset.root_categories or (), strict=False))
    found = {category: [] for category in sorted({*categories.values()})}
    for brand, count in brands(dataset) if found else ():
        found[categories[brand]].append((brand, count))
    return found


def box_sizes(dataset):
    """Measures the boxes against their photos, whose sizes are read from the files; nothing is decoded.

    Args:
        dataset: Dataset.

    Returns:
        BoxSizes, in the order of the samples.
    """
    owners = np.repeat(np.arange(len(dataset)), [*map(len, dataset.boxes)])
    sizes, unreadable = read_sizes(list(dict.fromkeys(dataset.paths[index] for index in owners)), dataset.max_bytes)
    read = np.array([dataset.paths[index] in sizes for index in owners], bool)
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *dataset.boxes])[read]
    owners = owners[read]
    photographs = np.array([sizes[dataset.paths[index]] for index in owners], np.int64).reshape(-1, 2)
    sides = boxes[:, 2:].astype(np.float64) - boxes[:, :2]
    names = (*dataset.class_names, NO_BRAND)
    return BoxSizes(
        paths=tuple(dataset.paths[index] for index in owners),
        brands=tuple(names[dataset.labels[index]] for index in owners),
        boxes=boxes,
        photographs=photographs,
        area_sides=np.sqrt(sides.prod(axis=1) / photographs.prod(axis=1)),
        longer_sides=sides.max(axis=1, initial=0) / photographs.max(axis=1, initial=1),
        unreadable=unreadable,
    )


def deciles(values):
    """The nine values that part sorted `values`, floats `[n]`, n at least 1, in ten: float64 `[9]`."""
    return np.quantile(values, np.arange(1, 10) / 10)


def examples(dataset, each, seed=0):
    """Chooses photos of every brand to look at: one by chance from each of `each` equal stretches of its list.

    Args:
        dataset: Dataset.
        each: int, most photos a brand.
        seed: int, 0 or more. What it chooses of a brand does not depend on the other brands.

    Returns:
        list of `(class name, number of its samples, indices of the chosen ones)`, the indices int64 and ascending, in the
        order of the classes, those without samples left out; last `NO_BRAND` for label -1.
    """
    found = []
    for label, name in (*enumerate(dataset.class_names), (-1, NO_BRAND)):
        samples = np.flatnonzero(dataset.labels == label)
        total = len(samples)
        if total > each:
            edges = np.arange(each + 1) * total // each
            samples = samples[np.random.default_rng([seed, label + 1]).integers(edges[:-1], edges[1:])]
        if total:
            found.append((name, total, samples))
    return found


def box_table(dataset, sizes):
    """The boxes as a table, one row a box.

    Args:
        dataset: Dataset.
        sizes: BoxSizes.

    Returns:
        header: list of str.
        rows: list of lists of str. Paths are relative to the root of the set, with `/`.
    """
    header = ["path", "brand", "y0", "x0", "y1", "x1", "height", "width", "area_side", "longer_side"]
    columns = (sizes.boxes.tolist(), sizes.photographs.tolist(), sizes.area_sides, sizes.longer_sides)
    rows = [
        [relative(path, dataset.root), brand, *(f"{side:.2f}" for side in box), *size, f"{area:.6f}", f"{longer:.6f}"]
        for path, brand, box, size, area, longer in zip(sizes.paths, sizes.brands, *columns, strict=True)
    ]
    return header, rows


def relative(path, root):
    """A path as tables name it: relative to `root` where it lies inside, with `/` on every system."""
    inside = root is not None and path.startswith(os.path.join(root, ""))
    return (os.path.relpath(path, root) if inside else path).replace(os.sep, "/")


def to_csv(header, rows):
    """A table as the bytes of a CSV file: UTF-8, one `\\n` a line; what is no Unicode in a file's name, as `\\udcff`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def to_text(header, rows):
    """A table for a terminal: str. What is no Unicode in a file's name reads `\\udcff`."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def _row(dataset):
    return [present(dataset), len(dataset), int((dataset.labels < 0).sum()), sum(map(len, dataset.boxes))]
