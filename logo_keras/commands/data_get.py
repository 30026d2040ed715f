"""logo-data get: a public data set, downloaded and unpacked, or the words for how to come by it."""

from pathlib import Path

from logo_keras.commands.command import Command
from logo_keras.datasets.about import ABOUT, about
from logo_keras.datasets.public.getting import get
from logo_keras.errors import UserError

USAGE = "logo-data get NAME"
DESCRIPTION = f"""Downloads a public data set from the address of its authors, resumes, checks and unpacks it.

For instance:
  logo-data get flickrlogos27 --out photographs/flickrlogos27

The sets: {", ".join(ABOUT)}. Where a form, an e-mail or a cloud drive stands before a set, it says where to go and what to put
where; files that are put there are unpacked by the next call. Called again, it goes on where it stopped."""


def define(flags):
    """Defines the flags."""
    flags.string("out", None, "The folder to write to; without it a folder with the set's name, here.")
    flags.multi_string(
        "url",
        [],
        "Where to get a file instead, for instance from a mirror or by a link from an e-mail: URL, or FILE=URL where it is not "
        "plain which file is meant. May be given several times.",
    )
    flags.multi_string(
        "sha256",
        [],
        "The SHA-256 that a file must have: FILE=DIGITS, or DIGITS if there is one file. May be given several times.",
    )
    flags.boolean("unpack", True, "Unpack the archives. They are kept in any case.")


def work(values, arguments):
    """Runs the command.

    Raises:
        ValueError: if no set, or none that is known or public, is named; or, with what to do, if a person has to fetch
            something.
        OSError: if something cannot be fetched or written.
    """
    if len(arguments) != 1:
        raise UserError(f"name one data set, as in: logo-data get flickrlogos27; there are {', '.join(ABOUT)}.")
    wanted = about(arguments[0])
    folder = Path(values.out or wanted.name)
    print(_description(wanted))
    root, missing = get(wanted, folder, values.url, values.sha256, values.unpack)
    check = f"logo-data check {wanted.name} {root}"
    if missing:
        raise UserError(
            f"{wanted.title} is not complete: {' and '.join(missing)} must be fetched by a person and put into {folder}. "
            f"See {wanted.address}. {wanted.instructions} Then: {check}"
        )
    print(f"Done. Next: {check}")


def _description(wanted):
    """What is known of a set, as lines."""
    lines = [wanted.title, f"Cite: {wanted.citation}", f"Rights: {wanted.licence}.", f"From: {wanted.address}"]
    counts = [f"{count:,} {what}" for count, what in ((wanted.photographs, "photographs"), (wanted.brands, "brands")) if count]
    return "\n".join([*lines, *([", ".join(counts)] if counts else []), *([wanted.remark] if wanted.remark else [])])


COMMAND = Command(USAGE, DESCRIPTION, define, work)
