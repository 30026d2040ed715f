"""Looks for marks that look alike.

  logo-search index FOLDER --out marks.gallery       embeds the marks of a folder, a folder for each owner
  logo-search find MARK --in marks.gallery           the marks that look most like one

Each explains itself: logo-search find --help. A gallery of logo-gallery can be searched too.
"""

from pathlib import Path

from logo_keras.commands.command import Command, CommandOfParts, printable, say_unreadable
from logo_keras.commands.gallery_changes import EMBEDDING, opened
from logo_keras.errors import UserError
from logo_keras.files import write, write_json
from logo_keras.gallery import Gallery, artwork, look_alikes

INDEX = """Embeds all marks of a folder, SVG, PNG, JPEG and the like, into one file. A mark's name is its path in the folder, and
the first folder of that path its owner. What the file has already is passed over: the same command goes on where it was stopped,
and adds what is new.

For instance:
  logo-search index marks/ --out marks.gallery"""

FIND = """Prints the marks that look most like one, with their similarity. It is looked for as it is, inverted and in grey, on
light and dark.

For instance:
  logo-search find acme.svg --in marks.gallery --not_own Acme --page acme.html"""


def _one(arguments, what, usage):
    if len(arguments) != 1:
        raise UserError(f"name one {what}, as in: {usage}")
    return arguments[0]


def _define_index(flags):
    flags.string("out", None, "The file to write, or to add to.")
    flags.string("model", None, EMBEDDING)


def _index(flags, arguments):
    folder, out = _one(arguments, "folder of marks", index.usage), Path(flags.out)
    gallery = opened(out, flags.model)
    unusable = look_alikes.index(gallery, folder, lambda: gallery.save(out, replace=False))
    gallery.save(out, replace=False)
    say_unreadable(unusable)
    print(f"{out}: {len(gallery.labels)} marks of {len(set(map(look_alikes.owner_of, gallery.labels)))} owners")


def _define_find(flags):
    flags.string("in", None, "The file that logo-search index wrote.")
    flags.string("model", None, EMBEDDING)
    flags.string("not_own", None, "An owner whose marks are left out.")
    flags.integer("top", 20, "Most marks.", 1)
    flags.string("json", None, "Also write them to this file.")
    flags.string("page", None, "Also write a page with their pictures to this file (extra [report]).")


def _find(flags, arguments):
    mark = _one(arguments, "mark", find.usage)
    gallery = Gallery.load(flags["in"].value, flags.model)
    found = look_alikes.find(gallery, mark, flags.top, flags.not_own)
    for each in found:
        print(f"{each.similarity:6.3f}  {printable(each.label)}  ({printable(each.seen)}; {printable(each.reference.drawn)})")
    if flags.json:
        write_json(flags.json, {"mark": mark, "not_own": flags.not_own, "found": [each.to_dict() for each in found]})
    if flags.page:
        write(flags.page, _page(gallery, mark, found, flags.not_own))


def _page(gallery, mark, found, not_own):
    """A page of the mark and of what looks like it: bytes."""
    # Here, since pages need an extra.
    from logo_keras.report.html import render

    (first, *_) = artwork.crops([mark])
    return render(
        "look_alikes.html",
        title=f"Marks that look like {Path(mark).name}",
        mark=first.image,
        not_own=not_own,
        number=len(gallery.labels),
        found=[(each, gallery.crop(each.reference)) for each in found],
    )


index = Command("logo-search index FOLDER --out FILE", INDEX, _define_index, _index, required=("out",))
find = Command("logo-search find MARK --in FILE", FIND, _define_find, _find, required=("in",))
COMMAND = CommandOfParts("logo-search", __doc__, {"index": index, "find": find})
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
