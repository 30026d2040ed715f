"""Data sets: where the photos are, which brand each shows, and where its logos are."""

import dataclasses
import importlib

from logo_keras.errors import UserError
from logo_keras.extras import lazily

# name -> module with `load(root, split, cut) -> Dataset`. First one's own photos, then public data sets.
LOADERS = {
    "folder": "formats.folder",
    "list": "formats.listing",
    "coco": "formats.coco",
    "voc": "formats.voc",
    "yolo": "formats.yolo",
    "logo2k": "public.logo2k",
    "belgalogos": "public.belgalogos",
    "flickrlogos32": "public.flickrlogos32",
    "weblogo2m": "public.weblogo2m",
    "flickrlogos27": "public.flickrlogos27",
    "toplogo10": "public.toplogo10",
    "logos_in_the_wild": "public.logos_in_the_wild",
    "synthetic": "synthetic.synthesis",
}
_PUBLIC = {"Augmentation": "batches.photo_augmentation", "Dataset": "dataset", "synthesize": "synthetic.synthesis"}

__all__ = ["LOADERS", "Augmentation", "Dataset", "load", "stream", "synthesize"]
__getattr__, __dir__ = lazily(__name__, _PUBLIC)


def load(name, root, split=None, cut=None, max_pixels=None, max_bytes=None):
    """Opens a data set. No photo is decoded; of those with boxes the size and orientation may be read.

    Args:
        name: str, one of one's own photos
            "folder": `root/BRAND/*` or `root/SPLIT/BRAND/*`;
            "list": lines `path label` in the text file `root`, or in `root/SPLIT.txt`, both with boxes in `boxes.csv` or
            `boxes.json` beside, if there are any;
            "coco", "voc", "yolo": photos with boxes, as annotation tools write them;
            "synthetic": a set written by `synthesize`, splits train, validation, test, none;
            or of the public data sets, each as its authors give it out (docs/data.md)
            "logo2k": splits train, test;
            "belgalogos": no splits, many photos with several brands: `cut=0.1`;
            "flickrlogos32": splits P1, P2, P3;
            "weblogo2m": no splits, labels from the web;
            "flickrlogos27": splits train, test, none;
            "toplogo10": splits train40, test30, train10, test60;
            "logos_in_the_wild": splits distributed, cleaned; many photos with several brands: `cut=0.1`.
        root: str or path of the set's folder (or list).
        split: str, or None for every labelled photo, which leaves out those with label -1.
        cut: float, or None for whole photos. With a number `m` there is one sample per box: the box and a margin
            of `m` times its height above and below, and `m` times its width on either side.
        max_pixels: int, largest height times width of a photo that is read; None for
            `logo_keras.image.preprocessing.MAX_PIXELS`.
        max_bytes: int, largest file that is read; None for `logo_keras.image.preprocessing.MAX_BYTES`.

    Returns:
        Dataset. `notes` says what was decided where a photo shows several brands.

    Raises:
        ValueError: for an unknown name or split, a data set that is not public, a layout that does not fit, or `cut`
            where there are no boxes.
        FileNotFoundError: if the root or a list is missing.
    """
    dataset = loader(name).load(root, split, cut)
    limits = {key: value for key, value in (("max_pixels", max_pixels), ("max_bytes", max_bytes)) if value is not None}
    return dataclasses.replace(dataset, **limits) if limits else dataset


def loader(name):
    """The module that opens a kind of data set.

    Args:
        name: str, as in `load`.

    Raises:
        ValueError: for an unknown name, or a data set that is not public, saying what to use instead.
    """
    if name not in LOADERS:
        # Here, so that an import of this package stays light.
        from logo_keras.datasets.about import refuse_if_not_public

        refuse_if_not_public(name)
        raise UserError(f"name must be one of {', '.join(LOADERS)}, got {name!r}.")
    return importlib.import_module(f"{__name__}.{LOADERS[name]}")


def stream(name, root, class_names=None):
    """Reads the photos of a data set straight from its archives, without unpacking them: "weblogo2m" alone.

    Args:
        name: str.
        root: str or path of the folder of the archives, or of one archive.
        class_names: sequence of str, the brands to give; None for all.

    Returns:
        Iterator of `(path, brand, data)`: str, str, bytes; see `logo_keras.datasets.public.weblogo2m.stream`.

    Raises:
        ValueError: for another data set, or, while it is read, an archive that is damaged or cut short.
        FileNotFoundError: if there is no archive.
    """
    if name != "weblogo2m":
        raise UserError(f"weblogo2m alone is read as a stream, got {name!r}: unpack it and use load.")
    return loader(name).stream(root, class_names)
