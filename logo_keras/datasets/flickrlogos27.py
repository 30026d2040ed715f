"""FlickrLogos-27: 27 brands, about 30 training photographs each (Kalantidis et al., ICMR 2011)."""

from pathlib import Path

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.textfile import contents, read_lines

PHOTOGRAPHS = "flickr_logos_27_dataset_images"
TRAINING = "flickr_logos_27_dataset_training_set_annotation.txt"
QUERIES = "flickr_logos_27_dataset_query_set_annotation.txt"
SPLITS = ("train", "test", "none")
# The brand of the queries that show none of the 27.
NONE = "none"


def load(root, split=None):
    """Opens FlickrLogos-27 in its official layout.

    Repeated boxes count once, degenerate ones are dropped (one photograph keeps none). A photograph has one label: of
    several brands (`3759339764.jpg`) it takes the one with the largest box, and keeps the boxes of that brand. The
    queries have no boxes.

    Args:
        root: str or path of the folder that holds the annotation files.
        split: str, "train" (809), "test" (135 queries with a brand), "none" (135 queries without one, labels -1), or
            None for the 944 photographs of the first two.

    Returns:
        Dataset. The photographs come in the order in which the annotation files name them first.

    Raises:
        FileNotFoundError: if a folder or file is missing.
        ValueError: for an unknown split or a line that cannot be read.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)} or None, got {split!r}.")
    root = Path(root)
    photographs = root / PHOTOGRAPHS
    if not photographs.is_dir():
        raise FileNotFoundError(f"{root} is no FlickrLogos-27, it has no folder {PHOTOGRAPHS}; {contents(root)}.")
    training, queries = _training(root / TRAINING), _queries(root / QUERIES)
    names = sorted({brand for brand, _ in training.values()})
    rows = []
    if split in ("train", None):
        rows += [(file, brand, boxes) for file, (brand, boxes) in training.items()]
    if split in ("test", None):
        rows += [(file, brand, []) for file, brand in queries if brand != NONE]
    if split == "none":
        rows += [(file, brand, []) for file, brand in queries if brand == NONE]
    places = {name: place for place, name in enumerate(names)} | {NONE: -1}
    unknown = sorted({brand for _, brand, _ in rows} - set(places))
    if unknown:
        raise ValueError(f"{root / QUERIES} has brands that {TRAINING} has not: {', '.join(unknown)}.")
    return Dataset(
        paths=[photographs / file for file, _, _ in rows],
        labels=[places[brand] for _, brand, _ in rows],
        class_names=names,
        boxes=[boxes for _, _, boxes in rows],
    )


def _training(file):
    """Photograph to (brand, boxes), from lines `file brand subset x1 y1 x2 y2`."""
    found = {}
    for number, line in read_lines(file):
        try:
            photograph, brand, _, x1, y1, x2, y2 = line.split()
            box = float(y1), float(x1), float(y2), float(x2)
        except ValueError:
            raise ValueError(f"{file}:{number}: expected file brand subset x1 y1 x2 y2, got {line!r}.") from None
        boxes = found.setdefault(photograph, {}).setdefault(brand, [])
        if box not in boxes and box[0] < box[2] and box[1] < box[3]:
            boxes.append(box)
    chosen = {}
    for photograph, brands in found.items():
        brand = max(brands, key=lambda name: max((_area(box) for box in brands[name]), default=0))
        chosen[photograph] = brand, brands[brand]
    return chosen


def _queries(file):
    """`(photograph, brand)` of every query, from lines `file<TAB>brand`."""
    rows = []
    for number, line in read_lines(file):
        words = line.split()
        if len(words) != 2:
            raise ValueError(f"{file}:{number}: expected file and brand, got {line!r}.")
        rows.append(tuple(words))
    return rows


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])
