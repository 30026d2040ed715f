"""TopLogo-10: 700 photographs of ten clothing brands, small logos (Su, Zhu and Gong, WACV 2017)."""

import os

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.annotations import Photograph, annotated
from logo_keras.datasets.formats.boxes_file import read_box_lines
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import SUFFIXES, find_folder, folders_in
from logo_keras.errors import UserError

SPLITS = {
    "train40": "40_images_per_class_train.txt",
    "test30": "30_images_per_class_test.txt",
    "train10": "10_images_per_class_train.txt",
    "test60": "60_images_per_class_test.txt",
    None: "all.txt",
}
MASK = ".bboxes.txt"


def load(root, split=None, cut=None):
    """Opens TopLogo-10 in its official layout: `jpg/`, `masks/`, `ImageSets/`.

    Classes are the folders of `jpg/`, sorted; the lists name photographs without folder and suffix, in another letter case
    (`Gucci1` lies in `gucci/`). A photograph shows one brand, and many show its logo several times. One is a PNG named .jpg in
    the original, and is read by what it is.

    Args:
        root: str or path of the folder that holds the three, or of one above it.
        split: str, "train40" and "test30" (40 and 30 photographs a class), "train10" and "test60", or None for all 700.
        cut: float, or None (`logo_keras.datasets.load`).

    Returns:
        Dataset with boxes, in the order of the official list.

    Raises:
        FileNotFoundError: if a folder or list is missing.
        ValueError: for an unknown split, a name that lies in no folder of brands, or a line of boxes that cannot be read.
    """
    check_split(split, SPLITS)
    about = ABOUT["toplogo10"]
    folder = find_folder(root, ("ImageSets",), about.title)
    photographs, masks = folder / "jpg", folder / "masks"
    if not photographs.is_dir():
        raise FileNotFoundError(f"{folder} is no {about.title}, it has no folder jpg; {contents(folder)}.")
    names = sorted(map(os.path.basename, folders_in(photographs)))
    boxes = _masks(masks, {name.lower(): name for name in names})
    # Whose photograph is missing is known by its boxes: `Dataset.check` names it.
    files = {name: brand_and_file for name, (brand_and_file, _) in boxes.items()} | _photographs(photographs, names)
    listed, records, bare = folder / "ImageSets" / SPLITS[split], [], []
    for number, line in read_lines(listed):
        name = _key(line.strip())
        if name not in files:
            raise UserError(f"{listed}:{number}: there is no photograph {line.strip()!r} in {photographs}.")
        brand, file = files[name]
        if name not in boxes:
            bare.append(file)
        found = read_box_lines(boxes[name][1]) if name in boxes else ()
        records.append(Photograph(f"{photographs}/{brand}/{file}", brand, tuple((brand, box) for box in found)))
    notes = [f"photographs without a file of boxes: {len(bare)}, for instance {bare[0]}"] if bare else []
    return annotated(records, names, cut, root=os.path.abspath(root), split_name=split, about=about, notes=notes)


def _photographs(folder, brands):
    """What lists call a photograph to its brand and file."""
    return {
        _key(name): (brand, name)
        for brand in brands
        for name in sorted(os.listdir(folder / brand))
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    }


def _masks(folder, brands):
    """What lists call a photograph to its brand and file, and the file of its boxes."""
    return {
        _key(name.removesuffix(MASK)): ((brands[each.lower()], name.removesuffix(MASK)), folder / each / name)
        for each in (os.listdir(folder) if folder.is_dir() else ())
        if each.lower() in brands and (folder / each).is_dir()
        for name in os.listdir(folder / each)
        if name.endswith(MASK) and not name.startswith(".")
    }


def _key(name):
    """A name without the suffix of a photograph and without regard to letter case."""
    stem, suffix = os.path.splitext(name.lower())
    return stem if suffix in SUFFIXES else name.lower()
