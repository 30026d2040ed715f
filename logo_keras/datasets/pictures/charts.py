"""Pictures of what a data set holds: its table, its brands, its root categories, the sizes of its logos."""

import numpy as np

from logo_keras.datasets.statistics import counted, deciles
from logo_keras.extras import require
from logo_keras.image import lettering
from logo_keras.report.charts import COLORS

# px; 144 px an inch, so that letters stay sharp on dense screens.
_WIDTH, _DPI = 1380, 144
_TEXT, _FAINT, _LINE = "#1b1f24", "#59636e", "#d1d9e0"
_FILL, _EDGE = COLORS[1], COLORS[5]
# Up to here brands are bars with their names; beyond, a curve.
_NAMED = 40
# Above this ratio of the most to the fewest, the fewest would be too low to see.
_LONG_TAIL = 30


def table_picture(header, rows):
    """Draws a table; the last row, which sums up, is set apart.

    Args:
        header: list of str.
        rows: list of lists, a str and then numbers, as long as the header.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    first = [lettering.fitted(lettering.drawable(str(row[0])), 40) for row in rows]
    cells = [header, *([name, *(f"{number:,}" for number in row[1:])] for name, row in zip(first, rows, strict=True))]
    widths = [3 + max(lettering.columns(row[column]) for row in cells) for column in range(len(header))]
    ends = np.cumsum(widths) / sum(widths)
    width, height = max(480, 17 * sum(widths)), 44 * len(cells)

    def draw(figure):
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(len(cells), 0))
        axes.axis("off")
        for place, row in enumerate(cells):
            if place % 2:
                axes.axhspan(place, place + 1, color="#f6f8fa", lw=0)
            for column, text in enumerate(row):
                x, side = (1.5 / sum(widths), "left") if column == 0 else (ends[column] - 1.5 / sum(widths), "right")
                axes.text(x, place + 0.5, text, ha=side, va="center", color=_TEXT if place else _FAINT)
        for place in (1, len(cells) - 1):
            axes.axhline(place, color=_FAINT, lw=0.8)

    return lettering.drawn(width, height, [text for row in cells for text in row], draw, _DPI)


def brand_chart(brands, what="photographs"):
    """Draws the number of photographs of every brand, the most first: bars with names, or a curve of many brands.

    The scale is logarithmic where the largest brand has more than 30 times what the smallest has.

    Args:
        brands: list of `(str, int)`, the most first, at least one.
        what: str, what is counted.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    names = [lettering.fitted(lettering.drawable(name), 34) for name, _ in brands]
    numbers = np.array([count for _, count in brands])
    log = _has_long_tail(numbers)
    bars = len(brands) <= _NAMED

    def draw_bars(axes):
        places = np.arange(len(names))
        axes.barh(places, numbers, color=_FILL, height=0.75)
        axes.set(yticks=places, yticklabels=names, ylim=(len(names) - 0.4, -0.6), xlabel=_label(what, log))
        _scale(axes, "x", numbers, log, room=1.12)
        for place, number in enumerate(numbers):
            start = max(number, axes.get_xlim()[0])
            axes.annotate(
                f"{number:,}", (start, place), (4, 0), textcoords="offset points", va="center", color=_FAINT, fontsize=9
            )
        axes.grid(axis="x", color=_LINE, lw=0.6)

    def draw_curve(axes):
        _steps(axes, numbers)
        axes.set(xlabel=f"{counted(len(names), 'brands')}, the largest first", ylabel=_label(what, log))
        _scale(axes, "y", numbers, log, room=1.25)
        last = len(names) - 1
        for place, kind, side in ((0, "largest", "left"), (last // 2, "median", "center"), (last, "smallest", "right")):
            # Of two brands in the middle the name is that of the larger one.
            number = np.median(numbers) if kind == "median" else numbers[place]
            # Above the curve where the text begins, a fifth of the chart or half of it to the left.
            height = numbers[max(0, place - {"left": 0, "center": last // 8, "right": last // 4}[side])]
            point, above = (place + 0.5, max(numbers[place], axes.get_ylim()[0])), max(height, axes.get_ylim()[0])
            axes.plot([point[0]] * 2, [point[1], above], "-", color=_EDGE, lw=0.8, clip_on=False)
            axes.plot(*point, "o", color=_EDGE, ms=5, clip_on=False)
            text = f"{kind}: {number:,g}\n{names[place]}"
            axes.annotate(
                text, (point[0], above), (0, 9), textcoords="offset points", ha=side, va="bottom", color=_TEXT, fontsize=9
            )
        axes.grid(axis="y", color=_LINE, lw=0.6)

    height = 110 + 36 * len(names) if bars else 620
    return _chart(height, names, draw_bars if bars else draw_curve)


def category_chart(categories, what="photographs"):
    """Draws the number of photographs of every brand in each root category: a panel a category, all to one scale.

    Args:
        categories: dict, root category to list of `(brand, count)`, the most first.
        what: str, what is counted.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    across = min(len(categories), 3)
    down = -(-len(categories) // across)
    every = np.array([count for pairs in categories.values() for _, count in pairs])
    log = _has_long_tail(every)

    def draw(figure):
        panels = figure.subplots(down, across, sharey=True, squeeze=False)
        # Hides the grid behind letters.
        back = {"bbox": {"color": "white", "pad": 2}}
        for axes in panels.flat[len(categories) :]:
            axes.axis("off")
        for axes, (category, pairs) in zip(panels.flat, categories.items(), strict=False):
            numbers = np.array([count for _, count in pairs])
            _steps(axes, numbers)
            _bare(axes)
            axes.set_title(lettering.fitted(lettering.drawable(category), 34), loc="left", fontsize=11, color=_TEXT)
            inside = f"{counted(numbers.sum(), what)}\n{counted(len(pairs), 'brands')}, median {np.median(numbers):,g}"
            axes.text(0.98, 0.97, inside, transform=axes.transAxes, ha="right", va="top", fontsize=9, color=_FAINT, **back)
            _scale(axes, "y", every, log, room=1.4)
            axes.grid(axis="y", color=_LINE, lw=0.6)
        figure.supylabel(_label(what, log), fontsize=10, color=_FAINT)
        figure.supxlabel("brands, the largest first", fontsize=10, color=_FAINT)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)

    names = [lettering.drawable(name) for name in categories]
    return lettering.drawn(_WIDTH, 60 + 330 * down, names, draw, _DPI)


def box_chart(sizes):
    """Draws how large the logos are in their photographs.

    Args:
        sizes: BoxSizes of at least one box.

    Returns:
        uint8 RGB `[H, W, 3]`: two histograms with their deciles.
    """
    shares = {
        "square root of (box area / photograph area)": sizes.area_sides,
        "longer side of the box / longer side of the photograph": sizes.longer_sides,
    }

    def draw(figure):
        panels, highest = figure.subplots(1, 2, sharey=True), 0
        for axes, (label, values) in zip(panels, shares.items(), strict=True):
            # 40 bars from 0 to 1; a box may reach beyond its photograph.
            bars = max(40, int(np.ceil(values.max() * 40)))
            highest = max(highest, axes.hist(values, np.arange(bars + 1) / 40, color=_FILL)[0].max())
            _bare(axes)
            for place, value in enumerate(deciles(values), 1):
                # Three are named, the lower the value the higher the name: no line crosses one, even if all are alike.
                name, top = {1: ("10 %", 0.98), 5: ("median", 0.91), 9: ("90 %", 0.84)}.get(place, (None, 0.77))
                axes.axvline(value, 0, top, color=_EDGE, lw=1.2 if name else 0.5)
                if name:
                    at = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "va": "top"}
                    axes.annotate(f"{name}: {value:.2f}", (value, top), (4, 0), **at, fontsize=9, color=_TEXT)
            axes.set_xlim(0, bars / 40)
            axes.set_xlabel(label, color=_FAINT)
            axes.grid(axis="y", color=_LINE, lw=0.6)
        _scale(panels[0], "y", np.array([highest]), log=False, room=1.3)
        panels[0].set_ylabel("boxes", color=_FAINT)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)

    return lettering.drawn(_WIDTH, 520, (), draw, _DPI)


def _chart(height, texts, draw):
    def whole(figure):
        axes = figure.add_subplot()
        _bare(axes)
        draw(axes)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)

    return lettering.drawn(_WIDTH, height, texts, whole, _DPI)


def _has_long_tail(numbers):
    return numbers.max() > _LONG_TAIL * max(1, numbers.min())


def _label(what, log):
    return f"{what}, logarithmic" if log else what


def _steps(axes, numbers):
    """A filled curve of steps, one px wide or less for each of thousands of brands."""
    axes.stairs(numbers, np.arange(len(numbers) + 1), fill=True, color=_FILL)
    axes.stairs(numbers, np.arange(len(numbers) + 1), color=_EDGE, lw=1.2)
    axes.set_xlim(0, len(numbers))
    axes.xaxis.set_major_formatter(_plain())
    axes.xaxis.set_major_locator(require("matplotlib.ticker", "demo").MaxNLocator(5, integer=True))


def _scale(axes, axis, numbers, log, room):
    """Limits with room above, and ticks in plain figures: those of a logarithmic scale are mathematics otherwise."""
    ticker = require("matplotlib.ticker", "demo")
    lowest, highest = 0.0, max(1, numbers.max())
    which = getattr(axes, f"{axis}axis")
    if log:
        getattr(axes, f"set_{axis}scale")("log")
        lowest = 0.6 * max(1, numbers.min())
        highest *= (highest / lowest) ** (room - 1)
        which.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        which.set_minor_locator(ticker.NullLocator())
    else:
        highest *= room
        which.set_major_locator(ticker.MaxNLocator(integer=True))
    which.set_major_formatter(_plain())
    getattr(axes, f"set_{axis}lim")(lowest, highest)


def _plain():
    return require("matplotlib.ticker", "demo").FuncFormatter(lambda value, _: f"{value:,g}")


def _bare(axes):
    """Axes without a frame, the data in front of the grid."""
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    axes.tick_params(length=0, labelcolor=_TEXT)
    axes.xaxis.label.set_color(_FAINT)
    axes.yaxis.label.set_color(_FAINT)
