"""Which parts of a data set are for training, validation and testing."""

import re
from dataclasses import dataclass

from logo_keras.datasets import loader
from logo_keras.datasets.classes import matching
from logo_keras.errors import UserError


@dataclass(frozen=True)
class Splits:
    """The parts of a data set, as `load` calls them; None where there is none.

    Attributes:
        train: str, or None for all labelled photos.
        test: str.
        validation: str.
        none: str, photos without a brand of the set.
    """

    train: str | None = None
    test: str | None = None
    validation: str | None = None
    none: str | None = None

    def names(self):
        """Those that there are, in the order train, validation, test, none: tuple of str."""
        return tuple(name for name in (self.train, self.validation, self.test, self.none) if name is not None)


# As the authors of each set give them out. BelgaLogos and WebLogo-2M have none.
OFFICIAL = {
    "logo2k": Splits("train", "test"),
    "belgalogos": Splits(),
    "flickrlogos32": Splits("P1", "P3-logos", "P2-logos", "P3-none"),
    "weblogo2m": Splits(),
    "flickrlogos27": Splits("train", "test", none="none"),
    "toplogo10": Splits("train40", "test30"),
    "synthetic": Splits("train", "test", "validation", "none"),
}
# What the parts of one's own photos are called: the first name is ours, the others those of other tools.
_OWN = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val"),
    "none": ("none",),
}
# COCO's splits have a year, train2017; CVAT's names have it as well.
_YEAR = re.compile(r"(.+?)[_-]?(?:19|20)\d\d")


def find_split(split, names):
    """Finds a split as a data set calls it.

    Unicode forms do not matter, a year at the end may be left out, and "val", "valid" and "validation" are one, as are
    "train" and "training", "test" and "testing".

    Args:
        split: str, as it is asked for.
        names: collection of str, the splits that there are.

    Returns:
        str of `names`, or None: if there is none, or several that differ in the year.
    """
    for wanted in dict.fromkeys((split, *next((each for each in _OWN.values() if split in each), ()))):
        if (found := matching(wanted, names)) is not None:
            return found
        close = [name for name in names if without_year(name) == wanted]
        if close:
            return close[0] if len(close) == 1 else None
    return None


def check_split(split, names):
    """Refuses a split that a public data set does not have.

    Args:
        split: str, or None.
        names: iterable of the splits that there are.

    Raises:
        ValueError: if it is none of them.
    """
    if split is not None and split not in names:
        raise UserError(f"split must be one of {', '.join(filter(None, names))} or None, got {split!r}.")


def without_year(split):
    """The name of a split without the year at its end: "train" of "train2017"; None where there is none."""
    year = _YEAR.fullmatch(split)
    return year.group(1) if year else None


def splits(name, root):
    """The parts of a data set: the official ones, or those that a folder of one's own has.

    Args:
        name: str, what `load` calls the kind of data set.
        root: path.

    Returns:
        Splits.

    Raises:
        ValueError: for an unknown name, or one's own photos that cannot be opened.
        FileNotFoundError: if there is nothing of that kind.
    """
    if name in OFFICIAL:
        return OFFICIAL[name]
    # What the loader finds is asked for, not guessed: in a folder of an archive, in lists, in data.yaml.
    there = loader(name).split_names(root)
    return Splits(**{part: find_split(part, there) for part in _OWN})
