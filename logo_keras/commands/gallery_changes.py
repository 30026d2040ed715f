"""logo-gallery add, remove, list and reembed: what a gallery holds."""

import sys
from pathlib import Path

from logo_keras.commands.command import Command, boxes_of, in_columns, one_line, printable
from logo_keras.datasets.tree import folders_in
from logo_keras.errors import UserError
from logo_keras.files import write_json
from logo_keras.gallery import Gallery, artwork, calibration
from logo_keras.report.progress import progress

EMBEDDING = (
    "The embedding: a .keras file of logo-train --recipe logo_embedder, or a .tflite or .onnx file of it; or a detector, of "
    "--recipe logo_detector, which searches photos. Without this flag those that come with the package."
)

ADD = """Adds references to a brand: artwork (SVG, PNG, JPEG and the like), a photo with the box of the logo, or folders of
artwork. Artwork is drawn on light and dark, in its colours and in one. Adding twice is harmless. With --brands, brands whose
artwork cannot be used are left out and listed, and the exit code is 1.

For instance:
  logo-gallery add brands.gallery Acme acme.svg acme.png
  logo-gallery add brands.gallery Acme shop.jpg --box 120,40,180,200
  logo-gallery add brands.gallery --brands artwork/"""

REMOVE = """Removes a brand; or, with --reference, one of its pictures.

For instance:
  logo-gallery remove brands.gallery Acme"""

LIST = """Lists the brands of a gallery with the number of their references and their thresholds, and where these come
from; of the brands that are named every reference.

For instance:
  logo-gallery list brands.gallery
  logo-gallery list brands.gallery Acme"""

REEMBED = """Embeds all references anew, from the pictures that the gallery keeps, with another embedding. Thresholds are dropped:
calibrate again.

For instance:
  logo-gallery reembed brands.gallery --model better.tflite"""


def first_of(arguments, usage):
    """The gallery's file and the other arguments.

    Raises:
        UserError: if there is none.
    """
    if not arguments:
        raise UserError(f"name the gallery's file, as in: {usage}")
    return Path(arguments[0]), arguments[1:]


def opened(path, model):
    """The gallery of a file, or a new one where there is none."""
    return Gallery.load(path, model) if path.exists() else Gallery(model)


def check_close(flags, gallery):
    """Refuses --close without a detector.

    Raises:
        UserError: saying what to give.
    """
    if flags.close and not gallery.searches:
        raise UserError("--close belongs to a detector, and --model names an embedding alone.")


def _define_add(flags):
    flags.string("model", None, EMBEDDING)
    flags.shared("box")
    flags.string("brands", None, "Instead of a brand: a folder with a folder of artwork for each, named as the brand is.")


def _add(flags, arguments):
    path, (*words,) = first_of(arguments, add.usage)
    if flags.brands is not None:
        if words or flags.box:
            raise UserError(
                f"--brands takes the brands from its folders, so no label, file or box, got {' '.join(words) or '--box'}."
            )
        given = {Path(folder).name: folder for folder in folders_in(flags.brands)}
        if not given:
            raise UserError(f"{flags.brands} holds no folders of brands.")
        if loose := [file for file in artwork.files_in(flags.brands) if Path(file).parent == Path(flags.brands)]:
            print(f"note: in no brand's folder, and passed over: {', '.join(map(printable, loose))}", file=sys.stderr)
    elif len(words) < 2:
        raise UserError(f"name a brand and at least one reference, as in: {add.usage}")
    else:
        label, *references = words
        boxes = boxes_of(flags, references)
        given = {label: references if boxes is None else [(*references, box) for box in boxes]}
    gallery = opened(path, flags.model)
    # What is wrong with the embedding is no brand's fault.
    gallery.embed_squares([])
    new, unusable = {}, {}
    for label, references in progress(given.items(), "adding brands", len(given)):
        try:
            new[label] = len(gallery.add(label, references))
        except UserError as error:
            if flags.brands is None:
                raise
            unusable[label] = error
    if new:
        gallery.save(path, replace=False)
    for label, count in new.items():
        print(f"{printable(label)}: {count} new references, {len(gallery.references(label))} in all")
    if unusable:
        print(f"{len(unusable)} of {len(given)} brands were left out:", file=sys.stderr)
        for label, error in unusable.items():
            print(f"  {printable(label)}: {one_line(error)}", file=sys.stderr)
        return 1


def _define_remove(flags):
    flags.string("reference", None, "The digest of a reference, as logo-gallery list FILE LABEL shows it.")


def _remove(flags, arguments):
    path, words = first_of(arguments, remove.usage)
    if len(words) != 1:
        raise UserError(f"name one brand, as in: {remove.usage}")
    gallery = Gallery.load(path)
    gallery.remove(words[0], flags.reference)
    gallery.save(path)
    print(f"removed; {path} has {len(gallery.labels)} brands")


def _list(flags, arguments):
    path, labels = first_of(arguments, show.usage)
    gallery = Gallery.load(path)
    for label in labels:
        for each in gallery.references(label):
            place = "" if each.box is None else f" at {', '.join(f'{corner:g}' for corner in each.box)}"
            print(f"{each.digest}  {each.kind}, {each.drawn}, {printable(each.source)}{place}")
    if not labels:
        rows = [("brand", "references", "threshold")]
        for each in gallery.list():
            threshold = "-" if each.threshold is None else f"{each.threshold:.3f}"
            rows.append((printable(each.label), f"{each.references:10}", f"{threshold:>9}"))
        print("\n".join(in_columns(rows)))
        print(f"\nthresholds: {calibration.SAID[gallery.rule]}")
    if flags.json:
        write_json(flags.json, {"rule": gallery.rule, "brands": [vars(each) for each in gallery.list()]})


def _define_list(flags):
    flags.string("json", None, "Also write the brands to this file.")


def _define_reembed(flags):
    flags.string("model", None, EMBEDDING)
    flags.string("out", None, "The file to write; without it the gallery itself is replaced.")


def _reembed(flags, arguments):
    path, words = first_of(arguments, reembed.usage)
    if words:
        raise UserError(f"unexpected: {' '.join(words)}.")
    gallery = Gallery.load(path)
    gallery.reembed(flags.model)
    gallery.save(flags.out or path)
    print(f"{flags.out or path}: {gallery!r}")


add = Command("logo-gallery add FILE LABEL REFERENCE ...", ADD, _define_add, _add)
remove = Command("logo-gallery remove FILE LABEL", REMOVE, _define_remove, _remove)
show = Command("logo-gallery list FILE [LABEL ...]", LIST, _define_list, _list)
reembed = Command("logo-gallery reembed FILE [--model FILE]", REEMBED, _define_reembed, _reembed)
