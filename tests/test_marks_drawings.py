"""The drawings of marks: cropped, in one file, made once; marks that look the same are of one brand."""

import cv2
import numpy as np
import pytest
from marks import BARS, CROSS, RING, SQUARE, small_package

from logo_keras.datasets.marks import alike, drawings
from logo_keras.errors import UserError

pytest.importorskip("resvg_py")

ICONS = {"ring": RING, "cross": CROSS, "bars": BARS, "square": SQUARE, "nothing": "<g/>", "damaged": "<path", "nike": RING}


def svg(body, box="0 0 24 24"):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{body}</svg>'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("marks")
    wanted = small_package(root, ICONS)
    return root, wanted, drawings.drawings(root, wanted)


def test_the_drawings_are_those_that_show_something(made):
    found = made[2]
    assert [mark.path for mark in found.marks] == ["small/ring", "small/cross", "small/bars"]
    assert found.empty == ("small/square", "small/nothing", "small/damaged")
    assert found.left_out == 1


def test_a_mark_of_one_colour_is_its_opacity(made):
    ring = made[2][0]
    assert ring.pixels.shape == (160, 160) and ring.pixels is not ring.alpha.copy()
    assert ring.pixels[80, 10] == 255 and ring.pixels[80, 80] == 0
    assert ring.mark.color is None


def test_a_mark_in_several_colours_has_them_multiplied_by_the_opacity(made):
    bars = made[2][2]
    assert bars.pixels.shape == (160, 160, 4)
    np.testing.assert_allclose(bars.pixels[80, 20], [238, 0, 0, 255], atol=2)
    np.testing.assert_allclose(bars.pixels[80, 140], [0, 0, 238, 255], atol=2)
    assert not bars.pixels[80, 80].any()
    assert (bars.pixels[..., :3] <= bars.pixels[..., 3:]).all()


@pytest.mark.parametrize("box", ["0 0 24 24", "-20 -60 200 200", "0 -4 24 30"])
def test_a_drawing_is_cropped_and_160_px_long_whatever_lies_around_it(box):
    pixels, _ = drawings.draw(svg('<path fill="currentColor" d="M0 0h24v4h-8v8H0z"/>', box))
    assert pixels.shape == (80, 160)
    assert pixels[40, 2] == 255 and pixels[2, 157] == 255 and pixels[70, 150] == 0


def test_a_colour_is_given_by_the_package_or_found_in_a_flat_drawing():
    assert drawings.draw(svg(RING.replace("currentColor", "#102030")))[1] == (16, 32, 48)
    assert drawings.draw(svg(RING), (1, 2, 3))[1] == (1, 2, 3)
    pixels, color = drawings.draw(svg(BARS))
    assert color is None and pixels.ndim == 3


def test_what_is_drawn_once_is_not_drawn_again(made, monkeypatch):
    root, wanted, first = made

    def fail(*arguments):
        raise AssertionError("a mark was drawn")

    monkeypatch.setattr(drawings, "draw", fail)
    again = drawings.drawings(root, wanted)
    assert again.marks == first.marks
    np.testing.assert_array_equal(again[2].pixels, first[2].pixels)


def test_other_lists_and_packages_are_drawn_anew(made, monkeypatch):
    root, wanted, first = made
    monkeypatch.setattr(drawings.catalogue, "left_out_patterns", lambda: ("small/ring",))
    other = drawings.drawings(root, wanted)
    assert [mark.name for mark in other.marks] == ["cross", "bars"]
    assert other.key != first.key


def test_an_interrupted_drawing_leaves_nothing_under_the_final_name(tmp_path, monkeypatch):
    wanted = small_package(tmp_path, ICONS)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(drawings, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawings.drawings(tmp_path, wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["packages"]


def test_a_damaged_file_is_named(made, tmp_path):
    root, _, first = made
    folder = tmp_path / "drawings"
    folder.mkdir()
    for path in (root / f"drawings-{first.key}").iterdir():
        (folder / path.name).write_bytes(path.read_bytes()[: None if path.suffix == ".json" else 100])
    with pytest.raises(UserError, match="drawings is damaged.*remove the folder"):
        drawings.Drawings(folder)


def test_brands_whose_marks_look_the_same_are_one(tmp_path):
    # Two names of the ring, of which one has a cross too; another shape; and the ring in another size.
    icons = {"circle": RING, "hoop": RING, "hoop-icon": CROSS, "bars": BARS, "large": f'<g transform="scale(.5)">{RING}</g>'}
    found = drawings.drawings(tmp_path, small_package(tmp_path, icons))
    assert [mark.brand for mark in found.marks] == ["hoop", "hoop", "hoop", "bars", "hoop"]


def test_marks_that_differ_are_not_joined():
    ring = np.zeros((64, 64), np.uint8)
    cv2.circle(ring, (32, 32), 28, 255, 8)
    disc = cv2.circle(ring.copy(), (32, 32), 12, 255, cv2.FILLED)
    wide = cv2.resize(ring, (64, 32))
    looks = [alike.fingerprint(mask) for mask in (ring, disc, wide, ring)]
    assert alike.joined(["a", "b", "c", "d"], looks) == ("a", "b", "c", "a")
    assert looks[0] @ looks[0] == pytest.approx(1.0)
