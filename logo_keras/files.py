"""Files that appear when they are complete, and not before."""

import json
import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Writes a file or folder under a temporary name beside its place and renames it at the end of the block.

    Whoever looks at `path` sees the old file or the complete new one, never half of it (of a folder that replaces one, for a
    moment neither). Missing parents are made.

    Args:
        path: str or path of the file to write. The temporary name ends with the whole name, so every suffix is kept.

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
        _rename(partial, path)
    finally:
        _remove(partial)


def write_json(path, value, **options):
    """Writes a value as JSON, all of the file or nothing.

    Args:
        path: str or path of the file.
        value: what JSON can hold. File names that are not UTF-8 are written as escapes, from which `json.load` makes them
            again.
        **options: what else `json.dumps` takes.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(json_bytes(value, **options))


def json_bytes(value, **options):
    """A value as JSON in UTF-8 with a line break at its end: bytes. Arguments as for `write_json`."""
    text = json.dumps(value, **({"indent": 1, "ensure_ascii": False} | options))
    # The only characters that UTF-8 lacks stand for the bytes of a file name, and Python's escape of them is JSON's.
    return (text + "\n").encode("utf-8", "backslashreplace")


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
