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
    if not (folder / "jpg").is_dir():
        raise FileNotFoundError(f"{folder} is no {about.title}, it has no folder jpg; {contents(folder)}.")
    brands = {os.path.basename(path).lower(): os.path.basename(path) for path in folders_in(folder / "jpg")}
    photos = {_key(path.name): path for path in _files(folder / "jpg", brands, SUFFIXES)}
    masks = {_key(path.name.removesuffix(MASK)): path for path in _files(folder / "masks", brands, MASK)}
    listed, records, bare = folder / "ImageSets" / SPLITS[split], [], []
    for number, line in read_lines(listed):
        key = _key(line.strip())
        found, mask = photos.get(key), masks.get(key)
        if not (found or mask):
            raise UserError(f"{listed}:{number}: there is no photo {line.strip()!r} in {folder / 'jpg'}.")
        brand = brands[(found or mask).parent.name.lower()]
        # Whose photo is missing is known by its boxes: `Dataset.check` names it.
        path = found or folder / "jpg" / brand / mask.name.removesuffix(MASK)
        if not mask:
            bare.append(path.name)
        boxes = read_box_lines(mask) if mask else ()
        records.append(Photograph(str(path), brand, tuple((brand, box) for box in boxes)))
    notes = [f"photographs without a file of boxes: {len(bare)}, for instance {bare[0]}"] if bare else []
    names = sorted(brands.values())
    return annotated(records, names, cut, root=os.path.abspath(root), split_name=split, about=about, notes=notes)


def _files(folder, brands, suffixes):
    """The files in the folders of brands whose names end so, sorted."""
    found = (path for path in folder.glob("[!.]*/[!.]*") if path.parent.name.lower() in brands)
    return sorted(path for path in found if path.name.lower().endswith(suffixes))


def _key(name):
    """A name without the suffix of a photo and without regard to letter case."""
    stem, suffix = os.path.splitext(name.lower())
    return stem if suffix in SUFFIXES else name.lower()
