"""Keeps a gallery: brands known by their artwork or by boxes in photos, without training.

  logo-gallery add FILE LABEL REFERENCE ...   adds references to a brand, and makes the file where there is none;
                                              with --brands FOLDER instead, a folder of artwork for each brand
  logo-gallery remove FILE LABEL              removes a brand, or one of its references
  logo-gallery list FILE                      the brands, their references and thresholds
  logo-gallery calibrate FILE PHOTO ...       fits thresholds to photos that show none of the brands
  logo-gallery evaluate FILE --data KIND --root FOLDER
                                              how well it names the brands of a data set
  logo-gallery reembed FILE [--model FILE]    embeds all references anew with another embedding

Each explains itself: logo-gallery add --help. To name brands in photos: logo-predict --gallery FILE PHOTO ...
"""

from logo_keras.commands import gallery_changes, gallery_figures
from logo_keras.commands.command import CommandOfParts

_PARTS = {
    "add": gallery_changes.add,
    "remove": gallery_changes.remove,
    "list": gallery_changes.show,
    "calibrate": gallery_figures.calibrate,
    "evaluate": gallery_figures.evaluate,
    "reembed": gallery_changes.reembed,
}

COMMAND = CommandOfParts("logo-gallery", __doc__, _PARTS)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
