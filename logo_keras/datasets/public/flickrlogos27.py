"""FlickrLogos-27: 27 brands, about 30 training photographs each (Kalantidis et al., ICMR 2011)."""

import os

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.annotations import NONE, Photograph, annotated
from logo_keras.datasets.paths import inside
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.textfile import contents, parsed_lines
from logo_keras.datasets.tree import find_folder
from logo_keras.errors import UserError

PHOTOGRAPHS = "flickr_logos_27_dataset_images"
TRAINING = "flickr_logos_27_dataset_training_set_annotation.txt"
QUERIES = "flickr_logos_27_dataset_query_set_annotation.txt"
SPLITS = ("train", "test", "none")


def load(root, split=None, cut=None):
    """Opens FlickrLogos-27 in its official layout.

    Repeated boxes count once, degenerate ones are dropped (one photograph keeps none). Without `cut` a photograph has one label:
    the one that shows two brands (`3759339764.jpg`) takes that of its largest box, keeps the boxes of that brand and is named
    in `notes`. With `cut` it gives samples of both. The queries have no boxes.

    Args:
        root: str or path of the folder that holds the annotation files, or of one above it.
        split: str, "train" (809), "test" (135 queries with a brand), "none" (135 queries without one, labels -1), or
            None for the 944 photographs of the first two.
        cut: float, or None (`logo_keras.datasets.load`).

    Returns:
        Dataset. The classes are the brands of the training photographs, sorted; the photographs come in the order in which the
        annotation files name them first.

    Raises:
        FileNotFoundError: if a folder or file is missing.
        ValueError: for an unknown split, a line that cannot be read, or `cut` with a split that has no boxes.
    """
    check_split(split, SPLITS)
    about = ABOUT["flickrlogos27"]
    folder = find_folder(root, (TRAINING,), about.title)
    if not (folder / PHOTOGRAPHS).is_dir():
        raise FileNotFoundError(f"{folder} is no {about.title}, it has no folder {PHOTOGRAPHS}; {contents(folder)}.")
    training, queries = _training(folder), _queries(folder)
    names = sorted({brand for record in training for brand, _ in record.boxes})
    unknown = sorted({record.brand for record in queries} - {*names, NONE})
    if unknown:
        raise UserError(f"{folder / QUERIES} has brands that {TRAINING} has not: {', '.join(unknown)}.")
    records = {
        "train": training,
        "test": [record for record in queries if record.brand != NONE],
        "none": [record for record in queries if record.brand == NONE],
    }
    chosen = records[split] if split else records["train"] + records["test"]
    return annotated(chosen, names, cut, root=os.path.abspath(root), split_name=split, about=about)


def _training(folder):
    """The training photos, from lines `file brand subset x1 y1 x2 y2`."""

    def parse(line):
        name, brand, _, x1, y1, x2, y2 = line.split()
        return name, brand, (float(y1), float(x1), float(y2), float(x2))

    file, found = folder / TRAINING, {}
    for number, (name, brand, box) in parsed_lines(file, parse, "file brand subset x1 y1 x2 y2"):
        found.setdefault(inside(folder / PHOTOGRAPHS, name, file, number), []).append((brand, box))
    records = []
    for path, boxes in found.items():
        brands = {brand for brand, _ in boxes}
        # Stated where there is one: a photo whose only box is degenerate keeps its label.
        records.append(Photograph(path, brands.pop() if len(brands) == 1 else None, tuple(boxes)))
    return records


def _queries(folder):
    """The queries, from lines `file<TAB>brand`."""

    def parse(line):
        name, brand = line.split()
        return name, brand

    file = folder / QUERIES
    lines = parsed_lines(file, parse, "file and brand")
    return [Photograph(inside(folder / PHOTOGRAPHS, name, file, number), brand) for number, (name, brand) in lines]
