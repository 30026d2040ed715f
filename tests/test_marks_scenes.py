"""Scenes of marks: boxes that are exact, how many marks there are and how large, what has no box, and batches of scenes."""

import numpy as np
import pytest
from marks import drawing

from logo_keras.datasets.marks import Marks, crops, objects, scenes, scenes_sheet
from logo_keras.datasets.synthetic import compositing

pytest.importorskip("skimage")

DRAWN = [drawing(brand, colored=place % 2 == 1) for place, brand in enumerate(["acme", "alpha", "beta", "gamma", "omega"])]
GREY = 128


@pytest.fixture
def plain(monkeypatch):
    """A grey ground without things, and no camera: what is drawn can be told."""
    monkeypatch.setattr(scenes, "ground", lambda size, rng, cluttered=0: np.full((size, size, 3), GREY, np.float32))
    monkeypatch.setattr(crops, "photographed", lambda canvas, *_: np.rint(canvas).clip(0, 255).astype(np.uint8))
    monkeypatch.setattr(objects, "thing", lambda *arguments, **others: None)
    for share in ("_TEXTS", "_PARTS", "_RELIEF", "_FADED", "_COVERED", "_SHADE", "_PLATES", "_GLASS", "_PALE"):
        monkeypatch.setattr(scenes, share, 0.0)


def drawn(seed, size=128, **arguments):
    return scenes.scene(DRAWN, np.random.default_rng(seed), size, **arguments)


def differs(photo, least):
    """Where a scene on grey is not grey: bool `[S, S]`."""
    return np.abs(photo.astype(int) - GREY).max(axis=2) > least


def test_a_box_has_exactly_what_is_seen_of_its_mark(plain, monkeypatch):
    monkeypatch.setattr(scenes, "_GROUPS", 0.0)
    monkeypatch.setattr(scenes, "_ALONE", (1.0, 0, 0, 0, 0, 0))
    # Even light, and nothing rounded: how far a px is from grey is how much of it the mark covers.
    monkeypatch.setattr(compositing, "_light", lambda window, rng: np.ones((*window.shape[:2], 1), np.float32))
    monkeypatch.setattr(crops, "photographed", lambda canvas, *_: canvas)
    for seed in range(30):
        # Of one colour: what is in several may lie on a plate, to be seen.
        photo, boxes, _ = scenes.scene(DRAWN[::2], np.random.default_rng(seed), 256, empty=0.0)
        far = np.abs(photo - GREY).max(axis=2)
        covered = far >= compositing.VISIBLE * far.max()
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        np.testing.assert_array_equal(boxes, [[rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]])


def test_every_mark_has_a_box_and_every_box_a_mark(plain):
    for seed in range(40):
        photo, boxes, places = drawn(seed)
        assert len(boxes) == len(places) <= scenes.MOST
        seen, inside = differs(photo, 20), np.zeros(photo.shape[:2], bool)
        for y0, x0, y1, x1 in boxes.astype(int):
            assert seen[y0:y1, x0:x1].any()
            # What is in several colours may lie on a plate, which reaches beyond its box.
            room = round(0.8 * max(y1 - y0, x1 - x0))
            inside[max(0, y0 - room) : y1 + room, max(0, x0 - room) : x1 + room] = True
        assert not (seen & ~inside).any()


def test_the_same_numbers_give_the_same_scene_and_others_another():
    first, again, other = (drawn(seed) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first[0] != other[0]).mean() > 0.5


def test_scenes_are_squares_with_boxes_inside_them():
    for seed in range(40):
        photo, boxes, places = drawn(seed, 96)
        assert photo.shape == (96, 96, 3) and photo.dtype == np.uint8
        assert boxes.dtype == np.float32 and boxes.shape == (len(places), 4) and places.dtype == np.int64
        assert (boxes >= 0).all() and (boxes <= 96).all() and (boxes[:, 2:] > boxes[:, :2]).all()
        assert ((0 <= places) & (places < len(DRAWN))).all()


def test_a_share_of_the_scenes_is_without_a_mark(plain):
    empty = np.mean([len(drawn(seed, 64)[1]) == 0 for seed in range(400)])
    # 15 %, and three standard deviations.
    assert empty == pytest.approx(scenes.EMPTY, abs=0.054)
    assert all(len(drawn(seed, 64, empty=1.0)[1]) == 0 for seed in range(10))


def test_there_are_never_more_marks_than_wanted_and_at_times_as_many(plain):
    counts = [len(drawn(seed, 96, most=3)[1]) for seed in range(60)]
    assert max(counts) == 3
    assert max(len(drawn(seed)[1]) for seed in range(150)) > 5


def test_marks_have_4_to_60_percent_of_the_side_and_as_many_are_below_15_as_above(plain, monkeypatch):
    monkeypatch.setattr(scenes, "_GROUPS", 0.0)
    monkeypatch.setattr(scenes, "_ALONE", (1.0, 0, 0, 0, 0, 0))
    monkeypatch.setattr(scenes, "_BEYOND", 0.0)
    boxes = np.concatenate([drawn(seed, 192, empty=0.0)[1] for seed in range(200)])
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 192
    # A px to either side.
    assert 0.04 - 2 / 192 <= longer.min() < 0.06 and 0.5 < longer.max() <= 0.6 + 2 / 192
    assert 0.12 < np.median(longer) < 0.19


def test_marks_hardly_hide_each_other(plain):
    for seed in range(60):
        boxes = drawn(seed)[1]
        for place, one in enumerate(boxes):
            for other in boxes[place + 1 :]:
                common = np.prod(np.maximum(0, np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])))
                # Boxes of marks that are turned have empty corners.
                assert common <= 0.35 * min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))


def shown(number=0, corner=(10, 20), side=20):
    return scenes._Shown(number, corner, np.ones((side, side), np.float32), float(side**2))


def test_what_lies_above_a_mark_is_taken_from_it():
    mark = shown()
    # Covers its lower right quarter and much beyond it.
    left = mark.less(np.ones((40, 40), np.float32), (20, 30))
    assert left.sum() == 300 and left[10:, 10:].sum() == 0
    assert mark.less(np.ones((5, 5), np.float32), (0, 0)).sum() == mark.less(np.ones((5, 5), np.float32), (80, 80)).sum() == 400
    assert mark.less(np.full((60, 60), 0.25, np.float32), (0, 0)).sum() == 300
    np.testing.assert_array_equal(mark.box, [10, 20, 30, 40])


def test_a_mark_that_would_hide_another_is_taken_back(plain):
    canvas = np.full((128, 128, 3), GREY, np.float32)
    rng = np.random.default_rng(0)
    piece = scenes._single(DRAWN, lambda rng: 0, rng, 128, [])
    found = []
    scenes._show(canvas, piece, found, rng)
    before = canvas.copy()
    scenes._show(canvas, piece, found, rng)
    assert len(found) == 1
    np.testing.assert_array_equal(canvas, before)


def test_of_a_mark_beyond_the_edge_at_least_70_percent_is_seen(plain, monkeypatch):
    monkeypatch.setattr(scenes, "_BEYOND", 1.0)
    shares = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        piece = scenes._single(DRAWN, lambda rng: 0, rng, 128, [])
        if piece is not None:
            shares.append(piece.where.share_inside(128, 128))
    assert 0.7 <= min(shares) < 0.9


def test_parts_of_marks_have_no_box(plain, monkeypatch):
    monkeypatch.setattr(scenes, "_PARTS", 1.0)
    photos, boxes, _ = zip(*(drawn(seed, empty=1.0) for seed in range(10)), strict=True)
    assert sum(map(len, boxes)) == 0
    assert sum(differs(photo, 20).any() for photo in photos) > 7


def test_long_marks_are_large_enough_to_be_seen():
    assert scenes._thinnest((20, 160)) == pytest.approx(0.16)
    assert scenes._thinnest((2, 160)) == scenes.SIZES[1]


def test_a_group_repeats_a_mark_or_shows_several(plain):
    groups = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        groups.append(scenes._group(DRAWN, lambda rng: int(rng.integers(5)), rng, 128, 8))
    kinds = [len({piece.number for piece in group}) for group in groups if len(group) > 1]
    assert 20 < sum(kind == 1 for kind in kinds) < 60 and max(kinds) > 2


@pytest.fixture(scope="module")
def marks():
    return Marks.of(DRAWN)


def test_batches_have_fixed_shapes_and_labels_of_minus_one_where_there_is_no_mark(marks):
    batches = marks.scenes(6, 64, steps=3, most_boxes=5)
    assert len(batches) == 3
    for images, targets in batches:
        boxes, labels = targets["boxes"], targets["labels"]
        assert images.shape == (6, 64, 64, 3) and images.dtype == np.float32
        assert boxes.shape == (6, 5, 4) and boxes.dtype == np.float32
        assert labels.shape == (6, 5) and labels.dtype == np.int64 and labels.max() < marks.num_classes
        assert (boxes[labels < 0] == 0).all() and ((boxes[labels >= 0][:, 2:] - boxes[labels >= 0][:, :2]) > 0).all()
        # Those that there are come first.
        assert (np.diff((labels < 0).astype(int), axis=1) >= 0).all()


def test_the_same_seed_and_epoch_give_the_same_scenes_and_others_give_others(marks):
    first, other = marks.scenes(3, 64, seed=5, steps=4), marks.scenes(3, 64, seed=5, steps=4, first_epoch=2)
    images, targets = first.batch(2, 1)
    again, same = other.batch(2, 1)
    np.testing.assert_array_equal(images, again)
    for name in targets:
        np.testing.assert_array_equal(targets[name], same[name])
    assert (images != first.batch(3, 1)[0]).any() and (images != marks.scenes(3, 64, seed=6, steps=4).batch(2, 1)[0]).any()


def test_the_boxes_of_a_batch_are_those_of_its_scenes(marks):
    batches = marks.scenes(4, 64, steps=2)
    images, targets = batches.batch(0, 1)
    photo, target = batches.source.sample(0, batches.source.plan(0), 6)
    np.testing.assert_array_equal(images[2], photo)
    np.testing.assert_array_equal(targets["boxes"][2], target["boxes"])
    np.testing.assert_array_equal(targets["labels"][2], target["labels"])


def test_scenes_come_as_tf_data_too(marks):
    pytest.importorskip("tensorflow")
    images, targets = next(iter(marks.scenes(2, 64, steps=2, engine="tf.data")))
    wanted, same = marks.scenes(2, 64, steps=2).batch(0, 0)
    np.testing.assert_array_equal(images, wanted)
    np.testing.assert_array_equal(targets["boxes"], same["boxes"])
    assert targets["labels"].shape == (2, 8)


def test_a_share_of_the_marks_is_wordmarks(marks, monkeypatch):
    monkeypatch.setattr("logo_keras.datasets.marks.catalogue.FONTS", {"anton": None})
    words = [drawing(f"word{number}", name=f"word{number}") for number in range(2)]
    mixed = Marks.of(
        [*DRAWN, *(type(word)(type(word.mark)(word.mark.brand, "anton", word.mark.name), word.pixels) for word in words)]
    )
    weights = mixed.scenes(2, 64, words=0.4).source.weights
    assert weights[5:].sum() / weights.sum() == pytest.approx(0.4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(batch_size=0), "batch_size must be an integer of at least 1"),
        (dict(most_boxes=0), "most_boxes must be an integer of at least 1"),
        (dict(empty=1.0), r"empty must be a number in \[0, 1\)"),
        (dict(words=-1), r"words must be a number in \[0, 1\)"),
        (dict(balance=2), "balance must be a number"),
    ],
)
def test_arguments_out_of_range_are_named(marks, arguments, message):
    with pytest.raises(ValueError, match=message):
        marks.scenes(**{"batch_size": 4, "image_size": 64} | arguments)


def test_a_sheet_has_a_scene_a_cell(marks):
    sheet = scenes_sheet(marks, rows=2, columns=3, size=64)
    assert sheet.shape == (4 + 2 * 68, 4 + 3 * 68, 3) and sheet.dtype == np.uint8


def test_what_a_mark_hides_is_itself_and_its_plate():
    artwork = crops.artwork_of(DRAWN[0], 40, np.random.default_rng(0))
    where = scenes.placement.place(artwork, 40, 96, 96, np.random.default_rng(0))
    for plate in (False, True):
        coverage, hidden = compositing.paste_over(
            np.full((96, 96, 3), GREY, np.float32), where, (0, 0, 0), np.random.default_rng(1), plate
        )
        assert (hidden >= coverage).all()
        assert (hidden.sum() > 1.2 * coverage.sum()) == plate
