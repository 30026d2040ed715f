"""The navigator's scores beside the teacher's confidences."""

import numpy as np

from logo_keras.report import lettering
from logo_keras.visualize import charts
from logo_keras.visualize.sheet import percent

# Points of one rank that are drawn: more would be one patch.
_MOST = 1000


def ranking(model, dataset, batch_size=16):
    """Draws the score of every region against the teacher's confidence in the true brand: does the navigator's ranking hold?

    Above it stands Spearman's rank correlation of the regions of a photo, the mean over photos with its 95 % interval: 1 where
    the navigator ranks as the teacher does, 0 by chance. Scores of different photos are not comparable, so that they are
    drawn less the mean of their photo.

    Args:
        model: NTSNet or DRNANet, or a `Ranking` that `lk.evaluation.rank_regions` gave.
        dataset: Dataset, see there; None with a Ranking.
        batch_size: int, photos at once.

    Returns:
        uint8 RGB `[h, 800, 3]`.

    Raises:
        ValueError: if the model ranks no regions, or no photo can be read.
    """
    found = model
    if not hasattr(model, "correlations"):
        # Here: it reads data sets.
        from logo_keras.evaluation.ranking import rank_regions

        found = rank_regions(model, dataset, batch_size)
    count, regions = found.scores.shape
    shown = np.random.default_rng(0).permutation(count)[:_MOST]
    scores = found.scores - found.scores.mean(axis=1, keepdims=True)
    with charts.figure(820) as figure:
        axes = figure.add_subplot(xlabel="score, less the photo's mean", ylabel="teacher's confidence in the true brand")
        for rank in range(regions):
            points = scores[shown, rank], found.confidences[shown, rank]
            axes.scatter(*points, 28, alpha=0.55, linewidths=0, label=f"region {rank + 1}", **charts.look(rank))
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_title("\n".join(_said(found)), loc="left", fontsize=10)
        figure.legend(loc="outside lower left", ncols=3, frameon=False, markerscale=1.6)
        return lettering.pixels(figure)


def _said(found):
    """The figures, in lines that a phone holds."""
    count, regions = found.scores.shape
    undecided = int(np.isnan(found.correlations).sum())
    if found.mean is None:
        yield "no rank correlation: all scores or all confidences are equal"
    else:
        ends = "" if found.interval is None else f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})"
        yield f"rank correlation {found.mean:.2f}{ends}, {count - undecided:,} photos"
    yield f"the best region is the teacher's best in {percent(found.best_first)}"
    yield f"of the photos; by chance in {percent(1 / regions)}"
    if undecided and found.mean is not None:
        yield f"without one, all being equal: {undecided:,} photos"
