"""A lock that one process at a time can hold, and that the system drops when the process ends, however it ends."""

import contextlib
import errno
import sys
from pathlib import Path

from logo_keras.extras import require

# What file systems without locks say; ENOTSUP is EOPNOTSUPP on Linux.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


class Held(OSError):
    """Another process holds the lock."""


@contextlib.contextmanager
def lock(path, waiting=None):
    """Holds a lock for the time of the block. On a file system without locks the block runs without, and stderr says so.

    Args:
        path: str or path of the lock's file, which is removed afterwards. A file that a killed process left is no lock.
        waiting: function without arguments that is called before the lock is waited for; None raises instead of waiting.

    Raises:
        Held: if another process holds the lock and `waiting` is None.
        OSError: if the file cannot be written.
        ImportError: naming the extra, if filelock is not installed.
    """
    filelock, path = require("filelock", "train"), Path(path)
    held = filelock.FileLock(str(path))
    try:
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            if waiting is None:
                raise Held(errno.EWOULDBLOCK, "another process holds the lock", str(path)) from None
            waiting()
            held.acquire()
    except OSError as error:
        if isinstance(error, Held) or error.errno not in _NO_LOCKS:
            raise
        print(f"note: {path.parent} lies on a file system without locks; start no second run there.", file=sys.stderr)
        yield
        return
    try:
        yield
    finally:
        # While it is held: a process that waits for the removed file takes a new one.
        with contextlib.suppress(OSError):
            path.unlink()
        held.release()
