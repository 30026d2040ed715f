"""Charts of what a model is worth, as SVG for a page by day and by night: calibration, coverage, shares with their intervals."""

import numpy as np

from logo_keras.report.charts import COLORS, svg

# Told apart in colour blindness, and by their marks in grey too.
_AFTER, _BEFORE, _MARK = COLORS[5], COLORS[0], COLORS[4]
# px. Narrow, so that letters stay large on a phone.
_WIDTH, _HEIGHT = 520, 400


def reliability(bins, before=None):
    """Draws how often a model is right against how sure it is; on the dashed line both are equal.

    Args:
        bins: list of dict of `confidence`, `accuracy` and `samples`, as `logo_keras.evaluation.reliability.bins` gives them.
        before: the same before the temperature, or None.

    Returns:
        str, an `<svg>` element.
    """

    def draw(figure):
        axes = figure.add_subplot(facecolor="none", xlabel="how sure the model is", ylabel="how often it is right")
        axes.plot([0, 1], [0, 1], "--", color="grey", lw=1)
        lines = {"before its temperature": (before, _BEFORE, "s--"), "as it answers": (bins, _AFTER, "o-")}
        for name, (rows, color, style) in lines.items():
            if rows:
                x, y, samples = (np.array([row[part] for row in rows]) for part in ("confidence", "accuracy", "samples"))
                axes.plot(x, y, style, color=color, lw=1.4, ms=4, label=name, clip_on=False)
                # Large where many samples lie.
                axes.scatter(x, y, 20 + 280 * samples / samples.max(), color=color, alpha=0.25, clip_on=False, linewidths=0)
        _shares(axes, "x", "y")
        figure.legend(loc="outside lower left", ncols=2, frameon=False)

    return svg(draw, _WIDTH, _HEIGHT)


def coverage(rows, threshold=None, at=None):
    """Draws how often a model is right of the samples that a rising threshold keeps.

    Args:
        rows: list of dict of `threshold`, `coverage` and `accuracy`, thresholds ascending.
        threshold: float, the model's own, which is marked; or None.
        at: two floats, the coverage and the accuracy at this threshold; the second None where nothing is left.

    Returns:
        str, an `<svg>` element.
    """
    x, y = (np.array([row[part] for row in rows]) for part in ("coverage", "accuracy"))

    def draw(figure):
        axes = figure.add_subplot(
            facecolor="none", xlabel="share of the photos that get a brand", ylabel="share of these that is right"
        )
        axes.plot(x, y, "-", color=_AFTER, lw=1.8, clip_on=False, label="as the threshold rises (from right to left)")
        if threshold is not None and at[1] is not None:
            axes.plot(*at, "D", color=_MARK, ms=9, clip_on=False, label=f"the model's threshold, {threshold:.2f}")
        _shares(axes, "x")
        # What lies below the lowest point is left out: the curve fills the chart.
        axes.set_ylim(np.floor(max(0, y.min() - 0.05) * 10) / 10, 1)
        axes.yaxis.set_major_formatter(_percent)
        figure.legend(loc="outside lower left", ncols=1, frameon=False)

    return svg(draw, _WIDTH, _HEIGHT)


def shares(names, rows):
    """Draws shares with their 95 % intervals, one group below the other.

    Args:
        names: list of str, what the groups are called.
        rows: list of dict of `share`, `interval` and `samples`, as many.

    Returns:
        str, an `<svg>` element.
    """

    def draw(figure):
        axes = figure.add_subplot(facecolor="none", xlabel="right (top-1)")
        places = np.arange(len(rows))
        x = np.array([row["share"] for row in rows])
        low, high = np.array([row["interval"] for row in rows]).T
        ends = [np.maximum(x - low, 0), np.maximum(high - x, 0)]
        axes.errorbar(x, places, xerr=ends, fmt="o", color=_AFTER, capsize=5, ms=7, clip_on=False)
        labels = [f"{name}  (n = {row['samples']:,})" for name, row in zip(names, rows, strict=True)]
        axes.set(yticks=places, yticklabels=labels, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="x")
        _shares(axes, "x")

    return svg(draw, _WIDTH, 90 + 40 * len(rows))


def _shares(axes, *which):
    """Makes axes run from 0 to 100 %."""
    for name in which:
        axes.set(**{f"{name}lim": (0, 1)})
        getattr(axes, f"{name}axis").set_major_formatter(_percent)


def _percent(value, _):
    return f"{100 * value:.0f} %"
