"""How well embeddings find images of the same brand, of brands that were never trained: exact, by cosine, NumPy alone."""

import dataclasses

import numpy as np

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.evaluation import resampling

# Cosines that are held at once: with what is made of them some 75 MB.
_AT_ONCE = 2**21


@dataclasses.dataclass(frozen=True, eq=False)
class Retrieval:
    """What every image finds among all others. Images whose brand has no other image ask nothing: NaN.

    Attributes:
        hits: float `[n]`, 1 where the nearest other image is of the same brand, else 0.
        precisions: float `[n]`, average precision: of every image of the same brand the share of right ones among all that
            are at least as near, averaged.
    """

    hits: np.ndarray
    precisions: np.ndarray

    @property
    def r1(self):
        """float, R@1: the share of the images whose nearest is right."""
        return float(np.nanmean(self.hits))

    @property
    def mean_ap(self):
        """float, mean average precision."""
        return float(np.nanmean(self.precisions))


def retrieve(embeddings, labels):
    """Looks for every image among all others.

    Args:
        embeddings: float `[n, D]`; only directions count.
        labels: int `[n]`, the brands.

    Returns:
        Retrieval. Of equally near images the first comes first.

    Raises:
        ValueError: if there are not as many labels as embeddings, an embedding is no direction, or no brand has two images.
    """
    vectors, labels = _checked(embeddings, labels)
    number = len(labels)
    if number and np.unique(labels, return_counts=True)[1].max() < 2 or not number:
        raise UserError(f"retrieval needs a brand with two images at least, got {number} images, all of different brands.")
    hits, precisions = np.full(number, np.nan), np.full(number, np.nan)
    for rows in _blocks(number, number):
        cosines = vectors[rows] @ vectors.T
        # The image itself comes last, and is left out.
        cosines[np.arange(len(cosines)), np.arange(number)[rows]] = -np.inf
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :-1]
        right = labels[order] == labels[rows, None]
        found = right.sum(axis=1)
        asked = found > 0
        shares = np.cumsum(right, axis=1) / np.arange(1, number)
        places = np.arange(number)[rows][asked]
        hits[places] = right[asked, 0]
        precisions[places] = (shares * right).sum(axis=1)[asked] / found[asked]
    return Retrieval(hits, precisions)


def nearest(queries, references, reference_labels):
    """The brand of the nearest reference of each query.

    Args:
        queries: float `[q, D]`; only directions count.
        references: float `[r, D]`, likewise.
        reference_labels: int `[r]`.

    Returns:
        labels: int `[q]`, of equally near references that of the first.
        cosines: float32 `[q]`, to it.

    Raises:
        ValueError: if there are not as many labels as references, none at all, or an embedding is no direction.
    """
    references, reference_labels = _checked(references, reference_labels)
    queries, _ = _checked(queries, np.zeros(len(queries), np.int64))
    if not len(references):
        raise UserError("there is no reference to compare with.")
    if len(queries) and queries.shape[1] != references.shape[1]:
        raise UserError(
            f"queries have {queries.shape[1]} dimensions and references {references.shape[1]}: other models made them."
        )
    labels, best = np.zeros(len(queries), reference_labels.dtype), np.zeros(len(queries), np.float32)
    for rows in _blocks(len(queries), len(references)):
        cosines = queries[rows] @ references.T
        places = cosines.argmax(axis=1)
        labels[rows], best[rows] = reference_labels[places], cosines[np.arange(len(cosines)), places]
    return labels, best


def few_shot_hits(embeddings, labels, shots, draws=30, seed=0):
    """Names every image by the nearest of a few references a brand, drawn again and again.

    Args:
        embeddings: float `[n, D]`; only directions count.
        labels: int `[n]`, the brands.
        shots: int, references of each brand.
        draws: int, how often references are drawn.
        seed: int, of the drawing.

    Returns:
        float `[draws, n]`: 1 where the nearest reference is of the right brand, 0 where it is not, NaN where the image is a
        reference itself.

    Raises:
        ValueError: as `retrieve`, or if a brand has no image left beside its references.
    """
    vectors, labels = _checked(embeddings, labels)
    whole("shots", shots, 1)
    whole("draws", draws, 1)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    fewest = min(map(len, members), default=0)
    if fewest <= shots:
        raise UserError(f"{shots} references of every brand need {shots + 1} images of each, and one has {fewest}.")
    hits = np.full((draws, len(labels)), np.nan)
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = np.concatenate([rng.permutation(of_brand)[:shots] for of_brand in members])
        asked = np.delete(np.arange(len(labels)), chosen)
        found, _ = nearest(vectors[asked], vectors[chosen], labels[chosen])
        hits[draw, asked] = found == labels[asked]
    return hits


def few_shot(embeddings, labels, shots, draws=30, seed=0):
    """The accuracy of each draw of `few_shot_hits`: float `[draws]`."""
    return np.nanmean(few_shot_hits(embeddings, labels, shots, draws, seed), axis=1)


def from_artwork(embeddings, labels, artwork, artwork_labels):
    """Names images by the nearest piece of artwork, no photo among the references.

    Args:
        embeddings: float `[n, D]`, of images; only directions count.
        labels: int `[n]`, their brands.
        artwork: float `[r, D]`, several a brand where there are several drawings.
        artwork_labels: int `[r]`.

    Returns:
        float `[n]`: 1 where the nearest artwork is of the right brand, 0 where it is not, NaN of brands without artwork.
    """
    found, _ = nearest(embeddings, artwork, artwork_labels)
    labels = np.asarray(labels)
    return np.where(np.isin(labels, artwork_labels), (found == labels).astype(float), np.nan)


def auroc(known, unknown):
    """How well a score tells known from unknown: the chance that a known one has the higher score, ties counted half.

    Args:
        known: float `[n]`, scores.
        unknown: float `[m]`.

    Returns:
        float; 0.5 is chance.

    Raises:
        ValueError: if there is none of one kind.
    """
    known, unknown = np.asarray(known), np.sort(unknown)
    if not (len(known) and len(unknown)):
        raise UserError(f"scores of both kinds are needed, got {len(known)} known and {len(unknown)} unknown.")
    below = np.searchsorted(unknown, known, "left") + np.searchsorted(unknown, known, "right")
    return float(below.mean() / (2 * len(unknown)))


def interval(hits, resamples=2000, seed=0):
    """The 95 % interval of a mean over draws and images: what other draws of references and other images would do.

    Args:
        hits: float `[n]`, or `[draws, n]`, NaN where nothing was asked.
        resamples: int, of the bootstrap, which draws draws and images, each with replacement.
        seed: int.

    Returns:
        Two floats.
    """
    return resampling.interval(resampling.means([hits], resamples=resamples, seed=seed))


def _blocks(number, width):
    """Slices of `number` rows, of which `width` numbers each fit into memory."""
    step = max(1, _AT_ONCE // max(width, 1))
    return [slice(first, min(first + step, number)) for first in range(0, number, step)]


def _checked(embeddings, labels):
    """Embeddings of length 1, float32 `[n, D]`, and labels `[n]`."""
    vectors, labels = np.asarray(embeddings, np.float32), np.asarray(labels)
    if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
        raise UserError(f"embeddings [n, D] and labels [n] are expected, got shapes {vectors.shape} and {labels.shape}.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise UserError("an embedding is all zeros or not finite, so that it has no direction.")
    return vectors / lengths, labels
