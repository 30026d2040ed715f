"""A checkpoint as our networks name it: found in its wrapping, prefixes removed, timm's names translated, numbers checked."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from logo_keras.weights.safetensors_file import read_safetensors_file
from logo_keras.weights.timm_names import translate
from logo_keras.weights.torch_file import read_torch_object

# Under which of its entries a training checkpoint keeps the weights; the first that is there is taken. `net_state_dict`
# is the public NTS-Net's, `state_dict` Lightning's and many others'.
CONTAINERS = ("net_state_dict", "state_dict", "model_state_dict", "model", "net", "state_dict_ema", "model_ema")

# What wrappers put before every name: DataParallel, torch.compile, Lightning and others' own attribute.
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")

# Entries that count batches or averaged models; Keras has no place for them.
COUNTERS = ("num_batches_tracked", "n_averaged")


def read_checkpoint(source):
    """Reads the weights of a network that was trained in PyTorch. PyTorch is not needed and nothing in a file is run.

    - The first of `CONTAINERS` that is a dict of arrays is taken, however the file is nested; if there is none, the whole.
    - One of `PREFIXES` that stands before every name is removed, and so on until none does.
    - `COUNTERS` are left out.
    - timm's names become those that our backbones use (`timm_names.translate`).

    Args:
        source: path of a `.safetensors` file or of one that `torch.save` wrote (`.pth`, `.pt`, `.ckpt`, `.bin`), or a
            mapping from entry name to an array in PyTorch's layout: numpy, a PyTorch tensor, or anything else that
            `np.asarray` takes.

    Returns:
        dict from entry name to a float32 array in PyTorch's layout; one that was float32 already is not copied.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: for a `.safetensors` file, if safetensors is not installed.
        ValueError: if a file is refused (naming it), there are no entries, or one (naming it) is no array of floats or
            holds NaN or infinity.
    """
    if isinstance(source, Mapping):
        where, found = "the mapping", source
    elif isinstance(source, (str, os.PathLike)):
        where = Path(source)
        found = read_safetensors_file(where) if where.suffix == ".safetensors" else read_torch_object(where)
    else:
        raise ValueError(f"source must be the path of a checkpoint or a mapping of arrays, got a {type(source).__name__}.")
    if not isinstance(found, Mapping):
        raise ValueError(f"{where} holds a {type(found).__name__}, wanted a dict of tensors: save model.state_dict().")
    entries = _without_prefixes(_unwrapped(found, where), where)
    if not entries:
        raise ValueError(f"{where} holds no weights.")
    return translate({name: _floats(name, value, where) for name, value in entries.items()})


def _unwrapped(found, where):
    """The dict that holds the weights."""
    # A malicious file may hold itself; no honest one is nested deeper.
    for _ in range(8):
        inner = next((found[name] for name in CONTAINERS if isinstance(found.get(name), Mapping) and len(found[name])), None)
        if inner is None:
            return found
        found = inner
    raise ValueError(f"{where} is nested deeper than any checkpoint.")


def _without_prefixes(entries, where):
    """Entries without counters and without what stands before every name."""
    others = [name for name in entries if not isinstance(name, str)]
    if others:
        raise ValueError(f"{where} has an entry named {others[0]!r}, wanted names that are text.")
    entries = {name: value for name, value in entries.items() if name.rpartition(".")[2] not in COUNTERS}
    while entries:
        prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in entries)), None)
        if prefix is None:
            break
        entries = {name.removeprefix(prefix): value for name, value in entries.items()}
    return entries


def _floats(name, value, where):
    """An entry as finite float32."""
    array = _array(name, value, where)
    if array.dtype.name == "bfloat16":  # of ml_dtypes, which numpy does not count among its floats
        array = array.astype(np.float32, copy=False)
    if array.dtype.kind != "f":
        raise ValueError(
            f"{where}: {name} is of type {array.dtype}, wanted floats. If it is no weight, hand over the state dict alone; "
            "if it is a quantised one, the network before quantisation."
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and said below
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{where}: {name} holds NaN or numbers too large for float32; the training that wrote it had diverged.")
    return array


def _array(name, value, where):
    if hasattr(value, "detach"):  # a PyTorch tensor, known by what it can do
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if isinstance(value, Mapping) or value is None:
        raise ValueError(f"{where}: {name} is a {type(value).__name__}, wanted an array. Hand over the state dict alone.")
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {name} is no array: {error}.") from error
