"""Marks that look alike: a mark is looked for among those of a gallery, also inverted and in grey, its owner's left out."""

from dataclasses import asdict, dataclass
from pathlib import PurePath

import numpy as np

from logo_keras.arguments import whole
from logo_keras.datasets.classes import composed
from logo_keras.errors import UserError
from logo_keras.gallery import artwork
from logo_keras.gallery.pictures import pictures
from logo_keras.gallery.table import Reference
from logo_keras.image.transparency import luminance
from logo_keras.report.progress import progress

# Parts an owner's name from that of a mark in a label.
_OWNED = "/"
# Marks between two saves of a long index: minutes of work.
_SAVED = 2000


@dataclass(frozen=True)
class LookAlike:
    """A mark that looks like another.

    Attributes:
        label: str, the mark.
        owner: str.
        similarity: float, as of `Match`.
        seen: str, how the mark that was looked for was drawn when they were most alike, for instance "inverted, black on light".
        reference: Reference, the nearest picture of the mark that was found.
    """

    label: str
    owner: str
    similarity: float
    seen: str
    reference: Reference

    def to_dict(self):
        """The same as strings, floats, lists and dicts, for JSON."""
        return asdict(self)


def index(gallery, folder, done=lambda: None):
    """Adds the marks of a folder to a gallery, each under a label of its own: its path in the folder, without the suffix.

    A mark in a folder of its own belongs to the owner whose name that folder has; one that lies in `folder` itself belongs to
    nobody else than itself. Files that differ in their suffix show one mark. The same picture may be that of several marks. Marks
    that the gallery has before are passed over.

    Args:
        gallery: Gallery.
        folder: str or path, searched to the bottom for artwork.
        done: function, called from time to time: all that was added by then is complete.

    Returns:
        dict from the path of each file that cannot be used to the reason.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if there is no artwork in it, or none can be used.
    """
    folder = PurePath(folder)
    paths = artwork.files_in(folder)
    if not paths:
        raise UserError(f"{folder}: no artwork in this folder; SVG, PNG, JPEG and the like are taken.")
    # What is wrong with the embedding is no mark's fault.
    gallery.embed_squares([])
    unusable, before = {}, set(gallery.labels)
    for number, path in enumerate(progress(paths, "indexing marks", len(paths)), start=1):
        label = PurePath(path).relative_to(folder).with_suffix("").as_posix()
        try:
            if composed(label) not in before:
                gallery.add(label, path, shared=True)
        except UserError as error:
            unusable[path] = getattr(error, "reason", str(error))
        if number % _SAVED == 0:
            done()
    if len(unusable) == len(paths):
        raise UserError(f"none of the {len(paths)} files in {folder} can be used; {paths[0]}: {unusable[paths[0]]}.")
    return unusable


def find(gallery, mark, top=20, not_own=None):
    """Looks for marks that look like one, as it is, inverted and in grey.

    Args:
        gallery: Gallery, such as `index` fills; of other galleries each brand is a mark and its own owner.
        mark: artwork, as `Gallery.add` takes a single one: a path, bytes, uint8 RGB or RGBA; or a photo with a box.
        top: int, most marks.
        not_own: str, an owner whose marks are left out; None leaves out none.

    Returns:
        tuple of LookAlike, the most alike first.

    Raises:
        UnreadablePhoto: naming the file, if the mark cannot be read, drawn, or shows nothing; it is a ValueError too.
        ValueError: if `top` is below 1, the gallery is empty, or no mark in it belongs to `not_own`.
    """
    whole("top", top, 1)
    labels = gallery.labels
    if not labels:
        raise UserError("the gallery has no marks yet: add some first.")
    not_own = None if not_own is None else composed(not_own)
    others = np.array([owner_of(label) != not_own for label in labels])
    if not_own is not None and others.all():
        raise UserError(f"no mark of the gallery belongs to {not_own!r}: its labels begin with the owner's name.")
    similarities, seen = compare(gallery, mark)
    similarities = np.where(others[:, None], similarities, -np.inf)
    best, ways = similarities.max(axis=1), list(seen)
    found = []
    for number in np.argsort(-best, kind="stable")[: min(top, int(others.sum()))]:
        way = ways[similarities[number].argmax()]
        reference = gallery.nearest_reference(labels[number], seen[way])
        found.append(LookAlike(labels[number], owner_of(labels[number]), float(best[number]), way, reference))
    return tuple(found)


def compare(gallery, mark):
    """Compares a mark, in all the ways in which it is looked for, with those of a gallery: what `find` puts in order.

    Args:
        gallery: Gallery.
        mark: as for `find`.

    Returns:
        float32 `[B, w]`, similarities, a row each of `gallery.labels`, a column for each way; and dict from each way, as
        `LookAlike.seen` names it, to float32 `[D]`, how the mark is embedded then.

    Raises:
        UnreadablePhoto: as `find`.
    """
    ways = _ways(artwork.crops([mark]))
    queries = gallery.embed_squares(list(ways.values()))
    return gallery.similarities(queries), dict(zip(ways, queries, strict=True))


def owner_of(label):
    """Whose mark a label names: its first part, str."""
    return label.partition(_OWNED)[0]


def _ways(crops):
    """What a mark is looked for as: dict from how it is drawn to uint8 RGB `[s, s, 3]`; what is the same stands once."""
    found, known = {}, set()
    for crop in crops:
        # As the pictures of a gallery are, which were a file once.
        _, image = pictures(crop.image, crop.kind)
        grey = np.repeat(np.rint(luminance(image))[..., None], 3, axis=2).astype(np.uint8)
        for how, altered in {"": image, "inverted": 255 - image, "grey": grey, "grey, inverted": 255 - grey}.items():
            if (key := altered.tobytes()) not in known:
                known.add(key)
                found[", ".join(filter(None, (how, crop.drawn)))] = altered
    return found
