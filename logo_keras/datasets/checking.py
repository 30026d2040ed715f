"""Work on many photos at once, and the log of those that cannot be read."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice

from logo_keras.datasets.problems import Problems
from logo_keras.report.progress import progress

# Photos that wait for a thread at a time: a set has millions, and each that waits takes memory.
_WAITING = 4096
# Photos that a thread takes at a time, where there are many: handing over a single one takes longer than to look at the
# first bytes of its file.
_AT_A_TIME = 16


class Log(dict):
    """Path to reason, of the photos that could not be read.

    Attributes:
        tried: set, what need not be tried again: paths, or, of parts of photos, tuples of path and window.
    """

    def __init__(self):
        super().__init__()
        self.tried = set()


def in_threads(work, items, what, waiting=_WAITING):
    """Works on many items in several threads, and says on stderr how far it is when that takes more than seconds.

    Args:
        work: function of an item.
        items: collection.
        what: str, names the work on stderr.
        waiting: int, items that wait for a thread, or done for the caller, at a time.

    Yields:
        Tuples `(item, work(item))`, in the order of `items`.
    """
    yield from progress(_in_threads(work, iter(items), waiting), what, len(items))


def _in_threads(work, ahead, waiting):
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(ahead, waiting)):
            size = max(1, min(_AT_A_TIME, len(chunk) // (4 * threads)))
            parts = [chunk[start : start + size] for start in range(0, len(chunk), size)]
            results = pool.map(lambda part: [work(item) for item in part], parts)
            yield from zip(chunk, chain.from_iterable(results), strict=True)


def read_all(read, files, what):
    """Reads many files in several threads, and raises what is wrong with all of them together.

    Args:
        read: function of a file.
        files: collection of str.
        what: str, names the work on stderr.

    Returns:
        dict, file to what `read` gives.

    Raises:
        ValueError: as `Problems.check` does, if `read` raised some.
    """

    def attempt(file):
        try:
            return read(file)
        except ValueError as error:
            return error

    found, problems = {}, Problems()
    for file, content in in_threads(attempt, files, what):
        with problems.collecting():
            if isinstance(content, ValueError):
                raise content
            found[file] = content
    problems.check()
    return found
