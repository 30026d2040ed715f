"""Pictures: what is drawn where, on photographs of one colour."""

import numpy as np
import pytest

from logo_keras.edge.recognition import Recognition
from logo_keras.gallery.match import Match
from logo_keras.image import draw


def photo(height=100, width=200, level=90):
    return np.full((height, width, 3), level, np.uint8)


def recognition(boxes=(), labels=("adidas", "puma"), probabilities=(0.9, 0.1)):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Recognition(labels, probabilities, boxes, np.zeros(len(boxes), np.float32))


def has(picture, color):
    return bool((picture == np.array(color, np.uint8)).all(axis=-1).any())


def test_a_region_is_outlined_at_its_place_and_the_photograph_stays_as_it_was():
    before = photo()
    picture = draw.draw_recognition(before, recognition([[20, 40, 80, 160]]), side=None)
    assert tuple(picture[50, 40]) == draw.REGION_COLORS[0]
    assert (picture[50, 60] == 90).all()
    assert (before == 90).all()


def test_boxes_grow_with_the_picture():
    picture = draw.draw_recognition(photo(), recognition([[20, 40, 80, 160]]), side=400)
    assert picture.shape[1] == 400
    assert tuple(picture[100, 80]) == draw.REGION_COLORS[0]


def test_a_region_that_reaches_beyond_the_photograph_shows_all_four_sides():
    picture = draw.draw_recognition(photo(), recognition([[-50, -50, 60, 400]]), side=None)
    for y, x in ((0, 100), (30, 0), (59, 100), (30, 199)):
        assert tuple(picture[y, x]) == draw.REGION_COLORS[0]


def test_regions_differ_in_colour_and_the_best_lies_on_top():
    picture = draw.draw_recognition(photo(), recognition([[20, 40, 80, 160]] * 2), side=None)
    assert tuple(picture[50, 40]) == draw.REGION_COLORS[0]
    apart = draw.draw_recognition(photo(), recognition([[20, 40, 80, 160], [40, 10, 90, 30]]), side=None)
    assert has(apart, draw.REGION_COLORS[1])


def test_each_label_takes_a_line_and_a_plain_answer_draws_no_region():
    two = draw.draw_recognition(photo(), recognition())
    one = draw.draw_recognition(photo(), recognition(labels=("adidas",), probabilities=(1.0,)))
    assert two.shape[0] > one.shape[0] > 320
    assert not has(two[:320], draw.REGION_COLORS[0])


def test_a_wrong_first_label_is_drawn_otherwise_than_a_right_one():
    right = draw.draw_recognition(photo(), recognition(), truth="adidas")
    wrong = draw.draw_recognition(photo(), recognition(), truth="puma")
    first_line = slice(320, 352)
    assert has(right[first_line], draw._RIGHT) and not has(right[first_line], draw._WRONG)
    assert has(wrong[first_line], draw._WRONG) and not has(wrong[first_line], draw._RIGHT)


def test_of_nothing_known_none_is_drawn_in_one_line():
    empty = np.zeros((0, 4), np.float32)
    unknown = Recognition((), (), empty, empty[:, 0], known=False, confidence=0.3)
    drawn, named = draw.draw_recognition(photo(), unknown), draw.draw_recognition(photo(), recognition((), ("none",), (0.3,)))
    # The same word in the same place; the share at the right is that of the likeliest.
    np.testing.assert_array_equal(drawn[:, :200], named[:, :200])
    assert not np.array_equal(drawn[:, 200:], named[:, 200:])
    assert has(draw.draw_recognition(photo(), unknown, truth="puma")[320:352], draw._WRONG)


def match(box, label="adidas"):
    return Match(label, 0.5, box, None)


def test_only_matches_in_several_boxes_are_numbered():
    one = draw.draw_matches(photo(), [match((20, 40, 80, 160))], side=None)
    assert tuple(one[50, 40]) == draw.REGION_COLORS[0] and (one[30, 60] == 90).all()
    two = draw.draw_matches(photo(), [match((20, 40, 80, 160)), match((20, 170, 80, 195))], side=None)
    assert tuple(two[21, 42]) == draw.REGION_COLORS[0] and has(two[:100], draw.REGION_COLORS[1])


def test_of_thousands_of_matches_the_first_are_written_out():
    few, many = (draw.draw_matches(photo(), [match((20, 40, 80, 160))] * count, side=None) for count in (100, 3000))
    assert len(few) == 100 + 100 * 48 and len(many) == len(few) + 48
    assert has(many[-48:], draw._LIGHT) and draw.encoded(many)


def test_a_box_that_was_asked_about_is_drawn_where_nothing_is_known():
    asked = draw.draw_matches(photo(), [], boxes=[np.float32([20, 40, 80, 160])], side=None)
    assert tuple(asked[50, 40]) == draw.TRUTH_COLOR
    assert not has(draw.draw_matches(photo(), [], side=None)[:100], draw.TRUTH_COLOR)


@pytest.mark.parametrize("matches", [[], [match((20, 40, 80, 160)), match((20, 40, 80, 160), "puma")]])
def test_a_wrong_first_match_is_drawn_otherwise_than_a_right_one(matches):
    unknown, right, wrong = (
        draw.draw_matches(photo(), matches, right=right, side=None)[100:148] for right in (None, True, False)
    )
    assert has(right, draw._RIGHT) and not has(right, draw._WRONG)
    assert has(wrong, draw._WRONG) and not has(wrong, draw._RIGHT)
    assert not has(unknown, draw._RIGHT) and not has(unknown, draw._WRONG)


def test_a_name_that_is_too_long_is_shortened_and_any_letters_are_drawn():
    long = recognition(labels=("Ü" * 200, "可口可乐"))
    picture = draw.draw_recognition(photo(40, 30), long, truth="\u0000")
    assert picture.shape[1] == 480


def test_a_cut_inside_is_the_photograph_and_outside_is_grey():
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(draw.cut(pixels, (2, 3, 6, 7), 4), pixels[2:6, 3:7])
    np.testing.assert_array_equal(draw.cut(pixels, (-4, 0, 0, 4), 4), np.full((4, 4, 3), draw.BLANK))
    half = draw.cut(pixels, (-2, 0, 2, 4), 4)
    assert (half[:2] == draw.BLANK).all() and (half[2:] == pixels[:2, :4]).all()


def test_crops_and_drops_stand_beside_their_regions():
    pixels = photo(100, 100)
    pixels[:50] = 200
    maps = np.zeros((1, 2, 2), np.float32)
    maps[:, 0] = 1.0
    picture = draw.draw_regions(pixels, [[0, 0, 100, 100]], [[60, 0, 100, 40]], maps, side=100)
    left = 200  # the photograph, two tiles wide
    region, crop, drop = (picture[:100, left + 100 * n : left + 100 * (n + 1)] for n in range(3))
    assert (region[40, 50] == 200).all() and (region[90, 80] == 90).all()
    assert (crop[40, 50] == 90).all()
    assert (drop[30, 50] == draw.BLANK).all() and (drop[80, 50] == 90).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_there_is_a_row_of_tiles_for_each_region(count):
    boxes = [[0, 0, 50, 50]] * count
    picture = draw.draw_regions(photo(), boxes, boxes, np.zeros((count, 3, 3)), side=64)
    assert picture.shape == (max(2, count) * 64, max(2, count) * 64 + 3 * 64, 3)


def test_without_crops_and_drops_there_are_regions_alone():
    assert draw.draw_regions(photo(), [[0, 0, 50, 50]], side=64).shape == (128, 192, 3)
    assert draw.draw_regions(photo(), np.zeros((0, 4)), side=64).shape == (128, 128, 3)


def test_a_contact_sheet_holds_every_picture_in_order():
    sheet = draw.contact_sheet([photo(40, 40, level) for level in (10, 20, 30)], columns=2, cell=40, gap=4)
    assert sheet.shape == (4 + 2 * 44, 4 + 2 * 44, 3)
    assert [sheet[y, x, 0] for y, x in ((20, 20), (20, 64), (64, 20))] == [10, 20, 30]


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), "photo.jpg"])
def test_what_is_no_photograph_is_refused(bad):
    with pytest.raises(ValueError, match="must be a uint8 RGB array"):
        draw.draw_recognition(bad, recognition())


def test_unequal_numbers_of_regions_crops_and_maps_are_refused():
    with pytest.raises(ValueError, match="crop_boxes must be one a region, got 2 for 1"):
        draw.draw_regions(photo(), [[0, 0, 50, 50]], [[0, 0, 50, 50]] * 2)


def test_an_empty_contact_sheet_is_refused():
    with pytest.raises(ValueError, match="needs pictures"):
        draw.contact_sheet([])


def test_a_box_is_drawn_around_a_logo_and_not_on_it():
    picture = draw.draw_boxes(photo(), [[20, 30, 40, 60]])
    assert has(picture, draw.REGION_COLORS[0])
    assert (picture[20:40, 30:60] == 90).all() and (picture[:16] == 90).all() and (picture[18, 28:62] != 90).any()
    assert (draw.draw_boxes(photo(), []) == 90).all()


def test_a_region_without_extent_is_drawn():
    picture = draw.draw_regions(photo(), np.float32([[5, 5, 5, 5]]), crop_boxes=np.float32([[5, 5, 5, 5]]), side=16)
    assert picture.shape[0] == 32
