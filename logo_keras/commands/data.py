"""Gets, checks and describes data sets of photos.

  logo-data get NAME --out FOLDER            downloads and unpacks a public data set, or says how to come by it
  logo-data check NAME ROOT                  finds photos that are missing, unreadable, tiny, double or labelled twice
  logo-data stats NAME ROOT --out FOLDER     pictures and tables: photos a brand, sizes of logos, a contact sheet

Each explains itself: logo-data check --help
"""

from logo_keras.commands import data_check, data_get, data_stats
from logo_keras.commands.command import CommandOfParts

_PARTS = {"get": data_get.COMMAND, "check": data_check.COMMAND, "stats": data_stats.COMMAND}

COMMAND = CommandOfParts("logo-data", __doc__, _PARTS)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
