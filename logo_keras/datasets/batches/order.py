"""Which photo comes when: epochs, class-balanced ones, and the shards of several hosts."""

import numbers

import numpy as np

from logo_keras.arguments import is_whole
from logo_keras.errors import UserError

# Ends the seeds of rounds and of rounding, so that neither repeats the numbers of an epoch's own generator.
_ROUNDS, _ROUNDING = 1, 2


class Order:
    """The order of every epoch, the same for the same seed, computed when it is asked for; only indices are held.

    Without training an epoch is `0, 1, ..., n - 1`. In training it is a permutation drawn from the seed and the number of the
    epoch, or, with `balance`, as many samples of which every class has a share in proportion to `count ** (1 - balance)`,
    rounded up or down at random. Within a class photos go round in permutations, on from epoch to epoch: none repeats
    before all were seen.

    Args:
        labels: int64 `[n]`.
        training: bool.
        seed: int, 0 or more.
        balance: float in [0, 1]. 0 is every photo once; 0.5 is square-root sampling; 1 every class equally often.
        shard: (index, count). The shards of an epoch are disjoint. Shard `i` holds the samples `i, i + count, ...` of the
            epoch's order, so that the batches of all hosts together are those of one host with a batch `count` times as
            large. Without training nothing is left out. In training every shard has `n // count` samples, since hosts step
            together: the last `n % count` samples of the epoch's order sit it out.

    Raises:
        ValueError: if the shard has no samples.

    Source:
        Square-root sampling: Mahajan et al. 2018, arXiv:1805.00932, section 2.2.
    """

    def __init__(self, labels, training=False, seed=0, balance=0.0, shard=(0, 1)):
        self.training = training
        self.seed = seed
        self.balance = balance
        self.index, self.count = shard
        self._n = len(labels)
        self._length = self._n // self.count if training else len(range(self.index, self._n, self.count))
        if not self._length:
            raise UserError(f"shard {self.index} of {self.count} has no photographs: there are {self._n} in all.")
        if balance:
            _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
            self._starts = np.concatenate([[0], np.cumsum(counts)])
            self._members = np.argsort(classes, kind="stable")
            weights = counts ** (1 - float(balance))
            # The share of each class and of all before it, in samples an epoch; exact at the end.
            self._ends = np.cumsum(weights) * (self._n / weights.sum())
            self._ends[-1] = self._n

    def __len__(self):
        """Samples an epoch of this shard."""
        return self._length

    def epoch(self, number):
        """The order of an epoch.

        Args:
            number: int, counted from 0.

        Returns:
            places: int64 `[len(self)]`, places in `labels`.
            turns: int64 `[len(self)]`, how often the sample came before in this epoch; 0 without `balance`.
        """
        places = np.arange(self._n)
        turns = np.zeros_like(places)
        if self.balance:
            places = self._balanced(number)
            turns = _occurrence(places)
        if self.training:
            mixed = np.random.default_rng([self.seed, number]).permutation(self._n)
            places, turns = places[mixed], turns[mixed]
        mine = slice(self.index, None, self.count)
        return places[mine][: self._length], turns[mine][: self._length]

    def _drawn(self, number):
        """Samples of each class in an epoch: their shares, rounded so that the sum stays."""
        shift = np.random.default_rng([self.seed, number, 0, 0, _ROUNDING]).random()
        return np.diff(np.floor(self._ends + shift).astype(np.int64), prepend=0)

    def _balanced(self, number):
        before = sum((self._drawn(epoch) for epoch in range(number)), np.zeros(len(self._ends), np.int64))
        chosen = []
        for label, (start, drawn) in enumerate(zip(before, self._drawn(number), strict=True)):
            members = self._members[self._starts[label] : self._starts[label + 1]]
            first, skipped = divmod(start, len(members))
            rounds = range(first, (start + drawn - 1) // len(members) + 1) if drawn else ()
            seeds = ([self.seed, label, number, 0, _ROUNDS] for number in rounds)
            dealt = [np.random.default_rng(seed).permutation(members) for seed in seeds]
            if dealt:
                chosen.append(np.concatenate(dealt)[skipped : skipped + drawn])
        return np.concatenate(chosen)


def _occurrence(places):
    """How often each value came before, `[n]`."""
    order = np.argsort(places, kind="stable")
    ranked = places[order]
    firsts = np.flatnonzero(np.diff(ranked, prepend=ranked[0] - 1))
    lengths = np.diff(firsts, append=len(places))
    turns = np.empty_like(places)
    turns[order] = np.arange(len(places)) - np.repeat(firsts, lengths)
    return turns


def check_order(training, balance, shard):
    """Checks the arguments of an Order before there are labels.

    Raises:
        ValueError: naming the argument that is out of range.
    """
    pair = isinstance(shard, (tuple, list)) and len(shard) == 2 and is_whole(shard[0], 0) and is_whole(shard[1], 1)
    if not pair or shard[0] >= shard[1]:
        raise UserError(f"shard must be (index, count), integers with 0 <= index < count, got {shard!r}.")
    if isinstance(balance, bool) or not isinstance(balance, numbers.Real) or not 0 <= balance <= 1:
        raise UserError(f"balance must be a number in [0, 1], got {balance!r}.")
    if balance and not training:
        raise UserError(f"balance={balance!r} changes how often photographs come in training only, got training=False.")
