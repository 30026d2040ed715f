"""Places in a photo: where a gallery looks, and which brands it names there."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.gallery import artwork
from logo_keras.gallery.match import Match
from logo_keras.image.boxes import areas, common_areas
from logo_keras.image.surroundings import CONTEXT, several, squares, whole_box

# Two boxes of one brand show the same logo where they share as much of the smaller one: one may be a part of the other. Ours.
_ONE_LOGO = 0.5
# Boxes of two brands are one place where they share as much of what they cover together: the whole photo has room for several
# logos. Boxes of one size that share half do; others need more, so that no brand is named twice at a place.
_ONE_PLACE = 1 / 3


@dataclass(frozen=True, eq=False)
class Places:
    """Where a gallery looks in a photo.

    Attributes:
        boxes: list of n `(y0, x0, y1, x1)`, floats, px of the photo.
        vectors: float32 `[n, D]`, of length 1, of what is there.
        searched: bool, whether a detector found them: then several may show one logo.
    """

    boxes: list
    vectors: np.ndarray
    searched: bool = False


def look(model, photo, boxes=None, close=False):
    """Looks at a photo.

    With a detector, and without boxes, the places are the photo as a whole and its regions.

    Args:
        model: `logo_keras.gallery.embedders.Embedder`.
        photo: uint8 RGB `[H, W, 3]`, upright.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the photo, or None.
        close: bool, whether regions of which the detector sees fewer px than the photo has, and than the embedding reads, are cut
            from the photo and embedded once more.

    Returns:
        Places.

    Raises:
        ValueError: if a box is none, or what the model gives does not fit.
    """
    if boxes is not None:
        boxes = several(boxes)
        return Places(boxes, model.embed(squares(photo, boxes)))
    if not model.detects:
        return Places([whole_box(photo)], model.embed(squares(photo)))
    found = model.detect(photo)
    boxes, vectors = several(found.boxes), found.embeddings.copy()
    if close:
        small = [number for number, box in enumerate(boxes) if _shrunk(box, photo, model)]
        vectors[small] = model.embed(squares(photo, [boxes[number] for number in small]))
    return Places([whole_box(photo), *boxes], np.concatenate([found.whole_embedding[None], vectors]), searched=True)


def recognize(gallery, photo, top=3, boxes=None, close=False):
    """Names the brands in a photo: `Gallery.recognize`.

    Args:
        gallery: Gallery.
        photo, top, boxes, close: as for `Gallery.recognize`.

    Returns:
        tuple of Match, best first.

    Raises:
        UnreadablePhoto, ValueError: as `Gallery.recognize`.
    """
    whole("top", top, 1)
    if not gallery.labels:
        raise UserError("the gallery has no references yet: add some first.")
    seen = gallery.look(artwork.photo_of(photo)[0], boxes, close)
    similarities = gallery.similarities(seen.vectors, seen.searched)
    named = likeliest(similarities, gallery.standings(similarities) >= gallery.limits(seen.searched)[:, None], top)
    homes = merged(named, seen.boxes, top) if seen.searched else [place for _, place in named]
    found = []
    for (brand, place), home in zip(named, homes, strict=True):
        if home is not None:
            label = gallery.labels[brand]
            reference = gallery.nearest_reference(label, seen.vectors[place])
            found.append(Match(label, float(similarities[brand, place]), seen.boxes[home], reference))
    return tuple(found)


def likeliest(similarities, is_known, top):
    """The likeliest known brands of each place.

    Args:
        similarities: float32 `[B, n]`, of each brand at each place.
        is_known: bool `[B, n]`, whether it may be named there.
        top: int, most brands a place.

    Returns:
        list of `(brand, place)`, two int, the most similar first.
    """
    named = []
    for place, (column, known) in enumerate(zip(similarities.T, is_known.T, strict=True)):
        known = np.flatnonzero(known)
        named += [(int(brand), place) for brand in known[np.argsort(-column[known], kind="stable")[:top]]]
    return sorted(named, key=lambda each: -similarities[each])


def merged(named, boxes, top):
    """Makes one of what shows the same logo.

    The most similar counts first. A brand that was named where the boxes share half of the smaller one is not named again.
    Another brand, where the boxes share a third of what they cover together, is one more name for that place.

    Args:
        named: list of `(brand, place)`, two int, the most similar first.
        boxes: list of n `(y0, x0, y1, x1)`, px, a place each.
        top: int, most brands a place.

    Returns:
        list, of each of `named` the place whose box it gets, int; or None for what is left out.
    """
    of_smaller, of_both = _shared(boxes)
    logos, near = (list(map(set, map(np.flatnonzero, each))) for each in (of_smaller >= _ONE_LOGO, of_both >= _ONE_PLACE))
    # How many names places have, those of each brand, and where the names of a place go once that is settled.
    names, of_brand, settled, homes = Counter(), {}, {}, []
    for brand, place in named:
        own = of_brand.setdefault(brand, set())
        home = settled.get(place)
        if home is None:
            home = next((other for other in names if other in near[place]), place)
        if names[home] == top or not own.isdisjoint(logos[place]):
            homes.append(None)
            continue
        own.add(home)
        names[home] += 1
        settled[place] = home
        homes.append(home)
    return homes


def _shared(boxes):
    """What boxes have in common, as a share of the smaller one and of both together: two float `[n, n]`."""
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    common, own = common_areas(corners[:, None], corners), areas(corners)
    return common / np.minimum(own[:, None], own), common / (own[:, None] + own - common)


def _shrunk(box, photo, model):
    """Whether a detector sees fewer px of the square around a box than the photo has, and than are embedded."""
    shrinks = max(photo.shape[:2]) / model.photo_size
    side = CONTEXT * max(box[2] - box[0], box[3] - box[1])
    return shrinks > 1 and side / shrinks < model.region_size
