"""Wordmarks: names set in a font, as SVG, so that an embedding learns to tell letters and typefaces apart too."""

import hashlib
import io
import re
from dataclasses import dataclass

from logo_keras.extras import require

# Letters of a name: shorter ones are hardly words, longer ones hardly legible on a crop of 128 px.
_SHORTEST, _LONGEST = 2, 18
# Shares of the names that are set in capitals, and in small letters; the others are as their brands write them.
_CAPITALS, _SMALL = 0.3, 0.15
# Share of the names that are slanted, and by how much: the tangent of 12 degrees, as of many oblique fonts.
_SLANTED, _SLANT = 0.15, 0.21
# Most space between letters beside that of the font, in shares of its size.
_TRACKING = 0.12


@dataclass(frozen=True)
class Setting:
    """How a name is set.

    Attributes:
        text: str.
        weight: int, of the font.
        tracking: float, space after each letter in shares of the font's size.
        slant: float, by how many heights the top lies to the right of the bottom.
    """

    text: str
    weight: int
    tracking: float
    slant: float


def legible(names):
    """Those names that can be set: at least two letters or digits, ASCII, not long."""
    return [name for name in names if name.isascii() and len(re.findall(r"\w", name)) >= _SHORTEST and len(name) <= _LONGEST]


def font_of(name, fonts):
    """The font that a name is set in, always the same: str, one of `fonts`."""
    return sorted(fonts)[_number(name, "font") % len(fonts)]


def setting(name, weights):
    """How a name is set, always the same.

    Args:
        name: str.
        weights: ints, of the font.

    Returns:
        Setting.
    """
    share = _number(name, "case") % 1000 / 1000
    text = name.upper() if share < _CAPITALS else name.lower() if share < _CAPITALS + _SMALL else name
    tracking = max(0, _number(name, "tracking") % 2000 - 1000) / 1000 * _TRACKING
    slant = _SLANT if _number(name, "slant") % 1000 < 1000 * _SLANTED else 0.0
    return Setting(text, weights[_number(name, "weight") % len(weights)], tracking, slant)


class Font:
    """A font.

    Args:
        data: bytes of a TTF, OTF or WOFF file.

    Raises:
        ImportError: naming the extra, if fonttools is not installed.
    """

    def __init__(self, data):
        ttLib = require("fontTools.ttLib", "export")
        self._font = ttLib.TTFont(io.BytesIO(data))
        self._glyphs, self._names = self._font.getGlyphSet(), self._font.getBestCmap()

    def svg(self, how):
        """The outlines of a name, one after the other.

        Args:
            how: Setting.

        Returns:
            str, the SVG file, of one colour; None if the font lacks a letter.
        """
        pens = require("fontTools.pens.svgPathPen", "export"), require("fontTools.pens.transformPen", "export")
        if any(ord(letter) not in self._names for letter in how.text):
            return None
        size, pen, x = self._font["head"].unitsPerEm, pens[0].SVGPathPen(self._glyphs), 0.0
        for letter in how.text:
            glyph = self._glyphs[self._names[ord(letter)]]
            # y points down in SVG.
            glyph.draw(pens[1].TransformPen(pen, (1, 0, how.slant, -1, x, 0)))
            x += glyph.width + how.tracking * size
        # Some letters reach beyond their widths and the font's lines.
        box = f"{-size / 2:g} {-1.5 * size:g} {x + size:g} {2.2 * size:g}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">'
        return f'{head}<path fill="currentColor" d="{pen.getCommands()}"/></svg>'


def _number(name, what):
    return int.from_bytes(hashlib.sha256(f"{what} {name}".encode()).digest()[:6], "big")
