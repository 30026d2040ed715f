"""How well a score tells photos of known brands from such as show none."""

import math
from dataclasses import dataclass

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation.retrieval import auroc

__all__ = ["ClassMeans", "auroc", "false_accepts", "scores"]

# Share of the identity in the covariance that distances are measured in. By choice, before any figure: half of each.
_SHRINKAGE = 0.5


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Where the embeddings of training photos lie: the mean of every class, and how they spread about it.

    Attributes:
        means: float32 `[N, D]`, of classes that have photos.
        axes: float32 `[r, D]`, the directions of the shared covariance in which embeddings spread at all, r at most their number.
        variances: float32 `[r]`, along these axes.
    """

    means: np.ndarray
    axes: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, embeddings, labels):
        """Measures them.

        Args:
            embeddings: float `[n, D]`, of length 1, of training photos.
            labels: int `[n]`, their classes.

        Returns:
            ClassMeans.

        Raises:
            ValueError: if there is no photo, or not one label each.
        """
        embeddings, labels = np.asarray(embeddings, np.float32), np.asarray(labels)
        if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1] or not len(labels):
            raise UserError(f"embeddings [n, D] and labels [n] are expected, got shapes {embeddings.shape} and {labels.shape}.")
        _, which = np.unique(labels, return_inverse=True)
        means = np.stack([embeddings[which == number].mean(axis=0) for number in range(which.max() + 1)])
        # Not the covariance [D, D]: D is 8,960 of DRNA-Net, and photos are fewer.
        _, spread, axes = np.linalg.svd(embeddings - means[which], full_matrices=False)
        return cls(means, axes, spread**2 / len(labels))

    def cosine(self, embeddings):
        """The cosine to the nearest class mean: float32 `[n]`."""
        lengths = np.linalg.norm(self.means, axis=1, keepdims=True)
        return (np.asarray(embeddings, np.float32) @ (self.means / lengths).T).max(axis=1)

    def mahalanobis(self, embeddings):
        """Minus the squared Mahalanobis distance to the nearest class mean, in a covariance that all classes share, half of which
        is replaced by as much of the identity: float32 `[n]`.

        Source:
            Lee et al. 2018, arXiv:1807.03888, section 2.1; the shrinkage is ours.
        """
        embeddings = np.asarray(embeddings, np.float32)
        floor = _SHRINKAGE * float(self.variances.sum()) / self.means.shape[1] or 1.0
        # Across the axes of the spread there is the floor alone; along them this much more or less weight.
        more = 1 / ((1 - _SHRINKAGE) * self.variances + floor) - 1 / floor
        along, of_means = embeddings @ self.axes.T, self.means @ self.axes.T

        def squares(vectors, references, weights):
            both = (weights * vectors**2).sum(axis=1)[:, None] + (weights * references**2).sum(axis=1)
            return both - 2 * (weights * vectors) @ references.T

        distances = squares(embeddings, self.means, 1 / floor) + squares(along, of_means, more)
        return -distances.min(axis=1)


def scores(outputs, class_means=None):
    """What tells known brands from none, of a model's outputs: the higher, the more likely is it that a brand is known.

    Args:
        outputs: dict of arrays: `probabilities [n, N]`, and where the model gives them `fused_logits [n, N]` or
            `whole_logits [n, N]`, of which the first counts, and `embedding [n, D]`.
        class_means: ClassMeans, or None.

    Returns:
        dict from name to float `[n]`: "probability", the largest; "logit", the largest; "energy", the log of the sum of their
        exponentials (Liu et al. 2020, arXiv:2010.03759); "cosine" and "mahalanobis", to the nearest class mean. What the
        outputs do not say is left out.
    """
    found = {"probability": np.asarray(outputs["probabilities"]).max(axis=1)}
    logits = next((np.asarray(outputs[name]) for name in ("fused_logits", "whole_logits") if name in outputs), None)
    if logits is not None:
        highest = logits.max(axis=1)
        found |= {"logit": highest, "energy": highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))}
    if class_means is not None and "embedding" in outputs:
        found |= {name: getattr(class_means, name)(outputs["embedding"]) for name in ("cosine", "mahalanobis")}
    return found


def false_accepts(known, unknown, true_accepts=0.95):
    """The share of unknown photos that is accepted by the threshold that accepts a share of the known ones.

    Args:
        known: float `[n]`, scores.
        unknown: float `[m]`.
        true_accepts: float in (0, 1], the share of known ones that is accepted at least.

    Returns:
        float.

    Raises:
        ValueError: if there is none of one kind, or the share lies outside (0, 1].
    """
    known, unknown = np.sort(np.asarray(known)), np.asarray(unknown)
    if not (len(known) and len(unknown)):
        raise UserError(f"scores of both kinds are needed, got {len(known)} known and {len(unknown)} unknown.")
    if not 0 < true_accepts <= 1:
        raise UserError(f"true_accepts must be a share above 0, of at most 1, got {true_accepts!r}.")
    # 0.95 of 20 is 19, whatever the floats say.
    threshold = known[len(known) - math.ceil(true_accepts * len(known) - 1e-9)]
    return float((unknown >= threshold).mean())
