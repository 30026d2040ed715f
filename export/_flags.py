"""The flags that the export commands share, and how a command runs."""

import os
import sys

from absl import app, flags, logging

from logo_keras.commands.console import accept_any_name, say_error


def run(program, description, export, define_own=None):
    """Runs the command of a format: parses the flags, calls the pure function, prints its report.

    Args:
        program: str, the name that errors begin with.
        description: str, what `--help` says above the flags.
        export: function of model and out, and by name of photos, limit, outputs, batch and the command's own flags. What it
            returns is printed.
        define_own: function that defines the command's own flags and returns their names.
    """
    own = []

    def define():
        shared = [*define_photos(), *define_outputs()]
        flags.DEFINE_string(
            "batch", None, "Photographs a call: a number, or free where the format allows it. Each format has its default."
        )
        own.extend(define_own() if define_own else [])
        flags.mark_flags_as_required(["model", "out"])
        return [*shared, "batch", *own]

    def work(values, photos):
        options = {name: values[name].value for name in own}
        report = export(
            values.model,
            values.out,
            photos=photos,
            limit=values.limit or None,
            outputs=values.outputs,
            batch=_batch(values.batch),
            **options,
        )
        print(report)
        return 0

    start(program, description, define, work)


def start(program, description, define, work):
    """Runs a command whose flags begin with those of `define_photos`.

    Args:
        program: str, the name that errors begin with.
        description: str, what `--help` says above the flags.
        define: function that defines the flags and returns their names; it is called now, so that importing a command's
            module defines nothing.
        work: function of the flags' values and of the photographs that were named, or None. It returns the exit status;
            its ValueError, OSError or ImportError becomes one line and status 1, after its `report` where it has one.
    """
    # TensorFlow's start-up messages would bury the figures.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    accept_any_name()

    def main(argv):
        values = flags.FLAGS
        if len(argv) > 1 and values.photos is None:
            raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
        if not values["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        try:
            # What the shell makes of `--photos folder/*.jpg`: one value and further arguments.
            return work(values, values.photos and [*values.photos, *argv[1:]])
        except (ValueError, OSError, ImportError) as error:
            if hasattr(error, "report"):
                print(error.report)
            say_error(program, error, values.debug)
            return 1

    sys.modules["__main__"].__doc__ = f"{description}\n"
    flags.DEFINE_boolean("debug", False, "Show the whole traceback of an error.")
    for name in [*define(), "debug"]:
        # --help shows the flags of the program, which is another module than this one.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
    app.run(main)


def define_photos(out="The file to write, and OUT.json about it. They appear once its answers have been checked."):
    """Defines the model, the place to write to, and the photographs; returns the names of these flags."""
    flags.DEFINE_string("model", None, "The model to export, a .keras file that logo-train or model.save wrote.")
    flags.DEFINE_string("out", None, out)
    flags.DEFINE_multi_string(
        "photos",
        None,
        "Photographs to check with: a folder (searched to the bottom), a photograph, or a .txt file with one path a line; "
        "may be given several times. Best are photographs like those that the model will meet, in a folder a brand: then "
        "right answers are counted too. Without this flag a small synthetic set is drawn.",
    )
    flags.DEFINE_integer(
        "limit",
        256,
        "Check with at most so many photographs, spread evenly over those given; 0 takes all.",
        lower_bound=0,
    )
    return ["model", "out", "photos", "limit"]


def define_outputs():
    """Defines which outputs a file gives; returns the names of its flags."""
    flags.DEFINE_list(
        "outputs",
        None,
        "What the file gives, with commas: any of probabilities, region_boxes, region_scores, embedding; probabilities "
        "must be among them. All but the embedding by default.",
    )
    return ["outputs"]


def define_calibration():
    """Defines the photographs that int8 is calibrated on; returns the names of its flags."""
    flags.DEFINE_multi_string(
        "calibration",
        None,
        "For int8: photos like those that the model will meet, best some of those that it was trained on, given as for --photos. "
        "The file gets the ranges of its numbers from at most 100 of them, and is compared on others. Without this flag up to "
        "half of --photos are set aside, some of every brand; with fewer than 64 photos, synthetic ones are taken.",
    )
    return ["calibration"]


def _batch(text):
    """What --batch says: None, `"free"` or an int; anything else is left for the format to refuse."""
    return int(text) if text is not None and text.isdecimal() else text
