"""The flags that the export commands share, and how a command runs."""

import os
import sys

from absl import app, flags, logging


def define(description):
    """Defines the shared flags; a command calls it when it runs, so that importing its module defines nothing.

    Args:
        description: str, what `--help` says above the flags.
    """
    sys.modules["__main__"].__doc__ = f"{description}\n"
    flags.DEFINE_string("model", None, "The model to export, a .keras file that logo-train or model.save wrote.")
    flags.DEFINE_string("out", None, "The file to write. It appears once its answers have been checked.")
    flags.DEFINE_multi_string(
        "photos",
        None,
        "Photographs to check the file with: a folder (searched to the bottom), a photograph, or a .txt file with one "
        "path a line; may be given several times. Best are photographs like those that the model will meet. Without "
        "this flag a small synthetic set is drawn.",
    )
    flags.DEFINE_integer(
        "limit",
        256,
        "Check with at most so many photographs, spread evenly over those given; 0 takes all.",
        lower_bound=0,
    )
    for name in ("model", "out", "photos", "limit"):
        # --help shows the flags of the program, which is another module than this one.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
    flags.mark_flags_as_required(["model", "out"])


def run(program, description, export):
    """Runs an export command: parses the flags, calls the pure function, prints its report.

    Args:
        program: str, the name that errors begin with.
        description: str, what `--help` says above the flags.
        export: function from the values of model, out, photos and limit to a report, which is printed.
    """
    # TensorFlow's start-up messages would bury the figures.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    def main(argv):
        values = flags.FLAGS
        if len(argv) > 1 and values.photos is None:
            raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
        if not values["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        # What the shell makes of `--photos folder/*.jpg`: one value and further arguments.
        photos = values.photos and [*values.photos, *argv[1:]]
        try:
            print(export(values.model, values.out, photos, values.limit or None))
        except (ValueError, OSError, ImportError) as error:
            if hasattr(error, "report"):
                print(error.report)
            # Keras's own errors have several lines.
            print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
            return 1
        return 0

    define(description)
    app.run(main)
