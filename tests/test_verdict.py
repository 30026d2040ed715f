"""What may be claimed of two models: figures by hand, seeds and folds, what cannot be compared."""

import dataclasses
import json

import numpy as np
import pytest

from logo_keras.errors import UserError
from logo_keras.evaluation import Evaluation, compare, judge


def answers(right, first=0, boxes=1, **options):
    """An Evaluation of two classes, right where `right` says: `boxes` samples of every photo, numbered from `first`."""
    count = len(right)
    of = [f"/data/{first + number // boxes}.jpg" for number in range(count)]
    each = np.float32([(0, 10 * (number % boxes), 10, 10 * (number % boxes) + 10) for number in range(count)])
    known = {"root": "/data", "boxes": None if boxes == 1 else each}
    found = Evaluation(("a", "b"), tuple(of), np.zeros(count, int), np.eye(2)[np.where(right, 0, 1)], {}, None, 32)
    return dataclasses.replace(found, **known | options)


def random(share, count=300, seed=0):
    return np.random.default_rng(seed).random(count) < share


def one(first, second, **options):
    return judge({"x.json": answers(first)}, {"y.json": answers(second)}, ("x", "y"), **options)


def test_figures_of_one_run_a_side_by_hand():
    first, second = np.arange(100) < 80, np.arange(100) >= 30
    verdict = one(first, second)
    assert (verdict.first.top1, verdict.second.top1) == (0.8, 0.7)
    assert (verdict.better, verdict.worse) == (30, 20)
    assert verdict.comparison.difference == pytest.approx(0.1)
    # McNemar's test is that of 50 coins.
    assert verdict.p == pytest.approx(0.2026, abs=5e-5)
    assert (verdict.photos, verdict.folds, verdict.first.runs, len(verdict.discordant)) == (100, 1, 1, 50)
    assert verdict.discordant[0] == {"photo": "0.jpg", "brand": "a", "first": ["a"], "second": ["b"]}
    assert verdict.first.interval == answers(first).top1_interval


def test_it_agrees_with_compare():
    first, second = answers(random(0.8)), answers(random(0.7, seed=1))
    np.testing.assert_allclose(
        judge({"x": first}, {"y": second}).comparison.interval, compare(first, second).interval, atol=0.004
    )


def test_a_clear_difference_is_claimed_in_one_sentence():
    verdict = one(np.arange(200) < 150, np.arange(200) < 180)
    assert verdict.shown
    assert verdict.sentence.startswith("y is better than x on these 200 photos: 15.0 points, 10.")
    assert "of these models and not of how they were trained" in verdict.sentence
    assert verdict.sentence.count(".\n") == 0 and verdict.sentence.endswith(".")


def test_what_is_not_shown_says_what_could_have_been_seen():
    verdict = one(np.arange(100) < 80, np.arange(100) >= 30)
    assert not verdict.shown
    assert verdict.sentence.startswith("Not shown that one is better on these 100 photos: x has 10.0 points more than y, -")
    assert f"a difference of {100 * verdict.detectable:.1f} points would have been shown in about 8 of 10" in verdict.sentence


def test_five_photos_that_agree_prove_nothing():
    verdict = one(np.ones(100, bool), np.arange(100) >= 5)
    assert verdict.comparison.interval[0] > 0 and verdict.p > 0.05 and not verdict.shown
    assert one(np.ones(100, bool), np.arange(100) >= 6).shown


def test_models_that_never_differ():
    verdict = one(np.ones(50, bool), np.ones(50, bool))
    assert (verdict.p, verdict.comparison.interval, verdict.discordant, verdict.shown) == (1, (0, 0), (), False)
    assert "both are right on the same ones; a difference of" in verdict.sentence
    assert verdict.detectable == pytest.approx(7.906 / 50)


def test_the_boxes_of_a_photo_are_one_vote_and_are_drawn_together():
    first, second = np.repeat(random(0.8), 4), np.repeat(random(0.7, seed=1), 4)
    boxes = judge({"x": answers(first, boxes=4)}, {"y": answers(second, boxes=4)})
    photos = one(first[::4], second[::4])
    assert (boxes.photos, boxes.comparison.photographs, boxes.better, boxes.p) == (300, 1200, photos.better, photos.p)
    np.testing.assert_allclose(boxes.comparison.interval, photos.comparison.interval, atol=0.004)
    np.testing.assert_allclose(boxes.first.interval, photos.first.interval, atol=0.01)
    # Boxes that always agree are worth no more photos.
    assert boxes.detectable == pytest.approx(photos.detectable, rel=0.05)
    assert len(boxes.discordant[0]["box"]) == 4


def seeds(shares, seed=0):
    """A run for each share."""
    return {f"{seed}-{number}": answers(random(share, seed=(seed, number))) for number, share in enumerate(shares)}


def test_seeds_of_both_sides_need_not_be_as_many():
    verdict = judge(seeds([0.8, 0.8, 0.8]), seeds([0.6, 0.6], seed=1), ("x", "y"))
    assert (verdict.first.runs, verdict.second.runs, verdict.first.evaluations) == (3, 2, ("0-0", "0-1", "0-2"))
    assert verdict.shown and "over 3 and 2 seeds" in verdict.sentence
    assert len(verdict.discordant[0]["first"]) == 3 and len(verdict.discordant[0]["second"]) == 2
    alone = judge(seeds([0.8, 0.8]), seeds([0.6], seed=1))
    assert "seeds were varied on one side only" in alone.sentence


def test_seeds_that_do_not_agree_widen_the_interval():
    alike = judge(seeds([0.7, 0.7, 0.7]), seeds([0.7, 0.7, 0.7], seed=1))
    apart = judge(seeds([0.9, 0.7, 0.5]), seeds([0.7, 0.7, 0.7], seed=1))
    assert np.ptp(apart.comparison.interval) > 1.5 * np.ptp(alike.comparison.interval)
    assert apart.detectable > 1.5 * alike.detectable


def folds(right, **options):
    """Two folds of half of the photos each, and so of one seed."""
    half = len(right) // 2
    return {"0": answers(right[:half], **options), "1": answers(right[half:], first=half, **options)}


def test_folds_are_taken_together():
    first, second = random(0.8), random(0.7, seed=1)
    parts, whole = judge(folds(first), folds(second)), one(first, second)
    assert (parts.folds, parts.photos, parts.first.runs) == (2, 300, 1)
    assert parts.comparison.difference == pytest.approx(whole.comparison.difference)
    assert (parts.p, parts.detectable) == (whole.p, whole.detectable)
    np.testing.assert_allclose(parts.comparison.interval, whole.comparison.interval, atol=0.01)


def test_a_fold_of_one_side_only_is_refused():
    with pytest.raises(UserError, match="1 has no counterpart: no evaluation of the second side has its photos"):
        judge(folds(random(0.8)), {"y": answers(random(0.8)[:150])})
    with pytest.raises(UserError, match="y has photos of 0 and 1, which have none in common: it is no fold of its own"):
        judge(folds(random(0.8)), {"y": answers(random(0.8))})


def test_sizes_have_rows_of_their_own():
    sizes = np.float32([0.1] * 40 + [0.2] * 30 + [0.5] * 20 + [np.nan] * 10)
    first, second = np.ones(100, bool), np.arange(100) >= 20
    verdict = judge({"x": answers(first, logo_sizes=sizes)}, {"y": answers(second)})
    assert {name: row["samples"] for name, row in verdict.sizes.items()} == {"small": 40, "middle": 30, "large": 20}
    assert verdict.sizes["small"]["top1"] == [1, 0.5] and verdict.sizes["small"]["interval"][0] > 0.3
    assert verdict.sizes["large"]["interval"] == [0, 0]
    assert one(first, second).sizes == {}


def test_photos_that_one_side_could_not_read_are_left_out():
    first, second = answers(random(0.8)), answers(random(0.8)[:290], unreadable={f"/data/{n}.jpg": "" for n in range(290, 300)})
    assert judge({"x": first}, {"y": second}).photos == 290
    # Another seed of that side could read them.
    assert judge({"x": first}, {"y": second, "z": answers(random(0.7, seed=1))}).photos == 300


def test_a_part_of_the_photos_is_another_split():
    with pytest.raises(
        UserError, match=r"y says nothing of 10 of the 300 samples .* 290.jpg in x: both must be of the same data"
    ):
        judge({"x": answers(random(0.8))}, {"y": answers(random(0.8)[:290])})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"first": 1000}, "x and y have no photo in common"),
        ({"boxes": 2}, "x and y have no photo in common"),
        ({"class_names": ("a", "c")}, "x has 2 classes and y 2, and only one of them knows b"),
        ({"labels": np.ones(300, int)}, "x and y do not agree about the brand on 0.jpg"),
        ({"data": {"kind": "logo2k"}}, "x is of --data folder and y of logo2k: both must be of one"),
        ({"data": {"kind": "folder", "cut": 0.1}}, "x is of --cut none and y of 0.1"),
        ({"data": {"kind": "folder", "split": "test"}}, "x is of --split none and y of test"),
    ],
)
def test_what_cannot_be_compared_is_said(changes, message):
    ours, theirs = answers(random(0.8), data={"kind": "folder"}), answers(random(0.8), **{"data": {"kind": "folder"}} | changes)
    with pytest.raises(UserError, match=message):
        judge({"x": ours}, {"y": theirs})


def test_a_sample_that_stands_in_a_data_set_twice_counts_twice():
    def twice(right):
        return dataclasses.replace(answers(right), paths=("/data/0.jpg",) * 2)

    verdict = judge({"x": twice([True, False])}, {"y": twice([True, True])})
    assert (verdict.photos, verdict.comparison.photographs, verdict.comparison.difference) == (1, 2, -0.5)


def test_classes_may_stand_in_another_order():
    turned = answers(random(0.8), class_names=("b", "a"), labels=np.ones(300, int))
    verdict = judge({"x": answers(random(0.8))}, {"y": turned})
    assert verdict.photos == 300 and verdict.second.top1 == pytest.approx(1 - verdict.first.top1)


def test_it_is_read_back_from_json():
    verdict = judge(seeds([0.8, 0.7]), seeds([0.6, 0.6], seed=1), ("x", "y"))
    found = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert found["first"]["evaluations"] == ["0-0", "0-1"] and found["sentence"] == verdict.sentence
    assert found["mcnemar"] == {"first_better": verdict.better, "second_better": verdict.worse, "p": verdict.p}
    assert len(found["discordant"]) == len(verdict.discordant)


def test_it_follows_the_seed_and_not_the_order_of_photos():
    first, second = random(0.8), random(0.7, seed=1)
    order = np.random.default_rng(0).permutation(300)

    def shuffled(right):
        found = answers(right)
        return dataclasses.replace(
            found, paths=tuple(found.paths[n] for n in order), probabilities=None, best=found.best[order],
            best_probabilities=found.best_probabilities[order], ranks=found.ranks[order],
        )  # fmt: skip

    again = judge({"x": shuffled(first)}, {"y": shuffled(second)}, resamples=500)
    assert again.comparison == one(first, second, resamples=500).comparison
    assert again.comparison != one(first, second, resamples=500, seed=1).comparison
