"""logo-gallery calibrate and evaluate: when a brand counts as known, and how often that is right."""

from dataclasses import asdict

from logo_keras import datasets
from logo_keras.commands.command import Command, in_columns, no_arguments, printable, say_notes, say_unreadable
from logo_keras.commands.gallery_changes import EMBEDDING, check_close, first_of
from logo_keras.datasets.find_photos import find
from logo_keras.errors import UserError
from logo_keras.files import write_json
from logo_keras.gallery import Gallery, calibration

CALIBRATE = """Fits the thresholds of a gallery to photos that show none of its brands, best such as it will meet. With 100 photos
or more every brand gets a threshold of its own. Prints how many of the photos are taken for a brand all the same, each counted
with thresholds that were fitted without it. Every photo is searched, unless --model names an embedding alone, and the likeliest
of its places counts: calibrate as you ask.

For instance:
  logo-gallery calibrate brands.gallery photos_without_brands/"""

EVALUATE = """Prints how well a gallery names the brands of a data set: in the boxes, where it has some, else in whole photos.
These are searched, unless --model names an embedding alone. Photos that calibrated the gallery, and those from which a reference
comes, are left out.

For instance:
  logo-gallery evaluate brands.gallery --data folder --root photos/
  logo-gallery evaluate brands.gallery --whole --data coco --root photos/"""


def _define_calibrate(flags):
    flags.string("model", None, EMBEDDING)
    flags.float("false_accepts", 0.01, "The share of such photos, between 0 and 1, that may be taken for a brand.")
    flags.shared("close")
    flags.string("json", None, "Also write the figures to this file.")


def _calibrate(flags, arguments):
    path, photos = first_of(arguments, calibrate.usage)
    if not photos:
        raise UserError(f"name photos that show none of the brands, as in: {calibrate.usage}")
    gallery = Gallery.load(path, flags.model)
    check_close(flags, gallery)
    found = gallery.calibrate(list(map(str, find(photos))), flags.false_accepts, flags.close)
    gallery.save(path)
    own = f", own thresholds for {found.own_thresholds} brands" if found.own_thresholds else ", the same for all brands"
    print(f"{found.photos} photos{', searched' if found.searched else ''}; threshold {found.threshold:.3f}{own}")
    if found.measured is not None:
        low, high = found.interval
        print(f"false accepts {found.measured:.1%}   95 % interval {low:.1%} to {high:.1%}")
    for note in found.notes:
        print(f"note: {note}")
    say_unreadable(found.unreadable)
    if flags.json:
        write_json(flags.json, asdict(found))


def _define_evaluate(flags):
    flags.string("model", None, EMBEDDING)
    flags.shared("data", "root", "cut")
    flags.string("split", None, "The part of the data set. Without it all labelled photos are taken.")
    flags.boolean("whole", False, "Ask about whole photos, also where the data set has boxes.")
    flags.shared("close")
    flags.string("json", None, "Also write the figures to this file.")


def _evaluate(flags, arguments):
    path, words = first_of(arguments, evaluate.usage)
    no_arguments(words)
    gallery = Gallery.load(path, flags.model)
    dataset = datasets.load(flags.data, flags.root, split=flags.split, cut=flags.cut)
    check_close(flags, gallery)
    say_notes(dataset)
    found = gallery.evaluate(dataset, flags.whole, flags.close)
    print(table(found))
    say_unreadable(found.unreadable)
    if flags.json:
        write_json(flags.json, found.to_dict())


def table(found):
    """The figures of a GalleryEvaluation as text."""
    lines = [f"{found.samples} samples with a brand of the gallery, {found.others} without"]
    if found.samples:
        low, high = found.top1_interval
        lines += ["", f"top1           {found.top1:6.1%}   95 % interval {low:.1%} to {high:.1%}"]
        lines += [f"named right    {found.named:6.1%}", f"named wrong    {found.misnamed:6.1%}"]
    if found.others:
        lines += [f"false accepts  {found.false_accepts:6.1%}"]
    if found.per_brand:
        rows = [(printable(label), f"{share:6.1%}") for label, share in found.per_brand.items()]
        lines += ["", *in_columns([("brand", "  top1"), *rows])]
    if found.strangers:
        lines += ["", f"Not in the gallery, counted as without a brand: {', '.join(map(printable, found.strangers))}"]
    if found.references or found.calibrated_on:
        lines += ["", f"Left out: {found.references} samples of references, {found.calibrated_on} that calibrated the gallery"]
    return "\n".join([*lines, "", f"Thresholds: {calibration.SAID[found.rule]}"])


calibrate = Command("logo-gallery calibrate FILE PHOTO_OR_FOLDER ...", CALIBRATE, _define_calibrate, _calibrate)
evaluate = Command(
    "logo-gallery evaluate FILE --data KIND --root FOLDER", EVALUATE, _define_evaluate, _evaluate, required=("data", "root")
)
