"""Does the navigator's ranking hold? Its scores of the regions beside what the teacher says of them."""

import dataclasses

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation.asking import ask


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """The M regions of n photos.

    Attributes:
        scores: float32 `[n, M]`, the navigator's, the best first.
        confidences: float32 `[n, M]`, the teacher's probability of the true brand for each region alone.
    """

    scores: np.ndarray
    confidences: np.ndarray

    @property
    def correlations(self):
        """float `[n]`, Spearman's rank correlation of each photo; NaN where all scores, or all confidences, are equal."""
        return spearman(self.scores, self.confidences)

    @property
    def mean(self):
        """float, the mean correlation of the photos that have one: 1 where the navigator ranks as the teacher does, 0 by chance;
        None where no photo has one."""
        known = self._known()
        return float(known.mean()) if len(known) else None

    @property
    def interval(self):
        """Two floats: the 95 % interval of the mean over photos, by the normal distribution; None of fewer than two."""
        known = self._known()
        if len(known) < 2:
            return None
        reach = 1.96 * known.std(ddof=1) / np.sqrt(len(known))
        return float(max(-1, known.mean() - reach)), float(min(1, known.mean() + reach))

    @property
    def best_first(self):
        """float, share of the photos of which the region with the best score is the one that the teacher is surest of."""
        best = self.scores.argmax(axis=1)
        return float((self.confidences[np.arange(len(best)), best] >= self.confidences.max(axis=1)).mean())

    def _known(self):
        correlations = self.correlations
        return correlations[np.isfinite(correlations)]


def rank_regions(model, dataset, batch_size=16):
    """Asks a region network about the regions of every photo.

    Args:
        model: NTSNet or DRNANet with a teacher and at least two proposed regions.
        dataset: Dataset of photos with the model's brands, better not those that it learnt from. What cannot be read is left out.
        batch_size: int, photos at once.

    Returns:
        Ranking.

    Raises:
        ValueError: if the model has no such regions, the data set brands of others, or no photo can be read.
    """
    if not hasattr(model, "num_proposals") or not hasattr(model, "inspect"):
        raise UserError(
            f"a {type(model).__name__} ranks no regions that a teacher judges: take NTSNet or DRNANet, as a .keras model."
        )
    if model.teacher is None or model.num_proposals < 2:
        raise UserError(
            "there is no ranking to judge: the model needs a teacher and num_proposals of at least 2, it has "
            f"{'no' if model.teacher is None else 'a'} teacher and num_proposals = {model.num_proposals}."
        )
    dataset = dataset.with_class_names(model.class_names)
    dataset = dataset.subset(np.flatnonzero(dataset.labels >= 0))
    parts = []
    for numbers, outputs, _ in ask(
        model, dataset, batch_size, infer=lambda images: model(images, training=False, all_regions=True)
    ):
        confidences = model.teacher.confidence(outputs["region_logits"], dataset.labels[numbers])
        parts.append((outputs["region_scores"], np.asarray(confidences)))
    if not parts:
        raise UserError(f"none of the {len(dataset)} photos with a brand of the model can be read.")
    return Ranking(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def spearman(first, second):
    """Spearman's rank correlation, row by row; equal values share the mean of their ranks.

    Args:
        first, second: float `[n, M]`.

    Returns:
        float `[n]`; NaN where all values of a row are equal.
    """
    ranks = [_ranks(np.asarray(values)) for values in (first, second)]
    ranks = [each - each.mean(axis=1, keepdims=True) for each in ranks]
    lengths = np.sqrt(np.prod([(each**2).sum(axis=1) for each in ranks], axis=0))
    return np.divide((ranks[0] * ranks[1]).sum(axis=1), lengths, out=np.full(len(lengths), np.nan), where=lengths > 0)


def _ranks(values):
    """How many values of its row are smaller than a value, and half of those that are equal: `[n, M]`."""
    below = (values[:, None] < values[..., None]).sum(axis=2)
    return below + (values[:, None] == values[..., None]).sum(axis=2) / 2
