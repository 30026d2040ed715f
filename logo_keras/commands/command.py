"""How every command declares its flags, reads them, explains itself, says what is wrong, and ends."""

import dataclasses
import itertools
import os
import sys
import textwrap
import unicodedata
from collections.abc import Callable

from absl import flags as absl

from logo_keras.datasets import LOADERS
from logo_keras.errors import UserError
from logo_keras.extras import MissingExtra

DATA_KINDS = """folder: a folder per brand, ROOT/BRAND/* or ROOT/SPLIT/BRAND/*. list: text files with 'path label' lines.
coco, voc, yolo: photos with boxes as annotation tools write them. logo2k, belgalogos, flickrlogos32, weblogo2m,
flickrlogos27, toplogo10, logos_in_the_wild: public data sets as their authors give them out. synthetic: photos drawn by
this package."""

EXPORTED_MODEL = "The model to export, a .keras file that logo-train or model.save wrote."

# What a user can mend.
_ONE_LINE = (UserError, OSError, MissingExtra, absl.Error)


def _defining(define):
    """A function of absl that defines a flag, as a method of `Flags`."""
    return lambda self, *arguments, **options: define(*arguments, flag_values=self, **options)


class _SwitchOrPath(absl.BooleanParser):
    """What follows `=` is a path, unless it says yes or no."""

    def parse(self, argument):
        try:
            return super().parse(argument)
        except ValueError:
            return argument


class Flags(absl.FlagValues):
    """The flags of one command: `flags.string("out", None, "The folder to write to.")` defines one, `flags.out` is its value.

    They are a value of their own, not absl's global one, so that a command can run twice in a process, beside others that have
    flags of the same names, and importing a command defines nothing.
    """

    boolean = _defining(absl.DEFINE_boolean)
    enum = _defining(absl.DEFINE_enum)
    float = _defining(absl.DEFINE_float)
    integer = _defining(absl.DEFINE_integer)
    list = _defining(absl.DEFINE_list)
    multi_string = _defining(absl.DEFINE_multi_string)
    string = _defining(absl.DEFINE_string)

    def shared(self, *names, **defaults):
        """Defines flags that several commands have, by their names in `_SHARED`; `defaults` replace those given there."""
        for name in names:
            define, default, *rest = _SHARED[name]
            define(self, name, defaults.get(name, default), *rest)

    def switch_or_path(self, name, text):
        """Defines a flag that stands alone or with a path: `--NAME`, `--NAME=PATH`; its value is False, True or a str."""
        absl.DEFINE_flag(absl.Flag(_SwitchOrPath(), None, name, False, text, boolean=True), self)

    def parse(self, words):
        """Reads a command line, without the program's name; flags and arguments may stand in any order.

        Returns:
            list of str, the arguments that are no flags.

        Raises:
            UserError, absl.flags.Error: if a flag is unknown, or a value does not fit.
        """
        self.set_gnu_getopt(True)
        try:
            return self(["", *self._underscored(words)])[1:]
        except ValueError as error:
            raise UserError(str(error)) from None

    def _underscored(self, words):
        """Accepts hyphens in the names of flags. Their values, and all behind `--`, stay as they are."""
        words = iter(words)
        for word in words:
            name, *value = word.split("=", 1)
            name = name.lstrip("-").replace("-", "_")
            off = name.removeprefix("no").removeprefix("_")
            if word == "--":
                yield from (word, *words)
            elif word.startswith("-") and name in self:
                yield "=".join([f"--{name}", *value])
                if not value and not self[name].boolean:
                    yield from itertools.islice(words, 1)
            elif word.startswith(("-no", "--no")) and off in self:
                yield "=".join([f"--no{off}", *value])
            else:
                yield word


_SHARED = {
    "data": (Flags.enum, None, list(LOADERS), f"The kind of data set. {DATA_KINDS}"),
    "root": (Flags.string, None, "The folder of the data set, or the text file of a list."),
    "cut": (
        Flags.float,
        None,
        "Take one sample of every box instead of whole photos, the box and a margin of so many times its sides: 0.1 for "
        "belgalogos and logos_in_the_wild, where many photos show several brands.",
    ),
    "held_out": (
        Flags.float,
        None,
        "For a data set without a part for testing: the share, between 0 and 1, that logo-train leaves out and logo-evaluate "
        "takes. logo-train lists it in held_out.json beside the model. Photos that are alike stay together.",
    ),
    "model": (
        Flags.string,
        None,
        "The model: a .keras file from logo-train, or a .tflite or .onnx file from logo-export-tflite or logo-export-onnx, which "
        "is run without TensorFlow.",
    ),
    "strict": (
        Flags.boolean,
        False,
        "Stop at the first photo that cannot be read. Otherwise such photos are left out, counted, and listed with their "
        "reasons at the end.",
    ),
    "photos": (
        Flags.multi_string,
        None,
        "Photos to check with: a folder (searched to the bottom), a photo, or a .txt file with one path a line; may be given "
        "several times. Best are photos like those that the model will meet, in a folder a brand: then right answers are "
        "counted too. Without this flag a small synthetic set is drawn.",
    ),
    # The last 0 is the lower bound.
    "limit": (Flags.integer, 256, "Check with at most so many photos, spread evenly over those given; 0 takes all.", 0),
    "outputs": (
        Flags.list,
        None,
        "What the file gives, with commas: any of probabilities, region_boxes, region_scores, embedding; probabilities "
        "must be among them. All but the embedding by default. Of an embedder: embedding, objectness, both by default; "
        "embedding must be among them.",
    ),
    "box": (
        Flags.multi_string,
        None,
        "Of a single photo: where a logo is, y0,x0,y1,x1 in px of the upright photo; may be given several times.",
    ),
    "close": (
        Flags.boolean,
        False,
        "With a detector: look once more, in all px of the photo, at places of which it saw few. Takes longer; calibrate, "
        "evaluate and predict alike.",
    ),
    "calibration": (
        Flags.multi_string,
        None,
        "For int8: photos like those that the model will meet, best some of those that it was trained on, given as for --photos. "
        "The file gets the ranges of its numbers from at most 100 of them, and is compared on others. Without this flag up to "
        "half of --photos are set aside, some of every brand; with fewer than 64 photos, synthetic ones are taken.",
    ),
}


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: what it says of itself, its flags, and what it does.

    Attributes:
        usage: str, for instance "logo-predict --model FILE PHOTO ...". The first word is the program's name.
        description: str, what `--help` says above the flags.
        define: function that defines the flags on a `Flags`.
        work: function of the `Flags` and of the list of arguments that are no flags. It returns the exit code, or None for 0.
        required: names of the flags that must be given.
        unless: name of the flag that makes them needless; "" if there is none.
    """

    usage: str
    description: str
    define: Callable
    work: Callable
    required: tuple = ()
    unless: str = ""

    def run(self):
        """The console script: ends the process."""
        sys.exit(self.main(sys.argv))

    def main(self, argv):
        """Runs the command.

        Args:
            argv: list of str, the program's name first.

        Returns:
            int, the exit code: 0, 1 after an error that the user can mend or where what reads stdout has ended, as `head` does,
            130 after Ctrl-C and 143 after SIGTERM where it is caught. Any other error, with `--debug` any error, is
            raised, so that its traceback is shown.
        """
        # TensorFlow's start-up messages would bury the command's own.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        accept_any_name()
        flags = self.flags()
        try:
            arguments = flags.parse(argv[1:])
            if flags.help:
                print(self.help(flags))
                code = 0
            else:
                self._require(flags)
                code = self.work(flags, arguments) or 0
            if sys.stdout is not None:
                # Here, not as the process ends, when nobody could catch that nothing reads it any more.
                sys.stdout.flush()
            return code
        except KeyboardInterrupt as error:
            print(f"\n{self.program}: stopped. {error}".rstrip(), file=sys.stderr)
            # SIGTERM has another one than Ctrl-C.
            return getattr(error, "status", 130)
        except BrokenPipeError:
            # Nobody reads what Python still writes as it ends. Source: Python's documentation of signal, note on SIGPIPE.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except _ONE_LINE as error:
            # Not flags.debug: the flags themselves may be wrong.
            if flags["debug"].value:
                raise
            print(f"{self.program}: {one_line(error) or type(error).__name__}", file=sys.stderr)
            return 1

    @property
    def program(self):
        """The program's name."""
        return self.usage.split()[0]

    def flags(self):
        """The command's flags, before a command line is read: Flags."""
        flags = Flags()
        self.define(flags)
        flags.boolean("debug", False, "Show the whole traceback of an error.")
        flags.boolean("help", False, "Shows this text.")
        return flags

    def help(self, flags):
        """What `--help` prints: str."""
        lines = [f"Usage: {self.usage}", "", self.description.strip(), "", "Flags:"]
        # As they were defined, what must be given first.
        for name in sorted(flags, key=lambda name: (name not in self.required, list(flags).index(name))):
            flag = flags[name]
            # To what may be given several times absl adds a sentence of its own.
            text = flag.help.partition(";\n")[0]
            if name in self.required:
                text += f" (must be given{f', unless --{self.unless} is' if self.unless else ''})"
            elif flag.default not in (None, []) and not flag.boolean:
                text += f" (default {flag.default})"
            lines.append(f"  --[no]{name}" if flag.boolean else f"  --{name}=...")
            lines.append(textwrap.indent(textwrap.fill(text, 100), " " * 6))
        return "\n".join(lines)

    def _require(self, flags):
        missing = [f"--{name}" for name in self.required if flags[name].value is None]
        if missing and not (self.unless and flags[self.unless].value):
            instead = f", or --{self.unless}" if self.unless else ""
            raise UserError(f"{' and '.join(missing)} must be given{instead}; {self.program} --help explains the flags.")


@dataclasses.dataclass(frozen=True)
class CommandOfParts:
    """A command of several parts, of which the first word on the command line names one: "logo-data check ...".

    Attributes:
        program: str, its name.
        description: str, what `--help` says.
        parts: dict from a word to Command.
    """

    program: str
    description: str
    parts: dict

    def run(self):
        """The console script: ends the process."""
        sys.exit(self.main(sys.argv))

    def main(self, argv):
        """Runs the part that is named first; arguments, exit code and errors are those of `Command.main`."""
        program, *words = argv
        if words and words[0] in self.parts:
            return self.parts[words[0]].main([program, *words[1:]])
        return Command(f"{self.program} {'|'.join(self.parts)} ...", self.description, lambda flags: None, self._refuse).main(
            argv
        )

    def _refuse(self, flags, arguments):
        given = f", got {arguments[0]}" if arguments else ""
        raise UserError(f"expected one of {', '.join(self.parts)}{given}; {self.program} --help explains them.")


def exporting(program, description, export, define=lambda flags: None):
    """The command that writes a file of one format.

    Args:
        program: str, its name.
        description: str, what `--help` says above the flags.
        export: function of `model`, `out`, `photos`, `limit`, `outputs`, `batch` and the command's own flags, by name. What it
            returns is printed. An error's `report`, if it has one, is printed too.
        define: function that defines the command's own flags.

    Returns:
        Command.
    """

    def define_all(flags):
        flags.string("model", None, EXPORTED_MODEL)
        flags.string("out", None, "The file to write, and OUT.json about it. They appear once its answers have been checked.")
        flags.shared("photos", "limit", "outputs")
        flags.string("batch", None, "Photos a call: a number, or free where the format allows it. Each format has its default.")
        define(flags)

    def work(flags, arguments):
        options = {name: value for name, value in flags.flag_values_dict().items() if name not in ("debug", "help")}
        # Anything but a number is left for the format to understand.
        batch = int(flags.batch) if flags.batch and flags.batch.isdecimal() else flags.batch
        options |= {"photos": photos_of(flags, arguments), "limit": flags.limit or None, "batch": batch}
        try:
            print(export(**options))
        except UserError as error:
            if hasattr(error, "report"):
                print(error.report)
            raise

    return Command(f"{program} --model FILE.keras --out FILE", description, define_all, work, required=("model", "out"))


def photos_of(flags, arguments):
    """The photos to check with: a list of paths, or None.

    `--photos folder/*.jpg` becomes one value and further arguments.

    Raises:
        UserError: for arguments that belong to no flag, or to one of two.
    """
    if flags.photos is None:
        no_arguments(arguments)
        return None
    if arguments and flags.flag_values_dict().get("calibration"):
        # Photos that were meant for calibration would be compared on.
        raise UserError(f"{arguments[0]} may belong to --photos or to --calibration: give each a folder, or the flag every time.")
    return [*flags.photos, *arguments]


def boxes_of(flags, photos):
    """The boxes of `--box`: list of four floats each, `(y0, x0, y1, x1)` px; or None.

    Args:
        flags: Flags.
        photos: sequence, what was given beside them.

    Raises:
        UserError: for more or less than one photo, or what is no box.
    """
    if flags.box is None:
        return None
    if len(photos) != 1:
        raise UserError("--box belongs to a single photo: call once for each.")
    return list(dict.fromkeys(map(_box, flags.box)))


def _box(text):
    try:
        y0, x0, y1, x1 = map(float, text.split(","))
        return y0, x0, y1, x1
    except ValueError:
        raise UserError(f"--box must be four numbers y0,x0,y1,x1, got {text}.") from None


def no_arguments(arguments):
    """Refuses arguments that are no flags.

    Raises:
        UserError: naming them.
    """
    if arguments:
        raise UserError(f"unexpected: {' '.join(arguments)}. Flags begin with --, and --help explains them.")


def accept_any_name():
    """Prints characters that the console cannot show as backslash escapes, instead of ending the run.

    File names need not be valid UTF-8, and a console may know Latin letters only.
    """
    for stream in (sys.stdout, sys.stderr):
        # None without a console; a stream that was replaced may not have the method.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def printable(text):
    """A name in which what no terminal can show is escaped: it may hold anything, also a line's end."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def one_line(error):
    """What an error says, as a line that a terminal can show: it may quote a name that holds anything."""
    return printable(" ".join(str(error).split()))


def in_columns(rows):
    """Lines of a table, the first column to the left and as wide as a terminal shows it: list of str.

    Args:
        rows: list of tuples of str, of the same length; what is in a column but the first has one width.
    """
    width = max(map(_shown, (first for first, *_ in rows)))
    return ["  ".join([first + " " * (width - _shown(first)), *others]) for first, *others in rows]


def _shown(text):
    """The places that a terminal needs for a text: int. Source: Unicode Standard Annex 11."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def say_notes(dataset):
    """Says on stderr what was decided when a data set was opened."""
    for note in dataset.notes:
        print(f"note: {note}", file=sys.stderr)


def say_unreadable(unreadable):
    """Lists on stderr the photos that were left out: a dict from path to reason."""
    if unreadable:
        several = len(unreadable) > 1
        print(
            f"{len(unreadable)} photograph{'s' * several} could not be read and {'were' if several else 'was'} left out:",
            file=sys.stderr,
        )
        for path, reason in unreadable.items():
            print(f"  {printable(f'{path}: {reason}')}", file=sys.stderr)
