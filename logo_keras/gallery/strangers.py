"""How far a brand must stand out so that marks of other brands are not taken for it: the threshold that an embedding comes with.

Galleries of drawn marks are asked about crops of other marks, all of brands that the embedding was not taught.
"""

import itertools
from dataclasses import asdict, dataclass

import numpy as np

from logo_keras.errors import UserError
from logo_keras.gallery import artwork, calibration, search

# Share of drawn marks of other brands that may be taken for one of the gallery. By choice, beside what real crops gave: fewer of
# these get a name, of other brands and of their own (benchmarks/results/retrieval.md), so that 5 % would be too strict.
FALSE_ACCEPTS = 0.15
# Brands of a gallery. The threshold is the highest that one of these sizes needs.
SIZES = (1, 5, 20, 100)
# Galleries of each size, drawn at random: with others the threshold moved by 0.01 (November 2026).
_GALLERIES = 200
# Crops that galleries are asked about, a fifth of them without a mark.
_BATCHES, _BATCH_SIZE = 16, 64
# Pictures that are embedded at a time.
_AT_ONCE = 64


@dataclass(frozen=True)
class Strangers:
    """What `measure` found.

    Attributes:
        threshold: float, with which at most `FALSE_ACCEPTS` of the marks of other brands get a name, in galleries of every size.
        brands, crops, backgrounds: int, brands, crops of their marks, and crops without a mark.
        named: dict from the brands of a gallery to the share of its own marks that get their name.
        false_accepts: the same of the share of marks of other brands that get a name.
        backgrounds_named: the same of crops without a mark.
    """

    threshold: float
    brands: int
    crops: int
    backgrounds: int
    named: dict
    false_accepts: dict
    backgrounds_named: dict

    def to_dict(self):
        """The same for JSON."""
        shares = {name: {f"{size}": round(share, 4) for size, share in found.items()} for name, found in self._shares().items()}
        return asdict(self) | shares

    def __str__(self):
        lines = [f"threshold {self.threshold:.3f}, from {self.crops} crops of {self.brands} brands that were not trained"]
        for size in self.named:
            named, false, without = (found[size] for found in self._shares().values())
            lines.append(
                f"galleries of {size:3} brands: {named:.1%} of their marks are named, {false:.1%} of those of other brands, "
                f"{without:.1%} of {self.backgrounds} crops without a mark"
            )
        return "\n".join(lines)

    def _shares(self):
        return {name: getattr(self, name) for name in ("named", "false_accepts", "backgrounds_named")}


def measure(embedder, marks, seed=0):
    """Measures the threshold of an embedding.

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
    sizes = [size for size in SIZES if size < marks.num_classes]
    if not sizes:
        raise UserError(f"a threshold is measured on the marks of 2 brands or more, got {marks.num_classes}.")
    brands, truth, similarities = _similarities(embedder, marks, seed)
    rng, asked = np.random.default_rng(seed), truth < marks.num_classes
    standings = {}
    for size in sizes:
        found = {"own": [], "others": [], "without": []}
        for _ in range(_GALLERIES):
            chosen = rng.permutation(len(brands))[:size]
            of_gallery = similarities[chosen]
            apart, likeliest = calibration.apart(of_gallery).max(0), brands[chosen][of_gallery.argmax(0)]
            own = np.isin(truth, brands[chosen])
            # What is taken for another brand of the gallery is never named right.
            found["own"].append(np.where(likeliest == truth, apart, -np.inf)[own])
            found["others"].append(apart[asked & ~own])
            found["without"].append(apart[~asked])
        standings[size] = {name: np.concatenate(parts) for name, parts in found.items()}
    # Rounded up, so that it holds.
    threshold = np.ceil(max(calibration.above(each["others"], FALSE_ACCEPTS) for each in standings.values()) * 1000) / 1000
    shares = {
        name: {size: float((each[name] >= threshold).mean()) for size, each in standings.items()}
        for name in ("own", "others", "without")
    }
    return Strangers(
        threshold=float(threshold),
        brands=len(brands),
        crops=int(asked.sum()),
        backgrounds=int((~asked).sum()),
        named=shares["own"],
        false_accepts=shares["others"],
        backgrounds_named=shares["without"],
    )


def _similarities(embedder, marks, seed):
    """The brands, int `[B]`; what each crop shows, int `[n]`; and the similarity of each brand to each, float32 `[B, n]`."""
    order = np.argsort(marks.labels, kind="stable")
    drawn = [list(artwork.drawings(_picture(marks.drawings[int(number)])).values()) for number in order]
    owners = np.repeat(marks.labels[order], list(map(len, drawn)))
    references = _embedded(embedder, itertools.chain.from_iterable(drawn))
    brands, starts = np.unique(owners, return_index=True)
    # Every brand as often, since that of a user may be any of them.
    batches, truth = marks.batches(_BATCH_SIZE, embedder.image_size, seed, steps=_BATCHES, balance=1), []

    def crops():
        for number in range(_BATCHES):
            images, labels = batches.batch(0, number)
            truth.append(labels)
            yield from images.astype(np.uint8)

    similarities = search.similarities(references, starts, _embedded(embedder, crops()), embedder.background_vectors)
    return brands, np.concatenate(truth), similarities


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
