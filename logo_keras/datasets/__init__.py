"""Data sets: where the photographs are, which brand each shows, and where its logos are."""

import importlib

# name -> module of this package with `load(root, split) -> Dataset`.
LOADERS = {
    "folder": "folder",
    "list": "listing",
    "toplogo10": "toplogo10",
    "flickrlogos27": "flickrlogos27",
    "synthetic": "synthetic",
}
_PUBLIC = {"Dataset": "dataset", "synthesize": "synthetic"}

__all__ = ["LOADERS", "Dataset", "load", "synthesize"]


def load(name, root, split=None, cut=None):
    """Opens a data set.

    Args:
        name: str, one of
            "folder": `root/BRAND/*` or `root/SPLIT/BRAND/*`;
            "list": lines `path label` in the text file `root`, or in `root/SPLIT.txt`;
            "toplogo10": splits train40, test30, train10, test60;
            "flickrlogos27": splits train, test, none;
            "synthetic": a set written by `synthesize`, splits train, validation, test, none.
        root: str or path of the set's folder (or list).
        split: str, or None for every labelled photograph, which leaves out those with label -1.
        cut: float, or None for whole photographs. With a number `m` there is one sample per box: the box and a margin
            of `m` times its height above and below, and `m` times its width on either side.

    Returns:
        Dataset.

    Raises:
        ValueError: for an unknown name or split, a layout that does not fit, or `cut` where there are no boxes.
        FileNotFoundError: if the root or a list is missing.
    """
    if name not in LOADERS:
        raise ValueError(f"name must be one of {', '.join(LOADERS)}, got {name!r}.")
    dataset = importlib.import_module(f"{__name__}.{LOADERS[name]}").load(root, split)
    return dataset if cut is None else dataset.cut(cut)


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_PUBLIC})
