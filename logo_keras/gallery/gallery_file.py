"""The file of a gallery: a zip without compression, of which the vectors are mapped into memory and not read."""

import io
import json
import math
import os
import struct
import weakref
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from logo_keras import __version__
from logo_keras.edge.model_file import DAMAGED_ZIP
from logo_keras.errors import FileError, UserError
from logo_keras.files import json_bytes, new_entry, replacing
from logo_keras.gallery.table import COLUMNS, Table, label_of
from logo_keras.image import containers

FORMAT, VERSION = "logo_keras gallery", 1
ABOUT, REFERENCES, VECTORS, BRANDS = "gallery.json", "references.json", "vectors.npy", "brands.npy"
PROBE, BACKGROUNDS = "probe.npy", "background_vectors.npy"

# Bytes. Vectors begin at a multiple, as numpy aligns arrays and as processors load them.
_ALIGNMENT = 64
# An extra field that fills a local header up. Source: Android's zipalign, 0xD935.
_FILLING = struct.Struct("<HH")
_FILLING_ID = 0xD935
# Bytes of a local header before its name, and of the sizes beyond 4 GiB that are always written. Source: APPNOTE 4.3.7, 4.5.3.
_HEADER, _LARGE_SIZES = 30, 20
# Bytes whose checksum is computed at a time.
_AT_ONCE = 2**24
_AGAIN = "copy it again, or take an older copy"
# By how much the length of a vector may differ from 1: float32 rounds far less.
_ROUNDING = 1e-3
# As a file's state: whatever it is.
ANY = object()


class UnusableGallery(FileError):
    """A file that cannot be opened as a gallery; the reason also says what to do."""


def of_another(path, name, given):
    """The error where a gallery is opened with another embedding: UnusableGallery.

    Args:
        path: str or Path of the gallery.
        name: str, of the embedding with which it was made.
        given: str, of the other.
    """
    # As that of an older release of the package.
    other = f"the embedding {name}, not with {given}" if name != given else f"another embedding named {name}"
    return UnusableGallery(
        path,
        f"made with {other}: open it with that one, or embed its references anew: logo-gallery reembed {path}, with "
        "--model FILE where it is not the one that comes with the package; in Python "
        f"Gallery.load({os.fspath(path)!r}).reembed(MODEL).",
    )


class Archived:
    """The pictures of one reference in a gallery's file, read when they are asked for.

    Args:
        archive: `zipfile.ZipFile`, open.
        crop: str, the name of the crop in it, or None.
        thumbnail: str, likewise.
    """

    __slots__ = ("_archive", "_crop", "_thumbnail")

    def __init__(self, archive, crop, thumbnail):
        self._archive, self._crop, self._thumbnail = archive, crop, thumbnail

    @property
    def crop(self):
        """bytes of an image file, or None."""
        return self._read(self._crop)

    @property
    def thumbnail(self):
        """bytes of an image file, or None."""
        return self._read(self._thumbnail)

    def _read(self, name):
        if name is None:
            return None
        try:
            return self._archive.read(name)
        except DAMAGED_ZIP as error:
            raise UnusableGallery(self._archive.filename, f"damaged: {name} cannot be read ({error}); {_AGAIN}.") from error


@contextmanager
def naming_its_brand(table, row):
    """Adds to the error of a damaged picture in the block whose it is, and how to go on without it.

    Args:
        table: Table.
        row: int, of the reference to which the picture belongs.
    """
    try:
        yield
    except UnusableGallery as error:
        known = table.reference(row)
        without = f"logo-gallery remove {error.name} {known.label!r} --reference {known.digest}"
        reason = f"{error.reason} It belongs to {known.label!r}; to go on without it: {without}"
        raise UnusableGallery(error.name, reason) from error


def write(path, table, about, probe, background_vectors, known=ANY):
    """Writes a gallery: all of the file, or nothing and the old one stays.

    Args:
        path: str or Path.
        table: Table.
        about: dict for JSON, what else is known; `format`, `version` and `brands` are added.
        probe: float32 `[8, D]`, see `logo_keras.gallery.embedders`.
        background_vectors: float32 `[G, D]`, or None.
        known: the state that the file must have, as `read` and `write` give it, None for a file that is not there yet; or `ANY`.
            A file that was removed meanwhile is no matter: nothing is lost.

    Returns:
        The state of the new file.

    Raises:
        ValueError: if the file is in another state, since another process has changed it.
        UnusableGallery: saying whose it is, if a picture is damaged.
        OSError: if it cannot be written.
    """
    counts = np.bincount(table.brands, minlength=len(table.labels)).tolist()
    brands = [{"label": label, "references": count} for label, count in zip(table.labels, counts, strict=True)]
    about = {"format": FORMAT, "version": VERSION, "logo_keras": __version__, **about, "brands": brands}
    with replacing(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(new_entry(ABOUT), json_bytes(about))
            archive.writestr(new_entry(REFERENCES), json_bytes(table.columns, indent=None))
            arrays = {VECTORS: table.vectors, BRANDS: table.brands, PROBE: probe, BACKGROUNDS: background_vectors}
            for name, array in arrays.items():
                if array is not None:
                    _add_array(archive, name, array)
            for number, picture in enumerate(table.pictures):
                with naming_its_brand(table, number):
                    crop, thumbnail = picture.crop, picture.thumbnail
                if crop is not None:
                    archive.writestr(new_entry(f"crops/{number:07d}{'.png' if containers.kind(crop) == 'PNG' else '.jpg'}"), crop)
                if thumbnail is not None:
                    archive.writestr(new_entry(f"thumbnails/{number:07d}.jpg"), thumbnail)
        # Of the temporary file, since another process may replace the new one at once; a name changes nothing of it.
        state = _state(os.stat(temporary))
        # Last, so that hardly any time is left for another process.
        if known is not ANY and os.path.exists(path) and _state(os.stat(path)) != known:
            raise UserError(
                f"{path} was written anew since it was opened or saved here, and nothing was saved now, so that those changes "
                "are not lost: run the command again; in Python, open it again and repeat the change, or save to another file."
            )
    return state


def read(path):
    """Opens a gallery.

    Everything but the pictures is compared with its checksums; a picture when it is read.

    Args:
        path: str or Path.

    Returns:
        Table; dict, what else is known; float32 `[8, D]`, the probe; float32 `[G, D]`, background vectors, or None; and the
        state of the file, for `write`.

    Raises:
        UnusableGallery: naming the file and what to do, if it is no gallery, damaged, or of a later version; it is a ValueError
            too.
        OSError: if it cannot be read.
    """
    path = Path(path)
    # Opened once: another process may put a new file in its place meanwhile.
    file = open(path, "rb")
    try:
        # First: where no picture is kept nothing needs the file any more once it is read.
        state = _state(os.fstat(file.fileno()))
        return *_read(path, file), state
    except UnusableGallery:
        file.close()
        raise
    # RecursionError: lists inside lists without end.
    except (*DAMAGED_ZIP, TypeError, AttributeError, RecursionError, MemoryError) as error:
        file.close()
        raise UnusableGallery(path, f"damaged ({error}); {_AGAIN}.") from error
    except BaseException:
        file.close()
        raise


def _state(found):
    """What changes when a file is written anew, of what `os.stat` says of it."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(path, file):
    if not os.fstat(file.fileno()).st_size:
        raise UnusableGallery(path, f"the file is empty; {_AGAIN}.")
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED_ZIP as error:
        raise UnusableGallery(path, f"no gallery, or cut short: {_AGAIN}, or make one with logo-gallery add.") from error
    # It stays open for the pictures, as long as one of them may be asked for.
    weakref.finalize(archive, file.close)
    entries = {entry.filename: entry for entry in archive.infolist()}
    if ABOUT not in entries:
        raise UnusableGallery(path, "a zip, but no gallery: make one with logo-gallery add.")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise UnusableGallery(path, "compressed by another program: a gallery is a zip without compression; take the first copy.")
    about = json.loads(archive.read(ABOUT))
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise UnusableGallery(path, "no gallery of logo_keras: make one with logo-gallery add.")
    if about.get("version") != VERSION:
        written = f"written by logo_keras {about.get('logo_keras')} in version {about.get('version')} of the format"
        raise UnusableGallery(path, f"{written}; this logo_keras {__version__} reads version {VERSION}: install that one.")
    labels = [brand["label"] for brand in about["brands"]]
    vectors = _mapped(file, entries[VECTORS])
    brands, probe = (_array(archive, name) for name in (BRANDS, PROBE))
    backgrounds = _array(archive, BACKGROUNDS) if BACKGROUNDS in entries else None
    columns = json.loads(archive.read(REFERENCES))
    _check(labels, brands, vectors, columns, probe, backgrounds)
    crops = {name[6:-4]: name for name in entries if name.startswith("crops/")}
    thumbnails = {name[11:-4]: name for name in entries if name.startswith("thumbnails/")}
    keys = (f"{number:07d}" for number in range(len(vectors)))
    pictures = [Archived(archive, crops.get(key), thumbnails.get(key)) for key in keys]
    table = Table(labels, brands, vectors, {name: columns[name] for name in COLUMNS}, pictures)
    return table, about, probe, backgrounds


def _check(labels, brands, vectors, columns, probe, backgrounds):
    """Raises ValueError unless the parts of a gallery fit each other."""
    if len(set(labels)) != len(labels) or any(label_of(label) != label for label in labels):
        raise UserError("its brands are no different names")
    count, dimensions = vectors.shape
    if brands.shape != (count,) or brands.dtype != np.int32 or (np.diff(brands) < 0).any():
        raise UserError("its references belong to no brands")
    if not np.array_equal(np.unique(brands), np.arange(len(labels))):
        raise UserError("it has brands without references, or references without a brand")
    if not all(isinstance(columns[name], list) and len(columns[name]) == count for name in COLUMNS):
        raise UserError("it does not say of every reference what it is")
    if not all(isinstance(value, str) for name in COLUMNS if name != "box" for value in columns[name]):
        raise UserError("it says of a reference what is no text")
    if not all(map(_is_box, columns["box"])):
        raise UserError("a box is no four numbers")
    # Not of all: marks that look alike may share a picture.
    if len(set(zip(brands.tolist(), columns["digest"], strict=True))) != count:
        raise UserError("a brand has a reference twice")
    for name, array in ((PROBE, probe), (BACKGROUNDS, backgrounds)):
        if array is not None and (array.dtype != np.float32 or array.shape[1:] != (dimensions,)):
            raise UserError(f"{name} does not fit its vectors")
    for name, array in ((VECTORS, vectors), (PROBE, probe), (BACKGROUNDS, backgrounds)):
        if array is not None and not _have_length_1(array):
            raise UserError(f"{name} has vectors whose length is not 1")


def _is_box(box):
    if box is None:
        return True
    numbers = isinstance(box, list) and len(box) == 4 and all(type(corner) in (int, float) for corner in box)
    return numbers and all(map(math.isfinite, box))


def _have_length_1(vectors):
    rows = max(1, _AT_ONCE // (vectors.itemsize * vectors.shape[1]))
    blocks = (vectors[at : at + rows] for at in range(0, len(vectors), rows))
    with np.errstate(all="ignore"):
        # What is not finite is not near either.
        lengths = (np.sqrt(np.einsum("nd,nd->n", block, block)) for block in blocks)
        return all((np.abs(length - 1) < _ROUNDING).all() for length in lengths)


def _add_array(archive, name, array):
    """Adds an array so that its numbers begin at a multiple of 64 bytes: numpy's header of an array has such a length."""
    entry = new_entry(name)
    begin = archive.fp.tell() + _HEADER + len(name) + _LARGE_SIZES + _FILLING.size
    filling = -begin % _ALIGNMENT
    entry.extra = _FILLING.pack(_FILLING_ID, filling) + bytes(filling)
    with archive.open(entry, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _array(archive, name):
    """A small array, read."""
    return np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)


def _mapped(file, entry):
    """The vectors, float32 `[n, D]`, mapped; compared with their checksum."""
    file.seek(entry.header_offset)
    header = file.read(_HEADER)
    if header[:4] != b"PK\x03\x04":
        raise UserError(f"{entry.filename} does not begin where the file says")
    start = entry.header_offset + _HEADER + sum(struct.unpack_from("<HH", header, 26))
    file.seek(start)
    if np.lib.format.read_magic(file) != (1, 0):
        raise UserError(f"{entry.filename} is of another version of numpy's format")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    first = file.tell()
    size = first - start + math.prod(shape) * dtype.itemsize
    if dtype != np.dtype("<f4") or len(shape) != 2 or by_columns or size != entry.file_size:
        raise UserError(f"{entry.filename} holds no vectors")
    # numpy maps no file of no bytes.
    vectors = np.memmap(file, dtype, "r", first, shape) if math.prod(shape) else np.zeros(shape, dtype)
    whole = np.memmap(file, np.uint8, "r", start, (size,))
    checksum = 0
    for at in range(0, size, _AT_ONCE):
        checksum = zlib.crc32(whole[at : at + _AT_ONCE], checksum)
    if checksum != entry.CRC:
        raise UserError(f"{entry.filename} is not what was written, by its checksum")
    return vectors
