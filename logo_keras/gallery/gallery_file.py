"""The file of a gallery: a zip without compression, of which the vectors are mapped into memory and not read."""

import io
import json
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from logo_keras import __version__
from logo_keras.edge.model_file import DAMAGED_ZIP
from logo_keras.errors import FileError, UserError
from logo_keras.files import json_bytes, replacing
from logo_keras.gallery.table import COLUMNS, Table
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
# The earliest date that a zip can hold: the same gallery gives the same bytes on any day.
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
# Bytes whose checksum is computed at a time.
_AT_ONCE = 2**24
_AGAIN = "copy it again, or take an older copy"


class UnusableGallery(FileError):
    """A file that cannot be opened as a gallery; the reason also says what to do."""


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


def write(path, table, about, probe, background_vectors):
    """Writes a gallery: all of the file, or nothing and the old one stays.

    Args:
        path: str or Path.
        table: Table.
        about: dict for JSON, what else is known; `format`, `version` and `brands` are added.
        probe: float32 `[8, D]`, see `logo_keras.gallery.embedders`.
        background_vectors: float32 `[G, D]`, or None.

    Raises:
        OSError: if it cannot be written.
    """
    counts = np.bincount(table.brands, minlength=len(table.labels)).tolist()
    brands = [{"label": label, "references": count} for label, count in zip(table.labels, counts, strict=True)]
    about = {"format": FORMAT, "version": VERSION, "logo_keras": __version__, **about, "brands": brands}
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, ABOUT, json_bytes(about))
        _add(archive, REFERENCES, json_bytes(table.columns, indent=None))
        arrays = {VECTORS: table.vectors, BRANDS: table.brands, PROBE: probe, BACKGROUNDS: background_vectors}
        for name, array in arrays.items():
            if array is not None:
                _add_array(archive, name, array)
        for number, picture in enumerate(table.pictures):
            crop, thumbnail = picture.crop, picture.thumbnail
            if crop is not None:
                _add(archive, f"crops/{number:07d}{'.png' if containers.kind(crop) == 'PNG' else '.jpg'}", crop)
            if thumbnail is not None:
                _add(archive, f"thumbnails/{number:07d}.jpg", thumbnail)


def read(path):
    """Opens a gallery.

    Everything but the pictures is compared with its checksums; a picture when it is read.

    Args:
        path: str or Path.

    Returns:
        Table; dict, what else is known; float32 `[8, D]`, the probe; and float32 `[G, D]`, background vectors, or None.

    Raises:
        UnusableGallery: naming the file and what to do, if it is no gallery, damaged, or of a later version; it is a ValueError
            too.
        OSError: if it cannot be read.
    """
    path = Path(path)
    with open(path, "rb") as file:
        if not file.read(1):
            raise UnusableGallery(path, f"the file is empty; {_AGAIN}.")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UnusableGallery(path, f"no gallery, or cut short: {_AGAIN}, or make one with logo-gallery add.") from error
    try:
        return _read(path, archive)
    except UnusableGallery:
        archive.close()
        raise
    # RecursionError: lists inside lists without end.
    except (*DAMAGED_ZIP, TypeError, AttributeError, RecursionError, MemoryError) as error:
        archive.close()
        raise UnusableGallery(path, f"damaged ({error}); {_AGAIN}.") from error


def _read(path, archive):
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
    vectors = _mapped(path, archive, entries[VECTORS])
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
    if not all(isinstance(label, str) and label for label in labels) or len(set(labels)) != len(labels):
        raise UserError("its brands are no different names")
    count, dimensions = vectors.shape
    if brands.shape != (count,) or brands.dtype != np.int32 or (np.diff(brands) < 0).any():
        raise UserError("its references belong to no brands")
    if not np.array_equal(np.unique(brands), np.arange(len(labels))):
        raise UserError("it has brands without references, or references without a brand")
    if {*map(len, (columns[name] for name in COLUMNS))} != {count}:
        raise UserError("it does not say of every reference what it is")
    for name, array in ((PROBE, probe), (BACKGROUNDS, backgrounds)):
        if array is not None and (array.dtype != np.float32 or array.shape[1:] != (dimensions,)):
            raise UserError(f"{name} does not fit its vectors")


def _add(archive, name, data):
    entry = _entry(name)
    archive.writestr(entry, data)


def _entry(name):
    entry = zipfile.ZipInfo(name, _FIXED_DATE)
    # Otherwise the byte differs between Windows and the rest.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _add_array(archive, name, array):
    """Adds an array so that its numbers begin at a multiple of 64 bytes: numpy's header of an array has such a length."""
    entry = _entry(name)
    begin = archive.fp.tell() + _HEADER + len(name) + _LARGE_SIZES + _FILLING.size
    filling = -begin % _ALIGNMENT
    entry.extra = _FILLING.pack(_FILLING_ID, filling) + bytes(filling)
    with archive.open(entry, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _array(archive, name):
    """A small array, read."""
    return np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)


def _mapped(path, archive, entry):
    """The vectors, float32 `[n, D]`, mapped; compared with their checksum."""
    with open(path, "rb") as file:
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
    vectors = np.memmap(path, dtype, "r", first, shape) if math.prod(shape) else np.zeros(shape, dtype)
    whole = np.memmap(path, np.uint8, "r", start, (size,))
    checksum = 0
    for at in range(0, size, _AT_ONCE):
        checksum = zlib.crc32(whole[at : at + _AT_ONCE], checksum)
    if checksum != entry.CRC:
        raise UserError(f"{entry.filename} is not what was written, by its checksum")
    return vectors
