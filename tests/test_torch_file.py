"""PyTorch's files, both formats: what is read, what is refused, and that nothing in them runs."""

import collections
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch_writer
from torch_writer import Global, Storage, parameter, tensor, view

from logo_keras.weights.torch_file import read_torch_object

FORMATS = {"old": torch_writer.old_format, "zip": torch_writer.zip_format}


@pytest.fixture
def file(tmp_path):
    def write(data, name="weights.pth"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(params=FORMATS)
def saved(request, file):
    """A function that saves a value in one of the formats."""
    return lambda value: file(FORMATS[request.param](value))


def test_a_state_dict_keeps_names_order_and_numbers(saved):
    random = np.random.RandomState(1)
    entries = {"b": random.standard_normal((2, 3, 4)).astype(np.float32), "a": np.float32([1, 2]), "n": np.int64(7)}
    found = read_torch_object(saved(collections.OrderedDict((name, tensor(value)) for name, value in entries.items())))
    assert list(found) == ["b", "a", "n"]
    for name, value in entries.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype and found[name].shape == value.shape


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_every_type_of_number_is_read(saved, dtype):
    numbers = np.array([0, 1, 3, 100]).astype(dtype)
    found = read_torch_object(saved({"w": tensor(numbers)}))["w"]
    np.testing.assert_array_equal(found, numbers)
    assert found.dtype == dtype


def test_bfloat16_becomes_float32(saved):
    numbers = np.float32([1, -2.5, 0.15625, 3e38])
    upper = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    found = read_torch_object(saved({"w": tensor(upper, "BFloat16Storage")}))["w"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, numbers, rtol=2**-7)
    np.testing.assert_array_equal(found[:3], numbers[:3])  # these need no more digits


def test_tensors_are_read_by_their_strides(saved):
    # A 2 x 3 tensor that lies column by column, from the second number on.
    storage = Storage(np.float32([9, 0, 3, 1, 4, 2, 5]))
    found = read_torch_object(saved({"w": view(storage, 1, (2, 3), (1, 2)), "whole": view(storage, 0, (7,), (1,))}))
    np.testing.assert_array_equal(found["w"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["whole"], storage.numbers)


def test_an_empty_tensor_is_read(saved):
    assert read_torch_object(saved({"w": tensor(np.zeros((0, 3), np.float32))}))["w"].shape == (0, 3)


def test_a_training_checkpoint_keeps_its_nesting(saved):
    value = {
        "epoch": 3,
        "train_loss": tensor(np.float32(0.5)),
        "best": (1.5, None, True, "note"),
        "steps": [1, 2],
        "size": Global("torch", "Size", (2, 3)),
        "dtype": Global("torch", "bfloat16"),
        "net_state_dict": {"fc.weight": parameter(np.float32([[1, 2]]))},
    }
    found = read_torch_object(saved(value))
    assert found["epoch"] == 3 and found["best"] == (1.5, None, True, "note") and found["steps"] == [1, 2]
    assert found["size"] == (2, 3) and found["dtype"] == "torch.bfloat16"
    assert found["train_loss"] == np.float32(0.5) and found["train_loss"].shape == ()
    np.testing.assert_array_equal(found["net_state_dict"]["fc.weight"], [[1, 2]])


class _State(collections.OrderedDict):
    """A state dict as PyTorch pickles it: with metadata as an attribute."""

    def __reduce__(self):
        return collections.OrderedDict, (), {"_metadata": {"": {"version": 1}}}, None, iter(self.items())


def test_a_state_dict_with_metadata_is_read(saved):
    found = read_torch_object(saved(_State(w=tensor(np.float32([1, 2])))))
    np.testing.assert_array_equal(found["w"], [1, 2])


@pytest.mark.parametrize("where", ["alone", "in a list", "in a nested dict", "as a key of a tensor"])
@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval"), ("posix", "system"), ("torch.hub", "load")])
def test_a_malicious_pickle_is_refused_by_name_and_runs_nothing(saved, tmp_path, where, module, name):
    trap = tmp_path / "ran"
    order = f"open({str(trap)!r}, 'w')" if name == "eval" else f"touch {trap}"
    bait = Global(module, name, order)
    value = {
        "alone": bait,
        "in a list": {"w": [1, [bait]]},
        "in a nested dict": {"net_state_dict": collections.OrderedDict(w=tensor(np.float32([1])), x=bait)},
        "as a key of a tensor": {"w": Global("torch._utils", "_rebuild_tensor_v2", bait, 0, (1,), (1,))},
    }[where]
    with pytest.raises(ValueError, match=rf"weights.pth.*refused to load {module}\.{name}"):
        read_torch_object(saved(value))
    assert not trap.exists()


def test_the_traps_above_would_run(tmp_path):
    trap = tmp_path / "ran"
    data, _ = torch_writer._pickled(Global("os", "system", f"touch {trap}"), old=False)
    pickle.loads(data)
    assert trap.exists()


def test_a_plain_malicious_pickle_is_refused(file, tmp_path):
    trap = tmp_path / "ran"
    data, _ = torch_writer._pickled(Global("os", "system", f"touch {trap}"), old=False)
    with pytest.raises(ValueError, match="refused to load os.system"):
        read_torch_object(file(data))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("storage", "shape", "strides", "said"),
    [
        (Storage(np.zeros(4, np.float32)), (2, 3), (3, 1), "beyond its storage"),
        (Storage(np.zeros(4, np.float32)), (10**12,), (0,), "repeats its storage"),
        (Storage(np.zeros(4, np.float32)), (-2,), (1,), "shape"),
        (Storage(np.zeros(4, np.float32)), (2,), (-1,), "strides"),
        (Storage(np.zeros(4, np.float32)), (2, 2), (1,), "strides"),
        (Storage(np.zeros(4, np.float32)), ("2",), (1,), "shape"),
        (Storage(np.zeros(4, np.float32), count=10**12), (10**12,), (1,), "larger than the file"),
        (Storage(np.zeros(4, np.float32), count=-1), (1,), (1,), "refused a storage"),
        (Storage(np.zeros(4, np.float32), count=5), (5,), (1,), "5 numbers"),
    ],
)
def test_counts_that_lie_are_refused(saved, storage, shape, strides, said):
    with pytest.raises(ValueError, match=f"weights.pth.*{said}"):
        read_torch_object(saved({"w": view(storage, 0, shape, strides)}))


def test_many_storages_that_claim_the_whole_file_are_refused(saved):
    many = [Storage(np.zeros(10, np.float32), count=100) for _ in range(1000)]
    with pytest.raises(ValueError, match="larger than the file|400 bytes|has 40 bytes|cut short"):
        read_torch_object(saved([view(storage, 0, (1,), (1,)) for storage in many]))


@pytest.mark.parametrize("length", [1, 10, 100, 300, -4, -30])
def test_a_file_cut_short_is_refused_by_name(saved, file, length):
    data = saved({"w": tensor(np.arange(20, dtype=np.float32))}).read_bytes()
    with pytest.raises(ValueError, match="weights.pth could not be read"):
        read_torch_object(file(data[:length]))


def test_an_object_number_that_lies_is_refused(file):
    # The reader in C would make room for four thousand million objects.
    with pytest.raises(ValueError, match="numbers an object 4294967295"):
        read_torch_object(file(b"\x80\x02}r\xff\xff\xff\xff."))


def test_a_length_that_lies_is_refused(file):
    with pytest.raises(ValueError, match="could not be read"):
        read_torch_object(file(b"\x80\x02\x8e" + struct.pack("<Q", 1 << 60) + b"abc."))


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(50), b"garbage, of no format", b"\x80\x02K\x01.", b"<html>not found</html>"]
)
def test_what_is_no_checkpoint_is_refused_by_name(file, data):
    with pytest.raises(ValueError, match="weights.pth could not be read as a PyTorch checkpoint: it is"):
        read_torch_object(file(data))


def test_an_empty_file_a_folder_and_no_file_are_refused(file, tmp_path):
    with pytest.raises(ValueError, match="weights.pth is empty"):
        read_torch_object(file(b""))
    with pytest.raises(ValueError, match="is a folder"):
        read_torch_object(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_torch_object(tmp_path / "nothing.pth")


def test_zips_that_are_no_checkpoint_are_refused(file):
    weights = {"w": tensor(np.float32([1, 2]))}
    for name in ("constants.pkl", "code/__torch__/net.py"):
        with pytest.raises(ValueError, match="TorchScript.*state_dict"):
            read_torch_object(file(torch_writer.zip_format(weights, more=[(name, b"")])))
    with pytest.raises(ValueError, match="no data.pkl"):
        read_torch_object(file(torch_writer.zip_format(weights, leave_out=("data.pkl",))))
    with pytest.raises(ValueError, match="data/0.*not in it"):
        read_torch_object(file(torch_writer.zip_format(weights, leave_out=("data/0",))))
    with pytest.raises(ValueError, match="big-endian"):
        read_torch_object(file(torch_writer.zip_format(weights, more=[("byteorder", b"big")])))
    with pytest.raises(ValueError, match="has 4 bytes, wanted 2 numbers of 4"):
        read_torch_object(file(torch_writer.zip_format(weights, more=[("data/0", b"1234")])))
    with pytest.raises(ValueError, match="compressed"):
        read_torch_object(file(torch_writer.zip_format(weights, compression=zipfile.ZIP_DEFLATED)))


def test_a_zip_without_byte_order_and_with_another_folder_is_read(file):
    # PyTorch before 2.1 wrote none, and names the folder after the file.
    data = torch_writer.zip_format({"w": tensor(np.float32([1, 2]))}, folder="resnet50", leave_out=("byteorder",))
    np.testing.assert_array_equal(read_torch_object(file(data))["w"], [1, 2])


def test_a_damaged_number_in_a_zip_is_noticed(file):
    data = torch_writer.zip_format({"w": tensor(np.float32([1, 2, 1234.5]))})
    place = data.index(np.float32([1234.5]).tobytes())
    with pytest.raises(ValueError, match="Bad CRC-32"):
        read_torch_object(file(data[:place] + b"\1" + data[place + 1 :]))


def test_storages_that_are_missing_or_of_another_length_are_refused_in_the_old_format(file):
    data = torch_writer.old_format({"w": tensor(np.float32([1, 2]))})
    keys = pickle.dumps(["0"], 2)
    with pytest.raises(ValueError, match="numbers of 1 storages are not in it"):
        read_torch_object(file(data.replace(keys, pickle.dumps([], 2))))
    with pytest.raises(ValueError, match="another length than 2"):
        read_torch_object(file(data.replace(struct.pack("<q", 2), struct.pack("<q", 3))))


def test_one_storage_of_two_types_is_refused(file):
    one, other = Storage(np.float32([1, 2])), Storage(np.float32([1, 2]), kind="IntStorage")
    value = {"a": view(one, 0, (2,), (1,)), "b": view(other, 0, (2,), (1,))}
    data = torch_writer.old_format(value).replace(b"X\x01\x00\x00\x001q", b"X\x01\x00\x00\x000q")
    with pytest.raises(ValueError, match="two types"):
        read_torch_object(file(data))


def test_reading_needs_no_torch(saved, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it would fail
    assert read_torch_object(saved({"w": tensor(np.float32([1]))}))["w"] == 1


def test_damaged_bytes_raise_nothing_but_a_value_error(file):
    """One to four bytes changed, in each format, 300 times: read with other numbers, or refused by the file's name."""
    random = np.random.RandomState(0)
    value = {"epoch": 3, "net_state_dict": {"a": tensor(np.ones((4, 3), np.float32)), "b": parameter(np.ones(5, np.float32))}}
    refused = 0
    for write in FORMATS.values():
        for _ in range(300):
            data = bytearray(write(value))
            for place in random.randint(len(data), size=random.randint(1, 5)):
                data[place] = random.choice([0, 1, 0x52, 0x62, 0x8E, 0x96, 0xFF, random.randint(256)])
            try:
                read_torch_object(file(data))
            except ValueError as error:
                assert "weights.pth could not be read" in str(error)
                refused += 1
    assert refused > 300
