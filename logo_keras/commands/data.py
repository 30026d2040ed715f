"""logo-data: gets, checks and describes data sets."""

import sys

from logo_keras.commands import _flags, data_check, data_get, data_stats

USAGE = "logo-data get|check|stats ..."
DESCRIPTION = """Gets, checks and describes data sets of photographs.

  logo-data get NAME --out FOLDER            downloads and unpacks a public data set, or says how to come by it
  logo-data check NAME ROOT                  finds photographs that are missing, unreadable, tiny, double or labelled twice
  logo-data stats NAME ROOT --out FOLDER     pictures and tables: photographs a brand, sizes of logos, a contact sheet

Each explains itself: logo-data check --help"""

_PARTS = {"get": data_get, "check": data_check, "stats": data_stats}


def main(argv):
    """Runs the command; returns its exit code."""
    name = argv[1] if len(argv) > 1 else "--help"
    if name in _PARTS:
        part = _PARTS[name]
        return _flags.command([argv[0], *argv[2:]], part.USAGE, part.DESCRIPTION, part.define, part.work)
    return _flags.command(argv, USAGE, DESCRIPTION, lambda values: None, _refuse)


def run():
    """The console script."""
    sys.exit(main(sys.argv))


def _refuse(values, arguments):
    given = f", got {arguments[0]}" if arguments else ""
    raise ValueError(f"expected one of {', '.join(_PARTS)}{given}; logo-data --help explains them.")


if __name__ == "__main__":
    run()
