"""Logos in the Wild: photographs from the web with boxes of many brands (Tüzkö et al. 2017, arXiv:1710.10891)."""

import itertools
import os
import re

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.annotations import Photograph, annotated
from logo_keras.datasets.checking import read_all
from logo_keras.datasets.formats.voc import find_files, photograph_of, read_annotation, swapped_note
from logo_keras.datasets.paths import inside
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.textfile import contents, parsed_lines, read_lines
from logo_keras.datasets.tree import SUFFIXES, Skipped, folders_in
from logo_keras.errors import UserError

SPLITS = ("cleaned", "distributed", "train", "test")
# The folder that the archive holds.
ARCHIVE = "LogosInTheWild-v2"
# Where the authors' create_clean_dataset.py writes; its users chose these.
_CLEANED = ("data_cleaned", "cleaned_data", "cleaned-data")
_DISTRIBUTED = "data"
_LIST, _CLASSES = "data_all_{}.txt", "data_all_classes.txt"
_BOX = re.compile(r"-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?){4}", re.ASCII)

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": None, ".": None, "`": None, "'": None})
# Misspelt names of the distribution, as they begin.
_MISSPELT = {
    "boing": "boeing",
    "bundweiser": "budweiser",
    "burkler": "buckler",
    "dadone": "danone",
    "firelli": "pirelli",
    "hyundri": "hyundai",
    "madonalds": "mcdonalds",
    "malboro": "marlboro",
    "ruffels": "ruffles",
}


def load(root, split=None, cut=None):
    """Opens Logos in the Wild, an XML file a photograph in a folder for each brand that was searched for.

    The root holds `data/BRAND/img000001.xml` as distributed, `data_cleaned/voc_format/BRAND/...` as the authors' script
    writes it, or both; in itself or in a folder `LogosInTheWild-v2`. A photograph lies beside its XML file. The set is
    distributed as addresses: photographs that were not fetched are left out and counted in `notes`, so are those without a
    box. Brands keep a symbol and a name apart ("audi-symbol", "audi-text"), as the authors do.

    Args:
        root: str or path.
        split: str,
            "distributed": `data` with the names as written;
            "cleaned": what the authors' script wrote, as it stands; without that, `data` with the names cleaned by
                `clean_name`;
            "train", "test": lists `data_all_train.txt` and `data_all_test.txt` of the cleaned set, made by others (lines
                `path x1,y1,x2,y2,class ...`, classes in `data_all_classes.txt`), which may name photographs that are not
                there;
            None: "cleaned", or both lists where there are no XML files.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the names or of the list. Classes are the brands of all XML files or of the list
        of classes, sorted, whether their photographs were fetched or not.

    Raises:
        FileNotFoundError: if the root, its folders or lists are missing, or no photograph was fetched.
        ValueError: for an unknown split, or a file that cannot be read; the error names file and line.
    """
    check_split(split, SPLITS)
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    fields = dict(cut=cut, root=root, split_name=split, about=ABOUT["logos_in_the_wild"])
    cleaned, distributed = _folders(root)
    if split in ("train", "test"):
        return _from_lists(root, [split], fields)
    if split is None and split_names(root):
        return _from_lists(root, ["train", "test"], fields)
    if split != "distributed" and cleaned:
        return _from_files(cleaned, str, fields)
    if not distributed:
        what = f"{_DISTRIBUTED}/BRAND/*.xml" + (f" or {_CLEANED[0]}/voc_format/BRAND/*.xml" if split != "distributed" else "")
        raise FileNotFoundError(f"{root} must hold {what}, in itself or in {ARCHIVE}; {contents(root)}.")
    return _from_files(distributed, str if split == "distributed" else clean_name, fields)


def split_names(root):
    """The parts for training and testing, of lists without XML files: set of str."""
    lists = os.path.isfile(os.path.join(root, _LIST.format("train"))) and not any(_folders(root))
    return {"train", "test"} if lists else set()


def clean_name(name):
    """Cleans the name of a brand by a rule.

    Small letters; "teilsichtbar" (partly visible) left out; "schrift" and "schriftzug" (lettering) become "text", "logo"
    becomes "symbol"; without spaces, full stops and apostrophes; umlauts in two letters; nine misspelt names put right.

    Source:
        The first steps of the authors' create_clean_dataset.py. It also renames some hundred brands one by one ("shell" is
        "shell-symbol", "bud" is "budweiser-text") and single boxes: run it to have those.

    Args:
        name: str, as distributed.

    Returns:
        str.
    """
    name, partly, after = name.strip().lower().partition("teilsichtbar")
    name = name.rstrip("-+ ") + after if partly else name
    name = re.sub(r"[- ]schrift(?:zug)?\b", "-text", name)
    name = re.sub(r"[- ]logo\b", "-symbol", name).translate(_UMLAUTS)
    wrong = next(filter(name.startswith, _MISSPELT), None)
    return name if wrong is None else _MISSPELT[wrong] + name.removeprefix(wrong)


def _folders(root):
    """The folders of the cleaned and of the distributed set, None where there is none."""
    homes = (root, os.path.join(root, ARCHIVE))
    cleaned = [os.path.join(home, name, "voc_format") for home in homes for name in _CLEANED]
    cleaned = next(filter(os.path.isdir, [*cleaned, os.path.join(root, "voc_format")]), None)
    distributed = next(filter(os.path.isdir, (os.path.join(home, _DISTRIBUTED) for home in homes)), None)
    if cleaned or distributed:
        return cleaned, distributed
    # The root may be one of the folders itself: the script adds a number to each name, img000001_70.
    names = [name for brand in folders_in(root) for name in os.listdir(brand) if name.lower().endswith(".xml")]
    if names and all(re.fullmatch(r"img\d+_\d+\.xml", name) for name in names):
        return root, None
    return None, root if names else None


def _from_files(folder, name_of, fields):
    skipped = Skipped()
    files, photographs = find_files(folder, skipped)
    if not files:
        raise FileNotFoundError(f"{folder} must hold BRAND/*.xml; {contents(folder)}.")
    read = read_all(read_annotation, files.values(), "reading annotations")
    paths = {file: photograph_of(key, read[file].filename, photographs) for key, file in files.items()}
    there = [(path, read[file]) for file, path in paths.items() if path]
    if not there:
        how = "fetch those in urls.txt of each folder, and put them beside the XML files"
        raise FileNotFoundError(f"none of the {len(files)} photographs is in {folder}: {how}.")
    records = [
        Photograph(path, None, [(name_of(name), box) for name, box in annotation.boxes], annotation.size)
        for path, annotation in there
    ]
    brands = {name_of(name) for annotation in read.values() for name, _ in annotation.boxes}
    absent = len(files) - len(there)
    notes = [f"photographs that were not fetched, left out: {absent} of {len(files)}"] if absent else []
    notes += swapped_note(annotation for _, annotation in there) + skipped.notes()
    return annotated(records, sorted(brands), notes=notes, skipped=skipped.paths, **fields)


def _from_lists(root, splits, fields):
    home = os.path.join(root, ARCHIVE)
    home = home if os.path.isfile(os.path.join(home, _LIST.format(splits[0]))) else root
    files = [os.path.join(home, _LIST.format(split)) for split in splits]
    # First, so that a root without lists is answered with the one that was asked for.
    rows = [(file, *row) for file in files for row in parsed_lines(file, _row, "the path of a photo and boxes x1,y1,x2,y2,class")]
    names = [line.strip() for _, line in read_lines(os.path.join(home, _CLASSES))]
    records = []
    for file, number, (name, boxes) in rows:
        if wrong := [at for *_, at in boxes if not (at.is_integer() and 0 <= at < len(names))]:
            raise UserError(f"{file}:{number}: class {wrong[0]:g} is none of the {len(names)} of the list.")
        boxes = [(names[int(at)], (y0, x0, y1, x1)) for x0, y0, x1, y1, at in boxes]
        records.append(Photograph(_path(root, name, file, number), None, boxes))
    return annotated(records, sorted(set(names)), **fields)


def _row(line):
    """Path and boxes of a line `path x1,y1,x2,y2,class ...`; the path may hold spaces."""
    words = line.strip().split(" ")
    last = [*itertools.takewhile(lambda word: not word or _BOX.fullmatch(word), reversed(words))]
    path = " ".join(words[: len(words) - len(last)])
    if not path.lower().endswith(SUFFIXES):
        raise ValueError
    return path, [[float(number) for number in word.split(",")] for word in reversed(last) if word]


def _path(root, name, file, number):
    """The path of a photograph of a list, which counts from the folder that holds the archive's."""
    name = name.replace("\\", "/")
    # Some write the whole path on their machine, or the root is the archive's folder itself.
    _, archive, below = name.rpartition(f"{ARCHIVE}/")
    if archive and os.path.isdir(os.path.join(root, below.partition("/")[0])):
        return inside(root, below, file, number)
    return inside(root, archive + below, file, number)
