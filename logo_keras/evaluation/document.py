"""Evaluations as JSON: written a sample a line, read back, those of older versions too."""

import json
import math
import os
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation import figures

# 3: samples are keyed by their path below the data set's folder, classes are numbers, figures have counts. 2: the confusion is a
# list of counts, a sample has a box.
SCHEMA_VERSION = 3
_READ = (2, 3)
# In the folder of a report.
FILE = "evaluation.json"
# Digits that are kept of what is between 0 and 1, and of px.
_DIGITS, PX_DIGITS = 6, 2
# A million samples; Python needs ten times as much memory for them.
_LARGEST = 2**29
# What is wrong with a file that is none of ours, or damaged.
_DAMAGED = (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError, AttributeError)


def to_dict(found):
    """An evaluation for JSON.

    Its size grows with the number of samples and of classes, not with their product.

    Args:
        found: Evaluation.

    Returns:
        dict; docs/evaluation.md names its entries.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "model": {**found.model, "image_size": found.image_size},
        "data": dict(found.data),
        "photographs": len(set(found.paths)),
        "figures": figures.of_evaluation(found),
        "class_names": list(found.class_names),
        "classes": figures.of_classes(found),
        "categories": figures.of_categories(found),
        "confusion": found.confusion_counts.tolist(),
        "unreadable": {relative(path, found.root): reason for path, reason in found.unreadable.items()},
        "samples": list(_rows(found)),
    }


def text(document):
    """A document as JSON, each entry of a list or a dict at its top on a line of its own: str.

    Bytes of a path that are not UTF-8 stand in it as escapes, as JSON reads them back.
    """
    return "".join(_pieces(document)).encode("utf-8", "backslashreplace").decode("utf-8")


def write(path, document):
    """Writes a document line by line to a file that nobody reads yet.

    Args:
        path: Path, for instance of `logo_keras.files.replacing`.
        document: dict.
    """
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(_pieces(document))


def load(path):
    """Reads the JSON of an evaluation.

    Args:
        path: str or Path of the file, or of the folder that `logo-evaluate --report` wrote.

    Returns:
        dict.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: naming the file, if it is no evaluation of logo_keras.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} is larger than {_LARGEST // 2**20} MiB: too much for an evaluation.")
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no evaluation {path}.") from None
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no evaluation of logo_keras, or it is damaged: {error}.") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in _READ or isinstance(version, bool):
        known = " and ".join(map(str, _READ))
        raise UserError(f"{path} is no evaluation of logo_keras, or of another version: schema_version {version!r}, not {known}.")
    return document


def fields(document, name="the evaluation"):
    """What an Evaluation is made of, from its JSON.

    Args:
        document: dict of `to_dict`, or of schema_version 2, in which sizes, ranks beyond the fifth and the data are not known.
        name: str, for messages.

    Returns:
        dict, arguments of Evaluation. Paths are those of the file.

    Raises:
        ValueError: naming it, if it is damaged.
    """
    try:
        return (_fields if document["schema_version"] == SCHEMA_VERSION else _fields_of_2)(document)
    except _DAMAGED as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise UserError(f"{name} is no evaluation of logo_keras, or it is damaged: {what}.") from error


def relative(path, root):
    """A path below a folder, with slashes; as it is where it lies elsewhere, or the folder is None."""
    if root is None:
        return path
    below = os.path.relpath(path, root).replace(os.sep, "/")
    return path if below.startswith("../") else below


def _pieces(document):
    """The JSON of a document, piece by piece: str each."""

    def dumped(value):
        return json.dumps(value, ensure_ascii=False)

    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' * bool(number)}\n {dumped(name)}: "
        if not isinstance(value, (list, dict)) or not value:
            yield dumped(value)
            continue
        opening, closing = "[]" if isinstance(value, list) else "{}"
        yield opening
        entries = value if isinstance(value, list) else value.items()
        for place, entry in enumerate(entries):
            yield f"{',' * bool(place)}\n  "
            yield dumped(entry) if isinstance(value, list) else f"{dumped(entry[0])}: {dumped(entry[1])}"
        yield f"\n {closing}"
    yield "\n}\n"


def _rows(found):
    known = found.known
    for number, path in enumerate(found.paths):
        size = math.nan if found.logo_sizes is None else float(found.logo_sizes[number])
        yield {
            "photo": relative(path, found.root),
            **({} if found.boxes is None else {"box": _rounded(found.boxes[number], PX_DIGITS)}),
            "class": int(found.labels[number]),
            "top": found.best[number].tolist(),
            "probabilities": _rounded(found.best_probabilities[number]),
            **({} if found.uncalibrated is None else {"uncalibrated": round(float(found.uncalibrated[number]), _DIGITS)}),
            "known": bool(known[number]),
            "rank": int(found.ranks[number]),
            **({} if math.isnan(size) else {"logo_size": round(size, _DIGITS)}),
            **({} if found.region_boxes is None else {"regions": _rounded(found.region_boxes[number], PX_DIGITS)}),
        }


def _fields(document):
    rows, names = document["samples"], _names(document["class_names"])
    sizes, classes = [row.get("logo_size") for row in rows], document.get("classes") or []
    uncalibrated = [row.get("uncalibrated") for row in rows]
    found = {
        "labels": _classes([row["class"] for row in rows], names),
        "ranks": _whole([row["rank"] for row in rows], len(names)),
        "logo_sizes": None if not any(sizes) else np.array([math.nan if size is None else size for size in sizes], np.float32),
        "uncalibrated": None if not rows or None in uncalibrated else _numbers(uncalibrated, (len(rows),)),
        "model": {**document["model"]},
        "data": {**document["data"]},
        "localisation": document["figures"].get("localisation"),
        "region_area": document["figures"].get("region_area"),
        "fitted": document["figures"].get("fitted"),
        "none": document["figures"].get("none"),
    }
    for name, entry in (("root_categories", "category"), ("training_images", "training_images")):
        values = tuple(each.get(entry) for each in classes)
        found[name] = values if len(values) == len(names) and None not in values else None
    image_size = document["model"]["image_size"]
    return found | _shared(document, names, rows, [row["top"] for row in rows], "photo", "regions") | {"image_size": image_size}


def _fields_of_2(document):
    rows, names = document["predictions"], _names(document["class_names"])
    numbers = {name: number for number, name in enumerate(names)}
    best = [[numbers[name] for name in row["labels"]] for row in rows]
    labels = [numbers[row["brand"]] for row in rows]
    return {
        "labels": _classes(labels, names),
        # Of what is not among the five it is only known that five come before.
        "ranks": np.array([each.index(label) if label in each else len(each) for each, label in zip(best, labels, strict=True)]),
        **_shared(document, names, rows, best, "path", "region_boxes"),
        "image_size": document["image_size"],
    }


def _shared(document, names, rows, best, path, regions):
    """What both versions have, their names aside."""
    if not rows:
        raise ValueError("it has no samples")
    shape = (len(rows), min(figures.BEST, len(names)))
    found = {
        "class_names": names,
        "paths": tuple(_text(row[path]) for row in rows),
        "probabilities": None,
        "heads": {},
        "best": _classes(best, names, shape),
        "best_probabilities": _numbers([row["probabilities"] for row in rows], shape),
        "boxes": _numbers([row["box"] for row in rows], (len(rows), 4)) if "box" in rows[0] else None,
        "region_boxes": None,
        "unreadable": {**document.get("unreadable", {})},
    }
    if rows[0].get(regions):
        found["region_boxes"] = _numbers([row[regions] for row in rows], (len(rows), len(rows[0][regions]), 4))
    return found


def _names(names):
    names = tuple(map(_text, names))
    if not names or len(set(names)) < len(names):
        raise ValueError("its class names are none, or not different")
    return names


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _classes(values, names, shape=None):
    return _whole(values, len(names), shape)


def _whole(values, end, shape=None):
    """int64 array of values from 0 to below `end`."""
    array = np.array(values)
    if array.dtype.kind != "i" or array.shape != (shape or (len(values),)) or array.min() < 0 or array.max() >= end:
        raise ValueError(f"a class or a rank is no whole number from 0 to {end - 1}")
    return array.astype(np.int64)


def _numbers(values, shape):
    """float32 array of finite values."""
    array = np.array(values)
    if array.dtype.kind not in "if" or array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"what should be numbers of the shape {list(shape)} is something else")
    return array.astype(np.float32)


def _rounded(values, digits=_DIGITS):
    return np.round(np.asarray(values, np.float64), digits).tolist()
