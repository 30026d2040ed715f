"""The square around a box: where it lies, what is beyond the photo, and that no box fills the memory."""

import numpy as np
import pytest

from logo_keras.image.surroundings import square, squares


def numbered(height, width):
    """A photo whose px say where they lie: (row, column, 7)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


def slow_square(photo, box):
    """The square of 1.25 times the longer side, px by px: beyond the photo the nearest one of its px."""
    y0, x0, y1, x1 = box
    side = round(1.25 * max(y1 - y0, x1 - x0))
    top, left = round((y0 + y1 - side) / 2), round((x0 + x1 - side) / 2)
    rows, columns = (
        np.clip(start + np.arange(side), 0, length - 1) for start, length in ((top, photo.shape[0]), (left, photo.shape[1]))
    )
    return photo[rows][:, columns]


def test_a_box_in_the_middle_gives_the_px_around_it():
    # 40 px wide, so a square of 50 px around (50, 60).
    cut = square(numbered(100, 120), (45, 40, 55, 80))
    assert cut.shape == (50, 50, 3)
    assert cut[0, 0].tolist() == [25, 35, 7] and cut[-1, -1].tolist() == [74, 84, 7]


@pytest.mark.parametrize("box", [(0, 0, 10, 80), (90, 100, 100, 120), (3.4, 5.6, 61.2, 20.1), (0, 0, 100, 120), (5, 0, 6, 1)])
def test_beyond_the_photo_its_outermost_px_go_on(box):
    photo = numbered(100, 120)
    np.testing.assert_array_equal(square(photo, box), slow_square(photo, box))


def test_what_of_a_box_lies_beyond_the_photo_does_not_count():
    photo = numbered(100, 120)
    np.testing.assert_array_equal(square(photo, (-50, -1e9, 40, 30)), square(photo, (0, 0, 40, 30)))


@pytest.mark.parametrize("box", [(160, 100, 300, 420), (90, 280, 410, 290)])
def test_a_large_square_is_the_mean_of_blocks(box):
    photo = np.random.default_rng(0).integers(0, 256, (500, 600, 3)).astype(np.uint8)
    whole, shrunk = square(photo, box), square(photo, box, largest=80)
    assert whole.shape == (400, 400, 3) and shrunk.shape == (80, 80, 3)
    assert np.abs(shrunk - whole.reshape(80, 5, 80, 5, 3).mean((1, 3))).max() <= 0.51


@pytest.mark.parametrize("box", [(0, 0, 100, 160), (40, 51, 100, 211), (3, 50, 100, 210)])
def test_a_large_square_goes_on_beyond_the_photo_too(box):
    photo = numbered(100, 211)
    whole, shrunk = square(photo, box), square(photo, box, largest=50)
    assert whole.shape == (200, 200, 3) and shrunk.shape == (50, 50, 3)
    # Where a block goes on in place of its outermost px, it is half a block off, on this photo 2 levels.
    assert np.abs(shrunk - whole.reshape(50, 4, 50, 4, 3).mean((1, 3))).max() <= 2


def test_a_long_photo_fills_no_memory():
    photo = np.zeros((1, 60_000, 3), np.uint8)
    cut = square(photo, (0, 0, 1, 60_000))
    assert cut.shape[0] == cut.shape[1] and 900 < cut.shape[0] <= 1024


def test_the_square_is_no_view_of_the_photo():
    photo = numbered(100, 120)
    assert not np.shares_memory(square(photo, (45, 45, 55, 55)), photo)


@pytest.mark.parametrize(
    ("box", "complaint"),
    [
        ((0, 0, 10), "four numbers"),
        ((0, 0, 10, np.nan), "four numbers"),
        ("box", "four numbers"),
        ((5, 5, 5, 9), "is empty"),
        ((9, 5, 5, 9), "is empty"),
        ((0, 120, 9, 130), "outside the photo of 100 x 120 px"),
    ],
)
def test_a_box_that_shows_nothing_is_refused(box, complaint):
    with pytest.raises(ValueError, match=complaint):
        square(numbered(100, 120), box)


def test_only_a_photo_is_cut():
    with pytest.raises(ValueError, match="photo must be a uint8 RGB array"):
        square(np.zeros((4, 4)), (0, 0, 1, 1))


def test_a_whole_photo_keeps_its_shape():
    photo = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    (seen,) = squares(photo)
    np.testing.assert_array_equal(seen, photo[[0, 0, 1, 1]])


def test_there_is_a_square_for_each_box():
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    boxes = [(0, 0, 10, 20), (5.5, 40, 30, 60)]
    for seen, box in zip(squares(photo, boxes), boxes, strict=True):
        np.testing.assert_array_equal(seen, square(photo, box))
    assert squares(photo, np.zeros((0, 4))) == []
