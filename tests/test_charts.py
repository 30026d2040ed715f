"""Curves: what the SVG text says."""

import xml.etree.ElementTree as tree

import pytest

from logo_keras.report import charts

SVG = "{http://www.w3.org/2000/svg}"


def markers(svg):
    """Where the points of the first line are, and of its sign in the legend."""
    uses = tree.fromstring(svg).iter(f"{SVG}use")
    return [(float(use.get("x")), float(use.get("y"))) for use in uses if charts.COLORS[0] in use.get("style", "")]


def test_curves_draw_every_point_at_its_place():
    svg = charts.curves({"top-1 of <b> $x^2$": ([0, 5, 10], [0.0, 0.5, 1.0])}, "seconds", "share", (0, 1))
    (x0, y0), (x1, y1), (x2, y2) = markers(svg)[:3]
    assert x0 < x1 < x2 and x1 - x0 == pytest.approx(x2 - x1, abs=0.01)
    assert y0 > y1 > y2 and y0 - y1 == pytest.approx(y1 - y2, abs=0.01)
    assert {"seconds", "share", "top-1 of <b> $x^2$"} <= {text.text for text in tree.fromstring(svg).iter(f"{SVG}text")}


def test_points_that_are_no_number_are_left_out():
    whole = charts.curves({"loss": ([1, 3], [2.0, 1.0])}, "epoch", "loss")
    gap = charts.curves({"loss": ([1, 2, 3], [2.0, float("nan"), 1.0])}, "epoch", "loss")
    assert len(markers(whole)) and markers(gap) == markers(whole)


def test_the_same_curves_give_the_same_text():
    first, again = (charts.curves({"loss": ([1, 2], [2, 1])}, "epoch", "loss") for _ in range(2))
    assert first == again


def test_curves_without_a_point_are_refused():
    with pytest.raises(ValueError, match="at least one point"):
        charts.curves({"loss": ([], [])}, "epoch", "loss")
