"""Boxes of one's own photographs: `boxes.csv` or `boxes.json` beside them."""

import csv
import math
import os

from logo_keras.datasets.annotations import NONE
from logo_keras.datasets.formats.coco_file import read_coco
from logo_keras.datasets.textfile import read_lines

CSV, JSON = "boxes.csv", "boxes.json"
# Names of columns, of which the first that is there counts; letter case does not.
_PATHS = ("path", "file", "filename", "file_name", "image", "photograph")
_BRANDS = ("brand", "class", "label", "class_name")
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
        raise ValueError(f"{folder} holds both {CSV} and {JSON}: keep one.")
    return found[0] if found else None


def read_boxes(file, brands, class_names):
    """Reads boxes of photographs whose brands are known.

    A CSV has a header with the columns path, the four sides (`x0, y0, x1, y1`, or `x, y, width, height`) and, if boxes of
    other brands are among them, brand. A row with empty sides says that a photograph has no logo. A JSON file is COCO's.
    A box without a brand has that of its photograph.

    Args:
        file: str, as `find_boxes` gives it; the paths in it are relative to its folder.
        brands: dict, path of every photograph, absolute, to its brand.
        class_names: collection of str.

    Returns:
        dict, path of a photograph to its list of `(brand, (y0, x0, y1, x1))`, px.

    Raises:
        OSError: if the file cannot be opened.
        ValueError: if a row cannot be read, names a photograph that is not in `brands`, or a brand that is no class, or a
            brand where the photograph has none; the error names file and line.
    """
    folder, found = os.path.dirname(file), {}
    for where, name, brand, box in (_json_rows if file.endswith(JSON) else _csv_rows)(file):
        path = _photograph(folder, name, brands)
        if path is None:
            raise ValueError(f"{where}: {name!r} is no photograph of the set in {folder}.")
        if box is None:
            continue
        brand = brand or brands[path]
        if brand not in class_names and (brand, brands[path]) != (NONE, NONE):
            raise ValueError(f"{where}: {brand!r} is no class of the set; the photograph {name!r} belongs to {brands[path]!r}.")
        if brands[path] == NONE != brand:
            raise ValueError(f"{where}: {name!r} is a photograph without a brand, but this box shows {brand!r}.")
        found.setdefault(path, []).append((brand, box))
    return found


def _photograph(folder, name, brands):
    # Whoever writes lists on Windows puts \ between folders.
    for written in (name, name.replace("\\", "/")):
        path = os.path.normpath(os.path.join(folder, written))
        if path in brands:
            return path
    return None


def _csv_rows(file):
    """Tuples of place, photograph, brand or "", and box or None."""
    lines = read_lines(file)
    if not lines:
        raise ValueError(f"{file} is empty: expected a header and a row a box.")
    header = lines[0][1]
    rows = csv.reader((line for _, line in lines), delimiter=max(",;\t", key=header.count), skipinitialspace=True)
    try:
        columns = {}
        for place, column in enumerate(next(rows)):
            columns.setdefault(column.strip().lower(), place)
        path, brand, sides, corners = _columns(columns, f"{file}:{lines[0][0]}")
        for row in rows:
            where = f"{file}:{lines[rows.line_num - 1][0]}"
            cells = [cell.strip() for cell in row]
            if len(cells) <= max(path, *sides):
                raise ValueError(f"{where}: expected {len(columns)} cells, as in the header, got {len(cells)}.")
            if not cells[path] or "\0" in cells[path]:
                raise ValueError(f"{where}: expected the path of a photograph, got {cells[path]!r}.")
            named = cells[brand] if brand is not None and brand < len(cells) else ""
            yield where, cells[path], named, _box([cells[side] for side in sides], corners, where)
    except csv.Error as error:
        raise ValueError(f"{file}:{lines[rows.line_num - 1][0]}: not CSV ({error}).") from None


def _columns(columns, where):
    """Places of path, brand (or None) and sides, and whether the sides are corners."""
    path, brand = (next((columns[name] for name in names if name in columns), None) for names in (_PATHS, _BRANDS))
    sides = next((names for names in _CORNERS + _SIDES if all(name in columns for name in names)), None)
    if path is None or sides is None:
        raise ValueError(
            f"{where}: expected a header with path and x0, y0, x1, y1 or x, y, width, height, got {', '.join(columns)[:200]!r}."
        )
    return path, brand, [columns[name] for name in sides], sides in _CORNERS


def _box(cells, corners, where):
    if not any(cells):
        return None
    try:
        x0, y0, x1, y1 = map(float, cells)
    except ValueError:
        x0 = y0 = x1 = y1 = math.nan
    if not corners:
        x1, y1 = x0 + x1, y0 + y1
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError(f"{where}: expected four numbers, or four empty cells for a photograph without a logo, got {cells}.")
    if x1 < x0 or y1 < y0:
        raise ValueError(f"{where}: a box must end to the right of and below its start, got {cells}.")
    return y0, x0, y1, x1


def _json_rows(file):
    """As `_csv_rows`."""
    for image in read_coco(file)[0]:
        where = f"{file}: image {image.name!r}"
        for brand, box in image.boxes or [("", None)]:
            yield where, image.name, brand, box
