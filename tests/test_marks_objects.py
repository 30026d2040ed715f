"""Things and texts that scenes of marks have beside them: where they are drawn."""

import numpy as np
import pytest

from logo_keras.datasets.marks import objects

pytest.importorskip("skimage")

# No ground has this.
UNTOUCHED = -1000


@pytest.fixture
def canvas():
    return np.full((96, 96, 3), UNTOUCHED, np.float32)


def changed(canvas):
    return (canvas != UNTOUCHED).any(axis=2)


@pytest.mark.parametrize("board", [True, False, None])
def test_a_thing_covers_the_middle_of_its_box_and_nothing_far_away(canvas, board):
    objects.thing(canvas, (30, 40, 60, 70), np.random.default_rng(1), board=board)
    assert changed(canvas)[42:48, 52:58].all()
    assert not changed(canvas)[:8].any() and not changed(canvas)[:, :8].any()


def test_a_thing_beyond_the_scene_leaves_it_as_it_is(canvas):
    for box in ((-80, -80, -40, -40), (200, 10, 240, 50), (10, 300, 20, 400)):
        objects.thing(canvas, box, np.random.default_rng(1))
    assert not changed(canvas).any()


def test_a_thing_may_be_larger_than_the_scene(canvas):
    objects.thing(canvas, (-100, -100, 200, 200), np.random.default_rng(0), board=True)
    assert changed(canvas).all()


def test_the_same_numbers_give_the_same_thing(canvas):
    again = canvas.copy()
    for scene in (canvas, again):
        objects.thing(scene, (20, 20, 70, 80), np.random.default_rng(4))
    np.testing.assert_array_equal(canvas, again)


def test_a_text_stays_in_its_box():
    scene = np.full((96, 96, 3), 128, np.float32)
    objects.text(scene, (20, 30, 60, 90), np.random.default_rng(2))
    written = (scene != 128).any(axis=2)
    assert written[20:60, 30:90].any()
    written[20:60, 30:90] = False
    assert not written.any()
    objects.text(scene, (96, 10, 96, 50), np.random.default_rng(2))
