"""benchmarks/compare.py: results of both forms, sample by sample."""

import importlib
import json

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def compare():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("compare")


def row(compare, capsys, folder, first, second):
    for name, answers in (("first", first), ("second", second)):
        (folder / f"{name}.json").write_text(json.dumps({"answers": answers}))
    compare.main(folder / "first.json", folder / "second.json")
    return capsys.readouterr().out.splitlines()[-1]


def test_the_samples_of_one_photograph_are_told_apart(compare, capsys, tmp_path):
    right = [["a.jpg", [0, 0, 9, 9], "x", "x"], ["a.jpg", [0, 9, 9, 18], "y", "y"], ["b.jpg", [0, 0, 5, 5], "x", "x"]]
    wrong = [[*sample, "y"] if number == 0 else [*sample, guess] for number, (*sample, guess) in enumerate(right)]
    assert "| 3 | +0.0 |" in row(compare, capsys, tmp_path, right, right[::-1])
    assert "| 3 | +33.3 |" in row(compare, capsys, tmp_path, right, wrong)


def test_results_by_path_are_still_read(compare, capsys, tmp_path):
    older = {"a.jpg": ["x", "x"], "b.jpg": ["y", "x"]}
    newer = [["a.jpg", None, "x", "x"], ["b.jpg", None, "y", "y"]]
    assert "| 2 | -50.0 |" in row(compare, capsys, tmp_path, older, newer)
