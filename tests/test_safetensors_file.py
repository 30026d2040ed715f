"""Files of the safetensors format, written by the package and by hand."""

import json
import struct

import numpy as np
import pytest

from logo_keras.weights.safetensors_file import read_safetensors_card, read_safetensors_file, safetensors_bytes


def written(path, header, data=b""):
    """A file with this header."""
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_every_type_of_number_is_read(path, dtype):
    from safetensors.numpy import save_file

    numbers = np.array([[0, 1, 3], [5, 7, 100]]).astype(dtype)
    save_file({"w": numbers, "other": np.ones(2, np.float32)}, path, metadata={"format": "pt"})
    found = read_safetensors_file(path)
    assert set(found) == {"w", "other"} and found["w"].dtype == dtype
    np.testing.assert_array_equal(found["w"], numbers)


def test_bfloat16_becomes_float32(path):
    # 1 is 0x3f80 and -2.5 is 0xc020: the upper halves of float32.
    written(path, {"w": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [0, 4]}}, b"\x80\x3f\x20\xc0")
    found = read_safetensors_file(path)["w"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[1], [-2.5]])


@pytest.mark.parametrize(
    ("shape", "offsets"), [([2], [0, 4]), ([3], [0, 12]), ([1], [4, 8]), ([10**12], [0, 4 * 10**12]), ([1], [8, 4])]
)
def test_offsets_that_lie_are_refused_by_name(path, shape, offsets):
    written(path, {"w": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}, bytes(8))
    with pytest.raises(ValueError, match="weights.safetensors could not be read as a safetensors file"):
        read_safetensors_file(path)


@pytest.mark.parametrize("data", [b"", b"abc", struct.pack("<Q", 1 << 60) + b"{}", b"PK\x03\x04 a zip of something else"])
def test_what_is_no_such_file_is_refused_by_name(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match="weights.safetensors could not be read"):
        read_safetensors_file(path)


def test_a_type_that_is_not_read_is_named(path):
    written(path, {"fc.weight": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, b"\0\0")
    with pytest.raises(ValueError, match="fc.weight is of type F8_E4M3.*float32"):
        read_safetensors_file(path)


def test_a_folder_and_no_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        read_safetensors_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_safetensors_file(tmp_path / "nothing.safetensors")


def test_entries_come_sorted_by_name(path):
    names = [f"layers.{number}" for number in range(20)]
    header = {name: {"dtype": "U8", "shape": [1], "data_offsets": [number, number + 1]} for number, name in enumerate(names)}
    written(path, header, bytes(range(20)))
    found = read_safetensors_file(path)
    assert list(found) == sorted(names) and [int(found[name][0]) for name in names] == list(range(20))


def test_a_card_comes_back_and_the_same_is_written_again(path):
    entries, card = {"b": np.float16([[1, 2]]), "a": np.ones(3, np.float32).reshape(3)[::-1]}, {"by": "Łukasz", "steps": [1, 2]}
    path.write_bytes(safetensors_bytes(entries, card))
    assert read_safetensors_card(path) == card
    assert all(np.array_equal(found, entries[name]) for name, found in read_safetensors_file(path).items())
    assert safetensors_bytes(dict(reversed(entries.items())), card) == path.read_bytes()


@pytest.mark.parametrize("said", [None, {"format": "pt"}, {"card": "[1]"}])
def test_a_file_without_a_card_says_so(path, said):
    header = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}} | ({} if said is None else {"__metadata__": said})
    with pytest.raises(ValueError, match="weights.safetensors has no model card of logo_keras in it"):
        read_safetensors_card(written(path, header, bytes(4)))


@pytest.mark.parametrize("card", ["{", "[" * 100_000])
def test_a_card_that_is_no_json_is_refused_by_name(path, card):
    with pytest.raises(ValueError, match="weights.safetensors could not be read"):
        read_safetensors_card(written(path, {"__metadata__": {"card": card}}))
