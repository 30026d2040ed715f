"""A pickle reader that knows PyTorch's tensors, dicts, lists, numbers and strings, and refuses every other name."""

import collections
import math
import operator
import pickle
import pickletools

import numpy as np

# How the numbers of each class lie in a file.
_STORAGES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<u2"),  # the upper half of a float32; numpy has no such type
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
_DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


class StorageType:
    """Stands for a class such as torch.FloatStorage: how its numbers lie in a file, and what they become.

    Attributes:
        name: str, the class's name.
        raw: numpy dtype in the file, little endian.
    """

    __slots__ = ("name", "raw")

    def __init__(self, name):
        self.name, self.raw = name, _STORAGES[name]

    @property
    def dtype(self):
        """The numpy dtype of the array; bfloat16 becomes float32."""
        return np.dtype(np.float32) if self.name == "BFloat16Storage" else self.raw

    def fill(self, array, data, offset=0):
        """Copies the numbers at a byte offset of a buffer into an array.

        Raises:
            ValueError: if the buffer ends before the array is full.
        """
        if len(data) - offset < len(array) * self.raw.itemsize:
            raise ValueError(f"a storage of {len(array)} numbers is cut short")
        raw = np.frombuffer(data, self.raw, len(array), offset)
        if self.name == "BFloat16Storage":
            np.left_shift(raw, 16, out=array.view(np.uint32), dtype=np.uint32)
        else:
            array[:] = raw


class _Function:
    """A function that a pickle may call. Without a dict, so that no pickle leaves anything on it."""

    __slots__ = ("_function",)

    def __init__(self, function):
        self._function = function

    def __call__(self, *arguments):
        return self._function(*arguments)


class _TensorsOnly(pickle.Unpickler):
    def __init__(self, stream, storage):
        super().__init__(stream)
        self._storage = storage

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in _REBUILD:
            return _Function(_REBUILD[name])
        if module == "torch" and name in _STORAGES:
            return StorageType(name)
        if module == "torch" and name in _DTYPES:
            return f"torch.{name}"
        if (module, name) == ("torch", "Size"):
            return _Function(tuple)
        raise pickle.UnpicklingError(
            f"refused to load {module}.{name}: only tensors, dicts, lists, numbers and strings are read. "
            "Where the file was written, save the weights alone: torch.save(model.state_dict(), path)"
        )

    def persistent_load(self, pid):
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage" or not isinstance(pid[1], StorageType):
            raise pickle.UnpicklingError(f"refused the persistent object {str(pid)[:80]}: only storages of tensors are read")
        _, kind, key, _, count, *view = pid
        if not isinstance(key, str) or not _is_count(count) or any(part is not None for part in view):
            raise pickle.UnpicklingError(f"refused a storage with key {str(key)[:40]!r} and {str(count)[:40]} numbers")
        return self._storage(kind, key, count)


def load(stream, storage):
    """Reads one pickled object. Nothing in the pickle is run.

    Args:
        stream: a file that is bounded by what is in it (`io.BytesIO`, `mmap`), at the beginning of a pickle; left behind
            its end.
        storage: function from a StorageType, a str key and a number of numbers to a flat numpy array of so many; it may
            be filled later.

    Returns:
        The object: tensors are numpy arrays that share the storages' memory, in the strides of the file.

    Raises:
        pickle.UnpicklingError: naming what was refused.
        ValueError: if it is no pickle or is cut short.
    """
    start = stream.tell()
    for opcode, argument, position in pickletools.genops(stream):
        # The reader in C makes room for as many objects as the largest number given to one.
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > position - start:
            raise ValueError(f"no pickle that PyTorch writes: it numbers an object {argument}")
        # Makes room for as many bytes as the file claims; nothing that is read here needs it.
        if opcode.name in ("BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "EXT1", "EXT2", "EXT4"):
            raise ValueError(f"no pickle that PyTorch writes: it uses {opcode.name}")
    stream.seek(start)
    return _TensorsOnly(stream, storage).load()


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _tensor(storage, offset, shape, strides, *_):
    """A view of a storage, checked: nothing outside it and, so that a short file makes no long array, nothing twice."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise ValueError("a tensor without a storage")
    shape, strides = tuple(shape), tuple(strides)
    if len(shape) != len(strides) or not all(map(_is_count, (offset, *shape, *strides))):
        raise ValueError(f"a tensor of shape {shape}, strides {strides} and offset {offset}")
    if 0 in shape:
        return np.zeros(shape, storage.dtype)
    last = offset + sum(map(operator.mul, (size - 1 for size in shape), strides))
    if last >= len(storage):
        raise ValueError(f"a tensor of shape {shape} reaches beyond its storage of {len(storage)} numbers")
    if math.prod(shape) > len(storage):
        raise ValueError(
            f"a tensor of shape {shape} repeats its storage of {len(storage)} numbers: save the tensor's .contiguous()"
        )
    # Checkpoints keep tensors as they lay in memory, which need not be row by row: honour the strides.
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [stride * storage.itemsize for stride in strides])


def _parameter(tensor, *_):
    return tensor


_REBUILD = {"_rebuild_tensor": _tensor, "_rebuild_tensor_v2": _tensor, "_rebuild_parameter": _parameter}
