"""FlickrLogos-32: 32 brands, 70 photographs each, and 6,000 photographs without a brand (Romberg et al., ICMR 2011)."""

import os

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.annotations import NONE, Photograph, annotated
from logo_keras.datasets.formats.boxes_file import read_box_lines
from logo_keras.datasets.paths import inside
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import find_folder
from logo_keras.errors import UserError

# The official parts, and what their lists are called.
PARTS = {"P1": "trainset", "P2": "valset", "P3": "testset"}
# The same list is given out three times: `class,file`, paths, and `class file`.
FORMS = (".txt", ".relpaths.txt", ".spaces.txt")
# All photographs of a part, those with a brand, and those without.
KINDS = {"": "", "logos": "-logosonly", "none": "-nologos"}
SPLITS = ("P1", "P2", "P3", "P2-logos", "P2-none", "P3-logos", "P3-none")
# The class of photographs without a brand.
NO_LOGO = "no-logo"


def load(root, split=None, cut=None):
    """Opens FlickrLogos-32 in its official layout: lists, `classes/jpg/`, `classes/masks/`.

    A photograph is named `class,file` or by its path (`*.relpaths.txt`); it lies in `classes/jpg/<class>`, and its boxes in
    `classes/masks/<class>/<file>.bboxes.txt`. Letter case may differ between them (`HP` and `hp`). Classes are named as the
    folders of `jpg` are, without those the lists, and sorted by code point.

    Args:
        root: str or path of the folder that holds the lists (`FlickrLogos-v2`), or of one above it.
        split: str, an official part: "P1" (training, 320 photographs), "P2" (validation, 960 with a brand and 3,000 without,
            labels -1) or "P3" (test, 960 and 3,000), "P2-logos" and "P3-logos" (those with a brand), "P2-none" and "P3-none"
            (those without), or None for the 2,240 photographs with a brand, as far as there are lists.
        cut: float, or None (`logo_keras.datasets.load`).

    Returns:
        Dataset, in the order of the lists. `notes` names lists and boxes that are missing.

    Raises:
        FileNotFoundError: if a list is missing.
        ValueError: for an unknown split, a line that cannot be read, or `cut` where there are no boxes.
    """
    check_split(split, SPLITS)
    about = ABOUT["flickrlogos32"]
    lists = [stem + kind + form for stem in PARTS.values() for kind in KINDS.values() for form in FORMS]
    folder = find_folder(root, lists, about.title)
    folders = _folders(folder / "classes" / "jpg")
    # What a class is called, whatever the letter case in a list.
    names = dict(folders)
    labelled, missing = [], []
    for part in PARTS:
        try:
            labelled += _rows(folder, part, "logos", names)
        except FileNotFoundError:
            missing.append(part)
    notes = [f"parts without a list, left out: {', '.join(missing)}"] if missing and split is None else []
    part, _, kind = (split or "").partition("-")
    rows = _rows(folder, part, kind, names) if split else labelled

    masks, records, bare = _folders(folder / "classes" / "masks"), [], []
    for brand, file in rows:
        path = f"{folder}/classes/jpg/{folders.get(brand.lower(), brand)}/{file}"
        if brand == NO_LOGO:
            records.append(Photograph(path, NONE))
            continue
        mask = folder / "classes" / "masks" / masks.get(brand.lower(), brand) / f"{file}.bboxes.txt"
        if not mask.is_file():
            bare.append(file)
        boxes = read_box_lines(mask) if mask.is_file() else ()
        records.append(Photograph(path, brand, tuple((brand, box) for box in boxes)))
    if bare:
        notes.append(f"photographs without a file of boxes: {len(bare)}, for instance {bare[0]}")
    class_names = sorted({brand for brand, _ in labelled})
    return annotated(records, class_names, cut, root=os.path.abspath(root), split_name=split, about=about, notes=notes)


def _rows(folder, part, kind, names):
    """`(class, file)` of the photographs of a part; `kind` is a key of KINDS."""
    stem = PARTS[part]
    ways = [[""], [KINDS["logos"], KINDS["none"]]] if not kind else [[KINDS[kind]], [""]]
    for way in ways:
        files = [next(filter(os.path.isfile, [f"{folder}/{stem}{each}{form}" for form in FORMS]), None) for each in way]
        if all(files):
            rows = [row for file in files for row in _read(file, folder, names)]
            return [row for row in rows if not kind or (row[0] == NO_LOGO) == (kind == "none")]
    raise FileNotFoundError(f"{folder}/{stem}{KINDS[kind]}.txt is missing; {contents(folder)}.")


def _read(file, folder, names):
    """`(class, file)` of every line of a list."""
    rows = []
    for number, line in read_lines(file):
        text = line.strip().replace("\\", "/")
        words = text.split("/")[-2:] if "/" in text else text.replace(",", " ", 1).split(maxsplit=1)
        if len(words) != 2 or not all(words):
            raise UserError(f"{file}:{number}: expected class,file or a path that ends with class/file, got {line.strip()!r}.")
        for path in (text, "/".join(words)):
            inside(folder, path, file, number)
        brand, name = words
        rows.append((names.setdefault(brand.lower(), brand), name))
    return rows


def _folders(folder):
    """Lower case to name of the folders in one; none if there is no such folder."""
    return {name.lower(): name for name in os.listdir(folder) if (folder / name).is_dir()} if folder.is_dir() else {}
