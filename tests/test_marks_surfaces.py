"""Surfaces of marks: edges that catch the light, cloth, outlines, marks printed in one colour."""

import numpy as np
import pytest
from marks import drawing

from logo_keras.datasets.marks import crops, surfaces

pytest.importorskip("skimage")

GREY = np.full((96, 96, 3), 128, np.float32)


def disc(side=96, radius=0.3):
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    return np.hypot(rows, columns) < radius


def painted(ink):
    scene = GREY.copy()
    scene[disc()] = ink
    return scene


def test_relief_puts_light_on_one_side_of_a_mark_and_shade_on_the_other():
    for seed in range(10):
        scene = surfaces.relief(painted(128), GREY, disc().astype(np.float32), np.random.default_rng(seed))
        rim = disc(radius=0.34) & ~disc(radius=0.26)
        assert scene[rim].max() > 128 + 20 and scene[rim].min() < 128 - 20
        # Far from the mark nothing changes.
        np.testing.assert_array_equal(scene[:10], GREY[:10])


def test_some_marks_in_relief_have_nearly_the_colour_of_their_ground():
    inside = disc(radius=0.15)
    left = []
    for seed in range(100):
        scene = surfaces.relief(painted(250), GREY, disc().astype(np.float32), np.random.default_rng(seed))
        left.append((scene[inside].mean() - 128) / (250 - 128))
    assert 20 < sum(share < 0.65 for share in left) < 60


def test_waves_move_a_scene_by_a_few_px_and_keep_its_size():
    scene = painted(250)
    moved = [surfaces.waved(scene, np.random.default_rng(seed)) for seed in range(10)]
    for each in moved:
        assert each.shape == scene.shape and each.dtype == np.float32
        # The middle of the mark and the corners stay what they are, but for the light.
        assert each[40:56, 40:56].mean() > 200 and each[:8, :8].mean() < 160
    assert np.abs(moved[0] - moved[1]).max() > 20


def test_of_a_solid_mark_the_outline_is_left_and_thin_strokes_stay():
    solid, stroke = np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint8)
    solid[10:90, 10:90] = 255
    stroke[49:51] = 255
    for seed in range(10):
        left = surfaces.outline(solid, np.random.default_rng(seed))
        assert left[10, 50] == 255 and left[50, 50] == 0 and 0.03 < (left > 0).mean() < 0.3
        np.testing.assert_array_equal(surfaces.outline(stroke, np.random.default_rng(seed)), stroke)


def test_in_one_colour_the_light_or_the_dark_parts_of_a_mark_are_left():
    paint, mask = np.full((40, 40, 3), 220, np.uint8), np.full((40, 40), 255, np.uint8)
    paint[:, 20:] = 30
    found = {tuple(surfaces.in_one_color(paint, mask, np.random.default_rng(seed))[20, [5, 35]]) for seed in range(20)}
    assert found == {(255, 0), (0, 255)}
    alike = np.full((40, 40, 3), 220, np.uint8)
    np.testing.assert_array_equal(surfaces.in_one_color(alike, mask, np.random.default_rng(0)), mask)


def test_something_stands_beside_a_mark_and_does_not_lie_on_it():
    mark, other = drawing("acme"), drawing("other")
    seen = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        artwork = crops.artwork_of(mark, 40, rng)
        where = crops.placement.place(artwork, 40, 128, 128, rng)
        scene = np.full((128, 128, 3), 128, np.float32)
        crops._companion(scene, other, where, 40, rng)
        changed = np.abs(scene - 128).max(axis=2) > 2
        y0, x0, y1, x1 = np.round(where.box).astype(int)
        assert not changed[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1].any()
        seen.append(changed.any())
    assert sum(seen) > 40


@pytest.mark.parametrize("mark", [drawing("acme").pixels, drawing("acme", colored=True).pixels])
def test_a_bent_mark_keeps_its_area_and_has_no_margin(mark):
    before = (mark if mark.ndim == 2 else mark[..., 3]) >= 64
    for seed in range(5):
        pixels = surfaces.bent(mark, np.random.default_rng(seed))
        assert pixels.dtype == np.uint8 and pixels.shape[2:] == mark.shape[2:]
        alpha = (pixels if pixels.ndim == 2 else pixels[..., 3]) >= 64
        assert alpha[0].any() and alpha[-1].any() and alpha[:, 0].any() and alpha[:, -1].any()
        assert 0.8 < alpha.sum() / before.sum() < 1.2
