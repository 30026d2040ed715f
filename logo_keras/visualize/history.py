"""The curves of a run."""

import csv
import os

import numpy as np

from logo_keras.errors import UserError
from logo_keras.report import lettering
from logo_keras.visualize import charts
from logo_keras.visualize.sheet import WIDTH

_VALIDATION = "val_"
# No figures of a model.
_LEFT_OUT = ("epoch", "seconds", "learning_rate", "lr")
# px, of one panel.
_HEIGHT = 430


def curves(history, width=WIDTH):
    """Draws losses and accuracies of a run by epoch: training dashed with squares, validation solid with circles.

    Args:
        history: what `fit` of Keras gives; a list of dict, a row an epoch, as in `logo_keras.training.Result`; or the path of a
            `history.csv`.
        width: int, px.

    Returns:
        uint8 RGB `[h, width, 3]`: above the losses, below the shares that are right, as far as there are any.

    Raises:
        ValueError: if there is nothing to draw.
    """
    epochs, series = _series(history)
    losses = {name: values for name, values in series.items() if name.removeprefix(_VALIDATION).split("_")[-1] == "loss"}
    shares = {name: values for name, values in series.items() if name not in losses and _is_share(values)}
    panels = {what: lines for what, lines in (("loss", losses), ("share that is right", shares)) if lines}
    if not panels:
        raise UserError("there is nothing to draw: the history has no epoch with a loss or a share.")
    rows = sum(-(-len(lines) // 2) for lines in panels.values())
    with charts.figure(_HEIGHT * len(panels) + 30 * rows, width=width) as figure:
        for axes, (what, lines) in zip(figure.subplots(len(panels), 1, squeeze=False).flat, panels.items(), strict=True):
            _panel(axes, epochs, lines)
            axes.set(ylabel=what, xlabel="epoch")
            if what != "loss":
                axes.set_ylim(0, 1.02)
                axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        return lettering.pixels(figure)


def _panel(axes, epochs, lines):
    # A colour a figure, whether of training or of validation.
    for number, name in enumerate(dict.fromkeys(name.removeprefix(_VALIDATION) for name in lines)):
        color = charts.COLORS[number % len(charts.COLORS)]
        for full, style in ((name, "s--"), (_VALIDATION + name, "o-")):
            if full in lines:
                values = np.asarray(lines[full], float)
                shown = np.isfinite(values)
                # Of hundreds of epochs every mark would hide the line.
                every = max(1, len(epochs) // 20)
                label = full if full == name else f"{name}, validation"
                axes.plot(epochs[shown], values[shown], style, color=color, ms=5, lw=1.8, markevery=every, label=label)
    axes.locator_params("x", nbins=6, integer=True)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, frameon=False, fontsize=9, borderaxespad=0)


def _is_share(values):
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return len(known) > 0 and known.min() >= 0 and known.max() <= 1


def _series(history):
    """The epochs, int `[n]`, and a dict from a figure to float `[n]`, NaN where it is missing."""
    if isinstance(history, str | os.PathLike):
        with open(history, newline="", encoding="utf-8") as file:
            history = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    if hasattr(history, "history"):
        columns, epochs = history.history, np.asarray(history.epoch) + 1
        return epochs, {name: np.asarray(values, float) for name, values in columns.items() if name not in _LEFT_OUT}
    rows = list(history)
    names = dict.fromkeys(name for row in rows for name in row if name not in _LEFT_OUT)
    epochs = np.array([row.get("epoch", place + 1) for place, row in enumerate(rows)], int)
    return epochs, {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}
