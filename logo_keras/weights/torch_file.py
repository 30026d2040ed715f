"""Reads the tensors of a PyTorch checkpoint without PyTorch and without running what a pickle asks for."""

import collections
import io
import pickle
import struct
from pathlib import Path

import numpy as np

# The first object of PyTorch's old, unzipped format (torch/serialization.py, MAGIC_NUMBER).
_MAGIC = 0x1950A86A20F9469CFC6C

_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


class _StorageType:
    """Stands for a class such as torch.FloatStorage; admits nothing but its name."""

    def __init__(self, name):
        self.dtype = _DTYPES[name]


class _Tensor:
    """A view of a storage whose numbers come later in the file."""

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, tuple(shape), tuple(strides)

    def array(self, storages):
        dtype, key, count = self.storage
        flat = storages[key]
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if min(self.shape, default=1) > 0 and not (0 <= self.offset and last < count and min(self.strides, default=0) >= 0):
            raise ValueError(f"tensor of shape {self.shape} reaches beyond its storage of {count} numbers")
        # Checkpoints keep tensors as they lay in memory, which need not be row by row: honour the strides.
        view = np.lib.stride_tricks.as_strided(
            flat[self.offset :], self.shape, [stride * dtype.itemsize for stride in self.strides]
        )
        return np.array(view)


def _rebuild_tensor(storage, offset, shape, strides, *_):
    return _Tensor(storage, offset, shape, strides)


class _TensorsOnly(pickle.Unpickler):
    """An unpickler that knows tensors and ordered dicts, and refuses every other name."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _StorageType(name)
        raise pickle.UnpicklingError(f"refused to load {module}.{name}: only tensors are read")

    def persistent_load(self, key):
        kind, storage_type, name, _, count, *view = key
        if kind != "storage" or not isinstance(storage_type, _StorageType) or any(v is not None for v in view):
            raise pickle.UnpicklingError(f"refused the persistent object {key!r}: only tensors are read")
        return storage_type.dtype, name, int(count)


def read_torch_file(path):
    """Reads a checkpoint in PyTorch's old format (one file, not a zip) into numpy arrays.

    Nothing in the file is executed: the unpickler admits tensors, dicts, numbers and strings.

    Args:
        path: str or Path, a file written by `torch.save(state_dict)` before PyTorch 1.6 or with
            `_use_new_zipfile_serialization=False`.

    Returns:
        dict from entry name to a numpy array in PyTorch's layout, in the order of the file.

    Raises:
        ValueError: naming the file, if it is not such a checkpoint, is cut short, or holds anything but tensors.
    """
    stream = io.BytesIO(Path(path).read_bytes())
    try:
        if pickle.Unpickler.load(_TensorsOnly(stream)) != _MAGIC:
            raise ValueError("no checkpoint in PyTorch's old format (zip files are not read yet)")
        for _ in ("protocol version", "system information"):
            _TensorsOnly(stream).load()
        entries = _TensorsOnly(stream).load()
        tensors = {name: value for name, value in entries.items() if isinstance(value, _Tensor)}
        if len(tensors) != len(entries):
            raise ValueError(f"entries that are not tensors: {sorted(set(entries) - set(tensors))}")
        dtypes = {tensor.storage[1]: tensor.storage[0] for tensor in tensors.values()}
        storages = {}
        for key in _TensorsOnly(stream).load():
            (count,) = struct.unpack("<q", stream.read(8))
            storages[key] = np.frombuffer(stream.read(count * dtypes[key].itemsize), dtypes[key], count)
        return {name: tensor.array(storages) for name, tensor in tensors.items()}
    except (
        pickle.UnpicklingError,
        ValueError,
        KeyError,
        EOFError,
        AttributeError,
        TypeError,
        IndexError,
        struct.error,
    ) as error:
        raise ValueError(f"{path} could not be read as a PyTorch checkpoint: {error}") from error
