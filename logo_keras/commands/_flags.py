"""How every command reads its flags, says what is wrong, and ends."""

import os
import sys
import textwrap

import numpy as np
from absl import flags

from logo_keras.commands.console import accept_any_name, say_error
from logo_keras.datasets import LOADERS

KINDS = """folder: a folder per brand, ROOT/BRAND/* or ROOT/SPLIT/BRAND/*. list: text files with 'path label' lines. coco, voc,
yolo: photographs with boxes as annotation tools write them. logo2k, belgalogos, flickrlogos32, weblogo2m, flickrlogos27,
toplogo10, logos_in_the_wild: public data sets as their authors give them out. synthetic: photographs drawn by this package."""


def command(argv, usage, description, define, work, required=()):
    """Runs a command.

    Flags live in a value of their own, not in absl's global one, so that a command can be run twice in a process, and
    beside others that have flags of the same names.

    Args:
        argv: list of str, the program's name first.
        usage: str, for instance "logo-predict --model FILE PHOTOGRAPH ...".
        description: str, what `--help` says above the flags.
        define: function that defines flags on an `absl.flags.FlagValues`.
        work: function of these values and of the list of arguments that are no flags.
        required: names of the flags that must be given.

    Returns:
        int, what the process ends with: 0, 1 after an error that the user can mend, 130 after Ctrl-C.
    """
    program = usage.split()[0]
    # TensorFlow's start-up messages would bury the command's own.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    accept_any_name()
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    define(values)
    flags.DEFINE_boolean("debug", False, "Show the whole traceback of an error.", flag_values=values)
    flags.DEFINE_boolean("help", False, "Shows this text.", flag_values=values)
    try:
        arguments = values(argv)[1:]
        if values.help:
            print(_help(values, usage, description, required))
            return 0
        missing = [f"--{name}" for name in required if values[name].value is None]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be given; {program} --help explains the flags.")
        work(values, arguments)
    except KeyboardInterrupt as error:
        print(f"\n{program}: stopped. {error}".rstrip(), file=sys.stderr)
        return 130
    # What users can mend has these types; anything else is a fault of the program and keeps its traceback.
    except (ValueError, OSError, ImportError, FloatingPointError, flags.Error) as error:
        # Not values.debug: the flags themselves may be wrong.
        say_error(program, error, values["debug"].value)
        return 1
    return 0


def no_arguments(arguments):
    """Refuses arguments that are no flags.

    Raises:
        ValueError: naming them.
    """
    if arguments:
        raise ValueError(f"unexpected: {' '.join(arguments)}. Flags begin with --, and --help explains them.")


def define_data(values):
    """Defines the flags that say which photographs are meant."""
    flags.DEFINE_enum("data", None, list(LOADERS), f"The kind of data set. {KINDS}", flag_values=values)
    flags.DEFINE_string("root", None, "The folder of the data set, or the text file of a list.", flag_values=values)
    define_cut(values)
    flags.DEFINE_float(
        "held_out",
        None,
        "For a data set without a part for testing: the share, between 0 and 1, that logo-train leaves out and logo-evaluate "
        "takes. logo-train lists it in held_out.json beside the model. Photographs that are alike stay together.",
        flag_values=values,
    )


def define_cut(values):
    """Defines the flag that says whether boxes are cut out."""
    flags.DEFINE_float(
        "cut",
        None,
        "Take one sample of every box instead of whole photographs, the box and a margin of so many times its sides: 0.1 for "
        "belgalogos and logos_in_the_wild, where many photographs show several brands.",
        flag_values=values,
    )


def check_share(held_out):
    """Checks `--held_out`.

    Raises:
        ValueError: if it lies outside (0, 1).
    """
    if held_out is not None and not 0 < held_out < 1:
        raise ValueError(f"--held_out must lie between 0 and 1, got {held_out:g}.")


def deal(dataset, held_out):
    """Leaves a share of the samples out for testing, always the same ones.

    Args:
        dataset: Dataset.
        held_out: float in (0, 1), the share.

    Returns:
        Two Datasets: the samples to learn from, and those left out.

    Raises:
        ValueError: if the share lies outside (0, 1), or leaves nothing to learn from or to test with; names the brands.
    """
    check_share(held_out)
    tested, learnt = split(dataset, held_out, 0, "--held_out")
    return learnt, tested


def split(dataset, share, seed, flag):
    """Deals samples to two sets, and says what the share gives where that is too little.

    Args:
        dataset: Dataset.
        share: float in (0, 1).
        seed: int.
        flag: str, the flag that asks for it, for errors.

    Returns:
        Two Datasets: the share, and what is left to learn from.

    Raises:
        ValueError: if one of them has no samples, or a brand has none left to learn from.
    """
    counts = _counts(dataset)
    few = sorted(counts.values())[0] if counts else 0
    gives = f"{flag} {share:g} of {len(dataset)} photographs of {len(counts)} brands"
    ways = f"add photographs, so that every brand has two different ones (the fewest now: {few}), or choose another share"
    try:
        taken, rest = dataset.split(share, seed)
    except ValueError as error:
        # A share out of range keeps its own message.
        if not 0 < share < 1:
            raise
        raise ValueError(f"{gives}: {error}") from None
    left = _counts(rest)
    gone = [name for name in counts if name not in left]
    gives += f" takes {len(taken)} and leaves {len(rest)} to learn from"
    if not len(taken):
        raise ValueError(f"{gives}: {ways}.")
    if gone:
        shown = ", ".join(gone[:10]) + (", ..." if len(gone) > 10 else "")
        raise ValueError(f"{gives}, and nothing of {len(gone)} of the brands ({shown}): {ways}.")
    missing = [name for name in counts if name not in _counts(taken)]
    if missing:
        shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
        print(f"note: {gives}; nothing is taken of {len(missing)} of the brands ({shown}).", file=sys.stderr)
    return taken, rest


def _counts(dataset):
    """Samples of each brand that has some: dict from name to int."""
    numbers, counts = np.unique(dataset.labels[dataset.labels >= 0], return_counts=True)
    return {dataset.class_names[number]: int(count) for number, count in zip(numbers, counts, strict=True)}


def say_notes(dataset):
    """Says on stderr what was decided when a data set was opened."""
    for note in dataset.notes:
        print(f"note: {note}", file=sys.stderr)


def define_model(values):
    """Defines the flag that says which model file is meant."""
    flags.DEFINE_string(
        "model",
        None,
        "The model: a .keras file from logo-train, or a .tflite or .onnx file from logo-export-tflite or logo-export-onnx, which "
        "is run without TensorFlow.",
        flag_values=values,
    )


def define_strict(values):
    """Defines what is done about photographs that cannot be read."""
    flags.DEFINE_boolean(
        "strict",
        False,
        "Stop at the first photograph that cannot be read. Otherwise such photographs are left out, counted, and listed "
        "with their reasons at the end.",
        flag_values=values,
    )


def say_unreadable(unreadable):
    """Lists on stderr the photographs that were left out.

    Args:
        unreadable: dict, path to reason.
    """
    if unreadable:
        count = f"{len(unreadable)} photograph{'s' if len(unreadable) > 1 else ''}"
        print(f"{count} could not be read and {'were' if len(unreadable) > 1 else 'was'} left out:", file=sys.stderr)
        for path, reason in unreadable.items():
            print(f"  {path}: {reason}", file=sys.stderr)


def _help(values, usage, description, required):
    lines = [f"Usage: {usage}", "", description.strip(), "", "Flags:"]
    # absl's own list, without the flags that it defines for itself.
    for name in sorted(values, key=lambda name: (name not in required, list(values).index(name))):
        flag = values[name]
        kind = f"--[no]{name}" if flag.boolean else f"--{name}=..."
        # To what may be given several times absl adds a sentence of its own.
        text = flag.help.partition(";\n")[0]
        if name in required:
            text += " (must be given)"
        elif flag.default not in (None, False, True):
            text += f" (default {flag.default})"
        lines += [f"  {kind}", textwrap.indent(textwrap.fill(text, 100), " " * 6)]
    return "\n".join(lines)
