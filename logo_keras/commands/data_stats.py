"""logo-data stats: what a data set holds, as pictures, tables and a page."""

import os
import sys
from pathlib import Path

import numpy as np

from logo_keras import datasets
from logo_keras.commands.command import DATA_KINDS, Command, say_notes
from logo_keras.datasets import statistics
from logo_keras.datasets.pictures import charts as dataset_charts
from logo_keras.datasets.pictures import contact_sheet
from logo_keras.datasets.pictures import page as dataset_page
from logo_keras.datasets.splits import splits
from logo_keras.errors import UserError
from logo_keras.extras import cv2, require
from logo_keras.files import replacing
from logo_keras.report import page as report

USAGE = "logo-data stats NAME ROOT --out FOLDER [--split NAME] [--cut MARGIN]"
DESCRIPTION = f"""Counts the photographs of a data set and measures its logos. Into the folder it writes pictures, tables
(CSV) and index.html, which shows them all: photographs of each root category or split, of each brand, of each brand in its
root category, sizes of the logos relative to their photographs, and contact sheets with photographs of every brand.

For instance:
  logo-data stats flickrlogos27 photographs/flickrlogos27 --out statistics

ROOT is the folder of the data set, or the text file of a list, and NAME its kind:
{DATA_KINDS}"""

# px of the page for one px of a chart: charts have 144 px an inch, pages 96.
_SHRUNK = 96 / 144
# Photographs that cannot be read and are on the page by name; the table has them all.
_LISTED = 100


def define(flags):
    """Defines the flags."""
    flags.string("out", None, "The folder to write to. Other files in it stay.")
    flags.string("split", None, "One part of the data set alone. Without it all labelled photographs, and each part counted.")
    flags.shared("cut")
    flags.integer("seed", 0, "Chooses the photographs of the contact sheets.", lower_bound=0)


def work(values, arguments):
    """Does the work of the command.

    Args:
        values: `absl.flags.FlagValues` of `define`.
        arguments: list of str, name and root.

    Raises:
        ValueError: if an argument is missing or wrong, or `--out` would become part of the data set.
    """
    if len(arguments) != 2:
        raise UserError(f"expected NAME ROOT, got {' '.join(arguments) or 'nothing'}; logo-data stats --help explains them.")
    if values.out is None:
        raise UserError("--out must be given: the folder to write to.")
    name, root = arguments
    out = Path(values.out)
    if name == "folder" and Path(os.path.realpath(out)).is_relative_to(os.path.realpath(root)):
        raise UserError(f"--out {out} lies in the data set {root}: its pictures would count as photographs of a brand.")
    # Before anything is read, since everything is drawn with it.
    require("matplotlib", "demo")
    dataset = datasets.load(name, root, split=values.split, cut=values.cut)
    say_notes(dataset)
    parts, skipped = ({}, []) if values.split else _parts(name, root, values.cut)
    write_statistics(dataset, parts, out, name, values.seed, skipped)
    print(f"written: {out / 'index.html'}")


def write_statistics(dataset, parts, out, name, seed=0, notes=()):
    """Writes pictures, tables and the page, each file when it is complete; says on stdout what the tables hold.

    Args:
        dataset: Dataset.
        parts: dict, split to Dataset, counted beside it.
        out: Path of the folder.
        name: str, what the page calls a set that is not public.
        seed: int, 0 or more, chooses the photographs of the contact sheets.
        notes: list of str, shown besides those of the data set.
    """
    out.mkdir(parents=True, exist_ok=True)
    what = statistics.noun(dataset)
    header, rows = statistics.overview(dataset, parts)
    print(_text(header, rows))
    page = [*_about(dataset, notes), report.heading(f"{what.capitalize()} of each {header[0]}")]
    page += _picture(out, "overview", dataset_charts.table_picture(header, rows), f"{what} of each {header[0]}")
    page += _table(out, "overview", header, rows)

    brands = statistics.brands(dataset)
    page.append(report.heading("Brands"))
    if any(count for _, count in brands):
        counts = np.array([count for _, count in brands])
        caption = f"{what} of each brand: {counts.min():,} to {counts.max():,}, median {np.median(counts):,g}"
        page += _picture(out, "brands", dataset_charts.brand_chart(brands, what), caption)
    else:
        page.append(report.paragraph("No photograph shows a brand of the set."))
    page += _table(out, "brands", ["brand", "count"], brands)

    categories = statistics.by_category(dataset)
    if categories:
        page.append(report.heading("Brands of each root category"))
        page += _picture(out, "brands-by-root", dataset_charts.category_chart(categories, what), "all to one scale")
        rows = [(category, *pair) for category, pairs in categories.items() for pair in pairs]
        page += _table(out, "brands-by-root", ["root category", "brand", "count"], rows)

    boxes, unreadable = _boxes(dataset, out)
    sheets, unseen = _sheets(dataset, out, seed)
    page += [*boxes, *sheets, report.heading("Photographs that cannot be read"), *_left_out(dataset, out, unreadable | unseen)]
    title = dataset.about.title if dataset.about else name
    _write(out / "index.html", dataset_page.document(title, *page).encode("utf-8", "backslashreplace"))


def _parts(name, root, cut):
    """The splits of a data set that can be opened, and notes on those that cannot."""
    parts, skipped = {}, []
    for split in splits(name, root).names():
        try:
            parts[split] = datasets.load(name, root, split=split, cut=cut)
        except (ValueError, OSError) as error:
            skipped.append(f"split {split} is not counted: {error}")
            print(f"note: {skipped[-1]}", file=sys.stderr)
    return parts, skipped


def _about(dataset, notes):
    """What is known of the set, and its notes."""
    what, boxes = statistics.noun(dataset), sum(map(len, dataset.boxes))
    present = int((statistics.counts(dataset) > 0).sum())
    facts = [(f"{present:,}", "brands"), (f"{len(dataset):,}", what), (f"{boxes:,}", "boxes")]
    lines = [] if dataset.split_name is None else [f"Split: {dataset.split_name}"]
    if dataset.about is not None:
        about = dataset.about
        lines += [about.citation, f"Licence: {about.licence}", f"From: {about.address}", about.remark]
    notes = [*dataset.notes, *notes]
    return [
        report.cards(facts),
        *(report.paragraph(line) for line in lines if line),
        *([report.points(notes)] if notes else []),
    ]


def _boxes(dataset, out):
    """The part of the page on the sizes of logos, and the photographs whose sizes cannot be read."""
    page = [report.heading("Sizes of the logos")]
    sizes = statistics.box_sizes(dataset)
    if not sizes.paths:
        missing = "No photograph with a box can be read." if sizes.unreadable else "The data set has no boxes."
        print(missing)
        return [*page, report.paragraph(missing)], sizes.unreadable
    what = {"sqrt(box area / photograph area)": sizes.area_sides, "longer side / longer side": sizes.longer_sides}
    rows = [[label, *(f"{value:.3f}" for value in statistics.deciles(shares))] for label, shares in what.items()]
    header = ["deciles", *(f"{10 * place} %" for place in range(1, 10))]
    print(f"\n{_text(header, rows)}")
    page += _picture(out, "boxes", dataset_charts.box_chart(sizes), f"{statistics.counted(len(sizes.paths), 'boxes')}")
    page.append(report.table(header, rows))
    _write(out / "boxes.csv", statistics.to_csv(*statistics.box_table(dataset, sizes)))
    return [*page, dataset_page.link("boxes.csv", "boxes.csv: each box")], sizes.unreadable


def _sheets(dataset, out, seed):
    """The part of the page with the contact sheets, and the photographs that they cannot show."""
    page, unreadable = [report.heading("Contact sheets")], {}
    for number, sheet in enumerate(contact_sheet.contact_sheets(dataset, seed=seed), 1):
        unreadable |= sheet.unreadable
        if sheet.picture is None:
            continue
        file = f"contact-sheet-{number:02}.jpg"
        _write(out / file, _encoded(sheet.picture, ".jpg"))
        caption = f"Photographs of {sheet.brands[0]} to {sheet.brands[-1]}"
        page.append(dataset_page.image(file, caption, sheet.picture.shape[1]))
        page.append(report.folded("the brands", report.paragraph(", ".join(sheet.brands))))
    if len(page) == 1:
        page.append(report.paragraph("None of the photographs chosen for them can be read."))
    return page, unreadable


def _left_out(dataset, out, unreadable):
    """The part of the page with the photographs that cannot be read."""
    reasons = [(statistics.relative(path, dataset.root), unreadable[path]) for path in sorted(unreadable)]
    header = ["path", "reason"]
    _write(out / "unreadable.csv", statistics.to_csv(header, reasons))
    if not unreadable:
        return [report.paragraph("None of those that were opened for the sizes and the contact sheets.")]
    number = statistics.counted(len(unreadable), "photographs")
    sentence = f"{number} left out of the sizes or shown as a ? on the contact sheets."
    print(f"{sentence} {out / 'unreadable.csv'} names them.", file=sys.stderr)
    listed = report.folded(f"which, and why (at most {_LISTED} here)", report.table(header, reasons[:_LISTED]))
    return [report.paragraph(sentence), listed, dataset_page.link("unreadable.csv", "unreadable.csv")]


def _picture(out, name, picture, caption):
    """Writes a chart; the pieces of the page that show it."""
    _write(out / f"{name}.png", _encoded(picture, ".png"))
    return [dataset_page.image(f"{name}.png", caption, round(picture.shape[1] * _SHRUNK))]


def _table(out, name, header, rows):
    """Writes a table; the pieces of the page that show it."""
    _write(out / f"{name}.csv", statistics.to_csv(header, rows))
    return [report.folded("the figures", report.table(header, rows)), dataset_page.link(f"{name}.csv", f"{name}.csv")]


def _encoded(picture, suffix):
    how = [cv2.IMWRITE_JPEG_QUALITY, 85] if suffix == ".jpg" else []
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), how)[1].tobytes()


def _write(path, data):
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _text(header, rows):
    """A table for a terminal."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells]
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


main = Command(USAGE, DESCRIPTION, define, work).main
