"""Fits when a brand counts as known: a model's temperature and threshold, on photographs that it has not learnt from.

logo-train does the same when it ends. For a model that exists already, for instance:
  logo-calibrate --model run/model.keras --data folder --root photographs --negatives photographs_without_brands

The temperature makes the model's probabilities say how often it is right. The threshold is the lowest probability of the
likeliest brand with which it counts as known; below it the answer is that nothing is known. Without --negatives it keeps 95 % of
the photographs. With them it also refuses as many negatives as it can without losing more than 5 % of the right answers
(docs/none.md). Both are written into the model's file; exported files take them over when they are exported anew.
"""

from pathlib import Path

from logo_keras import datasets
from logo_keras.commands.command import Command, in_columns, no_arguments, one_line, say_notes
from logo_keras.commands.open_model import open_model
from logo_keras.commands.train import photographs
from logo_keras.datasets.splits import splits
from logo_keras.errors import UserError
from logo_keras.evaluation.calibration import KEEP, calibrate, check_calibrates
from logo_keras.files import write_json
from logo_keras.training.checkpoint import fingerprint

USAGE = "logo-calibrate --model FILE.keras --data KIND --root FOLDER [--split NAME] [--negatives FOLDER]"


def define(flags):
    """Defines the flags."""
    flags.string("model", None, "The model, a .keras file that logo-train or model.save wrote. It is written anew.")
    flags.shared("data", "root", "cut", "held_out")
    flags.string(
        "split",
        None,
        "The part of the data set to fit on, which the model has not learnt from; or, as --validation of logo-train, a share of "
        "the training part. By default what the run took for --validation, else the part validation.",
    )
    flags.string("negatives", None, "A folder of photographs that show none of the brands, best such as the model will meet.")
    flags.float("keep", KEEP, "The share, between 0 and 1, that the threshold keeps at least: of right answers with --negatives.")
    flags.integer("batch_size", 16, "Photographs at once; more need more memory.", lower_bound=1)
    flags.string("json", None, "Also write the figures to this file.")


def _work(flags, arguments):
    no_arguments(arguments)
    if Path(flags.model).suffix.lower() != ".keras":
        raise UserError(
            f"a .keras file is calibrated, got {flags.model}: an exported file has what its model had; export that anew."
        )
    model = open_model(flags.model)
    check_calibrates(model)
    validation = _validation(flags, model)
    say_notes(validation)
    before = model.temperature, model.threshold
    found = calibrate(model, validation, flags.negatives, flags.batch_size, flags.keep, report=lambda line: print(one_line(line)))
    try:
        model.save(flags.model)
    # HDF5 raises RuntimeError where a write fails late.
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"{flags.model} cannot be written: {reason}. It is as it was.") from error
    print(table(found, before))
    if flags.json:
        write_json(flags.json, found)


def _validation(flags, model):
    """The photographs to fit on: a Dataset."""
    card = model.card.get("data") or {}
    # The names of parts mean nothing in another data set.
    card = card if card.get("kind") == flags.data else {}
    learnt, scored = card.get("training") or {}, card.get("validation") or {}
    part = flags.split or scored.get("split") or splits(flags.data, flags.root).validation
    if part is None:
        raise UserError(
            f"{flags.data} in {flags.root} has no part validation: --split names the part, or the share of the training part, "
            "that the model has not learnt from."
        )
    if not _is_share(part):
        validation = datasets.load(flags.data, flags.root, split=part, cut=flags.cut)
    else:
        seed = (model.card.get("config") or {}).get("seed", 0)
        where = (flags.data, flags.root, learnt.get("split"), part, seed, flags.cut, flags.held_out)
        training, validation, _ = photographs(*where)
        if learnt.get("sha256") not in (None, fingerprint(training)["sha256"]):
            raise UserError(
                f"the model has not learnt from what --split {part} leaves of the training part, so that it may have seen what "
                "that takes: give --split, --cut and --held_out as logo-train had --validation, --cut and --held_out."
            )
    if not len(validation):
        raise UserError(f"the part {part} of {flags.data} in {flags.root} has no photographs.")
    known = fingerprint(validation)
    # The hash is one of names, which two parts may have in common; older files do not say the bytes.
    same = learnt["bytes"] == known["bytes"] if "bytes" in learnt else learnt.get("split") == part
    if same and learnt.get("sha256") == known["sha256"]:
        raise UserError(
            f"the model has learnt from the photographs of {part}, of which it is surer than of others: fit on photographs that "
            "it has not seen."
        )
    return validation


def _is_share(part):
    try:
        float(part)
    except ValueError:
        return False
    return True


def table(found, before):
    """What was fitted, as text.

    Args:
        found: dict, what `lk.evaluation.calibrate` gave.
        before: the temperature and the threshold that the model had.
    """
    few = "; few: what is fitted on them may be chance" if found["validation"] < 100 else ""
    lines = [f"{found['validation']} photographs with a brand, {found['negatives']} without{few}", ""]
    shown = [["", "before", "after"], ["temperature", f"{before[0]:.3f}", f"{found['temperature']:.3f}"]]
    shown += [["threshold", "none" if before[1] is None else f"{before[1]:.3f}", f"{found['threshold']:.3f}"]]
    lines += in_columns([(name, f"{old:>8}", f"{new:>8}") for name, old, new in shown])
    rows = [("", "temperature 1", f"temperature {found['temperature']:.3g}")]
    rows += [("calibration error (ECE)", *(f"{each:.1%}" for each in found["ece"]))]
    rows += [("negative log-likelihood", *(f"{each:.3f}" for each in found["nll"]))]
    width = max(len(cell) for _, *cells in rows for cell in cells)
    lines += ["", *in_columns([(name, *(f"{cell:>{width}}" for cell in cells)) for name, *cells in rows])]
    others = [("fitted", found), *((f"keep {each['keep']:g}", each) for each in found["choices"])]
    rows = [("", "threshold", "photos kept", "false accepts")]
    for name, each in others:
        refused = "-" if each["false_accepts"] is None else f"{each['false_accepts']:.1%}"
        rows.append((name, f"{each['threshold']:.3f}", f"{each['true_accepts']:.1%}", refused))
    lines += ["", *in_columns([(first, *(f"{cell:>13}" for cell in cells)) for first, *cells in rows])]
    lines += ["", "keep: the share of right answers that is kept at least, as --keep with --negatives."]
    if not found["negatives"]:
        lines += ["", "How many photographs without a brand are taken for one is not known: --negatives tells."]
    return "\n".join(lines)


COMMAND = Command(USAGE, __doc__, define, _work, required=("model", "data", "root"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
