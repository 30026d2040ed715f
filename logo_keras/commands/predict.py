"""Names the likeliest brands on photos.

For instance:
  logo-predict --model run/model.keras holiday.jpg
  logo-predict --model run/model.tflite --pictures drawn photos/
  logo-predict --gallery brands.gallery --pictures drawn photos/
  logo-predict --gallery brands.gallery holiday.jpg --box 120,40,180,200 --box 10,300,90,380
  logo-predict --gallery brands.gallery match.mp4 --timeline match.html

Folders are searched to the bottom. A model says "none" where its likeliest brand is less likely than its threshold, which
logo-calibrate fits. Without a threshold every photo gets some brand of its list, also one without a logo, and a note says so. A
gallery (logo-gallery) names the brands of which it knows a mark, with their similarity, or none. It searches every photo and says
where they are, unless --box says that. With an embedding alone, which --model names then, it searches nothing: the whole photo
counts as one mark.

Of a video a frame a second is looked at (--every). Ctrl-C ends it early, and what was seen until then is written.
"""

import sys
from pathlib import Path

import numpy as np

from logo_keras.commands import timeline
from logo_keras.commands.command import Command, boxes_of, printable, say_unreadable
from logo_keras.commands.gallery_changes import check_close
from logo_keras.commands.open_model import open_model
from logo_keras.datasets.find_photos import find
from logo_keras.errors import UserError
from logo_keras.files import mark, write, write_json
from logo_keras.gallery import Gallery, artwork, calibration
from logo_keras.image.draw import draw_matches, draw_recognition, encoded
from logo_keras.image.preprocessing import UnreadablePhoto, read
from logo_keras.video import Sighting, Video, sightings

# The probability above which a brand is likelier than all others together.
_LIKELIER = 0.5
USAGE = "logo-predict --model FILE | --gallery FILE PHOTOGRAPH_OR_FOLDER ..."


def define(flags):
    """Defines the flags."""
    flags.shared("model")
    flags.string(
        "gallery",
        None,
        "Instead of a model: a gallery that logo-gallery keeps. --model is then a detector with the embedding with which it was "
        "made, or that embedding alone; without it those that come with the package.",
    )
    flags.shared("box", "close")
    flags.integer("top", 3, "How many brands to name for a photo, or a box.", lower_bound=1)
    flags.string("json", None, "Also write the answers to this file.")
    timeline.define(flags)
    flags.string("pictures", None, "Also draw every photo, with its regions, brands and probabilities, into this folder.")
    flags.integer(
        "threads",
        None,
        "Threads on which an exported file runs; without it a .tflite file runs on one and an .onnx file on all cores.",
        lower_bound=1,
    )
    flags.shared("strict")


class OfModel:
    """How photos are read for a model, and its answer, a Recognition, is shown.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
    """

    def __init__(self, model):
        self._model = model

    def read(self, path):
        """A photo: uint8 RGB `[H, W, 3]`."""
        return read(path)

    def answer(self, photo, top):
        """What the model says: Recognition."""
        return self._model.recognize(photo, top=top)

    def said(self, path, answer):
        """As lines of text: list of str; "none" where nothing is known."""
        if not answer.known:
            return [f"{path}: none (likeliest {answer.confidence:.1%})"]
        named = zip(answer.labels, answer.probabilities, strict=True)
        return [f"{path}: {', '.join(f'{printable(label)} {probability:.1%}' for label, probability in named)}"]

    def drawn(self, photo, answer):
        """On the photo: uint8 RGB."""
        return draw_recognition(photo, answer)

    def row(self, answer):
        """For JSON: dict, `label` null where nothing is known."""
        return answer.to_dict()

    def about(self):
        """What JSON says of all answers: dict, `threshold` null where the model has none."""
        return {"threshold": self._model.threshold, "temperature": self._model.temperature}

    def doubts(self):
        """What a person must be told of all answers: list of str."""
        if self._model.threshold is not None:
            return []
        return ["the model has no threshold, so every photo gets some brand of its list: logo-calibrate fits one."]

    def sightings(self, frame):
        """Of a video's frame: list of Sighting, the likeliest brand in the best region.

        Where it is known, and of a model without a threshold where it is likelier than all others together.

        Raises:
            ValueError: if the model has no regions.
        """
        answer = self.answer(frame, 1)
        if not len(answer.region_boxes):
            raise UserError("a timeline needs places: take --gallery, or a model with regions, no plain classifier.")
        box = np.clip(answer.region_boxes[0], 0, (*frame.shape[:2],) * 2)
        counts = answer.known if self._model.threshold is not None else answer.confidence > _LIKELIER
        return [Sighting(answer.label, answer.confidence, tuple(map(float, box)))] if counts else []

    def notes(self):
        """What is to be said beside a timeline: list of str."""
        threshold = self._model.threshold
        box = "Its box is the region that the model looked at first, not the outline of a logo."
        if threshold is not None:
            return [f"a brand counts as seen where it reaches the model's threshold, {threshold:.1%}. {box}"]
        return [
            "a model without a threshold gives every frame some brand of its list: one counts as seen where it is likelier than "
            f"all others together, which is no proof. {box}"
        ]


class OfGallery:
    """How photos are read for a gallery, and its answer, a tuple of Match, is shown.

    Args:
        gallery: Gallery.
        boxes: list of `(y0, x0, y1, x1)`, px, where the logos are; None for photos as a whole.
        close: bool, as for `Gallery.recognize`.

    Attributes:
        searches: bool, whether places are found in photos.
    """

    def __init__(self, gallery, boxes=None, close=False):
        self._gallery, self._boxes, self._close = gallery, boxes, close
        self.searches = boxes is None and gallery.searches

    def read(self, path):
        """A photo, or artwork, also SVG: uint8 RGB `[H, W, 3]`."""
        return artwork.photo_of(path)[0]

    def answer(self, photo, top):
        """What the gallery says: tuple of Match."""
        return self._gallery.recognize(photo, top, self._boxes, self._close)

    def said(self, path, matches):
        """As lines of text, one a box or a place: list of str; "none" where nothing is known."""
        boxes = list(dict.fromkeys(match.box for match in matches)) if self.searches else self._boxes
        if not boxes:
            return [f"{path}: {_named(matches)}"]
        found = {box: [match for match in matches if match.box == box] for box in boxes}
        return [f"{path} at {self._place(box)}: {_named(each)}" for box, each in found.items()]

    def _place(self, box):
        # Those that were found are not exact to a px.
        return ",".join(f"{corner:.0f}" if self.searches else f"{corner:g}" for corner in box)

    def drawn(self, photo, matches):
        """On the photo, beside the references: uint8 RGB."""
        try:
            pictures = [self._gallery.crop(match.reference) for match in matches]
        except UserError:
            # Not kept.
            pictures = ()
        return draw_matches(photo, matches, pictures, self._boxes)

    def row(self, matches):
        """For JSON: dict, `label` null where nothing is known; with the boxes that were given."""
        label = matches[0].label if matches else None
        asked = {} if self._boxes is None else {"boxes": self._boxes}
        return {"known": bool(matches), "label": label, **asked, "matches": [match.to_dict() for match in matches]}

    def about(self):
        """What JSON says of all answers, where the thresholds come from and whether photos are searched: dict."""
        return {"rule": self._gallery.rule, "searched": self.searches}

    def doubts(self):
        """What a person must be told of all answers: list of str."""
        if not self.searches:
            return []
        of_detector = self._gallery.detectors_threshold is not None
        return calibration.doubts(self._gallery.rule, self._gallery.calibration, self._close, of_detector)

    def sightings(self, frame):
        """Of a video's frame: list of Sighting, one brand a place."""
        return sightings(self.answer(frame, 1), frame.shape[:2])

    def notes(self):
        """What is to be said beside a timeline: list of str."""
        if self.searches:
            return self.doubts()
        rule = self._gallery.rule
        said = [] if rule == calibration.CALIBRATED else [f"thresholds: {calibration.SAID[rule]}."]
        return [*said, "each frame was looked at as a whole, as one mark: a detector finds small ones, and sizes."]


def _named(matches):
    return ", ".join(f"{printable(match.label)} {match.similarity:.2f}" for match in matches) or "none"


def recognize_all(shown, paths, top=3, strict=False, pictures=None, report=print):
    """Recognizes photos one after the other.

    Args:
        shown: OfModel or OfGallery.
        paths: paths of photos.
        top: int, classes to name.
        strict: bool, stop at the first unreadable photo.
        pictures: Path of a folder to draw into, or None.
        report: function that takes a line of text.

    Returns:
        dict from path to Recognition, or to a tuple of Match, and dict from path to reason of the photos that were left out.

    Raises:
        UnreadablePhoto: with `strict`.
        OSError: if a picture cannot be written.
    """
    answers, unreadable, taken = {}, {}, set()
    for path in map(str, paths):
        try:
            photo = shown.read(path)
        except UnreadablePhoto as error:
            if strict:
                raise
            unreadable[path] = error.reason
            continue
        answers[path] = answer = shown.answer(photo, top)
        for line in shown.said(path, answer):
            report(line)
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
    if timeline.is_meant(values, arguments):
        timeline.check(values, arguments[0])
        video = Video(arguments[0])
        timeline.work(values, video, _opened(values, arguments))
        return
    paths = find(arguments)
    shown = _opened(values, paths)
    if values.pictures and _lies_among(values.pictures, arguments):
        # Else the next run would take the drawings for more photos.
        mark(values.pictures)
    answers, unreadable = recognize_all(shown, paths, values.top, values.strict, values.pictures)
    for doubt in shown.doubts() if answers else []:
        print(f"note: {doubt}", file=sys.stderr)
    say_unreadable(unreadable)
    if values.json:
        rows = [{"photograph": path, **shown.row(answer)} for path, answer in answers.items()]
        write_json(values.json, {**shown.about(), "photographs": rows, "unreadable": unreadable})
    if not answers:
        raise UserError("none of the photographs could be read.")


def _opened(values, paths):
    """What recognizes: OfModel or OfGallery."""
    if values.gallery is None:
        if values.box is not None:
            raise UserError("--box belongs to a gallery; a model finds its regions by itself.")
        if values.close:
            raise UserError("--close belongs to a gallery.")
        model = open_model(values.model, values.threads)
        if not hasattr(model, "recognize"):
            raise UserError(f"{values.model} holds a {type(model).__name__}, which names no brand: it gives vectors.")
        return OfModel(model)
    if values.threads is not None:
        raise UserError("--threads belongs to a model; a gallery's embedding runs on one.")
    boxes = boxes_of(values, paths)
    gallery = Gallery.load(values.gallery, values.model)
    check_close(values, gallery)
    return OfGallery(gallery, boxes, values.close)


COMMAND = Command(USAGE, __doc__, define, _work, required=("model",), unless="gallery")
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
