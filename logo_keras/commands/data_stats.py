"""logo-data stats: what a data set holds, as pictures, tables and a page."""

import os
import sys
from pathlib import Path

from logo_keras import datasets
from logo_keras.commands.command import DATA_KINDS, Command, say_notes
from logo_keras.datasets.pictures.statistics_page import write_page
from logo_keras.datasets.splits import splits
from logo_keras.errors import UserError
from logo_keras.extras import require

USAGE = "logo-data stats NAME ROOT --out FOLDER [--split NAME] [--cut MARGIN]"
DESCRIPTION = f"""Counts the photographs of a data set and measures its logos. Into the folder it writes pictures, tables
(CSV) and index.html, which shows them all: photographs of each root category or split, of each brand, of each brand in its
root category, sizes of the logos relative to their photographs, and contact sheets with photographs of every brand.

For instance:
  logo-data stats flickrlogos27 photographs/flickrlogos27 --out statistics

ROOT is the folder of the data set, or the text file of a list, and NAME its kind:
{DATA_KINDS}"""


def define(flags):
    """Defines the flags."""
    flags.string("out", None, "The folder to write to. Other files in it stay.")
    flags.string("split", None, "One part of the data set alone. Without it all labelled photographs, and each part counted.")
    flags.shared("cut")
    flags.integer("seed", 0, "Chooses the photographs of the contact sheets.", lower_bound=0)


def work(values, arguments):
    """Does the work of the command.

    Args:
        values: Flags of `define`.
        arguments: list of str, name and root.

    Raises:
        ValueError: if an argument is missing or wrong, or `--out` would become part of the data set.
    """
    if len(arguments) != 2:
        raise UserError(f"expected NAME ROOT, got {' '.join(arguments) or 'nothing'}; logo-data stats --help explains them.")
    name, root = arguments
    out = Path(values.out)
    if name == "folder" and Path(os.path.realpath(out)).is_relative_to(os.path.realpath(root)):
        raise UserError(f"--out {out} lies in the data set {root}: its pictures would count as photographs of a brand.")
    # Before anything is read, since everything is drawn with it.
    for library in ("jinja2", "matplotlib"):
        require(library, "report")
    dataset = datasets.load(name, root, split=values.split, cut=values.cut)
    say_notes(dataset)
    parts, skipped = ({}, []) if values.split else _parts(name, root, values.cut)
    write_page(dataset, parts, out, name, values.seed, skipped)
    print(f"written: {out / 'index.html'}")


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


COMMAND = Command(USAGE, DESCRIPTION, define, work, required=("out",))
