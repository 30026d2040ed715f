"""`.safetensors` files: read into NumPy arrays, and written with a model card."""

import json
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import require

# BF16 is the upper half of a float32; NumPy has no such type.
_DTYPES = dict(F64="<f8", F32="<f4", F16="<f2", BF16="<u2", I64="<i8", I32="<i4", I16="<i2", I8="i1", U8="u1", BOOL="?")
# Under which name the header holds a model card of this package, as JSON.
_CARD = "card"


def read_safetensors_file(path):
    """Reads a file of the safetensors format. The package safetensors checks every offset in it.

    Args:
        path: str or Path.

    Returns:
        dict from entry name to a NumPy array in PyTorch's layout, sorted by name; bfloat16 as float32.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if safetensors is not installed.
        ValueError: naming the file, if it is no such file, is cut short, or has numbers of a type that is not read.
    """
    safetensors = require("safetensors", "train")
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the .safetensors file in it.")
    try:
        # Not safetensors.numpy: that fails at bfloat16, or needs another package for it.
        found = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise UserError(f"{path} could not be read as a safetensors file: {error}. Fetch or save it again.") from error
    entries = {}
    # The package gives them in another order each time.
    for name, entry in sorted(found, key=lambda pair: pair[0]):
        kind = entry["dtype"]
        if kind not in _DTYPES:
            raise UserError(f"{path}: {name} is of type {kind}, which is not read: save it as float32.")
        array = np.frombuffer(entry["data"], _DTYPES[kind])
        if kind == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        entries[name] = array.reshape(entry["shape"])
    return entries


def safetensors_bytes(entries, card):
    """A file of the safetensors format with a model card in its header.

    Args:
        entries: mapping from entry name to NumPy array.
        card: dict for JSON.

    Returns:
        bytes, the same for the same entries and card.

    Raises:
        ImportError: if safetensors is not installed.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in entries.items()}
    return require("safetensors.numpy", "train").save(arrays, {_CARD: json.dumps(card, ensure_ascii=False)})


def read_safetensors_card(path):
    """The model card in the header of a file that `safetensors_bytes` made; the entries are not read.

    Args:
        path: str or Path.

    Returns:
        dict for JSON.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if safetensors is not installed.
        ValueError: naming the file, if it is no such file, is cut short, or has no card.
    """
    safetensors = require("safetensors", "train")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            card = json.loads((file.metadata() or {}).get(_CARD, "null"))
    # RecursionError: lists inside lists without end.
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise UserError(f"{path} could not be read as a safetensors file: {error}. Fetch or save it again.") from error
    if not isinstance(card, dict):
        raise UserError(f"{path} has no model card of logo_keras in it.")
    return card
