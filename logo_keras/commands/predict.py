"""Names the likeliest brands on photos.

For instance:
  logo-predict --model run/model.keras holiday.jpg
  logo-predict --model run/model.tflite --pictures drawn photos/

Folders are searched to the bottom. Every photo gets some brand of the model's list, also one without a logo: a low
probability is a hint, no proof.
"""

from pathlib import Path

from logo_keras.commands.command import Command, say_unreadable
from logo_keras.commands.open_model import open_model
from logo_keras.datasets.find_photos import find
from logo_keras.errors import UserError
from logo_keras.files import mark, write, write_json
from logo_keras.image.draw import draw_recognition, encoded
from logo_keras.image.preprocessing import UnreadablePhoto, read

USAGE = "logo-predict --model FILE PHOTOGRAPH_OR_FOLDER ..."


def define(flags):
    """Defines the flags."""
    flags.shared("model")
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


def recognize_all(model, paths, top=3, strict=False, pictures=None, report=print):
    """Recognizes photos one after the other.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
        paths: paths of photos.
        top: int, classes to name.
        strict: bool, stop at the first unreadable photo.
        pictures: Path of a folder to draw into, or None.
        report: function that takes a line of text, one a photo.

    Returns:
        dict from path to Recognition, and dict from path to reason of the photos that were left out.

    Raises:
        UnreadablePhoto: with `strict`.
        OSError: if a picture cannot be written.
    """
    answers, unreadable, taken = {}, {}, set()
    for path in map(str, paths):
        try:
            photo = read(path)
        except UnreadablePhoto as error:
            if strict:
                raise
            unreadable[path] = error.reason
            continue
        answers[path] = answer = model.recognize(photo, top=top)
        named = zip(answer.labels, answer.probabilities, strict=True)
        report(f"{path}: {', '.join(f'{label} {probability:.1%}' for label, probability in named)}")
        if pictures is not None:
            picture = Path(pictures) / f"{_unused(Path(path).stem, taken)}.jpg"
            write(picture, encoded(draw_recognition(photo, answer)))
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
    model = open_model(values.model, values.threads)
    if not hasattr(model, "recognize"):
        raise UserError(f"{values.model} holds a {type(model).__name__}, which names no brand: it gives vectors (embed).")
    if values.pictures and _lies_among(values.pictures, arguments):
        # Else the next run would take the drawings for more photos.
        mark(values.pictures)
    answers, unreadable = recognize_all(model, paths, values.top, values.strict, values.pictures)
    say_unreadable(unreadable)
    if values.json:
        rows = [{"photograph": path, **answer.to_dict()} for path, answer in answers.items()]
        write_json(values.json, {"photographs": rows, "unreadable": unreadable})
    if not answers:
        raise UserError("none of the photographs could be read.")


COMMAND = Command(USAGE, __doc__, define, _work, required=("model",))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
