"""The curves of a run as a picture."""

from logo_keras.extras import require
from logo_keras.report import charts, lettering

# px.
_WIDTH, _HEIGHT = 900, 420


def curves(history):
    """Draws the losses and the accuracies of a run, of training and of validation.

    Args:
        history: list of dict, a row an epoch: `epoch`, and the metrics, those of validation with `val_`.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    names = {name: None for row in history for name in row if name not in ("epoch", "seconds")}
    parts = {"loss": [name for name in ("loss", "val_loss") if name in names]}
    parts["share that is right"] = [name for name in names if not name.endswith("loss")]
    parts = {what: shown for what, shown in parts.items() if shown}
    # The same colour for training and validation.
    colors = dict.fromkeys(name.removeprefix("val_") for name in names)
    colors = dict(zip(colors, charts.COLORS * len(colors), strict=False))
    ticker = require("matplotlib.ticker", "report")
    with lettering.figure(_WIDTH, _HEIGHT, settings={"figure.constrained_layout.use": True}) as figure:
        for axes, (what, shown) in zip(figure.subplots(1, len(parts), squeeze=False).flat, parts.items(), strict=True):
            for name in shown:
                color = colors[name.removeprefix("val_")]
                points = [(row["epoch"], row[name]) for row in history if name in row]
                axes.plot(*zip(*points, strict=True), "s--" if name.startswith("val_") else "o-", color=color, label=name)
            axes.set(xlabel="epoch", ylabel=what)
            axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
            axes.legend()
        return lettering.pixels(figure)
