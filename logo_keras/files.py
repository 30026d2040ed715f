"""Files that appear when they are complete, and not before."""

import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Writes a file or folder under a temporary name beside its place and renames it at the end of the block.

    Whoever looks at `path` sees the old file or the complete new one, never half of it. Missing parents are made.

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
        os.replace(partial, path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
