"""Says whether one model is better than another on the same photos, and what may be claimed of it.

For instance, two evaluations that logo-evaluate --json or --report wrote:
  logo-compare drna.json plain.json

Several evaluations of a side, separated by commas or as a pattern in quotes; those of the same photos are taken as runs of
other seeds, those of different photos as folds:
  logo-compare 'drna-seed*.json' 'plain-seed*.json'

Models are evaluated first, and then need the photos:
  logo-compare drna.keras drna.tflite --data toplogo10 --root photographs/toplogo10 --split test30

The intervals are those of a bootstrap that draws photos, each with all of its boxes, and runs where there are several.
"""

import dataclasses
import glob
import os
import sys
from pathlib import Path

from logo_keras import datasets
from logo_keras.commands.command import Command, in_columns, printable, say_notes, say_unreadable
from logo_keras.commands.open_model import SUFFIXES, open_model
from logo_keras.errors import UserError
from logo_keras.evaluation import evaluate, judge, read
from logo_keras.evaluation.document import FILE
from logo_keras.evaluation.verdict import MIDDLE, SMALL
from logo_keras.files import saying_when_full, sha256, write_json

USAGE = "logo-compare FIRST SECOND"
# Samples on which they differ that are printed.
_SHOWN = 10
_SIZES = {
    "small": f"logo below {SMALL:.0%}",
    "middle": f"{SMALL:.0%} to {MIDDLE:.0%}",
    "large": f"{MIDDLE:.0%} and more",
}


def define(flags):
    """Defines the flags."""
    flags.shared("data", "root", "cut")
    flags.string("split", None, "The part of the data set on which models are evaluated, for instance test30 of toplogo10.")
    flags.integer("batch_size", 16, "Photos at once; more need more memory.", lower_bound=1)
    flags.string("json", None, "Also write all figures, and every photo on which they differ, to this file.")


def table(verdict):
    """The figures of a Verdict as text."""
    sides, compared = (verdict.first, verdict.second), verdict.comparison
    boxes = f", {compared.photographs:,} boxes" if compared.photographs != verdict.photos else ""
    folds = f", {verdict.folds} folds" if verdict.folds > 1 else ""
    rows = [("", " runs", "   top1", "95 % interval")]
    rows += [(side.name, f"{side.runs:5}", f"{side.top1:7.1%}", _shares(side.interval)) for side in sides]
    lines = [f"{verdict.photos:,} photos{boxes}{folds}", "", *in_columns(rows), ""]
    votes = f"{verdict.better:,} photos for {sides[0].name}, {verdict.worse:,} for {sides[1].name}"
    lines += [
        f"difference   {_points(compared.difference)} points   95 % interval {_range(compared.interval)}",
        f"McNemar      {votes}: p {_p(verdict.p)}",
    ]
    if verdict.sizes:
        lines += ["", *in_columns([*_sizes(verdict)])]
    if count := len(verdict.discordant):
        lines += ["", f"They differ on {count:,}{', of which the first' if count > _SHOWN else ''}:"]
        lines += map(_differing, verdict.discordant[:_SHOWN])
    return "\n".join([*lines, "", verdict.sentence])


def _sizes(verdict):
    """Rows of a table."""
    yield "size of the logo", "samples", f"{'top1':>13}", "points", "95 % interval"
    for name, row in verdict.sizes.items():
        shares = " ".join(f"{share:6.1%}" for share in row["top1"])
        yield _SIZES[name], f"{row['samples']:7,}", shares, f"{_points(row['difference']):>6}", _range(row["interval"])


def _differing(row):
    box = f" box {','.join(f'{value:g}' for value in row['box'])}" if "box" in row else ""
    said = " / ".join(", ".join("unreadable" if each is None else each for each in row[side]) for side in ("first", "second"))
    return printable(f"  {row['photo']}{box}, {row['brand']}: {said}")


def _p(value):
    return f"{value:.3f}" if value >= 0.001 else "below 0.001"


def _points(share):
    return f"{100 * share:+.1f}"


def _range(interval):
    return " to ".join(map(_points, interval))


def _shares(interval):
    return " to ".join(f"{share:.1%}" for share in interval)


def _work(flags, arguments):
    if len(arguments) != 2:
        raise UserError(
            f"expected two sides, got {len(arguments)}: {USAGE}. Several evaluations of a side are separated by commas, or a "
            "pattern in quotes."
        )
    sides = [_files(argument) for argument in arguments]
    _refuse_repeated(sides)
    if flags.json is not None and any(_same(flags.json, file) for side in sides for file in side):
        raise UserError(f"--json {flags.json} is one of the evaluations: it would be overwritten.")
    models = [file for side in sides for file in side if file.suffix.lower() in SUFFIXES]
    if models and (flags.data is None or flags.root is None):
        raise UserError(f"{models[0]} is a model: give --data and --root of the photos on which to evaluate it.")
    if not models and any(value is not None for value in (flags.data, flags.root, flags.split, flags.cut)):
        raise UserError("--data, --root, --split and --cut are for models: evaluations know their photos.")
    dataset = None
    if models:
        dataset = datasets.load(flags.data, flags.root, split=flags.split, cut=flags.cut)
        say_notes(dataset)
    found = [{str(file): _evaluation(file, dataset, flags) for file in side} for side in sides]
    _refuse_one_model(found)
    names = [printable(_name(*each)) for each in zip(sides, arguments, strict=True)]
    verdict = judge(*found, names=names if names[0] != names[1] else tuple(map(printable, arguments)))
    print(table(verdict))
    if flags.json is not None:
        with saying_when_full(Path(flags.json), "nothing was written."):
            write_json(flags.json, verdict.to_dict())


def _files(argument):
    """The evaluations and models that an argument names: list of Path."""
    found = []
    # A name may hold commas and brackets.
    for part in [argument] if os.path.lexists(argument) else filter(None, argument.split(",")):
        paths = [part] if os.path.lexists(part) else sorted(glob.glob(part))
        if not paths:
            raise FileNotFoundError(f"there is no {part}.")
        found += [_file(Path(path)) for path in paths]
    if not found:
        raise UserError("a side is empty: name an evaluation or a model.")
    return found


def _file(path):
    if not path.is_dir():
        return path
    if not (path / FILE).is_file():
        raise FileNotFoundError(f"there is no {FILE} in {path}: give a folder that logo-evaluate --report wrote.")
    return path / FILE


def _refuse_repeated(sides):
    """Refuses a file that is given twice, or a copy of it: a model does not differ from itself, and is no other seed."""
    seen = []
    for number, side in enumerate(sides):
        for file in side:
            for other, side_of_other in seen:
                if not _alike(other, file):
                    continue
                same = f"{file} is given twice" if _same(other, file) else f"{other} and {file} are copies of one file"
                if side_of_other != number:
                    raise UserError(f"{same}: a model does not differ from itself.")
                raise UserError(f"{same}, which is no second run.")
            seen.append((file, number))


def _alike(first, second):
    # By far most files differ in size.
    if first.stat().st_size != second.stat().st_size:
        return False
    return _same(first, second) or sha256(first) == sha256(second)


def _refuse_one_model(found):
    """Refuses evaluations of one model about the same photos as two runs of a side; says so where they are two sides."""
    for side in found:
        seen = {}
        for name, evaluation in side.items():
            digest = evaluation.model.get("sha256")
            for other in seen.get(digest, ()) if digest else ():
                if not set(evaluation.paths).isdisjoint(side[other].paths):
                    raise UserError(f"{other} and {name} are evaluations of the same model, which is no second run.")
            seen.setdefault(digest, []).append(name)
    first, second = ({evaluation.model.get("sha256") for evaluation in side.values()} - {None} for side in found)
    if first & second:
        print("note: both sides have evaluations of the same model file.", file=sys.stderr)


def _same(first, second):
    return os.path.exists(first) and os.path.samefile(first, second)


def _evaluation(file, dataset, flags):
    if file.suffix.lower() not in SUFFIXES:
        return read(file)
    print(f"{file} is evaluated on {len(dataset):,} samples.", file=sys.stderr)
    evaluation = evaluate(open_model(file), dataset, flags.batch_size, probabilities=False)
    say_unreadable(evaluation.unreadable)
    data = {"kind": flags.data, "root": flags.root, "split": flags.split, "cut": flags.cut}
    return dataclasses.replace(evaluation, data=data, model=evaluation.model | {"sha256": sha256(file)})


def _name(files, argument):
    """What a side is called: its file, without the suffix, or what its files have in common."""
    names = [file.parent.name if file.name == FILE else file.stem for file in files]
    common = os.path.commonprefix(names)
    return (common if len(names) == 1 else common.rstrip(" -_.")) or argument


COMMAND = Command(USAGE, __doc__, define, _work)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
