"""Comparing two models: pairs of samples, McNemar's test against published values, what could have been seen."""

import math

import numpy as np
import pytest

from logo_keras.evaluation import Evaluation, bootstrap, compare, paired
from logo_keras.evaluation.comparison import detectable, mcnemar


def answers(correct):
    """An Evaluation of two classes, right where `correct` says."""
    chosen = np.where(correct, 0, 1)
    paths = tuple(map(str, range(len(correct))))
    return Evaluation(("a", "b"), paths, np.zeros(len(correct), int), np.eye(2)[chosen], {}, None, 32)


def test_a_model_does_not_differ_from_itself():
    same = answers(np.arange(50) % 3 > 0)
    result = compare(same, same)
    assert (result.difference, result.interval, result.photographs) == (0.0, (0.0, 0.0), 50)


def test_pairing_finds_what_two_intervals_would_hide():
    # Right on 60 and 66 of 100: the Wilson intervals overlap, but nothing got worse.
    first, second = answers(np.arange(100) < 66), answers(np.arange(100) < 60)
    assert first.top1_interval[0] < second.top1_interval[1]
    result = compare(first, second)
    assert result.difference == pytest.approx(0.06)
    low, high = result.interval
    assert 0 < low < 0.06 < high
    # One standard error of the mean of six ones and 94 zeros, times 1.96; the bootstrap's steps are 0.01.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.06 * 0.94 / 100), abs=0.015)


def test_photos_that_only_one_could_read_are_not_compared():
    first, second = answers(np.ones(4, bool)), answers(np.ones(3, bool))
    assert compare(first, second).photographs == 3


def test_samples_that_stand_in_a_list_several_times_are_paired_in_order():
    first = [("p", None, "a"), ("p", None, "b"), ("p", (0, 0, 1, 1), "a"), ("p", None, "a"), ("p", None, "a")]
    second = [("p", None, "b"), ("p", None, "a"), ("p", [0.0, 0.0, 1.0, 1.0], "a"), ("p", None, "a"), ("q", None, "a")]
    assert paired(first, second).tolist() == [[0, 1], [1, 0], [2, 2], [3, 3]]


def test_two_brands_of_one_sample_are_refused():
    with pytest.raises(ValueError, match=r"do not agree about the brand on p, box \[0.0, 0.0, 1.0, 1.0\]"):
        paired([("p", (0, 0, 1, 1), "a")], [("p", (0, 0, 1, 1), "b")])


def test_the_boxes_of_a_photo_are_drawn_together():
    differences = np.repeat(np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 100), 4)
    apart, together = (np.ptp(bootstrap(differences, photos=photos).interval) for photos in (None, np.arange(400) // 4))
    # Four boxes that always agree are worth one.
    assert together == pytest.approx(2 * apart, rel=0.1)


def test_runs_on_which_a_photo_was_not_read_are_left_out():
    differences = np.array([[1.0, 0.0, np.nan], [1.0, 0.0, 0.0]])
    assert bootstrap(differences, resamples=100).difference == pytest.approx(0.4)


def test_mcnemar_agrees_with_published_and_exact_values():
    # The example of the vignette exactMcNemar of the R package exact2x2: 9 and 2 discordant pairs.
    assert mcnemar(9, 2) == mcnemar(2, 9) == pytest.approx(0.06543, abs=5e-6)
    # All speak for one side: 2 / 2^n.
    assert mcnemar(6, 0) == pytest.approx(2 / 2**6) and mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(0, 0) == mcnemar(7, 7) == 1
    tail = sum(math.comb(400, k) for k in range(181)) / 2**400
    assert mcnemar(180, 220) == pytest.approx(2 * tail, rel=1e-9)


def test_mcnemar_refuses_what_is_no_count():
    with pytest.raises(ValueError, match="first must be an integer of at least 0, got -1"):
        mcnemar(-1, 3)


@pytest.mark.parametrize("photos, discordant", [(300, 0.2), (5000, 0.03), (80, 0.6)])
def test_what_could_be_seen_asks_for_as_many_photos_as_there_are(photos, discordant):
    found = detectable(photos, discordant)
    # Connor 1987: the number of pairs for 80 % power at 5 %.
    pairs = (1.959964 * math.sqrt(discordant) + 0.841621 * math.sqrt(discordant - found**2)) ** 2 / found**2
    assert pairs == pytest.approx(photos)


def test_six_photos_at_least_must_speak_for_one_side():
    # Poisson: six or more of 7.906 expected ones come in 80 % of the draws.
    below = sum(math.exp(-7.906) * 7.906**k / math.factorial(k) for k in range(6))
    assert below == pytest.approx(0.2, abs=1e-4)
    assert detectable(1000, 0) == pytest.approx(0.007906)
    assert detectable(4, 0.5) == 1
