"""Figures of a data set: photographs of each brand and root category, sizes of the logos, photographs to look at."""

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
    """How large the boxes of a data set are, one entry a box. A box may reach beyond its photograph; it counts whole.

    Attributes:
        paths: tuple of str.
        brands: tuple of str.
        boxes: float32 `[n, 4]`, `(y0, x0, y1, x1)` px of the upright photograph.
        photographs: int64 `[n, 2]`, height and width of the photograph, px.
        area_sides: float64 `[n]`, the square root of box area / photograph area.
        longer_sides: float64 `[n]`, longer side of the box / longer side of the photograph.
        unreadable: dict, path to reason, of the photographs whose boxes are left out.
    """

    paths: tuple
    brands: tuple
    boxes: np.ndarray
    photographs: np.ndarray
    area_sides: np.ndarray
    longer_sides: np.ndarray
    unreadable: dict


def counts(dataset):
    """Samples of each class, int64 `[N]`; those without a brand (label -1) are not among them."""
    return np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(dataset.class_names))


def noun(dataset):
    """What a sample of the data set is called, in the plural."""
    return "photographs" if dataset.windows is None else "cut-out boxes"


def overview(dataset, parts=None):
    """The table of the paper's slides: brands and photographs of each root category; without categories, of each split.

    Brands without a photograph are not counted.

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
        # `dataset` may leave out what `parts` hold: photographs without a brand are a split of their own.
        name = dataset.split_name or (ALL if all((part.labels >= 0).all() for part in parts.values()) else "all with a brand")
        rows = [[name, *_row(part)] for name, part in (*parts.items(), (name, dataset))]
        return header, rows
    categories = np.array(dataset.root_categories, object)
    columns = [counts(each) for each in (dataset, *parts.values())]
    rows = []
    for category in sorted(set(categories)):
        inside = categories == category
        rows.append([category, int((columns[0][inside] > 0).sum()), *(int(column[inside].sum()) for column in columns)])
    if any(bare := [int((each.labels < 0).sum()) for each in (dataset, *parts.values())]):
        rows.append([NO_BRAND, 0, *bare])
    rows.append([ALL, int((columns[0] > 0).sum()), len(dataset), *map(len, parts.values())])
    return ["root category", "brands", noun(dataset), *parts], rows


def brands(dataset):
    """Brands and their numbers of samples, the most first, equal ones by name: list of `(str, int)`."""
    return _sorted(zip(dataset.class_names, counts(dataset).tolist(), strict=True))


def by_category(dataset):
    """Root categories by name, and of each what `brands` gives: dict. Empty where none are known."""
    found = {}
    if dataset.root_categories is not None:
        for category, *pair in zip(dataset.root_categories, dataset.class_names, counts(dataset).tolist(), strict=True):
            found.setdefault(category, []).append(tuple(pair))
    return {category: _sorted(found[category]) for category in sorted(found)}


def box_sizes(dataset):
    """Measures the boxes against their photographs, whose sizes are read from the files; nothing is decoded.

    Args:
        dataset: Dataset.

    Returns:
        BoxSizes, in the order of the samples.
    """
    owners = [index for index, boxes in enumerate(dataset.boxes) for _ in boxes]
    sizes, unreadable = read_sizes(list(dict.fromkeys(dataset.paths[index] for index in owners)), dataset.max_bytes)
    read = np.array([dataset.paths[index] in sizes for index in owners], bool)
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(boxes for boxes in dataset.boxes if len(boxes))])[read]
    owners = [index for index, kept in zip(owners, read, strict=True) if kept]
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
    """Chooses photographs of every brand to look at: one by chance from each of `each` equal stretches of its list.

    Args:
        dataset: Dataset.
        each: int, most photographs a brand.
        seed: int, 0 or more. What it chooses of a brand does not depend on the other brands.

    Returns:
        list of `(class name, number of its samples, indices of the chosen ones)`, the indices int64 and ascending, in the
        order of the classes, those without samples left out; last `NO_BRAND` for label -1.
    """
    order = np.argsort(dataset.labels, kind="stable")
    ends = np.searchsorted(dataset.labels[order], np.arange(-1, len(dataset.class_names)), side="right")
    groups = np.split(order, ends[:-1])
    names = (NO_BRAND, *dataset.class_names)
    found = []
    for place in (*range(1, len(names)), 0):
        samples, total = groups[place], len(groups[place])
        if total > each:
            edges = np.arange(each + 1) * total // each
            samples = samples[np.random.default_rng([seed, place]).integers(edges[:-1], edges[1:])]
        if total:
            found.append((names[place], total, samples))
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


def _row(dataset):
    bare = int((dataset.labels < 0).sum())
    return [int((counts(dataset) > 0).sum()), len(dataset), bare, sum(map(len, dataset.boxes))]


def _sorted(pairs):
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
