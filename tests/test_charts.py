"""Charts: what the SVG text says."""

import xml.etree.ElementTree as tree

import numpy as np
import pytest

from logo_keras.report import charts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 7.3, [0, 2, 4, 6, 8]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
        (0, 320, [0, 100, 200, 300, 400]),
        (3, 3, [3, 3.2]),
    ],
)
def test_ticks_are_round_and_enclose_the_range(lowest, highest, expected):
    assert charts.ticks(lowest, highest) == pytest.approx(expected)


def test_curves_draw_every_point_at_its_place():
    svg = tree.fromstring(charts.curves({"top-1": ([0, 10], [0.0, 1.0])}, "seconds", "share", (0, 1)))
    circles = svg.findall(f"{SVG}circle")
    (x0, y0), (x1, y1) = [(float(c.get("cx")), float(c.get("cy"))) for c in circles]
    assert (x0, x1) == (56, 626)
    assert y0 > y1 == 14
    assert {"seconds", "share", "top-1"} <= {text.text for text in svg.iter(f"{SVG}text")}


def test_points_that_are_no_number_are_left_out():
    svg = tree.fromstring(charts.curves({"loss": ([1, 2, 3], [2.0, float("nan"), 1.0])}, "epoch", "loss"))
    assert len(svg.findall(f"{SVG}circle")) == 2


def test_curves_without_a_point_are_refused():
    with pytest.raises(ValueError, match="at least one point"):
        charts.curves({"loss": ([], [])}, "epoch", "loss")


def test_a_confusion_matrix_says_what_was_taken_for_what():
    svg = charts.confusion(np.array([[3, 1], [0, 2]]), ["<b>", "puma"])
    titles = [title.text for title in tree.fromstring(svg).iter(f"{SVG}title")]
    assert titles == ["<b>, taken for <b>: 3", "<b>, taken for puma: 1", "puma, taken for puma: 2"]


def test_a_confusion_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"must be \[2, 2\] for 2 class names"):
        charts.confusion(np.zeros((3, 3), int), ["adidas", "puma"])
