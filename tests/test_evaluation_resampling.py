"""Photos and runs drawn anew: intervals that are known, and what must not matter."""

import numpy as np
import pytest

from logo_keras.evaluation.resampling import interval, means


def width(*arguments, **options):
    return np.ptp(interval(means(*arguments, **options)))


def test_one_run_has_the_interval_of_its_photos():
    right = np.repeat([1.0, 0.0], [80, 20])
    # A share of 0.8 of 100: plus and minus 1.96 * 0.04.
    assert interval(means([right])) == pytest.approx((0.72, 0.88), abs=0.015)


def test_sides_stay_paired():
    right = np.random.default_rng(0).random(200) < 0.7
    drawn = means([right, right])
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert drawn[:, 0].std() == pytest.approx(right.std() / np.sqrt(200), rel=0.05)


def test_the_runs_of_a_side_are_drawn_by_themselves():
    # Runs that are right on everything or on nothing: the mean of two draws is 0, 1/2 or 1.
    drawn = means([[[1.0] * 5, [0.0] * 5], [[1.0] * 5, [0.0] * 5]], resamples=4000)
    for side in drawn.T:
        values, counts = np.unique(side, return_counts=True)
        assert values.tolist() == [0, 0.5, 1]
        assert counts / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05


def test_photos_that_were_never_asked_about_and_their_order_do_not_matter():
    right = np.random.default_rng(0).random((3, 50)) < 0.6
    expected = means([right], resamples=200)
    np.testing.assert_array_equal(means([right[:, ::-1]], resamples=200), expected)
    more = np.concatenate([right, np.full((3, 9), np.nan)], axis=1)
    np.testing.assert_array_equal(means([more], resamples=200), expected)


def test_a_photo_that_one_run_could_not_read_counts_in_the_others():
    right = np.repeat([[1.0, 1.0, 0.0], [1.0, np.nan, 0.0]], 30, axis=1)
    assert means([right]).mean() == pytest.approx(0.6, abs=0.02)


def test_where_the_drawn_runs_were_asked_nothing_there_is_no_mean():
    drawn = means([[[1.0, np.nan], [np.nan, 0.0]]], resamples=500)
    assert np.isnan(drawn).any() and 0 <= interval(drawn)[0] <= interval(drawn)[1] <= 1


def test_photos_are_told_apart_by_any_name():
    right = np.random.default_rng(0).random(40) < 0.5
    numbers = np.arange(40) // 2
    names = [f"{number}.jpg" for number in numbers]
    np.testing.assert_array_equal(means([right], numbers, 100), means([right], names, 100))
    assert width([np.repeat(right, 4)], np.arange(160) // 4) == pytest.approx(width([right]), rel=0.05)


def test_it_follows_the_seed():
    right = np.random.default_rng(0).random(40) < 0.5
    assert interval(means([right], seed=1)) == interval(means([right], seed=1))
    assert not np.array_equal(means([right], seed=1), means([right], seed=2))
