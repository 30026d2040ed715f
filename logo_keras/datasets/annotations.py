"""From photos with boxes of several brands to samples with one label each."""

import math
import os
from dataclasses import dataclass, replace

from logo_keras.datasets.classes import NONE
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.sizes import read_stored, upright_box
from logo_keras.datasets.tree import some
from logo_keras.errors import UserError


@dataclass(frozen=True)
class Photograph:
    """What a data set says of one photo.

    Attributes:
        path: str.
        brand: str, its label (`NONE` for no brand of the set); None where only its boxes tell.
        boxes: sequence of `(brand, (y0, x0, y1, x1))`, px of the upright photo, or, where `size` tells, of the photo
            as it is stored.
        size: tuple of 2 ints, height and width, px, of the photo in which the boxes were drawn; None where nothing
            states it.
    """

    path: str
    brand: str | None = None
    boxes: tuple = ()
    size: tuple | None = None


def annotated(records, class_names, cut=None, remarks=(), **fields):
    """Makes a Dataset of annotated photos.

    Repeated boxes count once, degenerate ones are dropped. Without `cut` a photo is one sample with one label: its
    `brand`, else that of its largest box (of equal ones the first); it keeps the boxes of that brand, and photos
    that show several brands are named in `notes`. A photo with neither is left out and counted in `notes`. With
    `cut` every box is a sample with its own brand, as `Dataset.cut` makes it.

    Args:
        records: list of Photograph, in the order to keep.
        class_names: sequence of different str, the classes in their order.
        cut: float, the margin in shares of the box's sides, or None for whole photos.
        remarks: iterable of str, notes that come after those on the samples; `notes` come before.
        **fields: other fields of Dataset.

    Returns:
        Dataset.

    Raises:
        ValueError: for a brand that `class_names` lacks, `cut` where there is no box, or no sample at all.
    """
    records, turned, unclear = _upright(records)
    places = {name: place for place, name in enumerate(class_names)}
    paths, labels, boxes, several, bare = [], [], [], [], []
    for record in records:
        by_brand = _by_brand(record)
        # A brand that is stated is the only one, unless every box is to be a sample.
        if cut is not None:
            chosen = list(by_brand)
        elif record.brand is not None:
            chosen = [record.brand]
        else:
            chosen = sorted(by_brand, key=lambda brand: -max(map(area, by_brand[brand])))[:1]
            if len(by_brand) > 1:
                several.append(record.path)
        if not chosen:
            bare.append(record.path)
        for brand in chosen:
            if brand != NONE and brand not in places:
                raise UserError(f"{record.path} shows {brand!r}, which is no class of the set.")
            paths.append(record.path)
            labels.append(places.get(brand, -1))
            boxes.append(by_brand.get(brand, ()))
    notes = [*fields.pop("notes", ())]
    for found, what in (
        (turned, "photographs that EXIF turns, whose boxes were turned with them"),
        (list(unclear), "photographs whose boxes may lie elsewhere, since the stated size does not tell how they were drawn"),
        (several, "photographs with several brands, each labelled with that of its largest box"),
        (bare, "photographs without a box, left out"),
    ):
        if found:
            notes.append(f"{what}: {len(found)} ({some([*map(os.path.basename, found)])})")
    notes += remarks
    if not paths:
        where = f"{fields['root']}: " if fields.get("root") else ""
        raise UserError(f"{where}no photograph has a label{'' if cut is None else ' and a box'}. {'; '.join(notes)}".rstrip())
    dataset = Dataset(paths=paths, labels=labels, class_names=class_names, boxes=boxes, notes=notes, unclear=unclear, **fields)
    return dataset if cut is None else dataset.cut(cut)


def _upright(records):
    """Records with upright boxes, the paths of those that were turned, and those that are unclear with the reason."""
    stored = read_stored(list(dict.fromkeys(record.path for record in records if record.boxes and record.size)))
    # Whether boxes were drawn on the photo as it is stored; None where the stated size does not tell.
    drawn = {}
    for record in records:
        exif, *size = stored.get(record.path, (1,))
        if exif > 1 and record.boxes and record.size:
            as_stored, as_shown = [*record.size] == size, [*record.size] == (size[::-1] if exif >= 5 else size)
            drawn[record.path] = as_stored if as_stored != as_shown else None
    rules = set(drawn.values()) - {None}
    rule = rules.pop() if len(rules) == 1 else None
    done, turned, unclear = [], {}, {}
    for record in records:
        if record.path in stored and record.boxes and record.size:
            exif, height, width = stored[record.path]
            turn = drawn.get(record.path)
            if turn is None and exif > 1 and sorted((height, width)) == sorted(record.size):
                turn = rule
            if turn:
                boxes = tuple((brand, upright_box(box, exif, height, width)) for brand, box in record.boxes)
                record, turned[record.path] = replace(record, boxes=boxes), None
            elif turn is None and (exif > 1 or (height, width) != tuple(record.size)):
                size = f"stored {width} x {height} px, stated {record.size[1]:g} x {record.size[0]:g} px"
                unclear[record.path] = f"EXIF orientation {exif}, {size}: its boxes are taken to be upright"
        done.append(record)
    return done, list(turned), unclear


def _by_brand(record):
    """Brand to its different boxes that are no line or point."""
    found = {}
    for brand, box in record.boxes:
        box = tuple(map(float, box))
        # NaN compares false.
        if box[0] < box[2] and box[1] < box[3]:
            found.setdefault(brand, {})[box] = None
    return {brand: list(boxes) for brand, boxes in found.items()}


def area(box):
    """The area of a box `(y0, x0, y1, x1)`, in its own unit squared."""
    return (box[2] - box[0]) * (box[3] - box[1])


def stated_size(height, width):
    """The size of a photo as a file states it.

    Args:
        height: number, str, or None.
        width: likewise.

    Returns:
        Tuple of 2 floats, px, or None unless both are numbers above 0.
    """
    size = as_numbers((height, width))
    return tuple(size) if size and min(size) > 0 else None


def as_numbers(values):
    """Numbers as floats, whether they are written as strings or not.

    Args:
        values: iterable.

    Returns:
        List of float, or None unless all are finite numbers.
    """
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if all(map(math.isfinite, found)) else None
