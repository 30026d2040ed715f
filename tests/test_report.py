"""The page: complete in itself, and no text of ours or the user's becomes HTML."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from logo_keras.report import charts
from logo_keras.report import page as report

VOID = {"meta", "img", "br"}


class Checked(HTMLParser):
    """Collects tags and addresses; fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def whole_page():
    photo = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    return report.page(
        "Demo & <more>",
        report.heading("Figures"),
        report.paragraph("a < b"),
        report.paragraph("a note", faint=True),
        report.points(["one", "two"]),
        report.cards([("91.5 %", "top-1")]),
        report.table(["brand", "share"], [["<script>", 0.5]], "shares"),
        report.picture(photo, 'a "red" picture'),
        report.folded("more", report.chart(charts.curves({"loss": ([1, 2], [2, 1])}, "epoch", "loss"), "the loss")),
    )


def test_a_page_is_well_formed_and_shows_what_was_given():
    page = Checked(whole_page())
    text = "".join(page.words)
    for words in ("Demo & <more>", "a < b", "a note", "91.5 %", "<script>", "shares", "the loss"):
        assert words in text
    assert "script" not in page.tags


def test_a_page_fetches_nothing():
    page = whole_page()
    assert all(address.startswith("data:image/jpeg;base64,") for address in Checked(page).addresses)
    # The one address in it names the language of the charts and is not fetched.
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_a_page_is_made_for_phones_and_for_light_and_dark():
    page = whole_page()
    assert 'name="viewport"' in page
    assert "color-scheme: light dark" in page and "prefers-color-scheme: dark" in page


def test_a_picture_is_inside_the_page_in_its_colours():
    photo = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    data = base64.b64decode(report.data_uri(photo).partition(",")[2])
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_allclose(back, photo, atol=4)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="every row must have 2 cells"):
        report.table(["brand", "share"], [["adidas"]])
