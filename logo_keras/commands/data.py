"""Gets, checks and describes data sets of photos.

  logo-data get NAME --out FOLDER            downloads and unpacks a public data set, or says how to come by it
  logo-data check NAME ROOT                  finds photos that are missing, unreadable, tiny, double or labelled twice
  logo-data stats NAME ROOT --out FOLDER     pictures and tables: photos a brand, sizes of logos, a contact sheet

Each explains itself: logo-data check --help
"""

import sys

from logo_keras.commands import data_check, data_get, data_stats
from logo_keras.commands.command import Command
from logo_keras.errors import UserError

USAGE = "logo-data get|check|stats ..."

_PARTS = {"get": data_get.main, "check": data_check.main, "stats": data_stats.main}


def main(argv):
    """Runs the part that is named first; returns its exit code."""
    program, *words = argv
    if words and words[0] in _PARTS:
        return _PARTS[words[0]]([program, *words[1:]])
    return Command(USAGE, __doc__, lambda flags: None, _refuse).main(argv)


def run():
    """The console script."""
    sys.exit(main(sys.argv))


def _refuse(flags, arguments):
    given = f", got {arguments[0]}" if arguments else ""
    raise UserError(f"expected one of {', '.join(_PARTS)}{given}; logo-data --help explains them.")


if __name__ == "__main__":
    run()
