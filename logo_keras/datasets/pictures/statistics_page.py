"""The page that shows what a data set holds, its pictures and tables in files beside it."""

import sys

import numpy as np

from logo_keras.datasets import statistics
from logo_keras.datasets.pictures.contact_sheet import contact_sheets
from logo_keras.files import write
from logo_keras.image.draw import encoded
from logo_keras.report import charts
from logo_keras.report.html import counted, render

# px of the page for one px of a chart: charts have 144 px an inch, pages 96.
_SHRUNK = 96 / 144
# Photos that cannot be read and are on the page by name; the table has them all.
_LISTED = 100


def write_page(dataset, parts, out, name, seed=0, notes=()):
    """Writes pictures, tables and index.html, each file when it is complete; prints what the tables hold.

    Args:
        dataset: Dataset.
        parts: dict, split to Dataset, counted beside it.
        out: Path of the folder.
        name: str, what the page calls a set that is not public.
        seed: int, 0 or more, chooses the photos of the contact sheets.
        notes: list of str, shown besides those of the data set.
    """
    what, about = statistics.noun(dataset), dataset.about
    counted_parts = _counts(dataset, parts, out, what)
    boxes, unreadable = _boxes(dataset, out)
    sheets, unseen = _sheets(dataset, out, seed)
    unreadable = [(statistics.relative(path, dataset.root), why) for path, why in sorted((unreadable | unseen).items())]
    write(out / "unreadable.csv", statistics.to_csv(["path", "reason"], unreadable))
    left_out = f"{counted(len(unreadable), 'photographs')} left out of the sizes or shown as a ? on the contact sheets."
    if unreadable:
        print(f"{left_out} {out / 'unreadable.csv'} names them.", file=sys.stderr)
    lines = [dataset.split_name and f"Split: {dataset.split_name}"]
    if about is not None:
        lines += [about.citation, f"Licence: {about.licence}", f"From: {about.address}", about.remark]
    page = render(
        "data_set.html",
        title=about.title if about else name,
        facts=[
            (f"{statistics.present(dataset):,}", "brands"),
            (f"{len(dataset):,}", what),
            (f"{sum(map(len, dataset.boxes)):,}", "boxes"),
        ],
        about=[line for line in lines if line],
        notes=[*dataset.notes, *notes],
        parts=counted_parts,
        boxes=boxes,
        sheets=sheets,
        unreadable=unreadable,
        left_out=left_out,
        listed=_LISTED,
    )
    write(out / "index.html", page)


def _counts(dataset, parts, out, what):
    """The charts and tables of what is counted: list of dict."""
    header, rows = statistics.overview(dataset, parts)
    print(statistics.to_text(header, rows))
    title = f"{what.capitalize()} of each {header[0]}"
    found = [_chart(out, "overview", title, title, charts.table_picture(header, rows), header, rows)]
    brands = statistics.brands(dataset)
    counts = np.array([count for _, count in brands])
    caption = picture = None
    if counts.any():
        caption = f"{what} of each brand: {counts.min():,} to {counts.max():,}, median {np.median(counts):,g}"
        picture = charts.brand_chart(brands, what)
    found.append(_chart(out, "brands", "Brands", caption, picture, ["brand", "count"], brands))
    if categories := statistics.by_category(dataset):
        rows = [(category, *pair) for category, pairs in categories.items() for pair in pairs]
        picture, header = charts.category_chart(categories, what), ["root category", "brand", "count"]
        title = "Brands of each root category"
        found.append(_chart(out, "brands-by-root", title, "all to one scale", picture, header, rows))
    return found


def _boxes(dataset, out):
    """The sizes of the logos, a dict, and the photos whose sizes cannot be read."""
    sizes = statistics.box_sizes(dataset)
    if not sizes.paths:
        missing = "No photograph with a box can be read." if sizes.unreadable else "The data set has no boxes."
        print(missing)
        return {"caption": None, "missing": missing}, sizes.unreadable
    what = {"sqrt(box area / photograph area)": sizes.area_sides, "longer side / longer side": sizes.longer_sides}
    rows = [[label, *(f"{value:.3f}" for value in statistics.deciles(shares))] for label, shares in what.items()]
    header = ["deciles", *(f"{10 * place} %" for place in range(1, 10))]
    print(f"\n{statistics.to_text(header, rows)}")
    picture, table = charts.box_chart(sizes.area_sides, sizes.longer_sides), statistics.box_table(dataset, sizes)
    part = _chart(out, "boxes", None, counted(len(sizes.paths), "boxes"), picture, *table)
    return part | {"header": header, "rows": rows}, sizes.unreadable


def _sheets(dataset, out, seed):
    """The contact sheets, a list of dict, and the photos that they cannot show."""
    sheets, unreadable = [], {}
    for number, sheet in enumerate(contact_sheets(dataset, seed=seed), 1):
        unreadable |= sheet.unreadable
        if sheet.picture is not None:
            file = f"contact-sheet-{number:02}.jpg"
            write(out / file, encoded(sheet.picture, quality=85))
            sheets.append({"file": file, "brands": sheet.brands, "width": sheet.picture.shape[1]})
    return sheets, unreadable


def _chart(out, name, title, caption, picture, header, rows):
    """Writes a table and its picture, which may be None; returns what the page needs of them."""
    write(out / f"{name}.csv", statistics.to_csv(header, rows))
    if picture is not None:
        write(out / f"{name}.png", encoded(picture, ".png"))
    width = None if picture is None else round(picture.shape[1] * _SHRUNK)
    return {"name": name, "title": title, "caption": caption, "width": width, "header": header, "rows": rows}
