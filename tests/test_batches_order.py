"""Which photograph comes when: epochs, shards, balanced classes."""

import numpy as np
import pytest

from logo_keras.datasets.batches.order import Order

# Nine, three and one sample of three classes, mixed.
LABELS = np.array([0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 1, 0, 0])


def places(labels=LABELS, epoch=0, **options):
    return Order(labels, **({"training": True} | options)).epoch(epoch)[0].tolist()


def test_without_training_the_order_is_that_of_the_data_set():
    assert places(training=False) == places(training=False, epoch=3) == list(range(13))


def test_an_epoch_is_numpys_permutation_of_seed_and_number():
    assert places(seed=5, epoch=2) == np.random.default_rng([5, 2]).permutation(13).tolist()


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_an_epoch_can_be_asked_for_again_and_in_any_order(balance):
    one, other = (Order(LABELS, True, 1, balance) for _ in range(2))
    forwards = [one.epoch(number)[0].tolist() for number in range(4)]
    backwards = [other.epoch(number)[0].tolist() for number in (3, 2, 1, 0)]
    assert forwards == backwards[::-1]
    assert forwards[0] != forwards[1]


@pytest.mark.parametrize(("training", "balance"), [(False, 0.0), (True, 0.0), (True, 0.7)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 13])
def test_shards_are_dealt_from_the_same_epoch(training, balance, count):
    epoch = places(training=training, balance=balance, epoch=1)
    orders = [Order(LABELS, training, balance=balance, shard=(index, count)) for index in range(count)]
    shards = [order.epoch(1)[0] for order in orders]
    assert [len(shard) for shard in shards] == [len(order) for order in orders]
    kept = 13 // count * count if training else 13
    together = np.full(kept, -1)
    for index, shard in enumerate(shards):
        together[index::count] = shard
    assert together.tolist() == epoch[:kept]


def test_a_batch_of_all_hosts_is_a_batch_of_one():
    one, (left, right) = places(), (places(shard=(index, 2)) for index in (0, 1))
    assert sorted(left[2:4] + right[2:4]) == sorted(one[4:8])


def test_in_training_all_shards_have_the_same_length():
    assert {len(Order(LABELS, True, shard=(index, 4))) for index in range(4)} == {3}
    assert [len(Order(LABELS, False, shard=(index, 4))) for index in range(4)] == [4, 3, 3, 3]


def test_a_shard_without_samples_is_refused():
    with pytest.raises(ValueError, match="shard 4 of 5 has no photographs: there are 3 in all"):
        Order(LABELS[:3], training=False, shard=(4, 5))
    with pytest.raises(ValueError, match="shard 0 of 5 has no photographs"):
        Order(LABELS[:3], training=True, shard=(0, 5))


def share_of_classes(balance, epochs=60):
    drawn = np.concatenate([LABELS[places(balance=balance, epoch=number)] for number in range(epochs)])
    return np.bincount(drawn) / len(drawn)


def test_classes_are_drawn_in_proportion_to_their_power():
    assert share_of_classes(1.0) == pytest.approx([1 / 3] * 3, abs=0.01)
    roots = np.sqrt([9, 3, 1])
    assert share_of_classes(0.5) == pytest.approx(roots / roots.sum(), abs=0.01)


def test_a_balanced_epoch_has_as_many_samples():
    for number in range(5):
        assert len(places(balance=0.9, epoch=number)) == 13
        counts = np.bincount(LABELS[places(balance=1.0, epoch=number)])
        # 13 samples of three classes: four and a third each.
        assert set(counts) <= {4, 5}


def test_no_photograph_of_a_class_repeats_before_all_were_seen():
    drawn = np.concatenate([np.sort(places(balance=1.0, epoch=number)) for number in range(9)])
    counts = np.bincount(drawn, minlength=13)
    for label in range(3):
        assert np.ptp(counts[LABELS == label]) <= 1
    # The large class goes on from epoch to epoch: its nine photographs come within two or three epochs of four or five.
    first = [place for number in range(2) for place in places(balance=1.0, epoch=number) if LABELS[place] == 0]
    assert len(set(first)) == min(len(first), 9)


def test_turns_number_the_repetitions_of_a_photograph():
    order = Order(LABELS, True, balance=1.0)
    chosen, turns = order.epoch(0)
    for place in set(chosen):
        assert sorted(turns[chosen == place]) == list(range((chosen == place).sum()))
    # The one photograph of class 2 comes four or five times.
    assert (chosen == 4).sum() in (4, 5)


def test_every_class_is_balanced_where_one_has_a_hundred_times_as_many():
    labels = np.repeat([0, 1], [1000, 10])
    counts = np.bincount(labels[places(labels, balance=1.0)])
    assert counts.tolist() == [505, 505]
