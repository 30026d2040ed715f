"""Splitting a data set: stratified, repeatable, and no photograph on both sides."""

import shutil

import numpy as np
import pytest
from photographs import write

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.partition import partition


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Ten photographs of each of three brands; in brand 2 five files are copies of one."""
    root = tmp_path_factory.mktemp("set")
    paths, labels = [], []
    for label in range(3):
        for number in range(10):
            path = root / f"{label}-{number}.png"
            if label == 2 and 0 < number < 5:
                shutil.copy(root / "2-0.png", path)
            else:
                write(path, seed=100 * label + number, height=8, width=8)
            paths.append(path)
            labels.append(label)
    return Dataset(paths=paths, labels=labels, class_names=["a", "b", "c"])


@pytest.mark.parametrize("seed", range(5))
def test_split_is_stratified_and_complete(dataset, seed):
    first, second = dataset.split(0.3, seed)
    assert sorted(first.paths + second.paths) == sorted(dataset.paths)
    assert np.bincount(first.labels)[:2].tolist() == [3, 3]
    assert set(first.labels) == set(second.labels) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_identical_photographs_are_on_one_side(dataset, fraction, seed):
    first, second = dataset.split(fraction, seed)
    contents = [{open(path, "rb").read() for path in side.paths} for side in (first, second)]
    assert not contents[0] & contents[1]


def test_identical_photographs_under_different_labels_are_on_one_side(dataset):
    paths = [*dataset.paths[:4], *dataset.paths[20:22]]
    for seed in range(5):
        first = partition(paths, np.array([0, 0, 0, 0, 0, 1]), 0.5, seed)
        assert first[4] == first[5]


def test_split_keeps_the_order_and_is_the_same_for_the_same_seed(dataset):
    first, _ = dataset.split(0.5, 7)
    assert list(first.paths) == sorted(first.paths)
    assert dataset.split(0.5, 7)[0].paths == first.paths
    assert dataset.split(0.5, 8)[0].paths != first.paths


def test_shares_that_are_no_whole_numbers_add_up(dataset):
    # 0.25 of 10 is 2.5 for each of two brands: five together.
    first, _ = dataset.subset(range(20)).split(0.25)
    assert sorted(np.bincount(first.labels)) == [2, 3]


def test_every_class_with_two_photographs_is_on_both_sides(dataset):
    first, second = dataset.subset([0, 1, 10, 11, 12]).split(0.01)
    assert set(first.labels) == set(second.labels) == {0, 1}


def test_a_class_with_one_photograph_goes_where_the_fraction_says(dataset):
    assert len(dataset.subset([0]).split(0.9)[0]) == 1
    assert len(dataset.subset([0]).split(0.1)[0]) == 0


def test_cut_outs_of_one_photograph_are_on_one_side(dataset):
    boxes = [[(0, 0, 2, 2), (1, 1, 3, 3), (2, 2, 6, 6)]] * 10
    cut = Dataset(paths=dataset.paths[:10], labels=[0] * 10, class_names=["a"], boxes=boxes).cut(0.1)
    first, second = cut.split(0.4, 3)
    assert not set(first.paths) & set(second.paths)
    assert len(first) == 12 and len(first.windows) == 12


def test_missing_photographs_can_be_split(tmp_path):
    paths = [tmp_path / f"{i}.jpg" for i in range(4)]
    first, second = Dataset(paths=paths, labels=[0] * 4, class_names=["a"]).split(0.5)
    assert len(first) == len(second) == 2


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), "half", True])
def test_a_fraction_outside_0_and_1_is_refused(dataset, fraction):
    with pytest.raises(ValueError, match=r"fraction must lie in \(0, 1\), got"):
        dataset.split(fraction)
