"""Reads PyTorch's checkpoint files, both formats, without PyTorch and without running what a pickle asks for."""

import io
import mmap
import struct
import zipfile
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.weights.restricted_pickle import STORAGES, load

# The first object of PyTorch's old, unzipped format (torch/serialization.py, MAGIC_NUMBER).
_MAGIC = 0x1950A86A20F9469CFC6C
_AGAIN = "Where the file was written, save only the weights: torch.save(model.state_dict(), path)"


def read_torch_object(path):
    """Reads what `torch.save` wrote: in the zip format (PyTorch 1.6 and later) or the old one (one pickle after another).

    Nothing in the file is run. Tensors, parameters, dicts, lists, tuples, numbers, strings, None, sizes and dtypes are
    read; whatever else the file asks for is refused by its name.

    Args:
        path: str or Path.

    Returns:
        The object. Tensors are NumPy arrays in PyTorch's layout, bfloat16 as float32; two tensors on one storage share
        their numbers. A dtype is a str such as "torch.float32".

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is no such file, is cut short, or holds anything else.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the checkpoint file in it.")
    with open(path, "rb") as file:
        if not file.read(1):
            raise UserError(f"{path} is empty: fetch or save it again.")
        try:
            if zipfile.is_zipfile(file):
                return _read_zip(file)
            # A map of the file never gives more bytes than there are, whatever a count in the file says.
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return _read_old(mapped)
        except Exception as error:  # Damaged and malicious files make the readers raise whatever there is.
            why = str(error) or type(error).__name__
            raise UserError(f"{path} could not be read as a PyTorch checkpoint: {why.rstrip('.')}.") from error


class _Storages(dict):
    """The flat arrays of a file and their kinds, by key. Together never larger than the file, whatever its counts say."""

    def __init__(self, room, array):
        super().__init__()
        self._room, self._array = room, array

    def __call__(self, kind, key, count):
        if key not in self:
            self._room -= count * STORAGES[kind].itemsize
            if self._room < 0:
                raise UserError(f"the storage {key!r} of {count} numbers is larger than the file: it is cut short or damaged")
            self[key] = kind, self._array(kind, key, count)
        if (self[key][0], len(self[key][1])) != (kind, count):
            raise UserError(f"the storage {key!r} is of two types or sizes")
        return self[key][1]


def _numbers(kind, data, count, start=0):
    """The flat array of a storage; bfloat16 as float32."""
    raw = np.frombuffer(data, STORAGES[kind], count, start)
    return (raw.astype(np.uint32) << 16).view(np.float32) if kind == "BFloat16Storage" else raw


def _read_zip(file):
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        folders = [name.removesuffix("/data.pkl") for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(folders) != 1:
            raise UserError("it is a zip, and not of PyTorch: it has no data.pkl")
        folder = folders[0]
        if f"{folder}/constants.pkl" in names or any(name.startswith(f"{folder}/code/") for name in names):
            raise UserError(
                "it is a program (TorchScript), not a checkpoint. Where PyTorch is, save only its weights: "
                "torch.save(torch.jit.load(path).state_dict(), new_path)"
            )

        def read(name):
            info = archive.getinfo(f"{folder}/{name}")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
                raise UserError(f"{info.filename} in it is compressed, which PyTorch does not do")
            return archive.read(info)  # Compares its checksum.

        def array(kind, key, count):
            if f"{folder}/data/{key}" not in names:
                raise UserError(f"the numbers of a tensor (data/{key}) are not in it")
            data, each = read(f"data/{key}"), STORAGES[kind].itemsize
            if len(data) != count * each:
                raise UserError(f"data/{key} has {len(data)} bytes, wanted {count} numbers of {each}")
            return _numbers(kind, data, count)

        if f"{folder}/byteorder" in names and read("byteorder") != b"little":
            raise UserError("it was written on a big-endian machine, which is not read")
        return load(io.BytesIO(read("data.pkl")), _Storages(size, array))


def _read_old(mapped):
    """Pickles of magic number, version, system, object and storage keys; then each storage, its count before it."""
    if mapped[:2] == b"PK":
        raise UserError("it is a zip that is cut short or damaged: fetch or save it again")
    # Protocol 2, which PyTorch writes; anything else would be taken for the opcodes of a pickle.
    if mapped[:2] != b"\x80\x02":
        raise UserError(f"it is no checkpoint of PyTorch, it begins with {mapped[:8]!r}")
    if load(mapped) != _MAGIC:
        raise UserError(f"it is a pickle, and not one of torch.save: no magic number. {_AGAIN}")
    load(mapped)
    if not load(mapped).get("little_endian", True):
        raise UserError("it was written on a big-endian machine, which is not read")
    # Filled below: what the storages hold follows the object that refers to them.
    storages = _Storages(
        len(mapped), lambda kind, _, count: np.empty(count, np.float32 if kind == "BFloat16Storage" else STORAGES[kind])
    )
    found, missing = load(mapped, storages), set(storages)
    for key in load(mapped):
        kind, array = storages[key]
        start = mapped.tell() + 8
        if mapped[start - 8 : start] != struct.pack("<q", len(array)):
            raise UserError(f"the storage {key!r} is cut short or has another length than {len(array)} numbers")
        array[:] = _numbers(kind, mapped, len(array), start)
        mapped.seek(start + len(array) * STORAGES[kind].itemsize)
        missing.discard(key)
    if missing:
        raise UserError(f"the numbers of {len(missing)} storages are not in it")
    return found
