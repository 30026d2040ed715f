"""How far long work is, on stderr."""

import contextlib
import sys
import time

# Seconds between two lines where stderr is no terminal.
_PAUSE = 5
# Of work that takes hours: a line a minute. On a terminal no more than the eye follows.
_MINUTE, _REDRAWN = 60, 0.5


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


class Bar:
    """How far steps are that somebody else takes, as Keras does: a bar on a terminal, elsewhere a line a minute.

    The bar fits itself to the width of the terminal and is gone when it is closed. Without tqdm lines are written there too.

    Args:
        what: str, names the work.
        total: int, steps; None where nobody knows.
        images: int, images a step, to say images per second; None says steps per second.
        first: str, what is said until the first step is done; on a terminal alone.
    """

    def __init__(self, what, total=None, images=None, first=""):
        self.what, self.total, self.images = what, total, images
        self._began, self._shown = None, time.perf_counter()
        self._bar = _terminal_bar(what, total, first)
        self._pause = _MINUTE if self._bar is None else _REDRAWN

    def at(self, step, figures=dict):
        """Says how far the work is, if it is time to.

        Args:
            step: int, steps that are done.
            figures: function that gives a dict from names to floats; called only where something is said, since Keras's figures
                are waited for.
        """
        now = time.perf_counter()
        # The first step is left out of the rate: it prepares the others.
        self._began = self._began or (step, now)
        if now - self._shown < self._pause:
            return
        told = self._told(step, now, figures())
        self._shown = time.perf_counter()
        if self._bar is None:
            of = "" if self.total is None else f" of {self.total}"
            print(", ".join([f"{self.what}: step {step}{of}", *told]), file=sys.stderr, flush=True)
        else:
            self._bar.n = step
            self._bar.set_postfix_str(", ".join(told))

    def _told(self, step, now, figures):
        told = [f"{name} {value:.3f}" for name, value in figures.items()]
        first, since = self._began
        if step == first:
            return told
        rate = (step - first) / (now - since)
        told.insert(0, f"{rounded(rate * (self.images or 1))} {'steps' if self.images is None else 'images'}/s")
        if self.total is not None:
            told.append(f"{clock((self.total - step) / rate)} left")
        return told

    def close(self):
        """Takes the bar away; the cursor is where it began."""
        if self._bar is not None:
            self._bar.close()


def _terminal_bar(what, total, first):
    """A bar of tqdm on a terminal, or None."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt}{postfix}" if total else "{desc}: step {n_fmt}{postfix}"
    return tqdm(desc=what, total=total, leave=False, dynamic_ncols=True, bar_format=form, postfix=first)


@contextlib.contextmanager
def beside_bars():
    """Lets the block print lines of its own: bars on the terminal step aside, and come back at its end."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        yield
        return
    with tqdm.external_write_mode():
        yield


def clock(seconds):
    """A time as a clock shows it: 0:42, 12:05, 1:12:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def lasting(seconds):
    """A time in words, as exact as one knows it beforehand: 42 s, 12 min, 1 h 12 min, 3 d 4 h."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def rounded(number):
    """A number with three digits, or all of a whole one: 0.123, 4.57, 31.2, 1,234."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
