"""Pictures of data sets: they show what they were given, whatever the names and numbers are."""

import warnings

import cv2
import numpy as np
import photographs
import pytest

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.pictures.contact_sheet import contact_sheets
from logo_keras.report import lettering
from logo_keras.report.charts import box_chart, brand_chart, category_chart, table_picture

NAMES = ["可口可乐 コカ・コーラ", "Nestlé Čokoláda Ωмега", "A$AP $x^2$ & <b>", "ไทย 😀", "x" * 300, "new\nline\t\udcff", "", " "]
FILL = np.array([0x56, 0xB4, 0xE9])


@pytest.fixture(autouse=True)
def no_warnings():
    """matplotlib warns of what it cannot draw."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def filled(picture):
    return (picture == FILL).all(axis=2)


def test_bars_are_as_long_as_their_numbers():
    picture = filled(brand_chart([("a", 40), ("b", 20), ("c", 10)]))
    rows = picture.sum(axis=1)
    lengths = [int(length) for length in dict.fromkeys(rows.tolist()) if length > 50]
    np.testing.assert_allclose(np.array(lengths[:3]) / lengths[0], [1, 0.5, 0.25], atol=0.02)


def test_a_long_tail_is_drawn_on_a_logarithmic_scale():
    shares = []
    for smallest in (10, 100):
        # The middle brand has a tenth of the first one.
        picture = filled(brand_chart([("a", 10_000), *[("b", 1_000)] * 60, ("c", smallest)]))
        columns = picture.sum(axis=0)[picture.any(axis=0)]
        shares.append(columns[len(columns) // 2] / picture.any(axis=1).sum())
    assert all(share > 0.5 for share in shares)
    linear = filled(brand_chart([("a", 10_000), *[("b", 1_000)] * 60, ("c", 500)]))
    assert linear.sum(axis=0)[linear.shape[1] // 2] < 0.2 * linear.any(axis=1).sum()


def test_two_thousand_brands_fill_the_chart_from_left_to_right():
    picture = filled(brand_chart([(f"brand {number}", 3000 - number) for number in range(2341)]))
    assert picture.shape[0] < 1000
    columns = np.flatnonzero(picture.any(axis=0))
    assert len(columns) > 0.85 * picture.shape[1]


@pytest.mark.parametrize("brands", [[("only", 1)], [("none", 0)], [("a", 5), ("b", 0)], [(str(n), 0) for n in range(99)]])
def test_few_brands_and_small_numbers_are_drawn(brands):
    assert brand_chart(brands).dtype == np.uint8


def test_any_name_is_drawn():
    brands = [(name, 8 - place) for place, name in enumerate(NAMES)]
    assert brand_chart(brands).shape[1] == brand_chart(brands * 9).shape[1]
    category_chart({name: brands for name in NAMES})
    table_picture(["root category", "brands"], [[name, 1] for name in NAMES])


def test_every_root_category_has_a_panel():
    one = category_chart({"a": [("x", 4)]})
    ten = category_chart({str(number): [("x", 4), ("y", 0)] for number in range(10)})
    assert ten.shape[0] > 3 * one.shape[0] > 0
    # Steps of the ten panels: their left halves are filled, in four rows of up to three.
    _, areas, stats, _ = cv2.connectedComponentsWithStats(filled(ten).astype(np.uint8))
    assert (stats[1:, cv2.CC_STAT_AREA] > 5000).sum() == 10 and areas.any()


def test_a_table_grows_by_its_rows():
    heights = [table_picture(["split", "brands"], [["all", 2341]] * rows).shape[0] for rows in (1, 2, 12)]
    assert heights[2] - heights[1] == 10 * (heights[1] - heights[0]) > 0


@pytest.mark.parametrize("area", [[0.5], [0.3] * 100, [0.01, 1.0], [0.9, 1.4], np.linspace(0, 1, 999)])
def test_sizes_of_boxes_are_drawn(area):
    assert filled(box_chart(area, area)).any()


def test_one_size_of_all_boxes_is_one_bar_in_each_half():
    picture = filled(box_chart([0.26] * 9, [0.76] * 9))
    half = picture.shape[1] // 2
    left, right = (np.flatnonzero(part.any(axis=0)).mean() / half for part in (picture[:, :half], picture[:, half:]))
    assert left < right


@pytest.fixture
def brands(tmp_path):
    """Two brands in colours of their own, a box in one photograph, a photograph that is missing, one without a brand."""
    paths = []
    for name, color in (("red", (200, 0, 0)), ("blue", (0, 0, 200)), ("none", (0, 200, 0))):
        path = tmp_path / f"{name}.png"
        path.write_bytes(photographs.encode(np.full((50, 100, 3), color, np.uint8), ".png"))
        paths.append(str(path))
    paths.append(str(tmp_path / "missing.png"))
    boxes = [[], [(10, 20, 40, 60)], [], []]
    return Dataset(paths, [1, 0, -1, 1], ["blue", "red"], boxes)


def test_a_contact_sheet_has_a_row_a_brand(brands):
    (sheet,) = contact_sheets(brands)
    assert sheet.brands == ["blue", "red", "no brand"]
    places = [np.argwhere((sheet.picture == color).all(axis=2)) for color in ((0, 0, 200), (200, 0, 0), (0, 200, 0))]
    tops = [place[:, 0].min() for place in places]
    assert tops == sorted(tops)
    # Letterboxed: 96 px wide, 48 px high.
    assert np.ptp(places[1], axis=0).tolist() == [47, 95]


def test_a_contact_sheet_draws_the_box_where_it_is(brands):
    (sheet,) = contact_sheets(brands)
    blue = np.argwhere((sheet.picture == (0, 0, 200)).all(axis=2))
    box = np.argwhere((sheet.picture == (230, 159, 0)).all(axis=2))
    offset = box - blue.min(axis=0)
    # 96 / 100 of (10, 20, 40, 60).
    np.testing.assert_allclose([*offset.min(axis=0), *offset.max(axis=0)], [10, 19, 38, 58])


def test_a_contact_sheet_of_cut_out_boxes_shows_the_cut(brands):
    (sheet,) = contact_sheets(brands.cut(0.5))
    box = np.argwhere((sheet.picture == (230, 159, 0)).all(axis=2))
    # The photograph is cut at its edges to 50 x 80 px, drawn 96 px wide: the box is half as wide.
    assert np.ptp(box, axis=0).tolist() == [36, 48]


def test_what_cannot_be_read_is_a_grey_tile_and_named(brands):
    (sheet,) = contact_sheets(brands)
    assert list(sheet.unreadable.values()) == ["no such file"]
    assert ((sheet.picture == (90, 96, 103)).all(axis=2)).sum() > 96 * 96 / 2


def test_a_page_holds_forty_brands():
    names = [str(number) for number in range(95)]
    sheets = list(contact_sheets(Dataset([f"/none/{name}.jpg" for name in names], range(95), names)))
    assert [len(sheet.brands) for sheet in sheets] == [40, 40, 15]
    assert all(sheet.picture is None and len(sheet.unreadable) == len(sheet.brands) for sheet in sheets)


def test_a_contact_sheet_takes_any_name(tmp_path):
    path = photographs.write(tmp_path / "a.jpg")
    (sheet,) = contact_sheets(Dataset([path] * len(NAMES), range(len(NAMES)), NAMES))
    rows = np.array_split((sheet.picture[:, :200].max(axis=2) > 180), len(NAMES))
    # Each has letters, but for the name that is empty and the one that is a space.
    assert [row.any() for row in rows] == [bool(name.strip()) for name in NAMES]


def test_a_name_keeps_to_one_line():
    assert lettering.fitted("a\nb\tc\udcff\u2028d", 40) == "a b c\\udcff d"


def test_chinese_letters_count_twice():
    assert lettering.columns("可口") == 4 and lettering.columns("cafe\u0301") == 4


def test_a_long_name_ends_in_dots():
    assert lettering.fitted("abcdef", 6) == "abcdef"
    assert lettering.fitted("abcdefg", 6) == "abcde…"
    assert lettering.fitted("可口可乐", 6) == "可口…"


def test_a_name_breaks_after_words():
    assert lettering.wrapped("Brand with words", 11, 3) == ["Brand with", "words"]
    assert lettering.wrapped("Food/Brandname", 11, 3) == ["Food/", "Brandname"]
    assert lettering.wrapped("x" * 25, 10, 2) == ["x" * 10, "x" * 9 + "…"]
    assert lettering.wrapped("", 10, 2) == [""]


def test_only_the_fonts_that_are_needed_are_asked():
    assert lettering.families(["Ωм é", "a\U0010fffd"]) == ["DejaVu Sans"]
