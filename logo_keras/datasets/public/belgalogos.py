"""BelgaLogos: 10,000 photographs of a press agency with boxes of 37 logos (Joly and Buisson, ACM Multimedia 2009)."""

import os

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.annotations import Photograph, annotated
from logo_keras.datasets.paths import inside
from logo_keras.datasets.textfile import parsed_lines
from logo_keras.datasets.tree import find_folder
from logo_keras.errors import UserError

BOXES = "qset3_internal_and_local.gt"
QUERIES = "qset1_internal.qry"
PHOTOGRAPHS = "images"
SPLITS = ("qset3", "qset1")
# A logo that is a brand's name in letters: the same brand.
TEXT = "-text"
# What the queries of qset1 call a logo, where qset3 spells it otherwise.
SPELLINGS = {"Addidas": "Adidas", "President": "US_President", "Eleclerc": "ELeclerc"}


def load(root, split=None, cut=None):
    """Opens BelgaLogos: the boxes of `qset3_internal_and_local.gt`, photographs in `images/` or beside that file.

    Only boxes that their annotators marked ok count (state 1: 2,697 of 9,844). 47 of these have their corners in the wrong order
    and are left out: with the corners exchanged, 40 would be shaped unlike their brand (outside the middle 90 % of its aspect
    ratios), so what they should be is not known. Photographs with neither are left out. A logo `NAME-text` counts as the brand
    NAME: 37 logos become 33 brands. 390 of the 1,318 photographs show several brands, which is why classification cuts the
    boxes (`cut=0.1`); whole, such a photograph has the label of its largest box.

    There is no official division into training and test: use `Dataset.split` or `Dataset.folds`.

    Args:
        root: str or path of the folder that holds the boxes, or of one above it.
        split: str, "qset3" or None for all, or "qset1" for the queries of `qset1_internal.qry`, a box each, lines
            `name and number, file, x1, y1, x2, y2`, their names brought to those of qset3 (`SPELLINGS`).
        cut: float, or None (`logo_keras.datasets.load`).

    Returns:
        Dataset. The classes are the brands of qset3, sorted; the photographs come in the order in which the file names them
        first.

    Raises:
        FileNotFoundError: if a list is missing.
        ValueError: for an unknown split, or a line that cannot be read.
    """
    if split is not None and split not in SPLITS:
        raise UserError(
            f"split must be one of {', '.join(SPLITS)} or None, got {split!r}: BelgaLogos has no official training and test "
            "photographs, use Dataset.split or Dataset.folds."
        )
    about = ABOUT["belgalogos"]
    folder = find_folder(root, (BOXES,), about.title)
    rows, notes = _boxes(folder / BOXES)
    names = sorted({brand for _, brand, _ in rows})
    if split == "qset1":
        rows, notes = _queries(folder / QUERIES, names), []
    beside = not (folder / PHOTOGRAPHS).is_dir() and any(os.path.isfile(folder / file) for file, _, _ in rows)
    place = folder if beside else folder / PHOTOGRAPHS
    found = {}
    for file, brand, box in rows:
        found.setdefault(f"{place}/{file}", []).append((brand, box))
    records = [Photograph(path, None, tuple(boxes)) for path, boxes in found.items()]
    return annotated(records, names, cut, root=os.path.abspath(root), split_name=split, about=about, notes=notes)


def _boxes(file):
    """`(photo, brand, box)` of every sound box that is marked ok, and notes, from lines of nine fields."""

    def parse(line):
        _, logo, name, _, state, *corners = _words(line)
        return name, logo.removesuffix(TEXT), ("0", "1").index(state), _box(corners)

    lines = parsed_lines(file, parse, "id, logo, file, type, state (0 or 1), x1, y1, x2, y2 with tabs between")
    for number, (name, *_) in lines:
        inside(file.parent, name, file, number)
    ok = [(name, brand, box) for _, (name, brand, state, box) in lines if state]
    sound = [(name, brand, box) for name, brand, box in ok if box[0] < box[2] and box[1] < box[3]]
    left_out = {"that are not marked ok": len(lines) - len(ok), "with corners in the wrong order": len(ok) - len(sound)}
    return sound, [f"boxes {which}, left out: {count}" for which, count in left_out.items() if count]


def _queries(file, names):
    """The same of every query, from lines `name and number, file, x1, y1, x2, y2`."""

    def parse(line):
        query, name, *corners = _words(line)
        return query, name, _box(corners)

    plain = {name.lower(): name for name in names}
    rows = []
    for number, (query, name, box) in parsed_lines(file, parse, "name, file, x1, y1, x2, y2"):
        inside(file.parent, name, file, number)
        logo = query.rstrip("0123456789").rstrip("_-").removesuffix(TEXT)
        brand = plain.get(SPELLINGS.get(logo, logo).lower())
        if brand is None:
            raise UserError(f"{file}:{number}: {query!r} is no logo of {BOXES}, which has {', '.join(names)}.")
        rows.append((name, brand, box))
    return rows


def _box(corners):
    x0, y0, x1, y1 = map(float, corners)
    return y0, x0, y1, x1


def _words(line):
    """The fields of a line, between tabs, or where there is none between spaces."""
    return [word.strip() for word in line.strip().split("\t" if "\t" in line else None)]
