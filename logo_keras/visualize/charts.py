"""The look of the charts: few, large, on white."""

from logo_keras.report import charts, lettering
from logo_keras.visualize.sheet import DPI, WIDTH

# Marks that differ in grey too; with the colours of the charts 42 brands have a pair of their own.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
COLORS = charts.COLORS
INK, PALE = charts.TEXT, charts.FAINT


def look(number):
    """Colour and mark of the `number`-th of several things, as arguments of matplotlib."""
    return {"color": COLORS[number % len(COLORS)], "marker": MARKERS[number % len(MARKERS)]}


def figure(height, texts=(), width=WIDTH):
    """A figure of matplotlib, `width` x `height` px, with letters of 10 points; see `lettering.figure`."""
    return lettering.figure(width, height, texts, DPI, settings=charts.STYLE | {"axes.grid.axis": "both"})
