"""A disk that is full, said before or as it happens, with what to do about it."""

import contextlib
import errno
import shutil

# EDQUOT is not defined on Windows.
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextlib.contextmanager
def saying_when_full(path, kept):
    """Turns a full disk into an error that says what to do.

    Args:
        path: Path that is written in the block.
        kept: str, what happens to what has been written.

    Raises:
        OSError: ENOSPC, naming `path` and saying `kept`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(error.strerror, path, kept) from error
        raise


def check_room(path, wanted, kept):
    """Looks whether a disk has room.

    Args:
        path: Path that will be written; its folder exists.
        wanted: int, bytes.
        kept: str, what happens to what has been written before.

    Raises:
        OSError: ENOSPC, if fewer bytes are free.
    """
    free = shutil.disk_usage(path.parent).free
    if free < wanted:
        raise _full(f"{wanted / 1e6:,.0f} MB are wanted and {free / 1e6:,.0f} MB are free", path, kept)


def _full(what, path, kept):
    return OSError(errno.ENOSPC, f"the disk is full ({what}); {kept}", str(path))
