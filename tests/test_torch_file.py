import collections
import io
import pickle
import struct

import numpy as np
import pytest

from logo_keras.weights.torch_file import read_torch_file

MAGIC = 0x1950A86A20F9469CFC6C


class _Global:
    """Pickles as a reference to a name, without importing what has it."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class _Pickler(pickle._Pickler):
    """Writes torch's names without torch."""

    def save(self, value, save_persistent_id=True):
        if isinstance(value, _Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
            if value.arguments:
                self.save(tuple(value.arguments))
                self.write(b"R")
            return
        super().save(value, save_persistent_id)

    def persistent_id(self, value):
        if isinstance(value, tuple) and value and value[0] == "storage":
            return value
        return None


def checkpoint(entries, storages):
    """The bytes of a file in PyTorch's old format."""
    stream = io.BytesIO()
    for value in (MAGIC, 1001, {"little_endian": True}, entries, list(storages)):
        _Pickler(stream, 2).dump(value)
    for numbers in storages.values():
        stream.write(struct.pack("<q", len(numbers)) + np.asarray(numbers, "<f4").tobytes())
    return stream.getvalue()


def tensor(key, count, offset, shape, strides):
    storage = ("storage", _Global("torch", "FloatStorage"), key, "cpu", count, None)
    return _Global("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, collections.OrderedDict())


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "weights.pth"
        path.write_bytes(data)
        return path

    return write


def test_tensors_are_read_by_their_strides(file):
    # A 2 x 3 tensor that lies column by column, from the second number on.
    data = checkpoint({"w": tensor("0", 7, 1, (2, 3), (1, 2))}, {"0": [9, 0, 3, 1, 4, 2, 5]})
    np.testing.assert_array_equal(read_torch_file(file(data))["w"], [[0, 1, 2], [3, 4, 5]])


def test_a_tensor_beyond_its_storage_is_refused(file):
    data = checkpoint({"w": tensor("0", 4, 0, (2, 3), (3, 1))}, {"0": [0, 1, 2, 3]})
    with pytest.raises(ValueError, match="beyond its storage"):
        read_torch_file(file(data))


def test_a_malicious_pickle_is_refused_and_runs_nothing(file, tmp_path):
    trap = tmp_path / "ran"
    data = checkpoint({"w": _Global("os", "system", f"touch {trap}")}, {})
    with pytest.raises(ValueError, match="refused to load os.system"):
        read_torch_file(file(data))
    assert not trap.exists()


@pytest.mark.parametrize("length", [0, 10, 100, -4])
def test_a_file_cut_short_is_refused_by_name(file, length):
    data = checkpoint({"w": tensor("0", 2, 0, (2,), (1,))}, {"0": [1, 2]})
    with pytest.raises(ValueError, match="weights.pth"):
        read_torch_file(file(data[:length]))


def test_what_is_no_tensor_is_named(file):
    with pytest.raises(ValueError, match="epoch"):
        read_torch_file(file(checkpoint({"epoch": 3}, {})))
