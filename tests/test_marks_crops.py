"""Crops of marks: sizes, randomness, colours, what is seen of a mark, and scenes of the training split alone."""

import numpy as np
import pytest
from marks import drawing

from logo_keras.datasets.marks import crops, grounds
from logo_keras.datasets.synthetic import compositing, placement, scenes

pytest.importorskip("skimage")

ONE, MANY = drawing("acme"), drawing("acme", colored=True)


@pytest.fixture
def plain(monkeypatch):
    """Grounds of one grey, and no camera: what is drawn can be told."""
    monkeypatch.setattr(crops, "ground", lambda size, rng, cluttered=0: np.full((size, size, 3), 128, np.float32))
    monkeypatch.setattr(crops, "photographed", lambda scene, sharp, rng: np.rint(scene).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [64, 112, 160])
def test_crops_are_squares_of_the_wanted_size(size):
    for seed in range(6):
        for crop in (
            crops.mark_crop(ONE, np.random.default_rng(seed), size),
            crops.mark_crop(MANY, np.random.default_rng(seed), size),
            crops.background_crop([ONE, MANY], np.random.default_rng(seed), size),
        ):
            assert crop.shape == (size, size, 3) and crop.dtype == np.uint8


def test_the_same_numbers_give_the_same_crop_and_others_another():
    first, again, other = (crops.mark_crop(MANY, np.random.default_rng(seed), 96) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_drawings_are_left_as_they_are():
    before = MANY.pixels.copy(), ONE.pixels.copy()
    for seed in range(30):
        crops.mark_crop(MANY, np.random.default_rng(seed), 64)
        crops.background_crop([ONE, MANY], np.random.default_rng(seed), 64)
    np.testing.assert_array_equal(MANY.pixels, before[0])
    np.testing.assert_array_equal(ONE.pixels, before[1])


def test_a_mark_fills_the_crop_but_for_the_context(plain, monkeypatch):
    monkeypatch.setattr(crops, "_PLATES", 0.0)
    monkeypatch.setattr(crops, "_HIDDEN", 0.0)
    shares = []
    for seed in range(60):
        seen = np.abs(crops.mark_crop(ONE, np.random.default_rng(seed), 128).astype(int) - 128).max(axis=2) > 20
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        shares.append(max(np.ptp(rows), np.ptp(columns)) / 128)
    # 1 / 1.7 to 1 / 1.05 of the side.
    assert 0.54 < min(shares) < 0.68 and 0.86 < max(shares) < 0.97


def test_a_mark_stands_out_from_its_ground(plain):
    # On grey of 128 nothing but a mark, its plate or what covers it is light or dark.
    spans = [np.ptp(crops.mark_crop(mark, np.random.default_rng(seed), 64)) for mark in (ONE, MANY) for seed in range(40)]
    assert min(spans) > 45


def colors_of(mark, count=400):
    return [crops.artwork_of(mark, 40, np.random.default_rng(seed)) for seed in range(count)]


def test_a_mark_of_one_colour_comes_in_its_own_in_black_in_white_and_in_others():
    found = [artwork.color for artwork in colors_of(ONE)]
    own, black, white = (
        sum(color == wanted for color in found) for wanted in ((200, 30, 30), compositing.BLACK, compositing.WHITE)
    )
    assert 160 < own < 240 and 35 < black < 90 and 35 < white < 90 and own + black + white < 360


def test_a_mark_without_a_colour_never_needs_one():
    found = {artwork.color for artwork in colors_of(drawing("acme", color=None))}
    assert None not in found and {compositing.BLACK, compositing.WHITE} < found


def test_a_mark_in_several_colours_is_sometimes_grey_inverted_or_of_one_colour():
    found = colors_of(MANY)
    paints = [artwork.paints[0][2, 2] for artwork in found if artwork.paints]
    as_it_is = sum(np.abs(paint - np.array([250.0, 180, 20])).max() < 4 for paint in paints)
    inverted = sum(np.abs(paint - np.array([5.0, 75, 235])).max() < 4 for paint in paints)
    grey = sum(int(np.ptp(paint)) == 0 for paint in paints)
    assert as_it_is + inverted + grey == len(paints)
    assert 35 < 400 - len(paints) < 90
    assert 220 < as_it_is < 305 and 20 < inverted < 65 and 20 < grey < 65


def test_a_level_is_hardly_larger_than_its_place():
    for size in (9, 30, 100):
        assert size < max(crops.artwork_of(MANY, size, np.random.default_rng(0)).masks[0].shape) <= 1.5 * size


def test_of_a_part_less_than_about_half_is_seen(plain, monkeypatch):
    shares = []
    paste = compositing.paste

    def remembering(photo, where, *arguments, **others):
        shares.append(where.share_inside(*photo.shape[:2]))
        return paste(photo, where, *arguments, **others)

    monkeypatch.setattr(compositing, "paste", remembering)
    for seed in range(60):
        crops.part(np.full((64, 64, 3), 128, np.float32), MANY, np.random.default_rng(seed))
    assert len(shares) > 40 and 0.04 <= min(shares) < 0.15 and 0.3 < max(shares) <= 0.45


def test_marks_that_are_far_too_small_are_all_there(plain, monkeypatch):
    monkeypatch.setattr(crops, "_SCENES", 0.0)
    monkeypatch.setattr(crops, "_PARTS", 0.0)
    monkeypatch.setattr(crops, "_PLATES", 0.0)
    for seed in range(20):
        crop = crops.background_crop([ONE], np.random.default_rng(seed), 128)
        assert 0 < (np.abs(crop.astype(int) - 128).max(axis=2) > 30).mean() < 3 * 0.2**2


def test_scenes_are_those_of_the_training_split(monkeypatch):
    asked = set()
    pixels = scenes.pixels

    def remembering(area):
        asked.add(area)
        return pixels(area)

    monkeypatch.setattr(scenes, "pixels", remembering)
    for seed in range(200):
        grounds.ground(32, np.random.default_rng(seed))
    assert {area.split for area in asked} == {"train"} and len(asked) >= 6


def test_grounds_are_in_range_and_of_many_kinds():
    found = np.stack([grounds.ground(48, np.random.default_rng(seed)) for seed in range(100)])
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 255
    assert 5 < sum(scene.std(axis=(0, 1)).max() < 0.5 for scene in found) < 40
    assert found.mean(axis=(1, 2)).std(axis=0).min() > 30


def placed(pixels, corner, side):
    """A square picture, uint8 `[n, n, 4]`, at a place of a photo."""
    matrix, box = np.array([[side, 0, corner], [0, side, corner], [0, 0, 1.0]]), np.array([corner, corner + side])
    return placement.Placement(pixels[..., 3].copy(), matrix, box.repeat(2).astype(float), pixels[..., :3].copy())


def test_a_mark_in_several_colours_keeps_them():
    where = placed(MANY.pixels, 14, 100)
    photo = np.full((128, 128, 3), 30, np.float32)
    coverage = compositing.paste(photo, where, (0, 0, 0), np.random.default_rng(3), plate=False)
    assert compositing.tight_box(coverage) == (14, 14, 114, 114)
    # Light alone changes them, the same in each channel.
    tile = photo[20, 20] / np.array([250, 180, 20])
    assert tile.max() < 1.5 and tile.min() > 0.3


def test_a_mark_in_the_colours_of_its_ground_lies_on_a_plate():
    where = placed(np.full((40, 40, 4), 255, np.uint8), 44, 40)
    for seed in range(10):
        photo = np.full((128, 128, 3), 255, np.float32)
        compositing.paste(photo, where, (0, 0, 0), np.random.default_rng(seed), plate=False)
        assert photo[36:92, 36:92].min() < 200


def test_the_share_inside_is_that_of_the_mark():
    mask = np.full((40, 80), 255, np.uint8)
    where = placement.Placement(mask, np.array([[80.0, 0, 10], [0, 40, 20], [0, 0, 1]]), np.array([20.0, 10, 60, 90]))
    assert where.share_inside(100, 100) == 1.0
    assert where.moved(0, -50).share_inside(100, 100) == pytest.approx(0.5, abs=0.03)
    np.testing.assert_array_equal(where.moved(5, -50).box, [25, -40, 65, 40])
    assert where.moved(200, 0).share_inside(100, 100) == 0.0
