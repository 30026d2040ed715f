"""Wordmarks: which names are set, in which font and how, and what is drawn."""

import io

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from logo_keras.datasets.marks import catalogue, drawings, packages, words

NAMES = [f"Name {number}" for number in range(400)]


@pytest.fixture(scope="module")
def font():
    """A font of two letters: I, a bar as wide as it is high by a fifth, and L, a square."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "I", "L"])
    builder.setupCharacterMap({ord("I"): "I", ord("L"): "L"})
    glyphs = {}
    for name, width in ((".notdef", 0), ("I", 200), ("L", 1000)):
        pen = TTGlyphPen(None)
        if width:
            pen.moveTo((0, 0))
            for corner in ((0, 1000), (width, 1000), (width, 0)):
                pen.lineTo(corner)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({".notdef": (0, 0), "I": (500, 0), "L": (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupPost()
    builder.setupNameTable({})
    builder.setupOS2()
    file = io.BytesIO()
    builder.save(file)
    return words.Font(file.getvalue())


def drawn(font, text, tracking=0.0, slant=0.0):
    pixels, color = drawings.draw(font.svg(words.Setting(text, 400, tracking, slant)))
    assert pixels.ndim == 2 and color is None
    return pixels


def test_letters_stand_one_after_the_other_upright(font):
    # A bar of 200, a gap of 300, a square of 1000: 1500 x 1000.
    pixels = drawn(font, "IL")
    height, width = pixels.shape
    assert width / height == pytest.approx(1.5, rel=0.03)
    row = pixels[height // 2] > 127
    assert np.flatnonzero(np.diff(row.astype(int))) / width == pytest.approx([200 / 1500, 500 / 1500], abs=0.02)


def test_tracking_adds_space_and_a_slant_moves_the_top_to_the_right(font):
    height, width = drawn(font, "IL", tracking=0.5).shape
    assert width / height == pytest.approx(2.0, rel=0.03)
    pixels = drawn(font, "I", slant=0.5)
    assert np.flatnonzero(pixels[2] > 127).mean() > np.flatnonzero(pixels[-3] > 127).mean()


def test_a_name_with_a_letter_that_the_font_lacks_is_not_set(font):
    assert font.svg(words.Setting("ILO", 400, 0, 0)) is None


def test_names_that_are_too_short_too_long_or_not_ascii_are_left_out():
    assert words.legible(["H&M", "X", "/e/", "Nestl\u00e9", "A" * 19, "3M"]) == ["H&M", "3M"]


def test_every_name_has_one_font_and_setting_and_all_kinds_occur():
    fonts = ("a", "b", "c")
    assert {words.font_of(name, fonts) for name in NAMES} == set(fonts)
    assert [words.font_of(name, fonts) for name in NAMES] == [words.font_of(name, fonts[::-1]) for name in NAMES]
    made = [words.setting(name, (400, 700)) for name in NAMES]
    assert made == [words.setting(name, (400, 700)) for name in NAMES]
    capitals = np.mean([how.text.isupper() for how in made])
    assert 0.2 < capitals < 0.4 and {how.weight for how in made} == {400, 700}
    assert 0.08 < np.mean([how.slant > 0 for how in made]) < 0.22
    assert 0 <= min(how.tracking for how in made) < max(how.tracking for how in made) <= 0.12


def test_a_wordmark_is_a_brand_of_its_own_and_left_out_wherever_a_left_out_name_stands_in_it():
    anton = packages.FONTS["anton"]
    assert catalogue.brand_of(anton, "visual-studio-code") == "visualstudiocode in anton"
    assert not catalogue.is_left_out(catalogue.Mark("visualstudiocode in anton", "anton", "visual-studio-code"))
    for name in ("coca-cola", "the-coca-cola-company", "my-google-drive"):
        assert catalogue.is_left_out(catalogue.Mark(f"{name} in anton", "anton", name)), name
