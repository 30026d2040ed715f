"""benchmarks/comparing.py: the intervals that it counts hold the truth, and differences are shown about as often as is said."""

import importlib

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("comparing")


# Of 100 intervals that hold the truth 95 times, fewer than 88 do in one case of 250.
@pytest.mark.parametrize("row", [(100, 1, 1, 1, 0.0), (100, 4, 1, 1, 0.0), (300, 1, 1, 3, 0.06), (300, 1, 3, 3, 0.0)])
def test_intervals_hold_the_truth(benchmark, row):
    spread, held = benchmark._coverage(100, *row)
    assert held >= 0.88
    assert spread < 0.01 if row[-1] == 0 else spread > 0.008


def test_what_is_said_to_be_shown_is_shown(benchmark):
    stated, shown = benchmark._power(100, 300, 0.1)
    assert stated == pytest.approx(0.051, abs=0.001)
    # Two standard errors, 0.08, and what an exact test loses.
    assert 0.65 < shown < 0.9


def test_boxes_of_a_photo_share_its_path(benchmark):
    found = benchmark._evaluation([True, False, True, True], 5, 2)
    assert found.paths == ("5", "5", "6", "6") and len(set(map(tuple, found.boxes.tolist()))) == 2
    assert found.correct.tolist() == [True, False, True, True]


def test_the_example_is_of_the_answers_that_are_kept(benchmark):
    verdict = benchmark._example()
    assert (verdict.photos, verdict.first.runs, verdict.second.runs) == (300, 2, 2)
