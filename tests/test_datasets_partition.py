"""Splitting a data set in two or in folds: stratified, repeatable, and no photograph in two parts."""

import shutil

import numpy as np
import pytest
from photographs import write

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.partition import folds, partition


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


@pytest.mark.parametrize("seed", range(5))
def test_identical_photographs_under_different_labels_are_on_one_side(dataset, seed):
    paths = [*dataset.paths[:4], *dataset.paths[20:22]]
    mixed = Dataset(paths=paths, labels=[0, 0, 0, 0, 0, -1], class_names=["a"])
    assert paths[4] != paths[5]
    sides = [side.paths for side in mixed.split(0.5, seed)]
    assert [paths[4] in side for side in sides] == [paths[5] in side for side in sides]


@pytest.mark.parametrize("seed", range(20))
def test_a_class_whose_group_went_with_another_class_is_on_both_sides(seed):
    # Class 1 has two groups, but one of them counts as class 0, which is the first of its members.
    groups, labels = np.array([0, 0, 1, 2, 3, 4]), np.array(list("abbaaa"))
    first = partition(groups, labels, 0.5, seed)
    assert {bool(side) for side in first[labels == "b"]} == {bool(side) for side in first[labels == "a"]} == {True, False}


def test_split_keeps_the_order_and_is_the_same_for_the_same_seed(dataset):
    first, _ = dataset.split(0.5, 7)
    assert list(first.paths) == sorted(first.paths)
    assert dataset.split(0.5, 7)[0].paths == first.paths
    assert dataset.split(0.5, 8)[0].paths != first.paths


def test_shares_that_are_no_whole_numbers_are_right_over_many_brands():
    # 0.25 of 10 is 2.5 for each of 400 brands: 2 or 3 each, 1,000 together, give or take 10 (one standard deviation).
    labels = np.repeat([f"brand {number}" for number in range(400)], 10)
    first = partition(np.arange(4000), labels, 0.25, seed=0).reshape(400, 10).sum(1)
    assert set(first.tolist()) == {2, 3}
    assert abs(first.sum() - 1000) < 40


def test_what_happens_in_one_brand_moves_no_photograph_of_another():
    labels = np.repeat(["ford\udce9", "nike", "puma", "zara"], [7, 11, 20, 30])
    plain = np.arange(len(labels))
    joined = plain.copy()
    # Half of puma's photographs turn out to be copies of one.
    joined[18:28] = 18
    others = labels != "puma"
    more, added = np.append(labels, ["adidas"] * 5), np.append(plain, np.arange(100, 105))
    for deal in (partition, folds):
        share = 0.3 if deal is partition else 3
        before = deal(plain, labels, share, 5)
        assert before[others].tolist() == deal(joined, labels, share, 5)[others].tolist()
        assert before.tolist() == deal(added, more, share, 5)[: len(labels)].tolist()
        assert before.tolist() != deal(plain, labels, share, 6).tolist()


def test_a_split_does_not_depend_on_the_numbers_of_the_classes(dataset):
    first, _ = dataset.split(0.4)
    assert dataset.with_class_names(["c", "a", "b"]).split(0.4)[0].paths == first.paths


def test_a_part_says_which_classes_it_lacks(dataset):
    # One photograph of a, ten of b.
    few = dataset.subset(range(9, 20))
    first, second = few.split(0.5)
    lacking, whole = sorted((first, second), key=lambda part: -len(part.empty_classes))
    assert lacking.empty_classes == ("a", "c") and whole.empty_classes == ("c",)
    assert lacking.counts == {"a": 0, "b": 5, "c": 0}
    assert lacking.notes == ("classes of which this part has no sample: 1 ('a')",) and whole.notes == ()
    assert [note for pair in few.folds(2) for part in pair for note in part.notes] == list(lacking.notes) * 2


def test_every_class_with_two_photographs_is_on_both_sides(dataset):
    first, second = dataset.subset([0, 1, 10, 11, 12]).split(0.01)
    assert set(first.labels) == set(second.labels) == {0, 1}


def test_a_share_that_leaves_a_part_empty_is_refused(dataset):
    with pytest.raises(ValueError, match="a share of 1 of 1 samples of 1 classes leaves the second set empty: give"):
        dataset.subset([0]).split(0.999999999)
    with pytest.raises(ValueError, match="leaves the first set empty"):
        dataset.subset([0, 10, 20]).split(1e-9)


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


@pytest.mark.parametrize("n", [2, 3, 5])
def test_folds_of_different_photographs_differ_by_one_in_every_class(n):
    labels = np.repeat(list("nabcde"), [7, 1, 13, 5, 22, 9])
    places = folds(np.arange(len(labels)), labels, n, seed=0)
    assert places.dtype == np.int64 and places.shape == labels.shape
    for label in np.unique(labels):
        assert np.ptp(np.bincount(places[labels == label], minlength=n)) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_folds_keep_groups_together_and_are_level(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list("abcde"), 300)
    groups = np.arange(300)
    # Fifteen groups of two to six, their members under whatever label.
    for members in np.array_split(rng.permutation(300)[:60], 15):
        groups[members] = members[0]
    places = folds(groups, labels, 5, seed)
    assert all(len(set(places[groups == group])) == 1 for group in groups)
    for label in np.unique(labels):
        assert np.ptp(np.bincount(places[labels == label], minlength=5)) <= 3


def test_a_large_group_fills_a_fold_and_the_others_share_the_rest():
    labels = np.array(["a"] * 10 + ["b"] * 10)
    groups = np.array([0] * 5 + list(range(1, 16)))
    places = folds(groups, labels, 2, seed=3)
    assert sorted(np.bincount(places)) == [10, 10]
    assert np.bincount(places[labels == "a"]).tolist() == [5, 5]


def test_no_fold_is_empty_if_there_are_as_many_groups():
    places = folds(np.array([7, 7, 7, 8, 9]), np.array(list("aabbc")), 3, seed=0)
    assert places[0] == places[1] == places[2]
    assert set(places.tolist()) == {0, 1, 2}


def test_folds_are_the_same_for_the_same_seed_only():
    labels = np.repeat(list("abcde"), 20)
    one, same, other = (folds(np.arange(100), labels, 4, seed) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()


def test_the_folds_of_a_data_set_test_every_sample_once(dataset):
    pairs = dataset.folds(3, seed=1)
    assert len(pairs) == 3
    assert sorted(path for _, test in pairs for path in test.paths) == sorted(dataset.paths)
    for train, test in pairs:
        assert len(train) + len(test) == len(dataset)
        contents = [{open(path, "rb").read() for path in side.paths} for side in (train, test)]
        assert not contents[0] & contents[1]


@pytest.mark.parametrize("n", [1, 0, -2, 2.0, True, "two"])
def test_a_number_of_folds_below_two_is_refused(n):
    with pytest.raises(ValueError, match="the number of folds must be an integer of at least 2, got"):
        folds(np.arange(9), ["a"] * 9, n, 0)


def test_more_folds_than_different_photographs_are_refused(dataset):
    # Of the ten photographs of brand 2 five are copies of one: six different ones.
    copies = dataset.subset(range(20, 30))
    assert len(copies.folds(6)) == 6
    with pytest.raises(ValueError, match="6 different photographs make at most 6 folds, got 7"):
        copies.folds(7)
