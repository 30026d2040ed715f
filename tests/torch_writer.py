"""Writes files as `torch.save` does, both formats, by pickle and zipfile alone."""

import collections
import io
import pickle
import struct
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


class Global:
    """Pickles as a reference to a name, without importing what has it; with arguments, as a call of it."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class Storage:
    """Numbers outside the pickle.

    Args:
        numbers: flat array.
        kind: str, the class in PyTorch; by default that of the array's dtype. "BFloat16Storage" takes uint16 bit patterns.
        count: int, how many numbers the pickle claims; by default the truth.
    """

    def __init__(self, numbers, kind=None, count=None):
        self.numbers = np.asarray(numbers)
        self.kind = kind or _STORAGES[self.numbers.dtype.name]
        self.count = len(self.numbers) if count is None else count


def tensor(numbers, kind=None):
    """What a contiguous tensor of these numbers pickles as."""
    numbers = np.asarray(numbers)
    strides = [int(np.prod(numbers.shape[axis + 1 :])) for axis in range(numbers.ndim)]
    return view(Storage(numbers.ravel(), kind), 0, numbers.shape, strides)


def view(storage, offset, shape, strides):
    """What a tensor on a storage pickles as."""
    rest = (offset, tuple(shape), tuple(strides), False, collections.OrderedDict())
    return Global("torch._utils", "_rebuild_tensor_v2", storage, *rest)


def parameter(numbers):
    """What a parameter pickles as."""
    return Global("torch._utils", "_rebuild_parameter", tensor(numbers), True, collections.OrderedDict())


class _Pickler(pickle._Pickler):
    """The pickler in Python, whose `save` can be told what a `Global` is."""

    def __init__(self, stream, old):
        super().__init__(stream, 2)
        self._old = old
        self.storages = {}

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
            if value.arguments:
                self.save(tuple(value.arguments))
                self.write(b"R")
            return
        super().save(value, save_persistent_id)

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        key = next((key for key, known in self.storages.items() if known is value), str(len(self.storages)))
        self.storages[key] = value
        view_of = (None,) if self._old else ()
        return ("storage", Global("torch", value.kind), key, "cpu", value.count, *view_of)


def _pickled(value, old):
    stream = io.BytesIO()
    pickler = _Pickler(stream, old)
    pickler.dump(value)
    return stream.getvalue(), pickler.storages


def old_format(value):
    """The bytes that `torch.save(value, _use_new_zipfile_serialization=False)` writes."""
    data, storages = _pickled(value, old=True)
    head = [MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}]
    parts = [pickle.dumps(part, 2) for part in head] + [data, pickle.dumps(list(storages), 2)]
    parts += [struct.pack("<q", len(storage.numbers)) + storage.numbers.tobytes() for storage in storages.values()]
    return b"".join(parts)


def zip_format(value, folder="archive", leave_out=(), more=(), compression=zipfile.ZIP_STORED):
    """The bytes that `torch.save(value)` writes since 1.6.

    Args:
        value: what to save.
        folder: str, the name of the folder in the zip.
        leave_out: names of members that are not written.
        more: pairs of a member's name and bytes, in place of or in addition to the others.
        compression: as zipfile means it.
    """
    data, storages = _pickled(value, old=False)
    members = {"data.pkl": data, "byteorder": b"little", "version": b"3\n"}
    members |= {f"data/{key}": storage.numbers.tobytes() for key, storage in storages.items()}
    members |= dict(more)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            if name not in leave_out:
                archive.writestr(f"{folder}/{name}", content)
    return stream.getvalue()
