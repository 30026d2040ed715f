"""Ctrl-C and SIGTERM during a run: the step is ended, a checkpoint is saved, and the run leaves."""

import os
import signal
import threading
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAID = "\nStopping after this step, with a checkpoint. Ctrl-C again leaves at once.\n"


class Interrupted(KeyboardInterrupt):
    """A run that left because it was asked to; its message says what is saved and how to go on.

    Attributes:
        status: int, the exit status of a command: 130 after Ctrl-C, 143 after SIGTERM.
    """

    def __init__(self, message, signum=signal.SIGINT):
        super().__init__(message)
        # As shells count: 128 and the number of the signal.
        self.status = 128 + int(signum)


class Request:
    """Whether a run has been asked to leave.

    Attributes:
        signum: int, the signal that asked, or None.
    """

    def __init__(self):
        self.signum = None


@contextmanager
def listening():
    """Takes the first SIGTERM or Ctrl-C inside the block as a request to leave; the next one acts as outside of it.

    Outside of the main thread, where Python takes no signals, and for signals that are ignored, everything stays as it is.

    Yields:
        Request.
    """
    request, before = Request(), {}

    def restore():
        for signum, handler in before.items():
            signal.signal(signum, handler)
        before.clear()

    def ask(signum, frame):
        request.signum = signum
        restore()
        if signum == signal.SIGINT:
            # Not print: it fails where it is interrupted itself.
            os.write(2, _SAID.encode())

    if threading.current_thread() is threading.main_thread():
        for signum in _SIGNALS:
            # None: another program that runs Python has set it.
            if signal.getsignal(signum) not in (signal.SIG_IGN, None):
                before[signum] = signal.signal(signum, ask)
    try:
        yield request
    finally:
        restore()
