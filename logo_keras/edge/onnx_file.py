"""ONNX files without the onnx package: the properties they carry, and whether their weights lie in other files."""

import contextlib
import mmap

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
# A property is text; 16 MiB are the names of a hundred thousand classes.
_LONGEST_PROPERTY = 2**24


def properties(path):
    """Reads the `metadata_props` of an ONNX file.

    Args:
        path: str or Path.

    Returns:
        dict from key to value, both str, in the order of the file; of equal keys the last counts, as in onnxruntime.
        And dict from key to int, the offset in the file, bytes, at which its entry begins.

    Raises:
        ValueError: with the reason, if the file is empty, no ONNX file or cut short.
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
        raise ValueError("not an ONNX file")
    return values, places


def append(path, values):
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
        ValueError: with the reason, if the file is empty, no ONNX file or cut short.
        OSError: if it cannot be read.
    """
    with _mapped(path) as data:
        ahead = [("model", 0, len(data), 0)]
        while ahead:
            message, at, end, depth = ahead.pop()
            if depth > _DEEPEST:
                raise ValueError(f"graphs inside graphs, more than {_DEEPEST} deep")
            for number, kind, _, start, stop in _fields(data, at, end):
                if message == "tensor":
                    if number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and _varint(data, start, stop)[0]):
                        return True
                elif kind == _BYTES and number in _HOLDS[message]:
                    ahead.append((_HOLDS[message][number], start, stop, depth + 1))
    return False


@contextlib.contextmanager
def _mapped(path):
    """The bytes of a file, of which only those that are looked at are read."""
    with open(path, "rb") as file:
        if not file.seek(0, 2):
            raise ValueError("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


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
            raise ValueError("not an ONNX file, or damaged")
        if stop > end or tag < 8:
            raise ValueError("not an ONNX file, or cut short, or damaged")
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
    raise ValueError("not an ONNX file, or cut short, or damaged")


def _text(data, start, stop):
    if stop - start > _LONGEST_PROPERTY:
        raise ValueError(f"a property of {stop - start:,} bytes; at most {_LONGEST_PROPERTY:,} are read")
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
