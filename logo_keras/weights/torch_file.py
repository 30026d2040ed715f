"""Reads PyTorch's checkpoint files, both formats, without PyTorch and without running what a pickle asks for."""

import io
import mmap
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

from logo_keras.weights import restricted_pickle

# The first object of PyTorch's old, unzipped format (torch/serialization.py, MAGIC_NUMBER).
_MAGIC = 0x1950A86A20F9469CFC6C
_AGAIN = "Where the file was written, save the weights alone: torch.save(model.state_dict(), path)"

# What a file that is no checkpoint, or a malicious one, makes the readers below raise.
_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,  # a zip whose directory points before the beginning of the file
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
)


def read_torch_object(path):
    """Reads what `torch.save` wrote: in the zip format (PyTorch 1.6 and later) or the old one (one pickle after another).

    Nothing in the file is run. Tensors, parameters, dicts, lists, tuples, numbers, strings, None, sizes and dtypes are
    read; whatever else the file asks for is refused by its name.

    Args:
        path: str or Path.

    Returns:
        The object. Tensors are numpy arrays in PyTorch's layout, bfloat16 as float32; two tensors on one storage share
        their numbers. A dtype is a str such as "torch.float32".

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is no such file, is cut short, or holds anything else.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the checkpoint file in it.")
    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError(f"{path} is empty: fetch or save it again.")
        try:
            if zipfile.is_zipfile(file):
                return _read_zip(file)
            # A map of the file never gives more bytes than there are, whatever a count in the file says.
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return _read_old(mapped)
        except _BROKEN as error:
            why = str(error) or type(error).__name__
            raise ValueError(f"{path} could not be read as a PyTorch checkpoint: {why.rstrip('.')}.") from error


def read_torch_file(path):
    """Reads a checkpoint that is one flat dict of tensors, such as a `state_dict`.

    Args:
        path: str or Path, as for `read_torch_object`.

    Returns:
        dict from entry name to a numpy array in PyTorch's layout, in the order of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, as for `read_torch_object`, or if it holds anything but such a dict.
    """
    found = read_torch_object(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}, wanted a dict of tensors. {_AGAIN}.")
    entries = dict(found)
    others = [str(name) for name, value in entries.items() if not isinstance(value, np.ndarray)]
    if others:
        raise ValueError(f"{path} has entries that are not tensors: {', '.join(others[:10])}. {_AGAIN}.")
    return entries


class _Storages:
    """The flat arrays of a file, by key. Together never larger than the file, whatever its counts say."""

    def __init__(self, size):
        self._room = size
        self.kinds, self.arrays = {}, {}

    def __call__(self, kind, key, count):
        if key in self.arrays:
            if (self.kinds[key].name, len(self.arrays[key])) != (kind.name, count):
                raise ValueError(f"the storage {key!r} is of two types or sizes")
            return self.arrays[key]
        self._room -= count * kind.raw.itemsize
        if self._room < 0:
            raise ValueError(f"the storage {key!r} of {count} numbers is larger than the file: it is cut short or damaged")
        array = np.empty(count, kind.dtype)
        self.kinds[key], self.arrays[key] = kind, array
        self.filled(key, kind, array)
        return array

    def filled(self, key, kind, array):
        """Fills an array as soon as it is made, where the format allows it."""


class _InZip(_Storages):
    """Storages that are members of a zip."""

    def __init__(self, archive, folder, size):
        super().__init__(size)
        self._archive, self._folder, self._size = archive, folder, size

    def read(self, name):
        """The bytes of a member, which PyTorch never compresses. Their checksum is compared."""
        info = self._archive.getinfo(f"{self._folder}/{name}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > self._size:
            raise ValueError(f"{info.filename} in it is compressed, which PyTorch does not do")
        return self._archive.read(info)

    def filled(self, key, kind, array):
        try:
            data = self.read(f"data/{key}")
        except KeyError:
            raise ValueError(f"the numbers of a tensor (data/{key}) are not in it") from None
        if len(data) != len(array) * kind.raw.itemsize:
            raise ValueError(f"data/{key} has {len(data)} bytes, wanted {len(array)} numbers of {kind.raw.itemsize}")
        kind.fill(array, data)


def _read_zip(file):
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        folders = [name.removesuffix("/data.pkl") for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(folders) != 1:
            raise ValueError("it is a zip, and not of PyTorch: it has no data.pkl")
        folder = folders[0]
        if f"{folder}/constants.pkl" in names or any(name.startswith(f"{folder}/code/") for name in names):
            raise ValueError(
                "it is a program (TorchScript), not a checkpoint. Where PyTorch is, save its weights alone: "
                "torch.save(torch.jit.load(path).state_dict(), new_path)"
            )
        storages = _InZip(archive, folder, size)
        if f"{folder}/byteorder" in names and storages.read("byteorder") != b"little":
            raise ValueError("it was written on a big-endian machine, which is not read")
        return restricted_pickle.load(io.BytesIO(storages.read("data.pkl")), storages)


def _read_old(mapped):
    """Pickles of magic number, version, system, object and storage keys; then each storage, its count before it."""

    def no_storage(kind, key, count):
        raise ValueError("no checkpoint of PyTorch: a tensor before the magic number")

    if mapped[:2] == b"PK":
        raise ValueError("it is a zip that is cut short or damaged: fetch or save it again")
    # Protocol 2, which PyTorch writes; anything else would be taken for the opcodes of a pickle.
    if mapped[:2] != b"\x80\x02":
        raise ValueError(f"it is no checkpoint of PyTorch, it begins with {mapped[:8]!r}")
    if restricted_pickle.load(mapped, no_storage) != _MAGIC:
        raise ValueError(f"it is a pickle, and not one of torch.save: no magic number. {_AGAIN}")
    restricted_pickle.load(mapped, no_storage)
    if not restricted_pickle.load(mapped, no_storage).get("little_endian", True):
        raise ValueError("it was written on a big-endian machine, which is not read")
    storages = _Storages(len(mapped))
    found = restricted_pickle.load(mapped, storages)
    missing = set(storages.arrays)
    for key in restricted_pickle.load(mapped, no_storage):
        kind, array = storages.kinds[key], storages.arrays[key]
        start = mapped.tell() + 8
        if mapped[start - 8 : start] != struct.pack("<q", len(array)):
            raise ValueError(f"the storage {key!r} is cut short or has another length than {len(array)} numbers")
        kind.fill(array, mapped, start)
        mapped.seek(start + array.size * kind.raw.itemsize)
        missing.discard(key)
    if missing:
        raise ValueError(f"the numbers of {len(missing)} storages are not in it")
    return found
