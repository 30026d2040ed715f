"""Files that appear when they are complete, locks between processes, and what to say when the disk is full."""

import errno
import hashlib
import json
import os
import shutil
import sys
import uuid
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

from logo_keras.extras import require

# The earliest date that a zip can hold.
_EARLIEST = (1980, 1, 1, 0, 0, 0)
# In a folder that this package wrote: data sets skip it where it lies among photos.
MARK = ".logo_keras"
# EDQUOT is not defined on Windows.
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
# What file systems without locks say.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


class Held(OSError):
    """Another process holds the lock."""


def mark(folder):
    """Makes a folder and marks it as written by this package, so that no data set takes its pictures for photos.

    A folder that already holds something is left alone: it may hold photos.

    Args:
        folder: str or path.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        (folder / MARK).write_text("logo_keras wrote this folder: its data sets skip it.\n", encoding="utf-8")


@contextmanager
def replacing(path, durable=True):
    """Writes a file or folder under a temporary name beside its place and renames it at the end of the block.

    Whoever looks at `path` sees the old file or the complete new one, never half of it (of a folder that replaces one, for a
    moment neither). After a power failure, too, it is one of the two: what was written reaches the disk before it is renamed.
    Missing parents are made.

    Args:
        path: str or path of the file to write. The temporary name ends with the whole name, so every suffix is kept.
        durable: bool, False does not wait for the disk: for files that can be made anew.

    Yields:
        Path to write to. It is removed if the block raises.

    Raises:
        FileNotFoundError: if the block ended without writing anything.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        if not partial.exists():
            raise FileNotFoundError(f"nothing was written for {path}.")
        if durable:
            for name in (*partial.rglob("*"), partial):
                _sync(name)
        _rename(partial, path)
        if durable:
            # The new name is an entry of its folder.
            _sync(path.parent)
    finally:
        _remove(partial)


def sweep(folder, names):
    """Removes what `replacing` began in a folder and could not end, because its process was killed.

    Args:
        folder: Path. No other process may write these names in it.
        names: iterable of str, the names of the files and folders that were to be written; `*` stands for anything.
    """
    for name in names:
        for path in folder.glob(f".partial-????????-{name}"):
            _remove(path)


def write(path, data):
    """Writes bytes, all of the file or nothing."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path, value, **options):
    """Writes a value as JSON, all of the file or nothing.

    Args:
        path: str or path of the file.
        value: what JSON can hold. File names that are not UTF-8 are written as escapes, from which `json.load` makes them
            again.
        **options: what else `json.dumps` takes.
    """
    write(path, json_bytes(value, **options))


def json_bytes(value, **options):
    """A value as JSON in UTF-8 with a line break at its end: bytes. Arguments as for `write_json`."""
    text = json.dumps(value, **({"indent": 1, "ensure_ascii": False} | options))
    # The only characters that UTF-8 lacks stand for the bytes of a file name, and Python's escape of them is JSON's.
    return (text + "\n").encode("utf-8", "backslashreplace")


def new_entry(name):
    """An entry for a zip whose bytes are the same on any day and any system: `zipfile.ZipInfo`, uncompressed."""
    entry = zipfile.ZipInfo(name, _EARLIEST)
    # Otherwise the byte differs between Windows and the rest.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def sha256(path):
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock(path, waiting=None):
    """Holds a lock for the time of the block: one process at a time, and the system drops the lock when the process ends.

    On a file system without locks the block runs without, and stderr says so.

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
        if error.errno not in _NO_LOCKS:
            raise
        print(f"note: {path.parent} lies on a file system without locks; start no second run there.", file=sys.stderr)
    try:
        yield
    finally:
        # While it is held: a process that waits for the removed file takes a new one.
        with suppress(OSError):
            path.unlink()
        held.release()


@contextmanager
def saying_when_full(path, kept):
    """Turns the error of a full disk inside the block into one that says what to do.

    Args:
        path: Path that is written in the block.
        kept: str, what happens to what has been written.

    Raises:
        OSError: ENOSPC, naming `path` and saying `kept`.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(errno.ENOSPC, f"the disk is full ({error.strerror}); {kept}", str(path)) from error


def _sync(path):
    """Waits until a file, or the names in a folder, are on the disk."""
    # Windows opens no folders, and syncs a file only where it may be written.
    posix = os.name == "posix"
    if path.is_symlink() or not (path.is_file() or (posix and path.is_dir())):
        return
    descriptor = os.open(path, os.O_RDONLY if posix else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems do not know it for folders, or at all.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _rename(partial, path):
    if not (partial.is_dir() and path.is_dir()):
        os.replace(partial, path)
        return
    # No system call exchanges two folders everywhere: the old one steps aside, and comes back if the new one cannot follow.
    aside = partial.with_name(f"{partial.name}.old")
    os.replace(path, aside)
    try:
        os.replace(partial, path)
    except OSError:
        os.replace(aside, path)
        raise
    _remove(aside)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
