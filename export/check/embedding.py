"""Whether an exported embedder gives the vectors that Keras gives, and finds the same brands."""

import dataclasses

import numpy as np

from logo_keras.evaluation.retrieval import retrieve

from .report import Reported


@dataclasses.dataclass(frozen=True)
class EmbeddingBound:
    """What a file must keep to. A figure that is None is not bounded.

    Attributes:
        difference: float, largest difference of a number of the embedding from Keras.
        cosine: float, least cosine of a photo's embedding and Keras's.
        objectness: float, largest difference of an objectness from Keras.
        drop: float in 0..1, by how much R@1 and the mean average precision may fall below Keras's; R@1 always by one photo,
            and the mean average precision by its standard error more.
    """

    difference: float | None = None
    cosine: float | None = None
    objectness: float | None = None
    drop: float | None = None


# By the precision that a file computes in. Vectors of float formats are those of Keras. Those of int8 are others, and may
# find others; what counts is what they find.
BOUNDS = {
    "float32": EmbeddingBound(difference=1e-4, cosine=0.999, objectness=1e-4),
    # Vectors of cosine 0.999 lie 0.045 apart: no cosine to a third changes by more, and the difference of two by twice as much.
    "float16": EmbeddingBound(cosine=0.999, objectness=0.09),
    "int8": EmbeddingBound(drop=0.005),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbeddingReport(Reported):
    """How far a file's embeddings lie from Keras's.

    Attributes:
        max_abs_diff: float, largest difference of a number of an embedding.
        min_cosine: float, least cosine of a photo's embedding and Keras's.
        mean_cosine: float, the same, mean over the photos.
        labelled: int, photos that are asked for: those in a folder with others, where there are several such folders.
        max_objectness_diff: float, largest difference of an objectness; None where the file gives none.
        r1: float in 0..1, share of the labelled photos whose nearest other photo in the file's embedding is of the same folder;
            None where none is labelled, NaN where an embedding has no direction.
        keras_r1: float, the same of Keras.
        mean_ap: float in 0..1, mean average precision of these.
        keras_mean_ap: float, the same of Keras.
        mean_ap_error: float, standard error of the difference of the two over the photos.
    """

    max_abs_diff: float
    min_cosine: float
    mean_cosine: float
    labelled: int
    max_objectness_diff: float | None = None
    r1: float | None = None
    keras_r1: float | None = None
    mean_ap: float | None = None
    keras_mean_ap: float | None = None
    mean_ap_error: float | None = None

    columns = ("R@1", "largest diff.", "cosine")

    @staticmethod
    def _figures(found, reference, precision):
        expected, ours = reference.expected["embedding"], found["embedding"]
        # What is infinite points nowhere either.
        ours = np.where(np.isfinite(ours).all(axis=1, keepdims=True), ours, np.nan)
        near = cosines(ours, expected)
        figures = {}
        if "objectness" in found:
            figures["max_objectness_diff"] = float(np.abs(found["objectness"] - reference.expected["objectness"]).max())
        labelled = asked(reference.labels)
        if len(labelled):
            hits, precisions = retrieved(ours[labelled], reference.labels[labelled])
            keras_hits, keras_precisions = retrieved(expected[labelled], reference.labels[labelled])
            figures["r1"], figures["mean_ap"] = float(hits.mean()), float(precisions.mean())
            figures["keras_r1"], figures["keras_mean_ap"] = float(keras_hits.mean()), float(keras_precisions.mean())
            figures["mean_ap_error"] = float(np.std(keras_precisions - precisions) / len(labelled) ** 0.5)
        return figures | {
            "max_abs_diff": float(np.abs(ours - expected).max()),
            "min_cosine": float(near.min()),
            "mean_cosine": float(near.mean()),
            "labelled": len(labelled),
        }

    @staticmethod
    def alike(ours, theirs):
        """Whether two embeddings `[D]` of one photo are the same answer: bool."""
        return bool(cosines(ours, theirs) >= BOUNDS["float32"].cosine)

    @property
    def failures(self):
        """What is wrong with the file, a tuple of str; empty if it passes."""
        bound, failures = BOUNDS[self.precision], []
        # Not `>` anywhere: what is not a number passes no bound.
        for what, value, most in (
            ("an embedding", self.max_abs_diff, bound.difference),
            ("an objectness", self.max_objectness_diff, bound.objectness),
        ):
            if None not in (value, most) and not value <= most:
                failures.append(f"{what} that differs by {value:.2e}, over the bound of {most:g}")
        if self.max_objectness_diff is not None and not np.isfinite(self.max_objectness_diff):
            failures.append("an objectness that is no number")
        if bound.cosine is not None and not self.min_cosine >= bound.cosine:
            failures.append(f"a cosine of {self.min_cosine:.5f} to Keras's embedding, less than {bound.cosine:g}")
        if not np.isfinite(self.max_abs_diff):
            failures.append("embeddings that are no numbers")
        elif bound.drop is not None and not self.labelled:
            failures.append("retrieval cannot be compared: give photos in a folder for each brand, several of each, or none")
        elif bound.drop is not None:
            failures += self._dropped(bound.drop)
        return tuple(failures)

    def _dropped(self, drop):
        # One photo of fewer than 200 is more than the bound, and no evidence; nor is what other photos would undo.
        for what, ours, theirs, most in (
            ("R@1", self.r1, self.keras_r1, max(drop, 1 / self.labelled)),
            ("mAP", self.mean_ap, self.keras_mean_ap, drop + self.mean_ap_error),
        ):
            if not theirs - ours <= most + 1e-6:
                yield f"{what} {ours:.2%} where Keras has {theirs:.2%}, more than {drop:.1%} below"

    @property
    def figures(self):
        """The figures of `columns`."""
        return (self.r1, ".1%"), (self.max_abs_diff, ".1e"), (self.mean_cosine, ".4f")

    def _lines(self):
        bound, lines = BOUNDS[self.precision], []
        limits, of_objectness = ("" if most is None else f" (bound {most:g})" for most in (bound.difference, bound.objectness))
        lines.append(f"embeddings differ by at most     {self.max_abs_diff:.2e}{limits}")
        if self.max_objectness_diff is not None:
            lines.append(f"objectness differs by at most    {self.max_objectness_diff:.2e}{of_objectness}")
        least = "" if bound.cosine is None else f" (at least {bound.cosine:g})"
        lines.append(f"cosine to Keras's embedding      {self.mean_cosine:.5f}, least {self.min_cosine:.5f}{least}")
        if self.labelled:
            most = "" if bound.drop is None else f", at most {bound.drop:.1%} less"
            for what, ours, theirs in (("R@1", self.r1, self.keras_r1), ("mAP", self.mean_ap, self.keras_mean_ap)):
                lines.append(f"{what:32} {ours:.2%} of {self.labelled} (Keras {theirs:.2%}{most})")
        return lines


def cosines(ours, theirs):
    lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    return np.sum(ours * theirs, axis=-1) / np.maximum(lengths, 1e-12)


def asked(labels):
    """Places of the photos of brands with two photos or more; none where there are fewer than two such brands."""
    brands, counts = np.unique(labels[labels >= 0], return_counts=True)
    several = brands[counts > 1]
    return np.flatnonzero(np.isin(labels, several)) if len(several) > 1 else np.zeros(0, int)


def retrieved(embeddings, labels):
    """Hits and average precisions, two float `[n]`; NaN where an embedding has no direction."""
    if not (np.isfinite(embeddings).all() and np.any(embeddings, axis=1).all()):
        return np.full((2, len(labels)), np.nan)
    found = retrieve(embeddings, labels)
    return found.hits, found.precisions
