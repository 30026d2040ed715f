"""Photos on disk, stretched to a square: what reading them again costs a small part of decoding them again."""

import hashlib
import os
import struct
import sys
import threading
import zlib
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.files import replacing
from logo_keras.image.preprocessing import DECODING, resize

# A mark that also says the version of the file, the side in px, and the checksum of the px.
_HEADER = struct.Struct("<8sII")
_MARK = b"logosq 1"


class Cache:
    """A folder of squares, one file a sample: the px of a photo stretched by `logo_keras.image.preprocessing.resize`.

    A file is named by a hash of the photograph's path, size and time, the window that the sample shows, the side, the limits
    under which it was read and the versions that made it. So a photo that changed is read anew, and data sets, their
    subsets and shards, and processes can share the folder. Files appear when they are complete; a damaged one is made anew.
    Where one cannot be written, for instance on a full disk, one line on stderr says so and no more are.

    Args:
        folder: path, made where it is missing. A sample takes `3 * side ** 2` bytes.
        side: int, px.
        limits: (max_pixels, max_bytes) of the photos.

    Raises:
        ValueError: if `folder` is no path.
        OSError: if there is no such folder and it cannot be made.
    """

    def __init__(self, folder, side, limits):
        if not isinstance(folder, (str, os.PathLike)) or not os.fspath(folder):
            raise UserError(f"cache must be the path of a folder, or None, got {folder!r}.")
        self.folder = Path(folder)
        self.side = side
        self._made_by = (side, *limits, cv2.__version__, DECODING)
        self._writable, self._lock = True, threading.Lock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"the cache {self.folder} is no folder and cannot be made one: {error.strerror}") from error

    def holds(self, path, window):
        """bool, whether there is a file of a sample; see `square`."""
        try:
            return self._file(path, window).exists()
        except OSError:
            return False

    def square(self, path, window, read):
        """Gives a sample's square, and keeps it.

        Args:
            path: str, the photo.
            window: None, or float `[4]`, what part of it the sample shows.
            read: function without arguments that gives the sample's part of the photo, uint8 RGB `[H, W, 3]`. What it
                raises is passed on.

        Returns:
            uint8 RGB `[side, side, 3]`, perhaps read-only.
        """
        try:
            file = self._file(path, window)
        except OSError:
            # The photo is gone, and `read` says so best.
            return resize(read(), self.side)
        square = self._kept(file)
        if square is None:
            square = resize(read(), self.side)
            self._keep(file, square)
        return square

    def _file(self, path, window):
        about = os.stat(path)
        window = None if window is None else [float(value) for value in window]
        key = repr((os.fsencode(path), about.st_size, about.st_mtime_ns, window, self._made_by, _MARK))
        name = hashlib.blake2b(key.encode(), digest_size=20).hexdigest()
        # 65,536 folders: some file systems are slow where one holds millions of files.
        return self.folder / name[:2] / name[2:4] / f"{name[4:]}.square"

    def _kept(self, file):
        try:
            data = file.read_bytes()
        except OSError:
            return None
        if len(data) != _HEADER.size + 3 * self.side**2:
            return None
        square = np.frombuffer(data, np.uint8, offset=_HEADER.size).reshape(self.side, self.side, 3)
        return square if data.startswith(self._header(square)) else None

    def _header(self, square):
        return _HEADER.pack(_MARK, self.side, zlib.crc32(square))

    def _keep(self, file, square):
        if not self._writable:
            return
        try:
            with replacing(file, durable=False) as temporary, open(temporary, "wb") as stream:
                square = np.ascontiguousarray(square)
                stream.write(self._header(square))
                stream.write(square.data)
        except OSError as error:
            with self._lock:
                if self._writable:
                    self._writable = False
                    print(f"the cache {self.folder} takes no more photographs: {error.strerror or error}", file=sys.stderr)
