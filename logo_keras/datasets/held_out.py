"""The list of samples that a run left out for testing: `held_out.json`, beside the model."""

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.quality.duplicates import digest
from logo_keras.datasets.tree import some
from logo_keras.errors import UserError

FILE = "held_out.json"
VERSION = 1
# px: boxes are compared with so many digits behind the point.
_DIGITS = 2


def record(dataset, root, share, **about):
    """Describes samples so that `take` finds them again.

    Args:
        dataset: Dataset, the samples that were left out.
        root: path of the data set, a folder or a list.
        share: float, the share that they are.
        **about: what else is to be known for JSON: `data`, `split`, `cut`.

    Returns:
        dict for JSON: `schema_version`, `share`, what `about` holds, and `samples`, each with `path` relative to the folder of
        the data set, `box`, `(y0, x0, y1, x1)` in px, or None for a whole photo, and `sha256` of the file, None where it
        cannot be read.
    """
    digests = _digests(dataset.paths)
    places = _places(dataset, root)
    samples = [
        {"path": path, "box": box, "sha256": digests[whole]} for (path, box), whole in zip(places, dataset.paths, strict=True)
    ]
    return {"schema_version": VERSION, "share": share, **about, "samples": samples}


def read(path):
    """Reads a list that was written beside a model.

    Args:
        path: str or path.

    Returns:
        dict, as `record` gives it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is damaged or of a newer version.
    """
    try:
        found = json.loads(Path(path).read_bytes())
        if found["schema_version"] != VERSION:
            raise UserError(f"its schema_version is {found['schema_version']!r}, expected {VERSION}")
        found["share"] = float(found["share"])
        found["samples"] = [
            {"path": str(each["path"]), "box": _rounded(each["box"]), "sha256": each["sha256"]} for each in found["samples"]
        ]
    except KeyError as error:
        raise UserError(f"{path} is not a list of held-out photographs, or it is damaged: it lacks {error}.") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is not a list of held-out photographs, or it is damaged: {error}.") from error
    return found


def take(dataset, root, found, source):
    """Finds the samples of a list in a data set.

    Args:
        dataset: Dataset, with the samples cut out as they were in training.
        root: path of the data set.
        found: dict of `read`.
        source: what the list is called in errors.

    Returns:
        Dataset with exactly these samples.

    Raises:
        ValueError: naming those that are missing and those whose file has changed.
    """
    indices = defaultdict(list)
    for index, (path, box) in enumerate(_places(dataset, root)):
        indices[path, _rounded(box)].append(index)
    chosen, wrong = [], []
    for each in found["samples"]:
        left = indices[each["path"], each["box"]]
        if left:
            chosen.append((left.pop(0), each))
        else:
            wrong.append(f"{each['path']} (missing)")
    digests = _digests([dataset.paths[index] for index, _ in chosen])
    changed = {each["path"] for index, each in chosen if digests[dataset.paths[index]] != each["sha256"]}
    wrong += [f"{path} (changed)" for path in sorted(changed)]
    if wrong:
        raise UserError(
            f"{len(wrong)} of the {len(found['samples'])} held-out samples in {source} are not those of {root}: {some(wrong)}. "
            "Bring back the photographs with which the model was trained."
        )
    return dataset.subset(np.sort([index for index, _ in chosen]).astype(np.int64))


def _places(dataset, root):
    """Path and box of every sample, the path relative to the folder of the data set, with slashes."""
    root = os.path.abspath(root)
    top = dataset.root or (root if os.path.isdir(root) else os.path.dirname(root))
    boxes = dataset.boxes if dataset.windows is not None else [None] * len(dataset)
    for path, box in zip(dataset.paths, boxes, strict=True):
        yield os.path.relpath(path, top).replace(os.sep, "/"), None if box is None else np.ravel(box).tolist()


def _rounded(box):
    return None if box is None else tuple(round(float(value), _DIGITS) for value in box)


def _digests(paths):
    """The SHA-256 of files: dict from path to hexadecimal digits, or None where a file cannot be read."""
    return dict(in_threads(digest, list(dict.fromkeys(paths)), "comparing files"))
