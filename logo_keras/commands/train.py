"""Trains a model that names the brand on a photograph.

A first try, on photographs that are drawn for it:
  logo-train --data synthetic --out run
Your own photographs, sorted into one folder per brand:
  logo-train --data folder --root photographs --validation 0.1 --out run
A network of the paper's tables, trained as there; --list-recipes names them all:
  logo-train --recipe logo2k_drna_resnet50 --data logo2k --root photographs --out run
An embedding, taught on brand marks that are fetched and drawn into the folder marks:
  logo-train --recipe logo_embedder --root marks --out run
A detector of logos of any brand, which embeds what it finds with that:
  logo-train --recipe logo_detector --root marks --from run/model.keras --out detector

The run leaves model.keras, history.csv, config.json and curves.png in the folder --out. If it is stopped, the same command with
--resume goes on from the last checkpoint: one is kept every few minutes, after every epoch, and where Ctrl-C stops it.
A finished run in that folder is kept unless --overwrite is given. Flags left out take the values that were measured to work
(docs/training.md); they differ from model to model.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

from logo_keras import datasets
from logo_keras.commands import shares
from logo_keras.commands.command import Command, no_arguments, say_notes, say_unreadable
from logo_keras.commands.model_arguments import define_fields, define_model_arguments, given_model_arguments
from logo_keras.datasets import held_out as left_out
from logo_keras.datasets.splits import splits
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras
from logo_keras.training import DEFAULTS, recipes
from logo_keras.training.config import CHECKPOINT_MINUTES
from logo_keras.training.remarks import remarks, spread

USAGE = "logo-train [--data KIND] --root FOLDER --out FOLDER [--model plain|nts|drna|embedder|detector]"

# What learns from marks, and the recipe that it takes without photos.
_OF_MARKS = {"LogoEmbedder": "logo_embedder", "LogoDetector": "logo_detector"}
# Flags that say nothing of marks.
_OF_PHOTOGRAPHS = ("cut", "held_out", "train_split", "cache", "strict", "augment", "balance", "one_brand", "negatives")


def define(flags):
    """Defines the flags."""
    flags.shared("data", "root", "cut", "held_out")
    flags.string(
        "train_split",
        None,
        "The part of the data set to learn from. By default train40 of toplogo10, P1 of flickrlogos32, train of the others, and "
        "everything where there is no such part.",
    )
    flags.string(
        "validation",
        None,
        "Photographs that are scored after every epoch and not learnt from: the name of a part, a share of the training "
        "part between 0 and 1, or none. By default the part validation where there is one, else none.",
    )
    flags.string(
        "negatives",
        None,
        "A folder of photographs that show none of the brands, best such as the model will meet. When the run has ended, they "
        "and the validation photographs fit the threshold below which nothing is known. Without them it keeps 95 % of the "
        "validation photographs, and without these there is none.",
    )
    flags.string("out", None, "The folder to write to.")
    says = "A row of the paper's tables, trained as there, or a recipe of our own (--list-recipes); other flags change it."
    flags.string("recipe", None, says)
    flags.boolean("list_recipes", False, "Prints the recipes, the paper's figures and ours.")
    flags.enum(
        "model",
        "drna",
        list(DEFAULTS),
        "plain sees the photograph as a whole; nts also sees regions that it chooses; drna looks at each region again. embedder "
        "names no brand, but tells apart brands that it has never seen; without --data it learns from brand marks, which are "
        "fetched and drawn into --root. detector finds where some logo is, of any brand, and learns from scenes of these marks; "
        "--from names the embedder that it is to use.",
    )
    flags.boolean(
        "dry_run",
        False,
        "Take a few steps, say how long the run is going to take, and its memory, and end: nothing is kept.",
    )
    flags.switch_or_path(
        "tensorboard",
        "Write figures for TensorBoard, of every epoch and of every few steps; to OUT/tensorboard, or to the folder of "
        "--tensorboard=FOLDER. tensorboard --logdir shows them. Needs the extra [tensorboard].",
    )
    flags.boolean("resume", False, "Go on with a run that was stopped, or start if there is none.")
    says = "Minutes of training between two checkpoints inside an epoch, beside the one after every epoch; 0 keeps these alone."
    flags.float("checkpoint_minutes", CHECKPOINT_MINUTES, says, 0)
    flags.boolean("overwrite", False, "Start anew and replace what an earlier run left in --out; otherwise it is kept.")
    flags.string(
        "from",
        None,
        "A .keras file of the same --model whose weights the run starts from, for instance run/unfinished/epoch-0001.keras of a "
        "run that diverged. Classifiers of brands that it does not know start anew. For a detector also that of the "
        "embedder that it is to keep.",
    )
    flags.boolean("one_brand", False, "Train though all photographs are of one brand, which a model then names always.")
    flags.shared("strict")
    flags.string("cache", None, "A folder to keep shrunk photographs in, so that each is decoded once for all runs.")
    define_fields(flags)
    define_model_arguments(flags)


def config_from(values):
    """The Config that the flags ask for.

    Raises:
        ValueError: for a value out of range, a flag that the model does not know, an unknown recipe, or one of another model.
    """
    config = DEFAULTS[values.model]
    if values.recipe is not None:
        config = recipes.recipe(values.recipe).config
        if values["model"].present and DEFAULTS[values.model].model != config.model:
            raise UserError(f"--recipe {values.recipe} is of --model {config.short_name}, got --model {values.model}.")
    elif config.model in _OF_MARKS and values.data is None:
        # Without photos it learns from marks, for which the recipe is made.
        config = recipes.recipe(_OF_MARKS[config.model]).config
    given = given_model_arguments(values)
    strange = [f"--{name}" for name in given if name not in config.all_arguments]
    if strange:
        raise UserError(
            f"--model {config.short_name} knows no {', '.join(strange)}; --help says which flags are for which model."
        )
    if str(given.get("weights")).endswith((".keras", ".h5")):
        raise UserError(
            f"--weights is pretrained, imagenet, logos or none; to start from the model {given['weights']}, give it to --from."
        )
    fields = [field.name for field in dataclasses.fields(config) if field.name not in ("model", "arguments")]
    changes = {name: values[name].value for name in fields if values[name].value is not None}
    for name in ("clip", "ema", "early_stopping"):
        if changes.get(name) == 0:
            changes[name] = None
    if "drops" in changes:
        changes["drops"] = tuple(_number("drops", text, int) for text in changes["drops"])
    if "loss_weights" in changes:
        pairs = [text.partition("=") for text in changes["loss_weights"]]
        changes["loss_weights"] = {name.strip(): _number(f"loss_weights {name}", text, float) for name, _, text in pairs}
    return dataclasses.replace(config, arguments=config.arguments | given, **changes)


def _number(flag, text, kind):
    try:
        return kind(text)
    except ValueError:
        raise UserError(f"--{flag}: expected {'whole numbers' if kind is int else 'NAME=NUMBER'}, got {text!r}.") from None


def photographs(data, root, train_split=None, validation=None, seed=0, cut=None, held_out=None):
    """The photographs to learn from, those to score, and those that are left out.

    Args:
        data: str, kind of data set.
        root: path of it.
        train_split: str, or None for the part that is meant for training.
        validation: None for the part validation where there is one, the name of a part, a share as text, or "none".
        seed: int, of the split by share.
        cut: float, margin of cut-out boxes, or None for whole photographs.
        held_out: float, share that is left out for testing, or None.

    Returns:
        Three Datasets: to learn from, to score after every epoch or None, and left out for testing or None.

    Raises:
        ValueError: for an unknown part, a share outside (0, 1), or one that leaves a brand nothing to learn from.
        FileNotFoundError: if the data set is missing.
    """
    official = splits(data, root)
    training = datasets.load(data, root, split=train_split or official.train, cut=cut)
    tested = None
    if held_out is not None:
        training, tested = shares.hold_out(training, held_out)
    if validation is None:
        validation = official.validation
    if validation in (None, "", "none", "0"):
        return training, None, tested
    try:
        share = float(validation)
    except ValueError:
        return training, datasets.load(data, root, split=validation, cut=cut), tested
    scored, learnt = shares.split(training, share, seed, "--validation")
    return learnt, scored, tested


def _train(values, config, training, validation, about, **options):
    """Trains with what the flags say of the run; returns its Result, or None after a dry run."""
    with naming_extras():
        from logo_keras.training.checkpoint import Unfinished
        from logo_keras.training.interruption import Interrupted
        from logo_keras.training.run import train
        from logo_keras.training.watching import Enough, say, watched
    options |= {"about": about, "cache": values.cache, "overwrite": values.overwrite, "start": values["from"].value}
    options |= {"negatives": values.negatives, "checkpoint_minutes": values.checkpoint_minutes}
    options |= {"report": say, "dry": values.dry_run}
    tensorboard = Path(values.out) / "tensorboard" if values.tensorboard is True else values.tensorboard or None
    before = Unfinished(values.out, values.overwrite).history
    try:
        with watched(values.out, config.batch_size, validation, tensorboard, before, values.dry_run) as callbacks:
            options["callbacks"] = callbacks
            result = train(config, training, values.out, validation, values.resume, values.strict, **options)
    except Enough:
        print(f"That was all of the dry run: {values.out} is as it was.")
        return None
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt("The same command with --resume goes on from the last checkpoint.") from None
    say_unreadable(result.unreadable)
    print(f"The model: {result.path}")
    return result


def _train_on_marks(values, config):
    """Fetches and draws the marks where they are missing, and trains an embedder or a detector on them."""
    strange = [f"--{name}" for name in _OF_PHOTOGRAPHS if values[name].present]
    if strange or values.validation not in (None, "none"):
        raise UserError(
            f"{', '.join(strange) or f'--validation {values.validation}'} is for photos, and --model {config.short_name} "
            "without --data learns from marks. Of these one brand in 50 is held out and scored, or none with --validation none."
        )
    if values.root is None:
        raise UserError("--root must be given: the folder of the marks, into which they are fetched and drawn where it has none.")
    from logo_keras.datasets.marks import Marks

    training = Marks(values.root, "train")
    validation, scored = None, ""
    if values.validation is None:
        validation = Marks(values.root, "validation")
        scored = f", {len(validation)} of {validation.num_classes} others to score after every epoch"
    print(f"{len(training)} marks of {training.num_classes} brands{scored}")
    _say_spread(training)
    data = {"kind": "marks", "root": str(values.root), "train_split": "train", "validation": validation and "validation"}
    _train(values, config, training, validation, {"data": data, "recipe": values.recipe})


def _say_spread(dataset):
    fewest, median, most = spread(dataset.labels)
    print(f"Images a brand: {fewest} at least, {median:g} in the middle, {most} at most")


def _work(values, arguments):
    no_arguments(arguments)
    if values.list_recipes:
        print(recipes.table())
        return
    config = config_from(values)
    if values.data is None:
        if config.model not in _OF_MARKS:
            raise UserError("--data must be given, or --list_recipes; logo-train --help explains the flags.")
        return _train_on_marks(values, config)
    if config.model == "LogoDetector":
        raise UserError("a detector learns from scenes of marks, which --root holds, and not from photos: leave out --data.")
    root = values.root
    if root is None:
        if values.data != "synthetic":
            raise UserError(f"--data {values.data} needs --root, the folder where it lies.")
        root = Path(values.out) / "synthetic"
        if values.dry_run and not root.exists():
            with tempfile.TemporaryDirectory() as folder:
                return _train_on_photographs(values, config, datasets.synthesize(Path(folder) / "synthetic"))
        root = datasets.synthesize(root)
    return _train_on_photographs(values, config, root)


def _train_on_photographs(values, config, root):
    """Trains on the photographs in a folder, and says how to evaluate what came out."""
    where = (values.data, root, values.train_split, values.validation)
    training, validation, tested = photographs(*where, config.seed, values.cut, values.held_out)
    say_notes(training)
    brands = np.unique(training.labels[training.labels >= 0])
    if len(brands) == 1 and not values.one_brand:
        raise UserError(
            f"all {len(training)} photographs are of one brand, {training.class_names[brands[0]]}: a model would have nothing to "
            "tell it from and would answer 100 % for every photograph. Add photographs of other brands, or of other things as a "
            "brand of their own, or train all the same with --one_brand."
        )
    scored = "" if validation is None else f", {len(validation)} to score after every epoch"
    print(f"{len(training)} photographs of {len(training.class_names)} brands{scored}")
    _say_spread(training)
    for remark in remarks(training, validation, config.balance):
        print(f"note: {remark}", file=sys.stderr)
    data = {"kind": values.data, "root": str(root), "train_split": values.train_split, "validation": values.validation}
    data |= {"cut": values.cut, "held_out": values.held_out}
    options = {}
    if tested is not None:
        options["held_out"] = left_out.record(
            tested, root, values.held_out, data=values.data, split=values.train_split, cut=values.cut
        )
    result = _train(values, config, training, validation, {"data": data, "recipe": values.recipe}, **options)
    if result is None:
        return
    # The share was taken from the training part, which has nothing of the part for testing.
    test = None if values.held_out else splits(values.data, root).test
    # An embedder and a detector name no brand.
    if (test or values.held_out) and config.model not in _OF_MARKS:
        options = [f"--split {test}"] if test else []
        options += [f"--{name} {values[name].value}" for name in ("cut", "held_out") if values[name].value is not None]
        print("How good is it on photographs that it has not seen?")
        print(f"  logo-evaluate --model {result.path} --data {values.data} --root {root} {' '.join(options)}")


COMMAND = Command(USAGE, __doc__, define, _work, required=("out",), unless="list_recipes")
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
