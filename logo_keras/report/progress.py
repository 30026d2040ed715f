"""How far long work is, on stderr."""

import sys

# Seconds between two lines where stderr is no terminal.
_PAUSE = 5


def progress(items, what, total):
    """Passes items on and says how many there were: a bar on a terminal, elsewhere a line every few seconds.

    Says nothing in the first seconds, nor where tqdm is not installed (extra `[train]`).

    Args:
        items: iterable.
        what: str, names the work.
        total: int, how many items there are.

    Returns:
        iterable of the same items.
    """
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return items
    if sys.stderr.isatty():
        return tqdm(items, what, total, delay=_PAUSE, leave=False)
    form = "{desc}: {n_fmt} of {total_fmt}, {rate_fmt}"
    return tqdm(items, what, total, delay=_PAUSE, leave=False, file=_Lines(), mininterval=_PAUSE, miniters=1, bar_format=form)


class _Lines:
    """A stream that makes each state of a bar a line, so that a log holds no carriage returns."""

    def write(self, text):
        if text.strip():
            print(text.strip(), file=sys.stderr)

    def flush(self):
        sys.stderr.flush()
