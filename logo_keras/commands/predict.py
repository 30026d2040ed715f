"""Names the likeliest brands on photos.

For instance:
  logo-predict --model run/model.keras holiday.jpg
  logo-predict --model run/model.tflite --pictures drawn photos/
  logo-predict --gallery brands.gallery holiday.jpg

Folders are searched to the bottom. Of a model every photo gets some brand of its list, also one without a logo: a low
probability is a hint, no proof. A gallery (logo-gallery) names the brands of which it knows a mark, with their similarity, or
none.
"""

from pathlib import Path

from logo_keras.commands.command import Command, printable, say_unreadable
from logo_keras.commands.open_model import open_model
from logo_keras.datasets.find_photos import find
from logo_keras.errors import UserError
from logo_keras.files import mark, write, write_json
from logo_keras.gallery import Gallery, artwork
from logo_keras.image.draw import draw_matches, draw_recognition, encoded
from logo_keras.image.preprocessing import UnreadablePhoto, read

USAGE = "logo-predict --model FILE | --gallery FILE PHOTOGRAPH_OR_FOLDER ..."


def define(flags):
    """Defines the flags."""
    flags.shared("model")
    flags.string(
        "gallery",
        None,
        "Instead of a model: a gallery that logo-gallery keeps. --model is then the embedding with which it was made, where that "
        "is not the one that comes with the package.",
    )
    flags.integer("top", 3, "How many brands to name for a photo.", lower_bound=1)
    flags.string("json", None, "Also write the answers to this file.")
    flags.string("pictures", None, "Also draw every photo, with its regions, brands and probabilities, into this folder.")
    flags.integer(
        "threads",
        None,
        "Threads on which an exported file runs; without it a .tflite file runs on one and an .onnx file on all cores.",
        lower_bound=1,
    )
    flags.shared("strict")


class OfModel:
    """How photos are read for a model, and its answer, a Recognition, is shown."""

    def read(self, path):
        """A photo: uint8 RGB `[H, W, 3]`."""
        return read(path)

    def said(self, answer):
        """As a line of text."""
        named = zip(answer.labels, answer.probabilities, strict=True)
        return ", ".join(f"{printable(label)} {probability:.1%}" for label, probability in named)

    def drawn(self, photo, answer):
        """On the photo: uint8 RGB."""
        return draw_recognition(photo, answer)

    def row(self, answer):
        """For JSON: dict."""
        return answer.to_dict()


class OfGallery:
    """How photos are read for a gallery, and its answer, a tuple of Match, is shown."""

    def __init__(self, gallery):
        self._gallery = gallery

    def read(self, path):
        """A photo, or artwork, also SVG: uint8 RGB `[H, W, 3]`."""
        return artwork.photo_of(path)[0]

    def said(self, matches):
        """As a line of text; "none" where nothing is known."""
        return ", ".join(f"{printable(match.label)} {match.similarity:.2f}" for match in matches) or "none"

    def drawn(self, photo, matches):
        """On the photo, beside the references: uint8 RGB."""
        try:
            pictures = [self._gallery.crop(match.reference) for match in matches]
        except UserError:
            # Not kept.
            pictures = ()
        return draw_matches(photo, matches, pictures)

    def row(self, matches):
        """For JSON: dict, `label` null where nothing is known."""
        label = matches[0].label if matches else None
        return {"known": bool(matches), "label": label, "matches": [match.to_dict() for match in matches]}


def recognize_all(model, paths, top=3, strict=False, pictures=None, report=print, shown=None):
    """Recognizes photos one after the other.

    Args:
        model: a model of this package, an `lk.edge.Recognizer`, or a Gallery.
        paths: paths of photos.
        top: int, classes to name.
        strict: bool, stop at the first unreadable photo.
        pictures: Path of a folder to draw into, or None.
        report: function that takes a line of text, one a photo.
        shown: how photos are read and answers shown, `OfModel` by default.

    Returns:
        dict from path to Recognition, or to a tuple of Match, and dict from path to reason of the photos that were left out.

    Raises:
        UnreadablePhoto: with `strict`.
        OSError: if a picture cannot be written.
    """
    shown = shown or OfModel()
    answers, unreadable, taken = {}, {}, set()
    for path in map(str, paths):
        try:
            photo = shown.read(path)
        except UnreadablePhoto as error:
            if strict:
                raise
            unreadable[path] = error.reason
            continue
        answers[path] = answer = model.recognize(photo, top=top)
        report(f"{path}: {shown.said(answer)}")
        if pictures is not None:
            picture = Path(pictures) / f"{_unused(Path(path).stem, taken)}.jpg"
            write(picture, encoded(shown.drawn(photo, answer)))
    return answers, unreadable


def _lies_among(folder, photos):
    """Whether a folder lies in a folder of photos, or beside the folder of one."""
    homes = (Path(each) if Path(each).is_dir() else Path(each).parent.parent for each in photos)
    return any(Path(folder).resolve().is_relative_to(home.resolve()) for home in homes)


def _unused(stem, taken):
    """`stem`, with a number where a photo of another folder has taken that name."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name


def _work(values, arguments):
    if not arguments:
        raise UserError("name at least one photograph or folder, as in: logo-predict --model FILE photograph.jpg")
    paths = find(arguments)
    model, shown = _opened(values)
    if values.pictures and _lies_among(values.pictures, arguments):
        # Else the next run would take the drawings for more photos.
        mark(values.pictures)
    answers, unreadable = recognize_all(model, paths, values.top, values.strict, values.pictures, shown=shown)
    say_unreadable(unreadable)
    if values.json:
        rows = [{"photograph": path, **shown.row(answer)} for path, answer in answers.items()]
        write_json(values.json, {"photographs": rows, "unreadable": unreadable})
    if not answers:
        raise UserError("none of the photographs could be read.")


def _opened(values):
    """What recognizes, and how photos are read for it and its answers shown."""
    if values.gallery is None:
        model = open_model(values.model, values.threads)
        if not hasattr(model, "recognize"):
            raise UserError(f"{values.model} holds a {type(model).__name__}, which names no brand: it gives vectors.")
        return model, OfModel()
    if values.threads is not None:
        raise UserError("--threads belongs to a model; a gallery's embedding runs on one.")
    gallery = Gallery.load(values.gallery, values.model)
    return gallery, OfGallery(gallery)


COMMAND = Command(USAGE, __doc__, define, _work, required=("model",), unless="gallery")
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
