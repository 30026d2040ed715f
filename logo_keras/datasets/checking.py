"""Trying many photographs at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice

from logo_keras.report.progress import progress

# Photographs that wait for a thread at a time: a set has millions, and each that waits takes memory.
_WAITING = 4096
# Photographs that a thread takes at a time, where there are many: handing over a single one takes longer than to look at the
# first bytes of its file.
_AT_A_TIME = 16


def in_threads(work, items, what):
    """Works on many items in several threads, and says on stderr how far it is when that takes more than seconds.

    Args:
        work: function of an item.
        items: list or dict.
        what: str, names the work on stderr.

    Yields:
        Tuples `(item, work(item))`, in the order of `items`.
    """
    yield from progress(_in_threads(work, iter(items)), what, len(items))


def _in_threads(work, ahead):
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(ahead, _WAITING)):
            size = max(1, min(_AT_A_TIME, len(chunk) // (4 * threads)))
            parts = [chunk[start : start + size] for start in range(0, len(chunk), size)]
            results = pool.map(lambda part: [work(item) for item in part], parts)
            yield from zip(chunk, chain.from_iterable(results), strict=True)


def find_unreadable(samples, reason):
    """Tries photographs.

    Args:
        samples: dict from the path of a photograph to its samples.
        reason: function of samples: None, or str, why they cannot be read.

    Returns:
        dict, path to reason, of those that cannot.
    """
    found = in_threads(lambda path: reason(samples[path]), samples, "checking photographs")
    return {path: why for path, why in found if why is not None}
