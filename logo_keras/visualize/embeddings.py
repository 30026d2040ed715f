"""A map of embeddings: what lies near to what."""

import numpy as np

from logo_keras.errors import UserError
from logo_keras.report import lettering
from logo_keras.visualize import charts

# Brands that are named beside the map: beyond, the numbers alone would fill it.
_NAMED = 60
# Points that are drawn, dealt evenly: more make the picture slower and tell no more.
_MOST = 20_000
# Embeddings of which the directions are found: 2,000 of 8,960 numbers, those of DRNA-Net, take some ten seconds.
_MEASURED = 2000


def embedding_map(embeddings, labels, class_names):
    """Draws embeddings in two dimensions, by brand: a colour and a mark each, and its number at its mean.

    The two directions in which they differ most (PCA): what lies apart on the map lies apart, what lies together may
    still differ in a third. Points of two dimensions are drawn as they are: so does a map of scikit-learn's t-SNE or of UMAP.

    Args:
        embeddings: float `[n, D]`, as `lk.evaluation.embed(model, dataset)` gives them, or `[n, 2]`, points.
        labels: int `[n]`, the brands; -1 for none, in grey.
        class_names: N str. Of more than 60 brands with photos those with the most are named, the others are grey.

    Returns:
        uint8 RGB `[h, 800, 3]`.

    Raises:
        ValueError: if there are not as many of each, fewer than two, or a number is not finite.
    """
    points, labels = np.asarray(embeddings, np.float64), np.asarray(labels)
    if points.ndim != 2 or len(points) < 2 or points.shape[1] < 2 or labels.shape != (len(points),):
        raise UserError(
            f"a map needs embeddings [n, D] and labels [n], n and D at least 2, got shapes {points.shape} and {labels.shape}."
        )
    if not np.isfinite(points).all():
        raise UserError("some embeddings hold numbers that are not finite.")
    if not -1 <= labels.min() <= labels.max() < len(class_names):
        raise UserError(
            f"labels lie in -1..{len(class_names) - 1}, the places in class_names, got {labels.min()}..{labels.max()}."
        )
    share = None
    if points.shape[1] > 2:
        points, share = principal(points)
    brands, counts = np.unique(labels[labels >= 0], return_counts=True)
    named = np.sort(brands[np.argsort(-counts, kind="stable")[:_NAMED]])
    drawn = np.random.default_rng(0).permutation(len(points))[:_MOST]
    return _drawn(points, labels, drawn, named, class_names, share, len(brands))


def principal(values):
    """The two directions in which values `[n, D]` differ most: `[n, 2]`, and the share of their variance in these."""
    some = np.random.default_rng(0).permutation(len(values))[:_MEASURED]
    centred = values - values[some].mean(axis=0)
    _, spread, directions = np.linalg.svd(centred[some], full_matrices=False)
    # A direction has no sign of its own: its largest part points up, so that a map looks alike everywhere.
    first = directions[:2].T
    largest = first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])]
    points = centred @ (first * np.where(largest < 0, -1, 1))
    return points, float((spread[:2] ** 2).sum() / max((spread**2).sum(), 1e-12))


def _drawn(points, labels, drawn, named, class_names, share, brands):
    texts = [f"{place + 1} {lettering.fitted(class_names[number], 22)}" for place, number in enumerate(named)]
    columns = 2
    rows = -(-len(texts) // columns)
    height = 760 + 31 * rows
    with charts.figure(height, texts) as figure:
        # Fixed places: the map stays square however long the names are.
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.02, 1 - 700 / height, 0.96, 690 / height), xticks=[], yticks=[])
        axes.grid(visible=False)
        small = 26 if len(drawn) < 2000 else 8
        others = drawn[~np.isin(labels[drawn], named)]
        axes.scatter(*points[others].T, small * 0.6, color="#b1bac4", marker=".", linewidths=0)
        for place, number in enumerate(named):
            own = drawn[labels[drawn] == number]
            axes.scatter(*points[own].T, small, alpha=0.6, linewidths=0, **charts.look(place))
            x, y = 0.03 + 0.5 * (place // rows), 1 - (738 + 31 * (place % rows)) / height
            figure.text(x + 0.035, y, texts[place], va="center", fontsize=10)
            figure.add_artist(_mark(x + 0.01, y, charts.look(place)))
        means = axes.transData.transform([points[labels == number].mean(axis=0) for number in named]) if len(named) else []
        for place, (mean, at) in enumerate(zip(means, _apart(means), strict=True)):
            color = charts.look(place)["color"]
            back = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": color, "alpha": 0.85}
            line = {"arrowstyle": "-", "color": color, "shrinkA": 0, "shrinkB": 0} if tuple(mean) != tuple(at) else None
            style = {"xycoords": "figure pixels", "textcoords": "figure pixels", "ha": "center", "va": "center"}
            axes.annotate(f"{place + 1}", mean, at, **style, fontsize=10, bbox=back, arrowprops=line)
        said = _said(len(points), share, brands, len(named))
        figure.text(0.03, 1 - 716 / height, said, va="center", fontsize=9, color=charts.PALE)
        return lettering.pixels(figure)


def _apart(places):
    """Places near those that were asked for, px, at which no number covers another: the nearest on a spiral."""
    turns = np.arange(4000) * 0.4
    spiral = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (2.5 * turns[:, None])
    found = []
    for place in places:
        tries = place + spiral
        free = np.ones(len(tries), bool)
        for other in found:
            free &= (np.abs(tries - other) > (36, 30)).any(axis=1)
        found.append(tries[free.argmax()])
    return found


def _mark(x, y, look):
    from matplotlib.lines import Line2D

    return Line2D([x], [y], ls="", ms=8, **look)


def _said(count, share, brands, named):
    said = f"{count:,} photos"
    if share is not None:
        said += f"; the map has {100 * share:.0f} % of the variance"
    return f"{said}; {named} of {brands:,} brands" if brands > named else said
