"""Files of boxes: `boxes.csv` or `boxes.json` beside one's own photos, and lists of boxes of one photo."""

import csv
import os

from logo_keras.datasets.annotations import Photograph, annotated, as_numbers, stated_size
from logo_keras.datasets.classes import NONE, composed
from logo_keras.datasets.formats.coco import read_coco
from logo_keras.datasets.paths import Finder
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.textfile import columns_of, parsed_lines, read_lines
from logo_keras.errors import UserError

CSV, JSON = "boxes.csv", "boxes.json"
# Names of columns, of which the first that is there counts; letter case does not.
PATHS = ("path", "file", "filename", "file_name", "image", "photograph")
BRANDS = ("brand", "class", "label", "class_name")
# Left, top, right and bottom, or left, top, width and height.
_CORNERS = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))
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
        # A photo that is gone, not another one of the same file name in another brand's folder.
        stated, own = (composed(os.path.basename(os.path.dirname(each))) for each in (name.replace("\\", "/"), path or ""))
        if stated != own and {stated, own} <= class_names:
            path = None
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
    """Reads boxes of one photo, a line `x y width height` each, with or without a header of words.

    Args:
        path: str or path.

    Returns:
        List of `(y0, x0, y1, x1)`, float px.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for another line; the error names file and line.
    """

    def parse(line):
        words = line.split()
        if "".join(words).isalpha():
            return None
        x, y, width, height = map(float, words)
        return y, x, y + height, x + width

    return [box for _, box in parsed_lines(path, parse, "x y width height") if box is not None]


def _csv_rows(file, problems):
    """Tuples of place, photo, brand or "", box or None, and the size of the photo or None."""
    lines = read_lines(file)
    if not lines:
        raise UserError(f"{file} is empty: expected a header and a row a box.")
    mark, columns = columns_of(lines[0][1])
    path, brand = (next((name for name in names if name in columns), None) for names in (PATHS, BRANDS))
    sides = next((names for names in _CORNERS + _SIDES if columns.keys() >= {*names}), None)
    if path is None or sides is None:
        expected = "a header with path and x0, y0, x1, y1 or x, y, width, height"
        raise UserError(f"{file}:{lines[0][0]}: expected {expected}, got {', '.join(columns)[:200]!r}.")
    needed = max(columns[name] for name in (path, *sides)) + 1
    rows = csv.reader((line for _, line in lines[1:]), delimiter=mark, skipinitialspace=True)
    try:
        for row in rows:
            where = f"{file}:{lines[rows.line_num][0]}"
            cells = {name: row[place].strip() if place < len(row) else "" for name, place in columns.items()}
            with problems.collecting():
                if len(row) < needed:
                    raise UserError(f"{where}: expected {len(columns)} cells, as in the header, got {len(row)}.")
                if not cells[path]:
                    raise UserError(f"{where}: expected the path of a photograph, got ''.")
                box = _box([cells[side] for side in sides], sides in _CORNERS, where)
                size = stated_size(cells.get("image_height"), cells.get("image_width"))
                yield where, cells[path], cells.get(brand), box, size
    except csv.Error as error:
        raise UserError(f"{file}:{lines[rows.line_num][0]}: not CSV ({error}).") from None


def _box(cells, corners, where):
    if not any(cells):
        return None
    sides = as_numbers(cells)
    if sides is None:
        raise UserError(f"{where}: expected four numbers, or four empty cells for a photograph without a logo, got {cells}.")
    x0, y0, x1, y1 = sides
    if not corners:
        x1, y1 = x0 + x1, y0 + y1
    if x1 < x0 or y1 < y0:
        raise UserError(f"{where}: a box must end to the right of and below its start, got {cells}.")
    return y0, x0, y1, x1


def _json_rows(file, _):
    """As `_csv_rows`."""
    for image in read_coco(file)[0]:
        where = f"{file}: image {image.name!r}"
        for brand, box in image.boxes or [("", None)]:
            yield where, image.name, brand, box, image.size
