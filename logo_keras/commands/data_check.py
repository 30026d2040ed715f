"""logo-data check: what is wrong with the photographs of a data set."""

import os

from absl import flags

from logo_keras import datasets
from logo_keras.commands import _flags
from logo_keras.datasets.quality.inspection import KINDS, TROUBLE, inspect
from logo_keras.datasets.splits import splits
from logo_keras.files import write_json

USAGE = "logo-data check NAME ROOT [--split NAME]"
DESCRIPTION = f"""Reads every photograph of a data set and says what is wrong: photographs that are missing or cannot be read,
the same or nearly the same photograph in two splits or under two labels, tiny ones, boxes outside the photograph or of
unclear orientation, transparent photographs, classes without photographs, and what was left out.

For instance:
  logo-data check flickrlogos27 photographs/flickrlogos27 --json check.json

ROOT is the folder of the data set, or the text file of a list, and NAME its kind:
{_flags.KINDS}

Ends with 1 if there is trouble, with 0 otherwise. Trouble is: {", ".join(KINDS[kind] for kind in TROUBLE[:3])},
{", ".join(KINDS[kind] for kind in TROUBLE[3:])}.
Nearly identical are copies that were saved anew, resized, or made a little brighter or darker."""

# P2 and P3 as a whole: the parts that training and evaluation take leave out the photographs without a brand of P2.
_ALL = {"flickrlogos32": ("P1", "P2", "P3")}
# What is left out with --nonear.
_NEAR = ("near_across", "near_within", "doubtful")
# Findings of a kind that are printed.
_PRINTED = 10


def define(values):
    """Defines the flags."""
    flags.DEFINE_multi_string(
        "split",
        None,
        "A part of the data set, for instance test; may be given several times. Without it all parts are checked, also "
        "against each other.",
        flag_values=values,
    )
    flags.DEFINE_string("json", None, "Also write all findings to this file; of each kind ten are printed.", flag_values=values)
    flags.DEFINE_integer(
        "smallest", 32, "Photographs with a side shorter than this, in px, are tiny.", lower_bound=0, flag_values=values
    )
    flags.DEFINE_boolean(
        "near", True, "Look for nearly identical photographs too, not for byte-identical ones alone.", flag_values=values
    )


def work(values, arguments):
    """Runs the command.

    Raises:
        ValueError: if there is trouble, with what it is; or for arguments that do not fit.
        OSError: if the data set is not there.
    """
    if len(arguments) != 2:
        raise ValueError("name a kind of data set and its folder, as in: logo-data check flickrlogos27 photographs/flickrlogos27")
    name, root = arguments
    parts = {split or "all": datasets.load(name, root, split=split) for split in values.split or _parts(name, root)}
    inspection = inspect(parts, values.smallest, values.near)
    notes = {split: list(part.notes) for split, part in parts.items()}
    print(f"{name} in {root}\n\n{table(inspection, root)}")
    # Splits of one set mostly have the same to say.
    for note in dict.fromkeys(note for each in notes.values() for note in each):
        print(f"\nnote: {note}")
    if values.json:
        found = {"data": name, "root": os.path.abspath(root), "smallest": values.smallest, "notes": notes, **inspection.to_dict()}
        write_json(values.json, found)
    if inspection.trouble:
        counts = [f"{KINDS[kind]}: {len(getattr(inspection, kind))}" for kind in TROUBLE if getattr(inspection, kind)]
        raise ValueError(f"trouble in {name}. {'; '.join(counts)}.")


def table(inspection, root):
    """The figures and the first findings of an Inspection as text.

    Args:
        inspection: Inspection.
        root: path, left out of the photographs' paths.
    """
    width = max(5, *map(len, inspection.photographs))
    lines = [f"{'split':{width}}  photographs  classes  fewest    most   boxes"]
    for split, count in inspection.photographs.items():
        numbers = [number for brand, number in inspection.classes[split].items() if number and brand != "none"]
        figures = (len(numbers), min(numbers), max(numbers)) if numbers else (0, "-", "-")
        lines.append("{:{}}  {:11}  {:7}  {:>6}  {:>6}  {:6}".format(split, width, count, *figures, inspection.boxes[split]))
    kinds = {kind: what for kind, what in KINDS.items() if inspection.near or kind not in _NEAR}
    width = max(map(len, kinds.values()))
    lines += ["", f"{'found':{width}}  number"]
    for kind, what in kinds.items():
        count = len(getattr(inspection, kind))
        lines.append(f"{what:{width}}  {count:6}{'  trouble' if count and kind in TROUBLE else ''}")
    for kind, what in kinds.items():
        findings = getattr(inspection, kind)
        if findings:
            lines += ["", f"{what}:", *(f"  {_line(finding, root)}" for finding in findings[:_PRINTED])]
        if len(findings) > _PRINTED:
            lines.append(f"  and {len(findings) - _PRINTED} more; --json has all")
    return "\n".join(lines)


def _parts(name, root):
    """The splits to check; None stands for all labelled photographs, where there are no splits of them."""
    found = _ALL.get(name) or splits(name, root).names()
    return found if any(split != "none" for split in found) else (None, *found)


def _line(finding, root):
    root = os.path.abspath(os.path.dirname(root) if os.path.isfile(root) else root)
    where = []
    for path, split, brand in finding.entries:
        shown = os.path.relpath(path, root) if path.startswith(os.path.join(root, "")) else path
        where.append(f"{split} {brand} {shown}")
    # A path may hold anything, also a line's end or what no terminal can show.
    line = " = ".join(where) + (
        f": {finding.detail}" if where and finding.detail else finding.detail.removeprefix(os.path.join(root, ""))
    )
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
