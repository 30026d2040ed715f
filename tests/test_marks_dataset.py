"""Marks as a data set: brands, splits, and batches that depend on the seed, the epoch and the position alone."""

import json

import numpy as np
import pytest
from marks import BARS, CROSS, RING, drawing, small_package

from logo_keras.datasets.marks import Marks, contact_sheet, dataset, drawings, packages, scenes

pytest.importorskip("skimage")

# Four marks of one brand, and one of each of five others.
NAMES = ["much", "much", "much", "much", "alpha", "beta", "gamma", "delta", "omega"]
DRAWN = [drawing(brand, colored=place % 2 == 1, name=f"{brand}{place}") for place, brand in enumerate(NAMES)]


@pytest.fixture(scope="module")
def marks():
    return Marks.of(DRAWN)


def labels_of(batches):
    return np.concatenate([labels for _, labels in batches])


def test_brands_are_named_in_the_order_of_the_alphabet(marks):
    assert marks.class_names == ("alpha", "beta", "delta", "gamma", "much", "omega")
    assert marks.num_classes == 6 and len(marks) == len(marks.drawings) == 9
    assert [marks.class_names[label] for label in marks.labels] == NAMES


def test_marks_are_opened_from_a_folder(tmp_path, monkeypatch):
    wanted = small_package(tmp_path, {"ring": RING, "cross": CROSS, "bars": BARS})
    monkeypatch.setattr(dataset, "drawings", lambda root: drawings.drawings(root, wanted))
    marks = Marks(tmp_path, split=None)
    assert marks.class_names == ("bars", "cross", "ring")
    assert marks.fingerprint()["drawings"] == drawings.drawings(tmp_path, wanted).key


def test_a_fiftieth_of_the_brands_is_held_out_and_no_brand_is_in_both_splits():
    drawn = [drawing(f"brand{number}") for number in range(600)]
    train, validation = Marks.of(drawn, "train"), Marks.of(drawn, "validation")
    assert 4 <= validation.num_classes <= 24
    assert not set(train.class_names) & set(validation.class_names)
    assert len(train) + len(validation) == 600
    assert dataset.split_of(validation.class_names[0]) == "validation"


def test_a_split_without_marks_is_refused():
    with pytest.raises(ValueError, match="no marks in the split 'validation'"):
        Marks.of([drawing("acme")], "validation")
    with pytest.raises(ValueError, match="split must be one of train, validation, None, got 'test'"):
        Marks.of(DRAWN, "test")


def test_the_fingerprint_tells_marks_apart_and_is_json(marks):
    print_of = marks.fingerprint()
    assert json.loads(json.dumps(print_of)) == print_of
    assert Marks.of(DRAWN).fingerprint() == print_of
    assert Marks.of(DRAWN[:-1]).fingerprint() != print_of
    assert len(json.dumps(print_of)) < 500
    # How scenes are drawn counts only where they are drawn: the run of an embedder goes on whatever becomes of them.
    assert marks.fingerprint(of_scenes=True) == print_of | {"scenes": scenes.RECIPE}


def test_batches_have_crops_and_a_fixed_share_of_backgrounds(marks):
    batches = marks.batches(10, 32, steps=3, backgrounds=0.3)
    assert len(batches) == 3 and batches.source.num_classes == 7
    for images, labels in batches:
        assert images.shape == (10, 32, 32, 3) and images.dtype == np.float32
        assert 0 <= images.min() and 100 < images.max() <= 255
        assert labels.dtype == np.int64 and (labels == 6).sum() == 3 and labels.min() >= 0


def test_backgrounds_lie_at_other_places_in_each_batch(marks):
    plan = marks.batches(10, 32, steps=20).source.plan(0).reshape(20, 10)
    assert ((plan < 0).sum(axis=1) == 2).all()
    assert len({tuple(np.flatnonzero(row < 0)) for row in plan}) > 5


def test_the_same_seed_and_epoch_give_the_same_batches_whatever_came_before(marks):
    def batch(batches, epoch, number):
        images, labels = batches.batch(epoch, number)
        return images, labels

    first, other = marks.batches(4, 32, seed=3, steps=5), marks.batches(4, 32, seed=3, steps=5, first_epoch=2)
    list(first)
    for one, two in zip(batch(first, 2, 1), batch(other, 2, 1), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (batch(first, 0, 0)[0] != batch(first, 1, 0)[0]).any()
    assert (batch(first, 0, 0)[0] != batch(marks.batches(4, 32, seed=4, steps=5), 0, 0)[0]).any()


def test_every_epoch_draws_new_crops_of_all_brands(marks):
    batches = marks.batches(8, 32, steps=2, backgrounds=0.0)
    first, second = (np.concatenate([images for images, _ in batches]) for _ in range(2))
    assert batches.epoch == 2
    assert not np.array_equal(first, second)
    assert set(labels_of(batches)) == set(range(6))


@pytest.mark.parametrize("balance, share", [(0.0, 4 / 9), (0.5, 2 / 7), (1.0, 1 / 6)])
def test_brands_come_by_their_number_of_marks_to_the_power_of_one_minus_balance(marks, balance, share):
    plan = marks.batches(50, 32, steps=20, backgrounds=0.0, balance=balance).source.plan(0)
    shown = marks.labels[plan]
    assert np.mean(shown == 4) == pytest.approx(share, abs=0.002)
    # Within a brand every mark as often as the others.
    assert np.ptp(np.bincount(plan, minlength=9)[:4]) <= 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(batch_size=0), "batch_size must be an integer of at least 1"),
        (dict(image_size=16), "image_size must be an integer of at least 32"),
        (dict(steps=0), "steps must be"),
        (dict(seed=-1), "seed must be"),
        (dict(backgrounds=1.0), r"backgrounds must be a number in \[0, 1\)"),
        (dict(balance=2), "balance must be a number"),
        (dict(engine="torch"), "engine must be keras or tf.data"),
    ],
)
def test_arguments_out_of_range_are_named(marks, arguments, message):
    with pytest.raises(ValueError, match=message):
        marks.batches(**{"batch_size": 4, "image_size": 32} | arguments)


def test_a_contact_sheet_has_a_crop_a_cell(marks):
    sheet = contact_sheet(marks, rows=2, columns=4, size=48)
    assert sheet.shape == (96, 192, 3) and sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet, contact_sheet(marks, rows=2, columns=4, size=48))


def test_the_packages_and_fonts_are_those_of_the_tables_by_default():
    assert drawings.drawings.__defaults__ == (packages.EVERYTHING,)
