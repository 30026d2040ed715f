"""The photographs that an exported file is checked with, and others that int8 is calibrated on."""

import contextlib
import dataclasses
import os
import tempfile
from pathlib import Path

from logo_keras import datasets
from logo_keras.datasets.classes import matching
from logo_keras.datasets.find_photos import find
from logo_keras.errors import UserError
from logo_keras.image.draw import encoded
from logo_keras.image.surroundings import square

# 8 brands x 8 photographs: 64, enough that a file that goes wrong on one photograph in twenty is caught 19 times in 20.
_SYNTHETIC = {"preset": "demo", "brands": 8, "validation": 0, "test": 8, "none": 0}
# Fewer photos are too few to be dealt: half of them would neither give stable ranges nor catch a bad file.
FEWEST = 64
# Enough for stable ranges of the activations (benchmarks/results/quantization.md).
CALIBRATION = 100


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Photos to check a file with.

    Attributes:
        compared: list of paths, on which the file is compared with Keras.
        calibration: list of paths, from which int8 gets the ranges of its activations. They are other photos: on those that
            a file was calibrated on, it looks better than it is.
        origin: str, where the photos for calibration come from.
    """

    compared: list
    calibration: list = ()
    origin: str = ""


@contextlib.contextmanager
def chosen(photos=None, limit=None, calibration=None, calibrated=False, squares=False):
    """Chooses the photos to check a file with; a synthetic set is gone after the block.

    Args:
        photos: as for `find`, or None for a small synthetic set.
        limit: int, compare on at most so many, spread evenly over those found; None takes all.
        calibration: photos to calibrate on, as for `find`; at most 100 of them are taken.
        calibrated: bool, whether photos to calibrate on are needed. Where `calibration` does not name them, they are dealt
            from `photos`: up to 100, at most half, of every brand, always the same ones, copies of one photo on one side.
            Of fewer than 64 photos none are dealt; those to calibrate on are then synthetic.
        squares: bool, whether synthetic photos are cut to the squares around their logos, as an embedder sees them.

    Yields:
        Chosen.

    Raises:
        ValueError: if `limit` is below 1, or there is no photo.
        FileNotFoundError: if a path does not exist.
        ImportError: if what draws the synthetic set is not installed.
    """
    shown, origin, compared = [], "", None if photos is None else find(photos)
    if calibration is not None:
        shown, origin = spread(find(calibration), CALIBRATION), "given for calibration"
    elif calibrated and compared is not None and len(compared) >= FEWEST:
        shown, compared = _dealt(compared, limit)
        origin = "dealt from those given"
    missing = calibrated and not shown
    with contextlib.ExitStack() as stack:
        if compared is None or missing:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            root = datasets.synthesize(os.path.join(folder, "synthetic"), train=8 if missing else 0, **_SYNTHETIC)
            drawn = _squares if squares else lambda root, split: root / split
            compared = find(drawn(root, "test")) if compared is None else compared
            if missing:
                shown, origin = find(drawn(root, "train")), "drawn by this package"
        yield Chosen(spread(compared, limit), shown, origin)


def _squares(root, split):
    """Writes the squares around the logos of a synthetic set beside it, in folders of brands; returns the folder."""
    dataset = datasets.load("synthetic", root, split)
    # Not inside it, where it would be taken for a brand.
    folder = root.with_name("squares") / split
    for number, (path, label) in enumerate(zip(dataset.paths, dataset.labels.tolist(), strict=True)):
        out = folder / dataset.class_names[label] / f"{Path(path).stem}.png"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(encoded(square(dataset.photograph(number), dataset.boxes[number][0]), ".png"))
    return folder


def _dealt(paths, limit):
    """Paths to calibrate on, and others to compare on."""
    # Every photo is read to see which are copies.
    paths = {os.path.abspath(path): path for path in spread(paths, limit and limit + CALIBRATION)}
    # Where they lie does not count: names of brands seed the deal.
    top = os.path.commonpath([os.path.dirname(path) for path in paths])
    folders = [os.path.relpath(os.path.dirname(path), top) for path in paths]
    names = sorted(set(folders))
    dataset = datasets.Dataset(list(paths), [names.index(folder) for folder in folders], names)
    shown, compared = dataset.split(min(CALIBRATION, len(paths) // 2) / len(paths), seed=0)
    return spread([paths[path] for path in shown.paths], CALIBRATION), [paths[path] for path in compared.paths]


def brands(photographs):
    """The names of the folders that photos lie in, sorted; of those that are arrays or bytes, none: list of str."""
    return sorted({Path(photo).parent.name for photo in photographs if isinstance(photo, (str, os.PathLike))})


def label(photo, class_names):
    """The class of a photograph: that of the folder that it lies in, or -1 where that names none.

    Args:
        photo: path, or anything else, which has no folder.
        class_names: N str.

    Returns:
        int.
    """
    folder = Path(photo).parent.name if isinstance(photo, (str, os.PathLike)) else None
    name = folder and matching(folder, class_names)
    return class_names.index(name) if name else -1


def spread(paths, limit=None):
    """At most `limit` of the paths, evenly spread and in order: a folder sorted by brand gives some of each brand."""
    if limit is None or limit >= len(paths):
        return list(paths)
    if limit < 1:
        raise UserError(f"limit must be at least 1 or None, got {limit}.")
    return [paths[place * len(paths) // limit] for place in range(limit)]
