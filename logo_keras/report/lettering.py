"""Names in pictures: any script that a font of this machine has, and nothing in a name that means more than its letters."""

import contextlib
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
_SETTINGS = {"text.parse_math": False, "font.size": 10, "svg.fonttype": "none", "svg.hashsalt": "logo_keras"}


def columns(text):
    """The width of a text in Latin letters: those of Chinese, Japanese and Korean count twice."""
    return sum(0 if unicodedata.combining(x) else 2 if unicodedata.east_asian_width(x) in "WF" else 1 for x in text)


def wrapped(name, width, most=1):
    """Breaks a name into lines, after a space, `/`, `-` or `_` where there is one.

    Line ends and control characters become spaces; what is no Unicode becomes `\\udcff`.

    Args:
        name: str.
        width: int, most Latin letters a line.
        most: int, most lines. What is left over becomes dots.

    Returns:
        list of str.
    """
    name = name.encode("utf-8", "backslashreplace").decode()
    rest = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in name).strip()
    lines = []
    while columns(rest) > width:
        last = len(lines) == most - 1
        end = _letters_within(rest, width - last)
        if last:
            return [*lines, f"{rest[:end].rstrip()}\N{HORIZONTAL ELLIPSIS}"]
        # A break that leaves less than a third of a line is worse than one inside a word.
        end = max(rest.rfind(mark, end // 3, end) for mark in " /-_") + 1 or end
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest]


def fitted(name, width):
    """A name on one line of at most `width` Latin letters: `wrapped` with one line."""
    return wrapped(name, width)[0]


@contextlib.contextmanager
def figure(width, height, texts=(), dpi=100, back="white", settings=None):
    """Makes a figure of matplotlib without `pyplot`, whose figures others may be using.

    Draw and render it inside the block. A `$` stays a `$`; a letter that no font has becomes a frame, without a warning.

    Args:
        width: int, px.
        height: int, px.
        texts: iterable of str, all that is not plain Latin in the figure: their fonts are chosen.
        dpi: int, px an inch. Letters are measured in 1/72 inch.
        back: colour behind everything, as matplotlib takes it.
        settings: dict of further `matplotlib.rcParams`, or None.

    Yields:
        `matplotlib.figure.Figure`.
    """
    matplotlib = require("matplotlib", "report")
    own = _SETTINGS | {"font.family": families(texts)} | (settings or {})
    with matplotlib.rc_context(own), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        # Half a px more, since the size is cut off to whole px after a division.
        size = ((width + 0.5) / dpi, (height + 0.5) / dpi)
        yield require("matplotlib.figure", "report").Figure(size, dpi, facecolor=back)


def pixels(figure):
    """Renders a figure: uint8 RGB `[height, width, 3]`."""
    canvas = require("matplotlib.backends.backend_agg", "report").FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def families(texts):
    """Chooses the fonts that together draw some texts: list of str for matplotlib, the one to ask first at the front."""
    missing = {letter for text in texts for letter in text if not letter.isspace()} - _letters(_FIRST)
    chosen = [_FIRST]
    for family in _installed() if missing else ():
        if has := missing & _letters(family):
            chosen.append(family)
            missing -= has
    return chosen


def _letters_within(text, width):
    """How many letters from the front of a text take at most `width` Latin ones; at least 1."""
    return max([1, *(end for end in range(len(text)) if columns(text[:end]) <= width)])


@functools.cache
def _installed():
    """Font families by name."""
    manager = require("matplotlib.font_manager", "report").fontManager
    return sorted({font.name for font in manager.ttflist if not font.name.startswith(_LEFT_OUT)})


@functools.cache
def _letters(family):
    """The letters that a font has; none if it cannot be read."""
    manager = require("matplotlib.font_manager", "report")
    try:
        return frozenset(map(chr, manager.get_font(manager.findfont(family, fallback_to_default=False)).get_charmap()))
    except (ValueError, OSError, RuntimeError):
        return frozenset()
