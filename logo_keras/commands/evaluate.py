"""Asks a model about every photograph of a data set and prints how often it is right.

For instance, on the official test photographs of TopLogo-10:
  logo-evaluate --model run/model.keras --data toplogo10 --root photographs/toplogo10 --split test30

The same with the page that shows where it fails and when to distrust it, and every answer as JSON:
  logo-evaluate --model run/model.keras --data toplogo10 --root photographs/toplogo10 --split test30 --report report

top1 is the share of photographs whose likeliest brand is the right one, top5 that whose right brand is among the five
likeliest. The interval says how far chance alone may have moved top1 with so few photographs.
"""

import dataclasses
import datetime
import os
import sys
from pathlib import Path

from logo_keras import datasets
from logo_keras.commands import shares
from logo_keras.commands.command import Command, no_arguments, say_notes, say_unreadable
from logo_keras.commands.open_model import open_model
from logo_keras.datasets import held_out as left_out
from logo_keras.datasets.find_photos import find
from logo_keras.datasets.splits import splits
from logo_keras.errors import UserError
from logo_keras.evaluation import document, evaluate, negatives, novelty, report
from logo_keras.evaluation.asking import describe
from logo_keras.files import replacing, saying_when_full, sha256

USAGE = "logo-evaluate --model FILE --data KIND --root FOLDER [--split NAME] [--report FOLDER]"


def define(flags):
    """Defines the flags."""
    flags.shared("model", "data", "root", "cut", "held_out", "strict")
    flags.string(
        "split",
        None,
        "The part of the data set, for instance test30 of toplogo10, P3-logos of flickrlogos32, or test of the others. "
        "Without it all labelled photographs are taken, those for training too.",
    )
    flags.string(
        "held_out_file",
        None,
        f"The {left_out.FILE} that logo-train wrote, where it does not lie beside the model, for instance of an exported file.",
    )
    flags.integer("batch_size", 16, "Photographs at once; more need more memory.", lower_bound=1)
    flags.boolean("record", False, "Write the figures into the model file too (.keras), where logo-describe shows them.")
    flags.string("json", None, "Also write all figures and every answer to this file.")
    flags.string(
        "report",
        None,
        f"Write {report.JSON} and {report.PAGE} into this folder. The page needs the extra [report]; without it the JSON is "
        "written alone. The report of another model or of other photos is not replaced.",
    )
    flags.boolean("overwrite", False, "With --report: replace whatever report the folder holds.")
    flags.string(
        "negatives",
        None,
        "Photos that show no brand of the model, a folder or a .txt file: how many of them get one, and what would tell them "
        "from the others. With --report or --json the part of the data set that is called none is taken where there is one.",
    )
    flags.string(
        "class_means",
        None,
        "The part of the data set that the model learnt from, for instance train: then negatives are also told by their "
        "distance to the mean of each brand. Needs a .keras file.",
    )


def table(evaluation):
    """The figures of an Evaluation as text."""
    count, (low, high) = len(evaluation.paths), evaluation.top1_interval
    lines = [
        f"{count} photographs, {len(evaluation.class_names)} classes",
        "",
        f"top1         {evaluation.top1:6.1%}   95 % interval {low:.1%} to {high:.1%}",
        f"top5         {evaluation.top5:6.1%}",
    ]
    lines += [f"{f'{name}_top1':12} {share:6.1%}" for name, share in evaluation.head_top1.items()]
    if evaluation.threshold is not None:
        known, right = evaluation.known, evaluation.correct
        lines.append(
            f"known        {known.mean():6.1%}   at the threshold {evaluation.threshold:.3f}; of these "
            f"{right[known].mean() if known.any() else 0:.1%} right"
        )
    if evaluation.none and evaluation.none["scores"]:
        lines += ["", *_of_none(evaluation.none)]
    if evaluation.region_area is not None:
        lines += ["", f"The best region covers {evaluation.region_area:.1%} of the photograph on average."]
    if evaluation.region_hit_rate is not None:
        chance = evaluation.region_hit_rate_chance
        dealt = "" if chance is None else f" (regions of other photographs: {chance:.1%})"
        lines += [
            f"The centre of a logo lies in it on {evaluation.region_hit_rate:.1%} of the photographs{dealt},",
            f"in one of {evaluation.region_boxes.shape[1]} regions on {evaluation.region_hit_rate_any:.1%}.",
        ]
    width, taken_for = max(5, *map(len, evaluation.class_names)), _taken_for(evaluation)
    lines += ["", f"{'class':{width}}  photographs   right  mostly taken for"]
    totals = evaluation.photographs_per_class.tolist()
    for number, (name, share) in enumerate(evaluation.per_class.items()):
        right = "     -" if share is None else f"{share:6.1%}"
        lines.append(f"{name:{width}}  {totals[number]:11}  {right}{taken_for.get(number, '')}")
    return "\n".join(lines)


def _of_none(none):
    """What the model said of photos without a brand, as lines of text."""
    auroc, false = (none["scores"]["probability"][name] for name in ("auroc", "false_accepts"))
    told = f"{none['negatives']} photographs without a brand of the list"
    left_out = none["negatives_left_out"] and f" ({none['negatives_left_out']} more fitted the threshold and are left out)"
    yield f"{told}{left_out or ''}: AUROC {auroc:.1%}, false accepts at 95 % true accepts {false['share']:.1%}"
    if none["at_threshold"]:
        yield f"and {none['at_threshold']['false_accepts']['share']:.1%} at the model's threshold."


def _taken_for(evaluation):
    """By the number of a class: what most of its wrong answers are, as text; of equally many the first."""
    most = {}
    for truth, chosen, count in evaluation.confusion_counts.tolist():
        if truth != chosen and count > most.get(truth, (None, 0))[1]:
            most[truth] = (chosen, count)
    return {truth: f"  {evaluation.class_names[chosen]} ({count})" for truth, (chosen, count) in most.items()}


def _work(flags, arguments):
    no_arguments(arguments)
    if flags.record and Path(flags.model).suffix.lower() != ".keras":
        raise UserError(f"--record writes into .keras files, got {flags.model}.")
    if flags.overwrite and not flags.report:
        raise UserError("--overwrite belongs to --report.")
    if flags.class_means is not None and Path(flags.model).suffix.lower() != ".keras":
        raise UserError(f"--class_means needs a .keras model, which gives embeddings, got {flags.model}.")
    model = open_model(flags.model)
    if not hasattr(model, "recognize"):
        raise UserError(
            f"{flags.model} holds a {type(model).__name__}, which names no brand: logo-gallery evaluate judges it with a gallery."
        )
    dataset = datasets.load(flags.data, flags.root, split=flags.split, cut=flags.cut)
    subject, data = _subject(flags, model), _data(flags)
    if flags.report:
        # Before the work, which may take hours.
        report.check_folder(flags.report, subject, data, model.class_names, flags.overwrite)
    if flags.held_out is not None or flags.held_out_file is not None:
        dataset = _held_out(flags, dataset)
    say_notes(dataset)
    others = _negatives(flags, model)
    how = {"scores": None, "infer": None} if others is None else _scoring(flags, model)
    evaluation = evaluate(model, dataset, flags.batch_size, flags.strict, probabilities=False, **how)
    if others is not None:
        source = flags.negatives and os.path.basename(os.path.normpath(flags.negatives)) or others.split_name
        none = negatives.judge(evaluation, model, others, flags.batch_size, flags.strict, **how, source=source)
        evaluation = dataclasses.replace(evaluation, none=none)
    print(table(evaluation))
    say_unreadable(evaluation.unreadable)
    if flags.record:
        _record(model, flags, evaluation)
        subject["sha256"] = sha256(flags.model)
    fitted = int(negatives.fitted_places(model, evaluation.paths).sum())
    evaluation = dataclasses.replace(evaluation, model=subject, data=data, fitted=fitted)
    if flags.json:
        path = Path(flags.json)
        with saying_when_full(path, "nothing was written."), replacing(path) as temporary:
            document.write(temporary, report.dated(evaluation))
    if flags.report:
        print(f"\nwritten: {report.write_report(flags.report, evaluation, dataset, others, overwrite=True, say=_note)}")


def _note(line):
    print(line, file=sys.stderr)


def _subject(flags, model):
    """What JSON says of the model."""
    return describe(model) | {"name": Path(flags.model).name, "sha256": sha256(flags.model)}


def _data(flags):
    """What JSON says of the photos."""
    said = {name: flags[name].value for name in ("split", "cut", "held_out")}
    if flags.held_out_file is not None and Path(flags.held_out_file).is_file():
        said["held_out"] = left_out.read(flags.held_out_file)["share"]
    return {"kind": flags.data, "root": os.path.abspath(flags.root), **said}


def _negatives(flags, model):
    """The photos without a brand: those that are named, else the data set's own; a Dataset, or None."""
    if flags.negatives is not None:
        paths = find(flags.negatives)
        top = flags.negatives if os.path.isdir(flags.negatives) else os.path.dirname(flags.negatives)
        return datasets.Dataset(paths, [-1] * len(paths), model.class_names, root=os.path.abspath(top))
    split = splits(flags.data, flags.root).none if (flags.report or flags.json) and flags.cut is None else None
    return None if split is None else datasets.load(flags.data, flags.root, split=split)


def _scoring(flags, model):
    """How known brands are told from none: arguments of `evaluate` and `negatives.judge`."""
    if flags.class_means is None:
        return {"scores": novelty.scores, "infer": None}
    infer = negatives.with_embeddings(model)
    training = datasets.load(flags.data, flags.root, split=flags.class_means, cut=flags.cut)
    means = negatives.class_means(model, training, flags.batch_size)
    return {"scores": lambda outputs: novelty.scores(outputs, means), "infer": infer}


def _held_out(flags, dataset):
    """The samples that the model's run left out, from the list beside the model where there is one."""
    # Models of versions without --held_out have no list beside them.
    path = Path(flags.held_out_file or Path(flags.model).with_name(left_out.FILE))
    if not path.is_file():
        if flags.held_out_file is not None:
            raise FileNotFoundError(f"there is no list of held-out photographs {path}.")
        print(
            f"note: there is no {path}, which logo-train writes beside a model, so the share is dealt anew. It is what the model "
            "has not seen only if photographs and the version of logo_keras are the same as in training. If that file lies "
            "elsewhere, give it as --held_out_file.",
            file=sys.stderr,
        )
        return shares.hold_out(dataset, flags.held_out)[1]
    found = left_out.read(path)
    if flags.held_out not in (None, found["share"]):
        raise UserError(
            f"the model was trained with --held_out {found['share']:g} ({path}), got {flags.held_out:g}: with another share it "
            f"would be tested with photographs that it has seen."
        )
    if found.get("cut") != flags.cut:
        then = "without --cut" if found.get("cut") is None else f"with --cut {found['cut']:g}"
        raise UserError(f"the samples in {path} were taken {then}: evaluate them in the same way.")
    return left_out.take(dataset, flags.root, found, path)


def _record(model, flags, evaluation):
    """Adds the figures to the model's card and saves it; of one part of one data set the newest count."""
    part = {name: flags[name].value for name in ("data", "split", "cut", "held_out")}
    figures = part | {
        "photographs": len(evaluation.paths),
        "top1": evaluation.top1,
        "top1_interval": list(evaluation.top1_interval),
        "date": datetime.date.today().isoformat(),
    }
    # Cards of older files say nothing of cut and held_out.
    before = [each for each in model.card.get("evaluations", []) if {name: each.get(name) for name in part} != part]
    model.card["evaluations"] = [*before, figures]
    model.save(flags.model)


COMMAND = Command(USAGE, __doc__, define, _work, required=("model", "data", "root"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
