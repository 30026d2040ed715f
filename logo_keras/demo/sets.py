"""Which photos the demo learns from and is tested on."""

import dataclasses
from pathlib import Path

from logo_keras import datasets
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.splits import OFFICIAL
from logo_keras.datasets.synthetic.synthesis import ARGUMENTS, RECIPE
from logo_keras.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Photographs:
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

    @property
    def unreadable(self):
        """dict, path to reason, of the photos that could not be read so far."""
        sets = [dataset for dataset in (self.training, self.validation, self.test) if dataset is not None]
        return {path: reason for dataset in sets for path, reason in dataset.unreadable.items()}


def synthetic(folder, arguments, seed):
    """Makes the synthetic photos, or takes those that an earlier demo made with the same arguments.

    Args:
        folder: path of the folder in which the set gets a folder of its own.
        arguments: mapping, of `lk.datasets.synthesize`.
        seed: int.

    Returns:
        Photographs.
    """
    # Every argument is in the name, so that a demo with others does not meet the set of this one.
    values = "-".join(str(value) for value in arguments.values())
    root = datasets.synthesize(Path(folder) / f"synthetic-{values}-seed{seed}-recipe{RECIPE}", seed=seed, **arguments)
    return _official("synthetic", root)


def real(root, held_back, seed):
    """Opens real photos; what lies in the folder tells which set they are.

    `ImageSets/`, `jpg/` and `masks/` are TopLogo-10, `flickr_logos_27_*` is FlickrLogos-27; anything else must be
    `BRAND/*`, or `SPLIT/BRAND/*` with the splits `train` and `test`, and perhaps `validation`.

    Args:
        root: path of the folder.
        held_back: float in (0, 1), share for testing where there is no split.
        seed: int, of that split.

    Returns:
        Photographs.

    Raises:
        FileNotFoundError: if there is no such folder, or it has splits, but not these.
        ValueError: if its layout is none of these.
    """
    root = Path(root)
    name = kind(root)
    if name != "folder":
        return _official(name, root)
    if (root / "train").is_dir():
        validation = datasets.load("folder", root, "validation") if (root / "validation").is_dir() else None
        training, test = (datasets.load("folder", root, split) for split in ("train", "test"))
        return Photographs("folder", "train and test, as the folders say", training, validation, test)
    test, training = datasets.load("folder", root).split(held_back, seed)
    split = f"{held_back:.0%} of each class held back for testing, drawn with seed {seed}"
    return Photographs("folder", split, training, None, test)


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


def _official(name, root):
    splits = OFFICIAL[name]
    sets = [split and datasets.load(name, root, split) for split in (splits.train, splits.validation, splits.test)]
    training, validation, test = (dataset if dataset is not None and len(dataset) else None for dataset in sets)
    if training is None or test is None:
        raise UserError(f"{root} must hold photographs for training and for testing.")
    return Photographs(name, f"{splits.train} and {splits.test}", training, validation, test)
