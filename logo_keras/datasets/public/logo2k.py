"""Logo-2K+: 167,140 photographs of 2,341 brands in 10 root categories (Wang et al., AAAI 2020)."""

import os
import re

from logo_keras.datasets.about import ABOUT
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.paths import inside
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import find_folder
from logo_keras.errors import UserError

LISTS = {"train": "train_images_root.txt", "test": "test_images_root.txt"}
# As the archives Logo-2K+.rar and train_and_test.zip unpack, once or into a folder of their own.
FOLDERS = ("", "Logo-2K+", "Logo-2K+/Logo-2K+", "train_and_test/{split}", "train_and_test/train_and_test/{split}", "{split}")
# A label after the photograph, which the official lists have not.
_LABEL = re.compile(r"(\.\w{3,4})[\s,]+-?\d+$")


def load(root, split=None, cut=None):
    """Opens Logo-2K+ by its lists, `train_images_root.txt` and `test_images_root.txt`, lines `Root/Brand/n.jpg`.

    A class is root category and brand, `Root/Brand`, exactly as written: three pairs of brands differ in letter case only, and
    lie in different categories (Accessories/BACCARAT and Necessities/Baccarat). The authors publish no order of classes; here
    they are those of both lists, sorted by code point.

    The lists may lie in the root or in a folder (`List.zip` unpacks to `List`). The photographs lie beside them, in a folder
    `Logo-2K+`, or as `train_and_test.zip` has them; if they are nowhere yet, they are expected beside the lists.

    Args:
        root: str or path of the folder of the set.
        split: str, "train" (116,958) or "test" (50,182), or None for both.
        cut: float, or None (`logo_keras.datasets.load`): there are no boxes, so it is refused.

    Returns:
        Dataset with `root_categories`, in the order of the lists; a photograph that a list names twice comes once.

    Raises:
        FileNotFoundError: if there is no list of the split.
        ValueError: for an unknown split, a line that is no path of this form, or `cut`.
    """
    check_split(split, LISTS)
    about = ABOUT["logo2k"]
    folder = str(find_folder(root, LISTS.values(), about.title))
    classes, found, notes = set(), {}, []
    for each, name in LISTS.items():
        file = os.path.join(folder, name)
        if not os.path.isfile(file):
            if each == split:
                raise FileNotFoundError(f"{file} is missing; {contents(folder)}.")
            notes.append(f"{name} is missing: classes are those of the other list")
            continue
        rows = _read(file)
        classes.update(rows.values())
        if split in (each, None):
            place = _place(os.path.abspath(root), folder, each, rows)
            found.update((f"{place}/{path}", name) for path, name in rows.items())
        del rows
    if not found:
        raise UserError(f"{folder}: {', '.join(LISTS.values()) if split is None else LISTS[split]} names no photograph.")
    names = sorted(classes)
    places = {name: place for place, name in enumerate(names)}
    dataset = Dataset(
        paths=found,
        labels=[places[name] for name in found.values()],
        class_names=names,
        root=os.path.abspath(root),
        root_categories=[name.partition("/")[0] for name in names],
        split_name=split,
        about=about,
        notes=notes,
    )
    return dataset.cut(cut)


def _read(file):
    """`Root/Brand/photograph` to `Root/Brand`, for every line."""
    folder, found, names = os.path.dirname(file), {}, {}
    for number, line in read_lines(file):
        # What follows a tab is a label.
        path = line.strip().partition("\t")[0].rstrip().replace("\\", "/").removeprefix("./").removeprefix("Logo-2K+/")
        if not path.endswith(".jpg"):
            path = _LABEL.sub(r"\1", path)
        inside(folder, path, file, number)
        name, _, photograph = path.rpartition("/")
        if name.count("/") != 1 or not photograph or name.startswith("/") or name.endswith("/"):
            raise UserError(f"{file}:{number}: expected Root/Brand/photograph, got {line.strip()!r}.")
        # One str a class, not one a photograph: there may be millions.
        found[path] = names.setdefault(name, name)
    return found


def _place(root, folder, split, rows):
    """The folder in which the root categories of a list lie."""
    categories = {name.partition("/")[0] for name in set(rows.values())}
    tops = [folder]
    while tops[-1] != root:
        tops.append(os.path.dirname(tops[-1]))
    for top in tops:
        for each in FOLDERS:
            place = os.path.normpath(os.path.join(top, each.format(split=split)))
            if any(os.path.isdir(os.path.join(place, category)) for category in categories):
                return place
    return folder
