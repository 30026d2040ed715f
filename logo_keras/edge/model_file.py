"""Exported model files: where they say what they are, and whether they are whole, before an engine sees them.

Read by hand, so that a device needs neither the flatbuffers nor the onnx package.
"""

import contextlib
import json
import mmap
import struct
import zipfile
import zlib
from pathlib import Path

from logo_keras.edge.metadata import Metadata, encodable
from logo_keras.errors import FileError, UserError
from logo_keras.files import new_entry

# The names under which the zip behind a TFLite model holds them; MediaPipe's files carry their labels the same way.
METADATA_NAME = "logo_keras.json"
LABELS_NAME = "labels.txt"
CHECKSUM_NAME = "model.crc32"

# Bytes 4 to 8 of every TFLite file: the file identifier of its flatbuffer schema.
_TFLITE_IDENTIFIER = b"TFL3"
# Bytes of a text; the names of a hundred thousand classes.
_LARGEST_ENTRY = 2**24
# Deflate shrinks text to a tenth, at most to a thousandth: what shrank more than this, above a megabyte, was made to do harm.
_MOST_SHRUNK, _SMALL_ENTRY = 100, 2**20
# What zipfile raises on damaged archives, from Python 3.11 to 3.13.
DAMAGED_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, LookupError, OSError, OverflowError, RuntimeError, ValueError),
)

# Protocol Buffers, "Encoding": how a field's value is written.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Field numbers of onnx.proto (IR version 13).
_MODEL_GRAPH, _MODEL_PROPERTIES = 7, 14
_PROPERTY_KEY, _PROPERTY_VALUE = 1, 2
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14
# Message: the fields in which a tensor may lie, and the messages that they hold.
_HOLDS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
# Graphs inside graphs: a model of this package has none, a hostile file may have thousands.
_DEEPEST = 64

_AGAIN = "Copy it again or export the model again."
_HAS_METADATA = "already carries metadata; append to the model as the converter gave it."
_NO_METADATA = (
    "no metadata of logo_keras at the end of this TFLite file. It was cut short, or another program wrote it: copy it "
    "again, or write it with logo-export-tflite."
)


class UnusableModel(FileError):
    """A file that cannot be run as a model of this package; the reason also says what to do."""


def append(path, metadata):
    """Puts the metadata behind a TFLite or ONNX model, where the runtimes pass over them.

    Behind a TFLite model they are a zip with `logo_keras.json`, `labels.txt` (one class name a line; none of an embedder) and
    `model.crc32`, uncompressed and with fixed dates; any zip tool reads it from the file. Behind an ONNX model they are
    `metadata_props` of the same names, and `class_names` (a JSON list) and `preprocessing`. The same model and metadata give
    the same bytes. `model.crc32` is the checksum of the model, by which `read` finds damage.

    Args:
        path: str or Path of a TFLite file, or of an ONNX file if it ends with `.onnx`, without metadata; it is changed in
            place.
        metadata: Metadata.

    Raises:
        UnusableModel: if the file is none of these, or has metadata already.
        OSError: if it cannot be read or written.
    """
    path = Path(path)
    if _is_onnx(path):
        if METADATA_NAME in onnx_properties(path)[0]:
            raise UnusableModel(path, _HAS_METADATA)
        class_names = encodable(json.dumps(metadata.class_names, ensure_ascii=False))
        said = {METADATA_NAME: metadata.to_json(), "class_names": class_names, "preprocessing": metadata.preprocessing}
        append_onnx_properties(path, said)
        # Last, since it covers all that lies before it.
        size = path.stat().st_size
        append_onnx_properties(path, {CHECKSUM_NAME: f"{_checksum(path, size)} {size}"})
        return
    _check_tflite(path)
    if zipfile.is_zipfile(path):
        raise UnusableModel(path, _HAS_METADATA)
    checksum = _checksum(path, path.stat().st_size) + "\n"
    texts = {METADATA_NAME: metadata.to_json(), LABELS_NAME: metadata.labels(), CHECKSUM_NAME: checksum}
    if not metadata.class_names:
        del texts[LABELS_NAME]
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in texts.items():
            archive.writestr(new_entry(name), text.encode())


def read(path):
    """Reads the metadata of a TFLite or ONNX file, and compares the model with its checksum where it has one.

    Args:
        path: str or Path; a file that ends with `.onnx` is read as ONNX, any other as TFLite.

    Returns:
        Metadata.

    Raises:
        UnusableModel: naming the file and what to do, if it is empty, no such file, cut short, damaged, or without
            metadata; it is a ValueError too.
        OSError: if it cannot be read.
    """
    path = Path(path)
    text, checksum, size = _read_onnx(path) if _is_onnx(path) else _read_tflite(path)
    if checksum is not None and checksum != _checksum(path, size):
        raise UnusableModel(path, f"damaged: the model is not the one that was written, by its checksum. {_AGAIN}")
    try:
        return Metadata.from_json(text)
    # RecursionError: lists inside lists without end.
    except (ValueError, TypeError, RecursionError) as error:
        raise UnusableModel(path, f"damaged metadata: {error} {_AGAIN}") from error


def _is_onnx(path):
    return path.suffix.lower() == ".onnx"


def _read_onnx(path):
    """The JSON of an ONNX file, the checksum of its model or None, and how many bytes that covers."""
    values, places = onnx_properties(path)
    if METADATA_NAME not in values:
        raise UnusableModel(path, "no metadata of logo_keras in this ONNX file. Write it with logo-export-onnx.")
    checksum, _, size = values.get(CHECKSUM_NAME, "").partition(" ")
    # Tools that rewrite ONNX files, to shrink or to quantize them, keep the properties; then it tells of another file.
    size_now = places.get(CHECKSUM_NAME)
    return values[METADATA_NAME], checksum if size == str(size_now) else None, size_now


def _read_tflite(path):
    """The JSON of a TFLite file, the checksum of its model or None, and how many bytes that covers."""
    _check_tflite(path)
    try:
        with zipfile.ZipFile(path) as archive:
            text = zip_entry(archive, METADATA_NAME)
            has_checksum = CHECKSUM_NAME in archive.namelist()
            checksum = zip_entry(archive, CHECKSUM_NAME).decode(errors="replace").strip() if has_checksum else None
            size = min(entry.header_offset for entry in archive.infolist())
    except (zipfile.BadZipFile, KeyError) as error:
        raise UnusableModel(path, _NO_METADATA) from error
    except DAMAGED_ZIP as error:
        raise UnusableModel(path, f"its metadata cannot be unpacked ({error}). {_AGAIN}") from error
    return text, checksum, size


def zip_entry(archive, name):
    """Reads a text in a zip that another person may have made.

    Args:
        archive: `zipfile.ZipFile`.
        name: str.

    Returns:
        bytes.

    Raises:
        KeyError: if there is no such file.
        ValueError: if it would be larger than 16 MiB, or is packed as no program packs it that writes such files.
        Other exceptions of `DAMAGED_ZIP`: if it is damaged.
    """
    entry = archive.getinfo(name)
    check_zip_entry(entry, _LARGEST_ENTRY)
    return archive.read(entry)


def check_zip_entry(entry, largest):
    """Checks what a zip says of a file in it, before the file is unpacked.

    Args:
        entry: `zipfile.ZipInfo`.
        largest: int, bytes.

    Raises:
        ValueError: if it would be larger, or is packed as no program packs it that writes such files.
    """
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # How much memory other methods take is what the file says.
        raise UserError(f"{entry.filename} is compressed by another method than deflate")
    # A zip of a few kilobytes may unpack to any size.
    most = min(largest, max(_SMALL_ENTRY, _MOST_SHRUNK * entry.compress_size))
    if entry.file_size > most:
        said = f"{entry.filename} would be {entry.file_size:,} bytes, unpacked from {entry.compress_size:,}"
        raise UserError(f"{said}; at most {most:,} are read")


def _checksum(path, size):
    """CRC-32 of the first `size` bytes of a file, 8 hexadecimal digits."""
    # Against damage, not against forgery, which needs more than a checksum inside the same file. SHA-256 loads OpenSSL,
    # 3.5 MiB of a device's memory.
    checksum = 0
    with open(path, "rb") as file:
        while size > 0 and (data := file.read(min(size, 2**20))):
            checksum = zlib.crc32(data, checksum)
            size -= len(data)
    return f"{checksum:08x}"


def _check_tflite(path):
    """Raises UnusableModel unless the file begins as a TFLite file does."""
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise UnusableModel(path, f"the file is empty. {_AGAIN}")
    if start[4:] != _TFLITE_IDENTIFIER:
        raise UnusableModel(path, "not a TFLite file. Write one from a .keras file with logo-export-tflite.")


def onnx_properties(path):
    """Reads the `metadata_props` of an ONNX file.

    Args:
        path: str or Path.

    Returns:
        dict from key to value, both str, in the order of the file; of equal keys the last counts, as in onnxruntime.
        And dict from key to int, the offset in the file, bytes, at which its entry begins.

    Raises:
        UnusableModel: naming the file and what to do, if it is empty, no ONNX file or cut short.
        OSError: if it cannot be read.
    """
    values, places, graph = {}, {}, False
    with _mapped(path) as data:
        for number, kind, begin, start, stop in _fields(data, 0, len(data)):
            graph = graph or (number == _MODEL_GRAPH and kind == _BYTES)
            if number == _MODEL_PROPERTIES and kind == _BYTES:
                entry = {number: (first, last) for number, _, _, first, last in _fields(data, start, stop)}
                key, value = (_text(data, *entry.get(place, (0, 0))) for place in (_PROPERTY_KEY, _PROPERTY_VALUE))
                values[key], places[key] = value, begin
        if not graph:
            raise UserError("not an ONNX file")
    return values, places


def append_onnx_properties(path, values):
    """Adds properties at the end of an ONNX file; in Protocol Buffers what follows a message is merged into it.

    Args:
        path: str or Path of an ONNX file; it is changed in place.
        values: dict from key to value, both str.

    Raises:
        OSError: if it cannot be written.
    """
    with open(path, "ab") as file:
        for key, value in values.items():
            entry = _written(_PROPERTY_KEY, key.encode()) + _written(_PROPERTY_VALUE, value.encode())
            file.write(_written(_MODEL_PROPERTIES, entry))


def needs_other_files(path):
    """Finds out whether any tensor of an ONNX file has its values in another file, wherever in the graph it lies.

    Args:
        path: str or Path.

    Returns:
        bool.

    Raises:
        UnusableModel: naming the file and what to do, if it is empty, no ONNX file or cut short.
        OSError: if it cannot be read.
    """
    with _mapped(path) as data:
        ahead = [("model", 0, len(data), 0)]
        while ahead:
            message, at, end, depth = ahead.pop()
            if depth > _DEEPEST:
                raise UserError(f"graphs inside graphs, more than {_DEEPEST} deep")
            for number, kind, _, start, stop in _fields(data, at, end):
                if message == "tensor":
                    if number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and _varint(data, start, stop)[0]):
                        return True
                elif kind == _BYTES and number in _HOLDS[message]:
                    ahead.append((_HOLDS[message][number], start, stop, depth + 1))
    return False


@contextlib.contextmanager
def _mapped(path):
    """The bytes of an ONNX file, of which only those that are looked at are read; a ValueError names the file."""
    with open(path, "rb") as file:
        try:
            if not file.seek(0, 2):
                raise UserError("the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
        except ValueError as error:
            raise UnusableModel(path, f"{error}. Copy it again, or write it with logo-export-onnx.") from error


def _fields(data, at, end):
    """Gives number, kind, begin, start and stop of each field of a message: the field begins, its value starts and stops."""
    while at < end:
        begin = at
        tag, at = _varint(data, at, end)
        kind = tag & 7
        if kind == _VARINT:
            stop = _varint(data, at, end)[1]
        elif kind == _BYTES:
            length, at = _varint(data, at, end)
            stop = at + length
        elif kind in (_FIXED32, _FIXED64):
            stop = at + (4 if kind == _FIXED32 else 8)
        else:
            raise UserError("not an ONNX file, or damaged")
        if stop > end or tag < 8:
            raise UserError("not an ONNX file, or cut short, or damaged")
        yield tag >> 3, kind, begin, at, stop
        at = stop


def _varint(data, at, end):
    """A number of up to 64 bits, seven in a byte, and where what follows it starts."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise UserError("not an ONNX file, or cut short, or damaged")


def _text(data, start, stop):
    if stop - start > _LARGEST_ENTRY:
        raise UserError(f"a property of {stop - start:,} bytes; at most {_LARGEST_ENTRY:,} are read")
    return data[start:stop].decode()


def _written(number, value):
    """A field of bytes."""
    written = bytearray()
    for rest in (number << 3 | _BYTES, len(value)):
        while rest >= 0x80:
            written.append(rest & 0x7F | 0x80)
            rest >>= 7
        written.append(rest)
    return bytes(written) + value
