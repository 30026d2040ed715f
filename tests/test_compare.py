"""benchmarks/compare.py: results of both forms, sample by sample, over seeds."""

import importlib
import json

import numpy as np
import pytest
from conftest import ROOT

from logo_keras.errors import UserError


@pytest.fixture(scope="module")
def compare():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("compare")


def results(folder, **answers):
    """Files of results: their paths, in order."""
    paths = []
    for name, each in answers.items():
        paths.append(folder / f"accuracy-{name.replace('_', '-')}.json")
        paths[-1].write_text(json.dumps({"answers": each}))
    return paths


def answers_of(right):
    """Answers to a photo for each bool."""
    return [[f"{number}.jpg", None, "x", "x" if each else "y"] for number, each in enumerate(right)]


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_the_samples_of_one_photograph_are_told_apart(compare, tmp_path):
    right = [["a.jpg", [0, 0, 9, 9], "x", "x"], ["a.jpg", [0, 9, 9, 18], "y", "y"], ["b.jpg", [0, 0, 5, 5], "x", "x"]]
    wrong = [[*sample, "y"] if number == 0 else [*sample, guess] for number, (*sample, guess) in enumerate(right)]
    for second, difference in ((right[::-1], "+0.0"), (wrong, "+33.3")):
        ((_, _, runs, photos, _, found, _),) = rows(compare.table(results(tmp_path, first=right, second=second)))
        assert (runs, photos, found) == ("1", "3", difference)


def test_a_sample_that_stands_in_a_result_twice_counts_twice(compare, tmp_path):
    twice = [["a.jpg", None, "x", "x"], ["a.jpg", None, "x", "y"]]
    right = [["a.jpg", None, "x", "x"]] * 2
    ((*_, photos, top1, found, _),) = rows(compare.table(results(tmp_path, first=twice, second=right)))
    assert (photos, top1, found) == ("2", "50.0 and 100.0", "-50.0")


def test_results_by_path_are_still_read(compare, tmp_path):
    older = {"a.jpg": ["x", "x"], "b.jpg": ["y", "x"]}
    newer = [["a.jpg", None, "x", "x"], ["b.jpg", None, "y", "y"]]
    ((*_, photos, _, found, _),) = rows(compare.table(results(tmp_path, first=older, second=newer)))
    assert (photos, found) == ("2", "-50.0")


def test_one_run_a_side_has_the_interval_of_the_evaluation(compare, tmp_path):
    from logo_keras.evaluation import bootstrap

    random = np.random.default_rng(0)
    first, second = random.random((2, 300)) < [[0.8], [0.7]]
    ((*_, found),) = rows(compare.table(results(tmp_path, first=answers_of(first), second=answers_of(second))))
    expected = np.multiply(bootstrap(first.astype(float) - second).interval, 100)
    np.testing.assert_allclose([float(end) for end in found.split(" to ")], expected, atol=0.5)


def test_seeds_of_a_side_are_taken_together_and_all_runs_in_a_last_row(compare, tmp_path):
    made = {
        "plain_seed0": [1, 1, 1, 0],
        "plain_seed1": [1, 1, 0, 0],
        "plain_imagenet_seed1": [1, 0, 0, 0],
        "plain_imagenet_seed0": [1, 1, 0, 0],
        "nts_seed0": [1, 1, 1, 1],
        "nts_seed1": [1, 1, 1, 0],
        "nts_imagenet_seed0": [0, 1, 1, 1],
        "nts_imagenet_seed1": [1, 1, 1, 0],
    }
    paths = results(tmp_path, **{name: answers_of(right) for name, right in made.items()})
    plain, nts, all_ = rows(compare.table(paths))
    assert plain[:6] == ["plain", "plain-imagenet", "2", "4", "62.5 and 37.5", "+25.0"]
    assert nts[:6] == ["nts", "nts-imagenet", "2", "4", "87.5 and 75.0", "+12.5"]
    assert all_[:6] == ["all", "", "4", "4", "75.0 and 56.2", "+18.8"]


def test_seeds_that_do_not_agree_widen_the_interval(compare, tmp_path):
    def width(*shares):
        random = np.random.default_rng(0)
        made = {f"{side}_seed{seed}": answers_of(random.random(300) < share) for seed, pair in enumerate(shares)
                for side, share in zip(("a", "b"), pair, strict=True)}  # fmt: skip
        ((*_, found),) = rows(compare.table(sorted(results(tmp_path, **made))))
        low, high = (float(end) for end in found.split(" to "))
        return high - low

    # The mean difference is that of the seeds in both.
    assert width((0.7, 0.4), (0.5, 0.6)) > 1.5 * width((0.6, 0.5), (0.6, 0.5))


def test_a_photo_that_one_run_could_not_read_counts_in_the_others(compare, tmp_path):
    made = {"a_seed0": [1] * 100, "b_seed0": [0] * 100, "a_seed1": [1] * 50, "b_seed1": [1] * 50}
    paths = results(tmp_path, **{name: answers_of(right) for name, right in made.items()})
    ((*_, photos, top1, found, _),) = rows(compare.table(paths))
    assert (photos, top1, found) == ("100", "100.0 and 33.3", "+66.7")


def test_sides_that_cannot_be_compared_are_named(compare, tmp_path):
    paths = results(tmp_path, a_seed0=answers_of([1]), a_seed1=answers_of([1]), b_seed0=answers_of([1]))
    with pytest.raises(UserError, match="a has the seeds 0, 1, b has 0: both must have the same"):
        compare.table(paths)
    for few in ([], paths[:2]):
        with pytest.raises(UserError, match="name results of two sides, or of four, six"):
            compare.table(few)


def test_the_page_is_kept_under_its_name(compare, tmp_path, monkeypatch):
    import result

    monkeypatch.setattr(result, "RESULTS", tmp_path)
    flags = result.Command("compare", compare.__doc__, compare.define, compare.main).flags()
    paths = flags.parse(["--name=start", *map(str, results(tmp_path, a=answers_of([1]), b=answers_of([0])))])
    compare.main(flags, paths)
    assert "| a | b | 1 | 1 | 100.0 and 0.0 | +100.0 | +100.0 to +100.0 |" in (tmp_path / "compare-start.md").read_text()
