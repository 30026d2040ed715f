"""logo-data check: what is wrong with the photos of a data set."""

import os

from logo_keras import datasets
from logo_keras.commands.command import DATA_KINDS, Command, printable
from logo_keras.datasets.quality.inspection import KINDS, NEGATIVES, TROUBLE, inspect
from logo_keras.datasets.splits import splits
from logo_keras.datasets.statistics import relative, to_text
from logo_keras.errors import UserError
from logo_keras.files import write_json

USAGE = "logo-data check NAME ROOT [--split NAME]"
DESCRIPTION = f"""Reads every photograph of a data set and says what is wrong: photographs that are missing or cannot be read,
the same or nearly the same photograph in two splits or under two labels, tiny ones, boxes outside the photograph or of
unclear orientation, transparent photographs, classes without photographs, and what was left out.

With --negatives it also compares photographs that are to show no brand with those of the data set, and names folders of them
that are called as a brand is.

For instance:
  logo-data check flickrlogos27 photographs/flickrlogos27 --json check.json
  logo-data check folder photographs --negatives photographs_without_brands

ROOT is the folder of the data set, or the text file of a list, and NAME its kind:
{DATA_KINDS}

Ends with 1 if there is trouble, with 0 otherwise. Trouble is: {", ".join(KINDS[kind] for kind in TROUBLE[:3])},
{", ".join(KINDS[kind] for kind in TROUBLE[3:5])},
{", ".join(KINDS[kind] for kind in TROUBLE[5:])}.
Nearly identical are copies that were saved anew, resized, or made a little brighter or darker."""

# P2 and P3 as a whole: the parts that training and evaluation take leave out the photos without a brand of P2.
_ALL = {"flickrlogos32": ("P1", "P2", "P3")}
# What is left out with --nonear.
_NEAR = ("near_across", "near_within", "doubtful")
# Findings of a kind that are printed.
_PRINTED = 10


def define(flags):
    """Defines the flags."""
    flags.multi_string(
        "split",
        None,
        "A part of the data set, for instance test; may be given several times. Without it all parts are checked, also "
        "against each other.",
    )
    flags.string(
        "negatives",
        None,
        "A folder of photographs that are to show none of the brands, for --negatives of logo-train and logo-calibrate: is one "
        "of them a photograph of the data set, or in a folder named as a brand?",
    )
    flags.string("json", None, "Also write all findings to this file; of each kind ten are printed.")
    flags.integer("smallest", 32, "Photographs with a side shorter than this, in px, are tiny.", lower_bound=0)
    flags.boolean("near", True, "Look for nearly identical photographs too, not for byte-identical ones alone.")


def work(flags, arguments):
    """Runs the command.

    Raises:
        UserError: if there is trouble, with what it is; or for arguments that do not fit.
        OSError: if the data set is not there.
    """
    if len(arguments) != 2:
        raise UserError("name a kind of data set and its folder, as in: logo-data check flickrlogos27 photographs/flickrlogos27")
    name, root = arguments
    parts = {split or "all": datasets.load(name, root, split=split) for split in flags.split or _parts(name, root)}
    inspection = inspect(parts, flags.smallest, flags.near, flags.negatives)
    notes = {split: list(part.notes) for split, part in parts.items()}
    print(f"{name} in {root}\n\n{table(inspection, root)}")
    # Splits of one set mostly have the same to say.
    for note in dict.fromkeys(note for each in notes.values() for note in each):
        print(f"\nnote: {note}")
    if flags.json:
        about = {"data": name, "root": os.path.abspath(root), "smallest": flags.smallest, "notes": notes}
        write_json(flags.json, about | inspection.to_dict())
    if inspection.trouble:
        counts = [f"{KINDS[kind]}: {len(getattr(inspection, kind))}" for kind in TROUBLE if getattr(inspection, kind)]
        raise UserError(f"trouble in {name}. {'; '.join(counts)}.")


def table(inspection, root):
    """The figures and the first findings of an Inspection as text.

    Args:
        inspection: Inspection.
        root: path, left out of the photographs' paths.
    """
    splits, kinds, details = [], [], []
    for split, count in inspection.photographs.items():
        numbers = [number for brand, number in inspection.classes[split].items() if number and brand != "none"]
        figures = (len(numbers), min(numbers), max(numbers)) if numbers else (0, "-", "-")
        splits.append([split, count, *figures, inspection.boxes[split]])
    for kind, what in KINDS.items():
        if (kind in _NEAR and not inspection.near) or (kind == "named" and NEGATIVES not in inspection.photographs):
            continue
        findings = getattr(inspection, kind)
        kinds.append([what, len(findings), "trouble" if findings and kind in TROUBLE else ""])
        if findings:
            details += ["", f"{what}:", *(f"  {_line(finding, root)}" for finding in findings[:_PRINTED])]
        if len(findings) > _PRINTED:
            details.append(f"  and {len(findings) - _PRINTED} more; --json has all")
    counts = to_text(["split", "photographs", "classes", "fewest", "most", "boxes"], splits)
    return "\n".join([counts, "", to_text(["found", "number", ""], kinds), *details])


def _parts(name, root):
    """The splits to check; None stands for all labelled photos, where there are no splits of them."""
    found = _ALL.get(name) or splits(name, root).names()
    return found if any(split != "none" for split in found) else (None, *found)


def _line(finding, root):
    root = os.path.abspath(os.path.dirname(root) if os.path.isfile(root) else root)
    where = " = ".join(f"{split} {brand} {relative(path, root)}" for path, split, brand in finding.entries)
    line = ": ".join(filter(None, [where, relative(finding.detail, root)]))
    # A path may hold anything, also a line's end or what no terminal can show.
    return printable(line)


COMMAND = Command(USAGE, DESCRIPTION, define, work)
