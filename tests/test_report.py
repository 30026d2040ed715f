"""Pages: complete in themselves, and no text of ours or the user's becomes HTML."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from logo_keras.report import charts, html

VOID = {"meta", "img", "br"}
HOSTILE = "<script>\"&'\udcff"


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


@pytest.fixture(scope="module")
def whole():
    """A page with one of each piece, in each of which stands a hostile name."""
    template = """
        {% extends "base.html" %}
        {% import "pieces.html" as page %}
        {% block body %}
        {{ page.points([name]) }}{{ page.cards([(name, name)]) }}
        {{ page.table([name], [[name]], name) }}{{ page.table(["brand"], [[0.5]]) }}
        {{ page.image(photo, name) }}{{ page.picture("data:,", name, 1) }}
        {% call page.folded(name) %}{{ page.chart(chart, name) }}{% endcall %}
        {{ page.confusion([[3, 1], [0, 2]], [name, "puma"], name) }}
        {% endblock %}"""
    photo = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    chart = charts.curves({"<script>": ([1, 2], [2, 1])}, "epoch", "loss")
    made = html._templates().from_string(template).render(title=HOSTILE, name=HOSTILE, photo=photo, chart=chart)
    return made.encode("utf-8", "backslashreplace").decode()


def test_a_page_is_well_formed_and_every_name_is_text(whole):
    checked = Checked(whole)
    assert "script" not in checked.tags and "<script" not in whole
    assert "".join(checked.words).count("<script>\"&'\\udcff") == 15


def test_a_page_fetches_nothing(whole):
    assert all(address.startswith("data:") for address in Checked(whole).addresses)
    # They name the language of the charts and are not fetched.
    assert set(re.findall(r"https?://[^\s\"'<]+", whole)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in whole and "default-src 'none'" in whole


def test_a_page_is_made_for_phones_and_for_light_and_dark(whole):
    assert 'name="viewport"' in whole
    assert "color-scheme: light dark" in whole and "prefers-color-scheme: dark" in whole


def test_a_picture_is_inside_the_page_in_its_colours():
    photo = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    data = base64.b64decode(html.data_uri(photo).partition(",")[2])
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_allclose(back, photo, atol=4)


def test_a_confusion_matrix_says_what_was_taken_for_what(whole):
    titles = re.findall(r'<td title="([^"]*)"', whole)
    assert [title.replace("&lt;script&gt;&#34;&amp;&#39;\\udcff", "adidas") for title in titles] == [
        "adidas, taken for adidas: 3",
        "adidas, taken for puma: 1",
        "puma, taken for puma: 2",
    ]


@pytest.mark.parametrize(
    ("number", "what", "text"),
    [(1, "cut-out boxes", "1 cut-out box"), (1, "brands", "1 brand"), (0, "brands", "0 brands"), (2341, "boxes", "2,341 boxes")],
)
def test_what_is_counted_agrees_with_its_number(number, what, text):
    assert html.counted(number, what) == text
