"""How far a brand must stand out so that marks of other brands are not taken for it: the threshold that an embedding comes with.

Galleries of drawn marks are asked about crops of other marks, or about scenes that are searched, all of brands that the embedding
was not taught.
"""

import itertools
from dataclasses import asdict, dataclass

import numpy as np

from logo_keras.errors import UserError
from logo_keras.gallery import artwork, calibration, places, search

# Share of drawn marks of other brands that may be taken for one of the gallery. By choice, beside what real crops gave: fewer of
# these get a name, of other brands and of their own (benchmarks/results/retrieval.md), so that 5 % would be too strict.
FALSE_ACCEPTS = 0.15
# Brands of a gallery. The threshold is the highest that one of these sizes needs.
SIZES = (1, 5, 20, 100)
# Galleries of each size, drawn at random: with others the threshold moved by 0.01 (November 2026).
_GALLERIES = 200
# Crops that galleries are asked about, a fifth of them without a mark.
_BATCHES, _BATCH_SIZE = 16, 64
# Scenes that they are asked about, some 45 of them without a mark.
_SCENE_BATCHES, _SCENES = 20, 15
# Pictures that are embedded at a time.
_AT_ONCE = 64


@dataclass(frozen=True)
class Strangers:
    """What `measure` found.

    Attributes:
        threshold: float, with which at most `FALSE_ACCEPTS` of what shows other brands gets a name, in galleries of every size.
        asked: str, what galleries were asked about: "crops" of marks or "scenes".
        brands, with_marks, without: int, brands, crops or scenes with their marks, and those without any mark.
        named: dict from the brands of a gallery to the share of what shows one of them that gets such a name.
        false_accepts: the same of the share of what shows other brands alone that gets a name.
        backgrounds_named: the same of what shows no mark.
    """

    threshold: float
    asked: str
    brands: int
    with_marks: int
    without: int
    named: dict
    false_accepts: dict
    backgrounds_named: dict

    def to_dict(self):
        """The same for JSON."""
        shares = {name: {f"{size}": round(share, 4) for size, share in found.items()} for name, found in self._shares().items()}
        return asdict(self) | shares

    def __str__(self):
        said = f"threshold {self.threshold:.3f}, from {self.with_marks} {self.asked} of {self.brands} brands"
        lines = [f"{said} that were not trained"]
        for size in self.named:
            named, false, without = (found[size] for found in self._shares().values())
            lines.append(
                f"galleries of {size:3} brands: {named:.1%} of {self.asked} of theirs are named, {false:.1%} of those of other "
                f"brands, {without:.1%} of {self.without} without a mark"
            )
        return "\n".join(lines)

    def _shares(self):
        return {name: getattr(self, name) for name in ("named", "false_accepts", "backgrounds_named")}


def measure(embedder, marks, seed=0):
    """Measures the threshold of an embedding, on drawn crops.

    A gallery has all drawings of its brands, each as `Gallery.add` draws artwork. It is asked about drawn crops of its own marks,
    those of other brands, and backgrounds.

    Args:
        embedder: `logo_keras.gallery.embedders.Embedder`.
        marks: `logo_keras.datasets.marks.Marks` of brands that the embedding was not taught.
        seed: int, draws crops and galleries.

    Returns:
        Strangers.

    Raises:
        ValueError: if there are fewer than 2 brands.
    """
    _check(marks)
    # Every brand as often, since that of a user may be any of them.
    batches, shown = marks.batches(_BATCH_SIZE, embedder.image_size, seed, steps=_BATCHES, balance=1), []

    def crops():
        for number in range(_BATCHES):
            images, labels = batches.batch(0, number)
            shown.append(labels[:, None] == np.arange(marks.num_classes))
            yield from images.astype(np.uint8)

    similarities = _similarities(embedder, marks, _embedded(embedder, crops()), embedder.background_vectors)
    return _found("crops", similarities, np.arange(similarities.shape[1])[:, None], np.concatenate(shown), seed)


def measure_searched(embedder, marks, seed=0):
    """Measures the threshold of a detector, on drawn scenes: of all places of a photo the likeliest counts.

    Galleries as for `measure`. They are asked about scenes with marks of their own, among others, with those of other brands
    alone, and with none.

    Args:
        embedder: `logo_keras.gallery.embedders.Embedder` that detects.
        marks: Marks of brands that neither the embedding nor the detector was taught.
        seed: int, draws scenes and galleries.

    Returns:
        Strangers.

    Raises:
        ValueError: if there are fewer than 2 brands.
    """
    _check(marks)
    scenes = marks.scenes(_SCENES, embedder.photo_size, seed, steps=_SCENE_BATCHES, balance=1)
    vectors, counts, shown = [], [], []
    for number in range(_SCENE_BATCHES):
        images, targets = scenes.batch(0, number)
        for image, labels in zip(images.astype(np.uint8), targets["labels"], strict=True):
            vectors.append(places.look(embedder, image).vectors)
            counts.append(len(vectors[-1]))
            shown.append(np.isin(np.arange(marks.num_classes), labels))
    # The places of each scene; the first again where it has fewer than others.
    number = np.arange(max(counts))
    places_of = np.cumsum([0, *counts[:-1]])[:, None] + np.where(number < np.array(counts)[:, None], number, 0)
    similarities = _similarities(embedder, marks, np.concatenate(vectors), embedder.searched_backgrounds)
    return _found("scenes", similarities, places_of, np.stack(shown), seed)


def _check(marks):
    if marks.num_classes < 2:
        raise UserError(f"a threshold is measured on the marks of 2 brands or more, got {marks.num_classes}.")


def _found(asked, similarities, places_of, shown, seed):
    """The threshold: Strangers.

    Args:
        asked: str, what galleries are asked about.
        similarities: float32 `[B, p]`, of each brand at each place.
        places_of: int `[n, most]`, the places of each photo.
        shown: bool `[n, B]`, the brands that it shows.
        seed: int, draws galleries.
    """
    rng, with_marks = np.random.default_rng(seed), shown.any(1)
    standings, photos = {}, np.arange(len(shown))
    for size in (size for size in SIZES if size < len(similarities)):
        found = {"own": [], "others": [], "without": []}
        for _ in range(_GALLERIES):
            chosen = rng.permutation(len(similarities))[:size]
            of_gallery = similarities[chosen]
            apart, likeliest = calibration.apart(of_gallery).max(0), chosen[of_gallery.argmax(0)]
            best = places_of[photos, apart[places_of].argmax(1)]
            apart, likeliest, own = apart[best], likeliest[best], shown[:, chosen].any(1)
            # What is taken for another brand of the gallery is never named right.
            found["own"].append(np.where(shown[photos, likeliest], apart, -np.inf)[own])
            found["others"].append(apart[with_marks & ~own])
            found["without"].append(apart[~with_marks])
        standings[size] = {name: np.concatenate(parts) for name, parts in found.items()}
    # Rounded up, so that it holds.
    threshold = np.ceil(max(calibration.above(each["others"], FALSE_ACCEPTS) for each in standings.values()) * 1000) / 1000
    shares = {
        name: {size: float((each[name] >= threshold).mean()) for size, each in standings.items()}
        for name in ("own", "others", "without")
    }
    return Strangers(
        threshold=float(threshold),
        asked=asked,
        brands=len(similarities),
        with_marks=int(with_marks.sum()),
        without=int((~with_marks).sum()),
        named=shares["own"],
        false_accepts=shares["others"],
        backgrounds_named=shares["without"],
    )


def _similarities(embedder, marks, vectors, background_vectors):
    """The similarity of the drawings of each brand to float32 `[p, D]`: float32 `[B, p]`."""
    order = np.argsort(marks.labels, kind="stable")
    drawn = [list(artwork.drawings(_picture(marks.drawings[int(number)])).values()) for number in order]
    references = _embedded(embedder, itertools.chain.from_iterable(drawn))
    _, starts = np.unique(np.repeat(marks.labels[order], list(map(len, drawn))), return_index=True)
    return search.similarities(references, starts, vectors, background_vectors)


def _embedded(embedder, pictures):
    """Embeds pictures as they come: float32 `[n, D]`."""
    pictures, parts = iter(pictures), []
    while batch := list(itertools.islice(pictures, _AT_ONCE)):
        parts.append(embedder.embed(batch))
    return np.concatenate(parts)


def _picture(drawing):
    """A drawing as a user has it: uint8 RGBA `[h, w, 4]`; black where its colour is not known."""
    alpha = drawing.alpha
    if drawing.pixels.ndim == 2:
        colours = np.broadcast_to(np.uint8(drawing.mark.color or (0, 0, 0)), (*alpha.shape, 3))
    else:
        # They were multiplied by the opacity.
        colours = np.rint(drawing.pixels[..., :3] * (255 / np.maximum(alpha, 1))[..., None]).clip(0, 255).astype(np.uint8)
    return np.dstack([colours, alpha])
