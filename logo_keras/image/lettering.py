"""Names in pictures: any script that a font on this machine has, and nothing in a name that is taken for more than letters."""

import functools
import unicodedata
import warnings

import numpy as np

from logo_keras.extras import require

# matplotlib brings it.
_FIRST = "DejaVu Sans"
# Its relatives have no more letters; matplotlib's fonts for mathematics have signs under the numbers of letters, and one font
# has a frame for everything.
_LEFT_OUT = ("DejaVu", "cm", "STIX", "Last Resort")


def drawable(name):
    """A name on one line: line ends and control characters become spaces, what is no Unicode becomes `\\udcff`."""
    name = name.encode("utf-8", "backslashreplace").decode()
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in name)


def columns(text):
    """The width of a text in letters of Latin: those of Chinese, Japanese and Korean count twice."""
    return sum(0 if unicodedata.combining(x) else 2 if unicodedata.east_asian_width(x) in "WF" else 1 for x in text)


def fitted(text, width):
    """The text, or as much of its beginning as `width` Latin letters take, with dots at the end."""
    if columns(text) <= width:
        return text
    kept = text
    while kept and columns(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}\N{HORIZONTAL ELLIPSIS}"


def wrapped(text, width, most):
    """Breaks a name into lines of at most `width` Latin letters, after a space or `/` where there is one.

    Args:
        text: str.
        width: int.
        most: int, lines; what is left over becomes dots.

    Returns:
        list of str.
    """
    lines, rest = [], text.strip()
    while rest and len(lines) < most - 1 and columns(rest) > width:
        end = len(rest)
        while columns(rest[:end]) > width:
            end -= 1
        # A break that leaves less than a third of a line is worse than one inside a word.
        gap = max(rest.rfind(mark, end // 3, end) for mark in " /-_") + 1
        lines.append(rest[: gap or end].rstrip())
        rest = rest[gap or end :].lstrip()
    return [*lines, fitted(rest, width)]


def families(texts):
    """Chooses the fonts that together draw some texts.

    Args:
        texts: iterable of str.

    Returns:
        families: list of str for matplotlib, the one to ask first at the front.
        missing: set of the letters that no font of this machine has; matplotlib draws a frame for each.
    """
    missing = {letter for text in texts for letter in text if not letter.isspace()} - _letters(_FIRST)
    chosen = [_FIRST]
    for family in _installed():
        if not missing:
            break
        if has := missing & _letters(family):
            chosen.append(family)
            missing -= has
    return chosen, missing


def drawn(width, height, texts, draw, dpi=100, back="white"):
    """Makes a picture with matplotlib, without a window and without `pyplot`, whose figures others may be using.

    Args:
        width: int, px.
        height: int, px.
        texts: iterable of str, all that is not plain Latin in the picture: their fonts are chosen. A `$` stays a `$`.
        draw: function of a `matplotlib.figure.Figure`.
        dpi: int, px an inch; letters are measured in 1/72 inch.
        back: colour behind everything, as matplotlib takes it.

    Returns:
        uint8 RGB `[height, width, 3]`.
    """
    matplotlib = require("matplotlib", "demo")
    agg = require("matplotlib.backends.backend_agg", "demo")
    settings = {"font.family": families(texts)[0], "text.parse_math": False, "font.size": 10}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # matplotlib warns of every letter that no font has.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        # Half a px more, since the size is cut off to whole px after a division.
        figure = require("matplotlib.figure", "demo").Figure(((width + 0.5) / dpi, (height + 0.5) / dpi), dpi, facecolor=back)
        canvas = agg.FigureCanvasAgg(figure)
        draw(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@functools.cache
def _installed():
    """Font families by name."""
    manager = require("matplotlib.font_manager", "demo").fontManager
    return sorted({font.name for font in manager.ttflist if not font.name.startswith(_LEFT_OUT)})


@functools.cache
def _letters(family):
    """The letters that a font has; none if it cannot be read."""
    manager = require("matplotlib.font_manager", "demo")
    try:
        numbers = manager.get_font(manager.findfont(family, fallback_to_default=False)).get_charmap()
    except (ValueError, OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, numbers))
