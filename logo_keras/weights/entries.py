"""The entries of a checkpoint by the names that our networks use: unwrapped, prefixes removed, numbers checked."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.weights.safetensors_file import read_safetensors_file
from logo_keras.weights.timm_names import translate
from logo_keras.weights.torch_file import read_torch_object

# Under which of its entries a training checkpoint keeps the weights; the first that is there is taken. `net_state_dict`
# is the public NTS-Net's, `state_dict` Lightning's and many others'.
CONTAINERS = ("net_state_dict", "state_dict", "model_state_dict", "model", "net", "state_dict_ema", "model_ema")

# What wrappers put before every name: DataParallel, torch.compile, Lightning and others' own attribute.
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")

# What wrappers put anywhere in a name: DataParallel, torch.compile, and PyTorch's sharding and checkpointing.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")

# By these entries a whole NTS-Net and timm's networks are known before anything is known of the model to fill.
_STEMS = ("proposal_net.down1.weight", "conv_stem.weight", "pre_logits.fc1.weight")

# Entries that count batches or averaged models; Keras has no place for them.
COUNTERS = ("num_batches_tracked", "n_averaged")


class Entries(dict):
    """The weights of a checkpoint: from entry name to float32 array in PyTorch's layout.

    Attributes:
        refused: dict from the name of an entry that is no weight to the reason, a sentence.
    """

    def __init__(self, entries, refused=()):
        super().__init__(entries)
        self.refused = dict(refused)


def read_checkpoint(source, strict=True):
    """Reads the weights of a network that was trained in PyTorch. PyTorch is not needed and nothing in a file is run.

    - The first of `CONTAINERS` that holds arrays is taken, however the file is nested; if there is none, the whole.
    - One of `PREFIXES` that stands before every name is removed, and so on until none does.
    - `COUNTERS` are left out.
    - timm's names become those that our backbones use (`timm_names.translate`).

    Args:
        source: path of a `.safetensors` file or of one that `torch.save` wrote (`.pth`, `.pt`, `.ckpt`, `.bin`), or a
            mapping from entry name to an array in PyTorch's layout: numpy, a PyTorch tensor, or anything else that
            `np.asarray` takes.
        strict: bool. False puts aside what is no weight, instead of refusing the whole for it; dicts in dicts get names
            with dots, `WRAPPERS` are removed from names, and what a whole NTS-Net or a network of timm's sits in is
            removed too. So a checkpoint may hold more than one network.

    Returns:
        Entries, a dict from entry name to a float32 array in PyTorch's layout; one that was float32 already is not copied.

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
        raise UserError(f"source must be the path of a checkpoint or a mapping of arrays, got a {type(source).__name__}.")
    if not isinstance(found, Mapping):
        raise UserError(f"{where} holds a {type(found).__name__}, wanted a dict of tensors: save model.state_dict().")
    found = _unwrapped(found, where)
    entries = _without_prefixes(found if strict else _flat(found, where), where)
    if not strict:
        entries = _without_stem_prefix(_renamed(entries, bare))
    weights, refused = {}, {}
    for name, value in entries.items():
        try:
            weights[name] = _floats(name, value, where)
        except ValueError as error:
            if strict:
                raise
            refused[name] = str(error)
    if not weights:
        raise UserError(next(iter(refused.values()), f"{where} holds no weights."))
    return Entries(translate(weights), refused)


def bare(name):
    """An entry's name without `WRAPPERS`."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def fitting(names, wanted):
    """Finds the entries of one network among those of a checkpoint, whatever it sits in.

    An entry fits a wanted name if the two are equal but for `WRAPPERS` and for one stretch of parts at the beginning or
    inside: `model.fc.weight`, `encoder.body.fc.weight` and `features.module.0.weight` fit `fc.weight` and
    `features.0.weight`. The stretch with which most fit counts. Another one is taken beside it where it gives only what is
    still missing, such as a head beside its backbone, and so not where it belongs to another copy of the network.

    Args:
        names: the entries' names.
        wanted: the names that a network is to have.

    Returns:
        dict from wanted name to the name of its entry; without those that were not found.
    """
    places = {bare(name): name for name in wanted}
    by_stretch = {}
    for name in names:
        parts = bare(name).split(".")
        if ".".join(parts) in places:
            by_stretch.setdefault("", {}).setdefault(places[".".join(parts)], name)
            continue
        for start in range(len(parts)):
            for stop in range(start + 1, len(parts)):
                place = places.get(".".join(parts[:start] + parts[stop:]))
                if place is not None:
                    by_stretch.setdefault(".".join(parts[start:stop]), {}).setdefault(place, name)
    found, used = {}, set()
    # Of equally many the plain names, and then what the file has first.
    for _, fits in sorted(by_stretch.items(), key=lambda pair: (-len(pair[1]), pair[0] != "")):
        fits = {place: name for place, name in fits.items() if name not in used}
        if found.keys().isdisjoint(fits):
            found |= fits
            used.update(fits.values())
    return found


def _unwrapped(found, where):
    """The dict that holds the weights."""
    for name in CONTAINERS:
        inner = found.get(name)
        if isinstance(inner, Mapping) and any(map(_is_array, _flat(inner, where).values())):
            return _unwrapped(inner, where)
    return found


def _is_array(value):
    # Settings may go by the name of a network too: they hold none.
    return hasattr(value, "shape") or isinstance(value, (list, tuple))


def _flat(found, where, depth=8):
    """Entries of dicts in dicts, their names joined by dots."""
    # A malicious file may hold itself; no honest one is nested deeper.
    if not depth:
        raise UserError(f"{where} is nested deeper than any checkpoint.")
    entries = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            entries |= {f"{name}.{inner}": each for inner, each in _flat(value, where, depth - 1).items()}
        else:
            entries[str(name)] = value
    return entries


def _renamed(entries, rename):
    """Entries by other names. One whose new name another one has already keeps its own."""
    taken = {name for name in entries if rename(name) == name}
    renamed = {}
    for name, value in entries.items():
        new = name if rename(name) in taken else rename(name)
        taken.add(new)
        renamed[new] = value
    return renamed


def _without_stem_prefix(entries):
    """Entries without what stands before those of one of the networks that are known by `_STEMS`."""
    for stem in _STEMS:
        prefix = next((name.removesuffix(stem) for name in entries if name.endswith(f".{stem}")), None)
        if prefix and stem not in entries:
            return _renamed(entries, lambda name, prefix=prefix: name.removeprefix(prefix))
    return entries


def _without_prefixes(entries, where):
    """Entries without counters and without what stands before every name."""
    others = [name for name in entries if not isinstance(name, str)]
    if others:
        raise UserError(f"{where} has an entry named {others[0]!r}, wanted names that are text.")
    entries = {name: value for name, value in entries.items() if name.rpartition(".")[2] not in COUNTERS}
    while entries:
        prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in entries)), None)
        if prefix is None:
            break
        entries = {name.removeprefix(prefix): value for name, value in entries.items()}
    return entries


def _floats(name, value, where):
    """An entry as finite float32."""
    if hasattr(value, "detach"):  # A PyTorch tensor, known by what it can do.
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if isinstance(value, Mapping) or value is None:
        raise UserError(f"{where}: {name} is a {type(value).__name__}, wanted an array. Hand over only the state dict.")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {name} is no array: {error}.") from error
    # bfloat16 is a type of ml_dtypes, which NumPy does not count among its floats.
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise UserError(
            f"{where}: {name} is of type {array.dtype}, wanted floats. If it is no weight, hand over only the state dict; "
            "if it is a quantised one, the network before quantisation."
        )
    with np.errstate(over="ignore"):  # What float32 cannot hold becomes infinite, and is refused below.
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise UserError(f"{where}: {name} holds NaN or numbers too large for float32; the training that wrote it had diverged.")
    return array
