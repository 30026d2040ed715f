"""Files of boxes: `boxes.csv` or `boxes.json` beside one's own photographs, and lists of boxes of one photograph."""

import csv
import math
import os

from logo_keras.datasets.annotations import Photograph, annotated, as_number, stated_size
from logo_keras.datasets.classes import NONE, composed
from logo_keras.datasets.formats.coco import read_coco
from logo_keras.datasets.paths import Finder
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.textfile import read_lines
from logo_keras.errors import UserError

CSV, JSON = "boxes.csv", "boxes.json"
# Names of columns, of which the first that is there counts; letter case does not.
_PATHS = ("path", "file", "filename", "file_name", "image", "photograph")
BRANDS = ("brand", "class", "label", "class_name")
# Left, top, right and bottom, or left, top, width and height.
_CORNERS = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))
_SIZE = ("image_height", "image_width")
_SIDES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))


def find_boxes(folder):
    """Finds the file of boxes.

    Args:
        folder: str.

    Returns:
        str, the path of `boxes.csv` or `boxes.json`, or None.

    Raises:
        ValueError: if there are both.
    """
    found = [path for path in (os.path.join(folder, name) for name in (CSV, JSON)) if os.path.isfile(path)]
    if len(found) > 1:
        raise UserError(f"{folder} holds both {CSV} and {JSON}: keep one.")
    return found[0] if found else None


def boxed(file, brands, paths, cut, class_names, notes, **fields):
    """Makes a Dataset of photos whose brands are known, with boxes.

    A CSV has a header with the columns path, the four sides (`x0, y0, x1, y1`, or `x, y, width, height`) and, if boxes of
    other brands are among them, brand. A row with empty sides says that a photo has no logo. A JSON file is COCO's.
    A box without a brand has that of its photo.

    Args:
        file: str, as `find_boxes` gives it; the paths in it are relative to its folder.
        brands: dict, path of every photo of all splits, absolute, to its brand.
        paths: list of str, the photos to take.
        cut: as in `logo_keras.datasets.load`.
        class_names: list of str.
        notes: list of str.
        **fields: other fields of Dataset.

    Returns:
        Dataset.

    Raises:
        OSError: if the file cannot be opened.
        ValueError: if rows cannot be read, name a photo that is not in `brands`, a brand that is no class, or a brand
            where the photo has none; the error names file and lines, all of them or the first ten. If `cut` is given and
            there are no boxes.
    """
    found, sizes, said = _read(file, brands, set(class_names))
    records = [Photograph(path, brands[path], tuple(found.get(path, ())), sizes.get(path)) for path in paths]
    return annotated(records, class_names, cut, notes=[*notes, *said], **fields)


def _read(file, brands, class_names):
    """Path to its list of `(brand, (y0, x0, y1, x1))`, px, path to the stated height and width, and notes."""
    folder, found, sizes = os.path.dirname(file), {}, {}
    finder, problems = Finder([folder], lambda: brands, brands.__contains__), Problems()
    for where, name, brand, box, size in (_json_rows if file.endswith(JSON) else _csv_rows)(file, problems):
        path = finder.find(name)
        stated = composed(name.replace("\\", "/").rpartition("/")[0].rpartition("/")[2])
        # A photograph that is gone, not another one of the same file name in another brand's folder.
        if path is not None and stated in class_names and stated != os.path.basename(os.path.dirname(path)):
            path = None if composed(os.path.basename(os.path.dirname(path))) in class_names - {stated} else path
        if path is None:
            problems.add(f"{where}: {name!r} is no photograph of the set in {folder}.")
            continue
        if size is not None:
            sizes[path] = size
        if box is None:
            continue
        own, brand = brands[path], composed(brand or brands[path])
        if brand not in class_names and (brand, own) != (NONE, NONE):
            problems.add(f"{where}: {brand!r} is no class of the set; the photograph {name!r} belongs to {own!r}.")
        elif own == NONE != brand:
            problems.add(f"{where}: {name!r} is a photograph without a brand, but this box shows {brand!r}.")
        else:
            found.setdefault(path, []).append((brand, box))
    problems.check()
    return found, sizes, finder.notes(file)


def read_box_lines(path):
    """Reads boxes of one photograph, a line `x y width height` each, after a header of words or none.

    Args:
        path: str or path.

    Returns:
        List of `(y0, x0, y1, x1)`, float px.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for another line; the error names file and line.
    """
    boxes = []
    for place, (number, line) in enumerate(read_lines(path)):
        words = line.split()
        if place == 0 and "".join(words).isalpha():
            continue
        try:
            x, y, width, height = map(float, words)
        except ValueError:
            raise UserError(f"{path}:{number}: expected x y width height, got {line.strip()!r}.") from None
        boxes.append((y, x, y + height, x + width))
    return boxes


def _csv_rows(file, problems):
    """Tuples of place, photograph, brand or "", box or None, and the size of the photograph or None."""
    lines = read_lines(file)
    if not lines:
        raise UserError(f"{file} is empty: expected a header and a row a box.")
    header = lines[0][1]
    rows = csv.reader((line for _, line in lines), delimiter=max(",;\t", key=header.count), skipinitialspace=True)
    try:
        columns = {}
        for place, column in enumerate(next(rows)):
            columns.setdefault(column.strip().lower(), place)
        path, brand, sides, corners = _columns(columns, f"{file}:{lines[0][0]}")
        height, width = (columns.get(name) for name in _SIZE)
        for row in rows:
            where = f"{file}:{lines[rows.line_num - 1][0]}"
            cells = [cell.strip() for cell in row]
            with problems.collecting():
                if len(cells) <= max(path, *sides):
                    raise UserError(f"{where}: expected {len(columns)} cells, as in the header, got {len(cells)}.")
                if not cells[path] or "\0" in cells[path]:
                    raise UserError(f"{where}: expected the path of a photograph, got {cells[path]!r}.")
                named = cells[brand] if brand is not None and brand < len(cells) else ""
                size = [cells[at] if at is not None and at < len(cells) else "" for at in (height, width)]
                box = _box([cells[side] for side in sides], corners, where)
                yield where, cells[path], named, box, stated_size(*size)
    except csv.Error as error:
        raise UserError(f"{file}:{lines[rows.line_num - 1][0]}: not CSV ({error}).") from None


def _columns(columns, where):
    """Places of path, brand (or None) and sides, and whether the sides are corners."""
    path, brand = (next((columns[name] for name in names if name in columns), None) for names in (_PATHS, BRANDS))
    sides = next((names for names in _CORNERS + _SIDES if all(name in columns for name in names)), None)
    if path is None or sides is None:
        raise UserError(
            f"{where}: expected a header with path and x0, y0, x1, y1 or x, y, width, height, got {', '.join(columns)[:200]!r}."
        )
    return path, brand, [columns[name] for name in sides], sides in _CORNERS


def _box(cells, corners, where):
    if not any(cells):
        return None
    x0, y0, x1, y1 = map(as_number, cells)
    if not corners:
        x1, y1 = x0 + x1, y0 + y1
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise UserError(f"{where}: expected four numbers, or four empty cells for a photograph without a logo, got {cells}.")
    if x1 < x0 or y1 < y0:
        raise UserError(f"{where}: a box must end to the right of and below its start, got {cells}.")
    return y0, x0, y1, x1


def _json_rows(file, _):
    """As `_csv_rows`."""
    for image in read_coco(file)[0]:
        where = f"{file}: image {image.name!r}"
        for brand, box in image.boxes or [("", None)]:
            yield where, image.name, brand, box, image.size
