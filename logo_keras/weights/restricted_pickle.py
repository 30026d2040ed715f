"""A pickle reader that knows PyTorch's tensors, dicts, lists, numbers and strings, and refuses every other name."""

import collections
import math
import operator
import pickle
import pickletools

import numpy as np

from logo_keras.errors import UserError

# How numbers of each kind lie in a file. BFloat16 is the upper half of a float32; NumPy has no such type.
_FLOATS = {"Double": "<f8", "Float": "<f4", "Half": "<f2", "BFloat16": "<u2"}
_OTHERS = {"Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?"}
# By the class of a storage, such as torch.FloatStorage.
STORAGES = {f"{name}Storage": np.dtype(code) for name, code in (_FLOATS | _OTHERS).items()}
_DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


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
        if module == "torch" and name in STORAGES:
            return name  # Text, which no pickle can change.
        if module == "torch" and name in _DTYPES:
            return f"torch.{name}"
        if (module, name) == ("torch", "Size"):
            return _Function(tuple)
        raise pickle.UnpicklingError(
            f"refused to load {module}.{name}: only tensors, dicts, lists, numbers and strings are read. "
            "Where the file was written, save only the weights: torch.save(model.state_dict(), path)"
        )

    def persistent_load(self, pid):
        match pid:
            case ("storage", str(kind), str(key), _, count) | ("storage", str(kind), str(key), _, count, None):
                if kind in STORAGES and _is_count(count):
                    return self._storage(kind, key, count)
                raise pickle.UnpicklingError(f"refused a storage of kind {kind[:40]!r} with {str(count)[:40]} numbers")
        raise pickle.UnpicklingError(f"refused the persistent object {str(pid)[:80]}: only storages of tensors are read")


def _no_storage(*_):
    raise UserError("no checkpoint of PyTorch: a tensor where none belongs")


def load(stream, storage=_no_storage):
    """Reads one pickled object. Nothing in the pickle is run.

    Args:
        stream: a file that is bounded by what is in it (`io.BytesIO`, `mmap`), at the beginning of a pickle; it is left behind
            the pickle's end.
        storage: function of a key of `STORAGES`, a str that names the storage, and an int, that gives a flat NumPy array of so
            many numbers; it may be filled later. Without it no tensors are read.

    Returns:
        The object: tensors are NumPy arrays that share the storages' memory, in the strides of the file.

    Raises:
        pickle.UnpicklingError: naming what was refused.
        ValueError: if it is no pickle or is cut short.
    """
    start = stream.tell()
    for opcode, argument, position in pickletools.genops(stream):
        # The unpickler, which is in C, makes room for as many objects as the largest number given to one.
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > position - start:
            raise UserError(f"no pickle that PyTorch writes: it numbers an object {argument}")
        # Makes room for as many bytes as the file claims; nothing that is read here needs it.
        if opcode.name in ("BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "EXT1", "EXT2", "EXT4"):
            raise UserError(f"no pickle that PyTorch writes: it uses {opcode.name}")
    stream.seek(start)
    return _TensorsOnly(stream, storage).load()


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _tensor(storage, offset, shape, strides, *_):
    """A view of a storage, checked: nothing outside it and, so that a short file makes no long array, nothing twice."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise UserError("a tensor without a storage")
    shape, strides = tuple(shape), tuple(strides)
    if len(shape) != len(strides) or not all(map(_is_count, (offset, *shape, *strides))):
        raise UserError(f"a tensor of shape {shape}, strides {strides} and offset {offset}")
    if 0 in shape:
        return np.zeros(shape, storage.dtype)
    last = offset + sum(map(operator.mul, (size - 1 for size in shape), strides))
    if last >= len(storage):
        raise UserError(f"a tensor of shape {shape} reaches beyond its storage of {len(storage)} numbers")
    if math.prod(shape) > len(storage):
        raise UserError(
            f"a tensor of shape {shape} repeats its storage of {len(storage)} numbers: save the tensor's .contiguous()"
        )
    # Checkpoints keep tensors as they lay in memory, which need not be row by row: honour the strides.
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [stride * storage.itemsize for stride in strides])


def _parameter(tensor, *_):
    return tensor


_REBUILD = {"_rebuild_tensor": _tensor, "_rebuild_tensor_v2": _tensor, "_rebuild_parameter": _parameter}
