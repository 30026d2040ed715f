"""Which photos the demo's models learn from and are tested on."""

import dataclasses
from pathlib import Path

from logo_keras import datasets
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.splits import splits
from logo_keras.datasets.synthetic.synthesis import ARGUMENTS, RECIPE
from logo_keras.errors import UserError

# Share of the photos that is for testing, where they have no split.
_HELD_BACK = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class Photos:
    """The photos of a demo.

    Attributes:
        name: str, what `lk.datasets.load` calls the set.
        split: str, how it was split, in words.
        training: Dataset.
        validation: Dataset, scored after every epoch, only for the curves; or None.
        test: Dataset, looked at once, at the end.
    """

    name: str
    split: str
    training: Dataset
    validation: Dataset | None
    test: Dataset


def drawn(folder, arguments, seed):
    """Draws synthetic photos, or takes those that an earlier demo drew with the same arguments.

    Args:
        folder: path of the folder in which the set gets a folder of its own.
        arguments: dict, of `lk.datasets.synthesize`.
        seed: int.

    Returns:
        Path of the set's folder.
    """
    # Every argument is in the name, so that a demo with others does not find the set of this one.
    values = "-".join(str(value) for value in arguments.values())
    return datasets.synthesize(Path(folder) / f"synthetic-{values}-seed{seed}-recipe{RECIPE}", seed=seed, **arguments)


def opened(root, seed):
    """Opens photos; what lies in the folder tells which set they are.

    `ImageSets/`, `jpg/` and `masks/` are TopLogo-10, `flickr_logos_27_*` is FlickrLogos-27; anything else must be
    `BRAND/*`, or `SPLIT/BRAND/*` with the splits `train` and `test`, and perhaps `validation`.

    Args:
        root: path of the folder.
        seed: int, of the split where there is none.

    Returns:
        Photos.

    Raises:
        FileNotFoundError: if there is no such folder.
        UserError: if its layout is none of these, or a split is missing or empty.
    """
    name = kind(Path(root))
    parts = splits(name, root)
    if parts.train is None and parts.test is None:
        test, training = datasets.load(name, root).split(_HELD_BACK, seed)
        return Photos(name, f"{_HELD_BACK:.0%} of each class held back for testing, drawn with seed {seed}", training, None, test)
    training, validation, test = (
        part and (datasets.load(name, root, part) or None) for part in (parts.train, parts.validation, parts.test)
    )
    if training is None or test is None:
        raise UserError(f"{root} must hold photos for training and for testing.")
    return Photos(name, f"{parts.train} and {parts.test}", training, validation, test)


def kind(root):
    """What `lk.datasets.load` calls the set in a folder: str.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}.")
    if all((root / part).is_dir() for part in ("ImageSets", "jpg", "masks")):
        return "toplogo10"
    if any(root.glob("flickr_logos_27_*")):
        return "flickrlogos27"
    return "synthetic" if (root / ARGUMENTS).is_file() else "folder"
