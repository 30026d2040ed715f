"""Charts by matplotlib: curves as SVG for a page by day and by night, and pictures of what a data set holds."""

import io
import math

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.report import lettering
from logo_keras.report.html import counted

# Okabe and Ito 2008, as in logo_keras.image.draw; the yellow is left out, it fades on white.
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
# px; 144 px an inch, so that letters stay sharp on dense screens.
_WIDTH, _DPI = 1380, 144
TEXT, FAINT, _LINE = "#1b1f24", "#59636e", "#d1d9e0"
_FILL, _EDGE = COLORS[1], COLORS[5]
# Axes without a frame, the data in front of the grid.
STYLE = {
    "axes.axisbelow": True, "axes.edgecolor": _LINE, "axes.grid": True, "axes.grid.axis": "y", "axes.labelcolor": FAINT,
    "axes.spines.left": False, "axes.spines.right": False, "axes.spines.top": False, "figure.labelsize": 10,
    "grid.color": _LINE, "grid.linewidth": 0.6, "text.color": TEXT, "xtick.labelcolor": TEXT, "xtick.major.size": 0,
    "ytick.labelcolor": TEXT, "ytick.major.size": 0,
    "figure.constrained_layout.use": True, "figure.constrained_layout.h_pad": 0.08, "figure.constrained_layout.w_pad": 0.08,
}  # fmt: skip
# Up to here brands are bars with their names; beyond, a curve.
_NAMED = 40
# Above this ratio of the most to the fewest, the fewest would be too low to see.
_LONG_TAIL = 30


def curves(series, x_label, y_label, y_range=None):
    """Draws lines with their points.

    Args:
        series: dict, name to `(xs, ys)`, two lists of float of the same length. Points that are not finite are left out.
        x_label: str.
        y_label: str.
        y_range: two floats, or None for what the points span, from 0 on where none is negative.

    Returns:
        str, an `<svg>` element. Its texts are text, for the style of the page to colour.

    Raises:
        ValueError: if there is nothing to draw.
    """
    points = [[p for p in zip(*pair, strict=True) if all(map(math.isfinite, p))] for pair in series.values()]
    if not any(points):
        raise UserError("curves need at least one point that is a number.")

    def draw(figure):
        axes = figure.add_subplot(facecolor="none", xlabel=x_label, ylabel=y_label)
        for name, line, color in zip(series, points, COLORS * len(points), strict=False):
            axes.plot([x for x, _ in line], [y for _, y in line], "o-", color=color, label=name, clip_on=False)
        axes.set_xlim(left=min(0, axes.dataLim.x0))
        axes.set_ylim(y_range or (min(0, axes.dataLim.y0), None))
        figure.legend(loc="outside lower left", ncols=2, frameon=False)

    return svg(draw, 800, 450)


def svg(draw, width, height, texts=()):
    """Draws a figure for a page by day and by night.

    Args:
        draw: function of a `matplotlib.figure.Figure`. Axes need `facecolor="none"`.
        width: int, px.
        height: int, px.
        texts: iterable of str, all that is not plain Latin in the figure.

    Returns:
        str, an `<svg>` element. Its texts are text, for the style of the page to colour.
    """
    # Lines are seen on white and on black; the page colours the text.
    settings = STYLE | {"axes.edgecolor": "grey", "grid.color": "grey", "grid.alpha": 0.3}
    with lettering.figure(width, height, texts, settings=settings, back="none") as figure:
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    # Without the head that a file of its own has.
    return file.getvalue()[file.getvalue().index("<svg") :]


def table_picture(header, rows):
    """Draws a table; the last row, which sums up, is set apart.

    Args:
        header: list of str.
        rows: list of lists, a str and then numbers, as long as the header.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    cells = [header, *([lettering.fitted(str(name), 40), *(f"{n:,}" for n in numbers)] for name, *numbers in rows)]
    widths = [3 + max(lettering.columns(row[column]) for row in cells) for column in range(len(header))]
    colors = [["#f6f8fa" if place % 2 else "white"] * len(header) for place in range(len(cells))]
    texts = [text for row in cells for text in row]
    with lettering.figure(max(480, 17 * sum(widths)), 44 * len(cells), texts, _DPI) as figure:
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(len(cells), 0))
        axes.axis("off")
        table = axes.table(cells, colors, colWidths=np.divide(widths, sum(widths)), bbox=(0, 0, 1, 1), edges="closed")
        table.auto_set_font_size(False)
        for (row, column), cell in table.get_celld().items():
            cell.PAD = 1.5 / widths[column]
            cell.set(linewidth=0, fontsize=10)
            cell.set_text_props(ha="right" if column else "left", color=TEXT if row else FAINT)
        axes.hlines((1, len(cells) - 1), 0, 1, color=FAINT, lw=0.8)
        return lettering.pixels(figure)


def brand_chart(brands, what="photographs"):
    """Draws the number of photos of every brand, the most first: bars with names, or a curve of many brands.

    The scale is logarithmic where the largest brand has more than 30 times what the smallest has.

    Args:
        brands: list of `(str, int)`, the most first, at least one.
        what: str, what is counted.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    names = [lettering.fitted(name, 34) for name, _ in brands]
    numbers = np.array([count for _, count in brands])
    named = len(brands) <= _NAMED
    with lettering.figure(_WIDTH, 110 + 36 * len(names) if named else 620, names, _DPI, settings=STYLE) as figure:
        (_bars if named else _curve)(figure.add_subplot(), names, numbers, what)
        return lettering.pixels(figure)


def category_chart(categories, what="photographs"):
    """Draws the number of photos of every brand in each root category: a panel a category, all to one scale.

    Args:
        categories: dict, root category to list of `(brand, count)`, the most first.
        what: str, what is counted.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    across = min(len(categories), 3)
    down = -(-len(categories) // across)
    names = [lettering.fitted(name, 34) for name in categories]
    numbers = [np.array([count for _, count in pairs]) for pairs in categories.values()]
    with lettering.figure(_WIDTH, 60 + 330 * down, names, _DPI, settings=STYLE) as figure:
        panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
        for name, values, axes in zip(names, numbers, panels, strict=False):
            _steps(axes, values)
            label = _count_axis(axes, "y", np.concatenate(numbers), what, room=1.4)
            axes.set(ylabel="")
            axes.set_title(name, loc="left", fontsize=11)
            inside = f"{counted(values.sum(), what)}\n{counted(len(values), 'brands')}, median {np.median(values):,g}"
            # White hides the grid behind letters.
            back = {"color": "white", "pad": 2}
            axes.text(0.98, 0.97, inside, transform=axes.transAxes, ha="right", va="top", fontsize=9, color=FAINT, bbox=back)
        for left_over in panels:
            left_over.axis("off")
        figure.supylabel(label, color=FAINT)
        figure.supxlabel("brands, the largest first", color=FAINT)
        return lettering.pixels(figure)


def box_chart(area_sides, longer_sides):
    """Draws how large the logos are in their photos, as two histograms with their deciles.

    Args:
        area_sides: float `[n]`, n at least 1, the square root of box area / photo area.
        longer_sides: float `[n]`, longer side of the box / longer side of the photo.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    shares = {
        "square root of (box area / photograph area)": area_sides,
        "longer side of the box / longer side of the photograph": longer_sides,
    }
    with lettering.figure(_WIDTH, 520, dpi=_DPI, settings=STYLE) as figure:
        panels, highest = figure.subplots(1, 2, sharey=True), 0
        for axes, (label, values) in zip(panels, shares.items(), strict=True):
            # 40 bars from 0 to 1; a box may reach beyond its photo.
            bars = max(40, math.ceil(max(values) * 40))
            highest = max(highest, axes.hist(values, np.arange(bars + 1) / 40, color=_FILL)[0].max())
            axes.set(xlim=(0, bars / 40), xlabel=label)
            for place, value in enumerate(np.quantile(values, np.arange(1, 10) / 10), 1):
                # Three are named, the lower the value the higher the name: no line crosses one, even if all are alike.
                name, top = {1: ("10 %", 0.98), 5: ("median", 0.91), 9: ("90 %", 0.84)}.get(place, (None, 0.77))
                axes.axvline(value, 0, top, color=_EDGE, lw=1.2 if name else 0.5)
                if name:
                    at = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "va": "top"}
                    axes.annotate(f"{name}: {value:.2f}", (value, top), (4, 0), **at, fontsize=9)
        _count_axis(panels[0], "y", np.array([highest, highest]), "boxes", room=1.3)
        return lettering.pixels(figure)


def _bars(axes, names, numbers, what):
    _count_axis(axes, "x", numbers, what, room=1.12)
    # No bar for none, and its number at the axis, on a logarithmic scale too.
    bars = axes.barh(np.arange(len(names)), np.maximum(numbers, axes.get_xlim()[0]), color=_FILL, height=0.75)
    axes.bar_label(bars, [f"{number:,}" for number in numbers], padding=4, color=FAINT, fontsize=9)
    axes.set(yticks=np.arange(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


def _curve(axes, names, numbers, what):
    _steps(axes, numbers)
    _count_axis(axes, "y", numbers, what, room=1.25)
    axes.set_xlabel(f"{counted(len(names), 'brands')}, the largest first")
    last, lowest = len(names) - 1, axes.get_ylim()[0]
    # Each name stands above the curve where its text begins, a fifth of the chart or half of it to the left.
    for place, kind, side, left in (
        (0, "largest", "left", 0),
        (last // 2, "median", "center", 8),
        (last, "smallest", "right", 4),
    ):
        # Of two brands in the middle the name is that of the larger one.
        number = np.median(numbers) if kind == "median" else numbers[place]
        above = max(numbers[max(0, place - last // left)] if left else numbers[place], lowest)
        x, y = place + 0.5, max(numbers[place], lowest)
        axes.plot([x, x], [y, above], "o-", markevery=[0], ms=5, color=_EDGE, lw=0.8, clip_on=False)
        text = f"{kind}: {number:,g}\n{names[place]}"
        axes.annotate(text, (x, above), (0, 9), textcoords="offset points", ha=side, va="bottom", fontsize=9)


def _steps(axes, numbers):
    """A filled curve of steps, one px wide or less for each of thousands of brands."""
    axes.stairs(numbers, fill=True, color=_FILL)
    axes.stairs(numbers, color=_EDGE, lw=1.2)
    axes.set_xlim(0, len(numbers))
    axes.locator_params("x", nbins=5, integer=True)
    axes.xaxis.set_major_formatter("{x:,g}")


def _count_axis(axes, axis, numbers, what, room):
    """Sets the scale and limits for counts, with room above and plain figures at the ticks; returns the label, a str."""
    ticker = require("matplotlib.ticker", "report")
    fewest, most = max(1, numbers.min()), max(1, numbers.max())
    log = most > _LONG_TAIL * fewest
    lowest = 0.6 * fewest if log else 0
    highest = most * (most / lowest) ** (room - 1) if log else most * room
    label = f"{what}, logarithmic" if log else what
    axes.set(**{f"{axis}scale": "log" if log else "linear", f"{axis}lim": (lowest, highest), f"{axis}label": label})
    which = getattr(axes, f"{axis}axis")
    # Figures beside one another need more room than figures one above the other.
    steps = (1,) if axis == "x" else (1, 2, 5)
    which.set_major_locator(ticker.LogLocator(subs=steps) if log else ticker.MaxNLocator(integer=True))
    which.set_minor_locator(ticker.NullLocator())
    which.set_major_formatter("{x:,g}")
    return label
