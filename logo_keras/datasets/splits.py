"""Which parts of a data set are for training, validation and testing."""

from dataclasses import dataclass

from logo_keras.datasets import loader


@dataclass(frozen=True)
class Splits:
    """The parts of a data set, as `load` calls them; None where there is none.

    Attributes:
        train: str, or None for all labelled photographs.
        test: str.
        validation: str.
        none: str, photographs without a brand of the set.
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
# What the parts of one's own photographs are called: the first name is ours, the others those of other tools.
_OWN = {"train": ("train",), "test": ("test",), "validation": ("validation", "valid", "val"), "none": ("none",)}


def splits(name, root):
    """The parts of a data set: the official ones, or those that a folder of one's own has.

    Args:
        name: str, what `load` calls the kind of data set.
        root: path.

    Returns:
        Splits.

    Raises:
        ValueError: for an unknown name, or one's own photographs that cannot be opened.
        FileNotFoundError: if there is nothing of that kind.
    """
    if name in OFFICIAL:
        return OFFICIAL[name]
    # What the loader finds is asked for, not guessed: in a folder of an archive, in lists, in data.yaml.
    there = loader(name).split_names(root)
    return Splits(**{part: next((each for each in names if each in there), None) for part, names in _OWN.items()})
