"""Weights that were trained in PyTorch, put into models of this package."""

import dataclasses
import hashlib
import os
from pathlib import Path

from logo_keras.errors import UserError
from logo_keras.network.navigator import Navigator
from logo_keras.network.paper import PAPER
from logo_keras.network.recognizing_model import RecognizingModel
from logo_keras.weights.entries import fitting, read_checkpoint
from logo_keras.weights.layers import check, entries_of, set_layer, some

# What the public NTS-Net (core/model.py) calls its parts.
BACKBONE, NAVIGATOR, TEACHER, FUSED = "pretrained_model", "proposal_net", "partcls_net", "concat_net"
_NAVIGATOR_PARTS = ("down1", "down2", "down3", "tidy1", "tidy2", "tidy3")
# The classifiers of torchvision's networks, of EfficientNet-Lite and, before its names are translated, of timm.
_HEADS = ("fc", "_fc", "classifier", "classifier.6", "head.fc")
# Of torchvision's GoogLeNet: heads that act in training only and are not built here.
_AUXILIARY = ("aux1.", "aux2.")


@dataclasses.dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        source: str, the file, or "a mapping".
        loaded: tuple of str, entries of the checkpoint that were copied.
        skipped: tuple of str, entries that the model has no place for.
        missing: tuple of str, parts of the model that the checkpoint says nothing of and that keep what they had.
        remarks: tuple of str, sentences on why.
    """

    source: str
    loaded: tuple
    skipped: tuple
    missing: tuple
    remarks: tuple = ()

    def __str__(self):
        lines = [f"{self.source}: {len(self.loaded)} entries loaded."]
        lines += self.remarks
        if self.skipped:
            lines.append(f"Left out, {len(self.skipped)}: {some(self.skipped)}")
        if self.missing:
            lines.append(f"Not in the checkpoint, kept as it was: {', '.join(self.missing)}")
        return "\n".join(lines)


def load_torch_weights(model, source, heads=True):
    """Copies weights that were trained in PyTorch into a model.

    Takes classifiers in torchvision's names (timm's are translated) and whole checkpoints of the public NTS-Net. A
    classifier gives the backbone and, where the number of classes fits, the whole-image classifier; a whole NTS-Net gives
    navigator, teacher and fused classifier too. The network may sit inside another module (`model.conv1.weight`,
    `features.module.0.weight`) and beside foreign entries, which are left out. Nothing is copied unless all of it fits.

    Args:
        model: Classifier, NTSNet or DRNANet on a backbone with names in PyTorch: `alexnet`, `googlenet`, `vgg16`,
            `resnet50`, `resnet152`, `efficientnet_lite0`, `1`, `2`.
        source: path of a `.pth`, `.pt`, `.ckpt` or `.safetensors` file, or a mapping from entry name to array in PyTorch's
            layout. Files are read without PyTorch and nothing in them is run.
        heads: bool. False takes backbone and navigator alone, whatever the number of classes.

    Returns:
        Imported: what was loaded, skipped and missing. `print` it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is refused, entries are missing or have another shape (lists them), or a whole NTS-Net
            has another number of classes.
    """
    _backbone_of(model)  # Refused before a large file is read.
    return load_entries(model, read_checkpoint(source, strict=False), source_name(source), heads)


def load_entries(model, entries, source, heads=True):
    """`load_torch_weights` for a checkpoint that was read already.

    Args:
        model, heads: as there.
        entries: dict from entry name to array, what `read_checkpoint` gave with `strict=False`.
        source: str, what `source_name` gave.

    Returns:
        Imported.

    Raises:
        ValueError: as there.
    """
    value = _backbone_of(model)
    whole = is_nts_net(entries)
    inside = f"{BACKBONE}." if whole else ""
    refused = getattr(entries, "refused", {})
    pairs = [(model.extractor.get_layer(ours), inside + theirs) for ours, theirs in value.torch_names.items()]
    names = [name for layer, prefix in pairs for name in entries_of(layer, prefix)]
    modules = [f"{inside}{value.torch_head}"] if value.torch_head else []
    if whole:
        modules += [TEACHER, FUSED, *(f"{NAVIGATOR}.{part}" for part in _NAVIGATOR_PARTS)]
    names += [f"{module}.{part}" for module in modules for part in ("weight", "bias")]
    places = fitting([*entries, *refused], names)
    own = {name: place for place, name in places.items()}
    # By the names that the network has where it sits in nothing.
    given, entries = entries, {own.get(name, name): value for name, value in entries.items() if name in own or name not in places}
    remarks = []
    if whole:
        pairs += _of_nts_net(model, entries, heads, value, remarks)
    elif heads:
        pairs += _of_classifier(model, entries, value, remarks)
    wanted = {name: shape for layer, prefix in pairs for name, shape in entries_of(layer, prefix).items()}
    for name in wanted:
        if places.get(name) in refused:
            raise UserError(f"{refused[places[name]]} The model stays as it was.")
    try:
        check(wanted, entries)
    except ValueError as error:
        has = f"The checkpoint has {len(given)} entries: {some(list(given))}."
        raise UserError(f"{source}: {error} {has} The model stays as it was.") from None
    for layer, prefix in pairs:
        set_layer(layer, entries, prefix)
    filled = {id(variable) for layer, _ in pairs for variable in layer.variables}
    rest = [variable for variable in model.weights if id(variable) not in filled and "seed_generator" not in variable.path]
    if any(name.startswith(_AUXILIARY) for name in entries):
        remarks.append("The two auxiliary heads of GoogLeNet (aux1, aux2) act in training only and are not built here.")
    model.card["weights"] = f"imported from {source}"
    return Imported(
        source=source,
        loaded=tuple(places[name] for name in wanted),
        skipped=tuple(sorted({*given, *refused} - {places[name] for name in wanted})),
        missing=tuple(dict.fromkeys(variable.path.rpartition("/")[0] for variable in rest)),
        remarks=tuple(remarks),
    )


def _backbone_of(model):
    """The model's Backbone; ValueError if nothing can be imported into it."""
    if not isinstance(model, RecognizingModel):
        raise UserError(f"model must be a Classifier, NTSNet or DRNANet of logo_keras, got a {type(model).__name__}.")
    value = model.backbone_value
    if not value.torch_names:
        raise UserError(
            f"the backbone {value.model.name!r} has no counterpart in PyTorch: nothing is known of its entries' names."
        )
    return value


def is_nts_net(entries):
    """Whether a checkpoint is a whole NTS-Net, from its mapping of entry names to arrays."""
    return any(name.startswith(f"{NAVIGATOR}.") for name in entries)


def number_of_classes(entries):
    """The number of classes of a checkpoint: the outputs of its last classifier, of one by a known name where there is one.

    Raises:
        ValueError: if it has none.
    """
    heads = [TEACHER] if is_nts_net(entries) else [name.removesuffix(".weight") for name in entries if _is_head(name, entries)]
    heads = [head for head in heads if f".{head}".endswith(tuple(f".{known}" for known in _HEADS))] or heads
    if not heads or f"{heads[-1]}.weight" not in entries:
        raise UserError("the checkpoint has no classifier that tells the number of classes: give it.")
    return len(entries[f"{heads[-1]}.weight"])


def nts_net_options(entries, model):
    """What a whole NTS-Net says of the model that it fits: its backbone, K and preprocessing.

    Args:
        entries: mapping from entry name to array.
        model: str, the name of its class, a key of PAPER; DRNA-Net fuses other views, so that K is free.

    Returns:
        dict of constructor arguments.
    """
    options = dict(PAPER[model])
    del options["weights"]
    layers = [name for name in entries if name.startswith(f"{BACKBONE}.layer3.") and name.endswith(".conv1.weight")]
    names = {6: "resnet50", 36: "resnet152"}
    if len(layers) in names:
        options["backbone"] = names[len(layers)]
    if model == "NTSNet" and f"{FUSED}.weight" in entries and f"{TEACHER}.weight" in entries:
        options["num_regions"] = entries[f"{FUSED}.weight"].shape[1] // entries[f"{TEACHER}.weight"].shape[1] - 1
        options["num_proposals"] = max(6, options["num_regions"])
    return options


def _is_head(name, entries):
    """Whether an entry is the kernel of a dense layer; GoogLeNet's auxiliary heads do not count."""
    return name.endswith(".weight") and entries[name].ndim == 2 and not name.startswith(_AUXILIARY)


def _of_classifier(model, entries, value, remarks):
    """The head of a classifier, where the number of classes fits."""
    name = f"{value.torch_head}.weight"
    if name not in entries:
        return []
    if len(entries[name]) != model.num_classes:
        remarks.append(
            f"Its head ({value.torch_head}) is of {len(entries[name])} classes, the model of {model.num_classes}: left out."
        )
        return []
    if entries[name].shape[-1] != model.feature_channels:
        remarks.append(f"Its head ({value.torch_head}) reads another feature than the model's pooled one: left out.")
        return []
    return [(model.whole_classifier, value.torch_head)]


def _of_nts_net(model, entries, heads, value, remarks):
    """Navigator, teacher, fused and whole-image classifier of a whole NTS-Net, as far as the model has them."""
    pairs = []
    navigator = getattr(model, "navigator", None)
    if isinstance(navigator, Navigator):
        if navigator.navigator_stride != 32:
            raise UserError("the checkpoint's navigator reads the map of stride 32: make the model with navigator_stride=32.")
        pairs += [(getattr(navigator, part), f"{NAVIGATOR}.{part}") for part in _NAVIGATOR_PARTS]
    if not heads:
        return pairs
    pairs.append((model.whole_classifier, f"{BACKBONE}.{value.torch_head}"))
    if getattr(model, "teacher", None):
        pairs.append((model.teacher.classifier, TEACHER))
    if hasattr(model, "fused_classifier"):
        # DRNA-Net fuses other views unless it is told to see the regions alone.
        if model.views == ("region",):
            pairs.append((model.fused_classifier.classifier, FUSED))
        else:
            remarks.append(f"Its fused classifier ({FUSED}) sees regions, the model's sees {', '.join(model.views)}: left out.")
    classes = {
        len(entries[f"{name}.weight"]) for _, name in pairs if not name.startswith(NAVIGATOR) and f"{name}.weight" in entries
    }
    if classes and classes != {model.num_classes}:
        raise UserError(
            f"the checkpoint is of {' and '.join(map(str, sorted(classes)))} classes, the model of {model.num_classes}: make the "
            "model with as many, or pass heads=False to take backbone and navigator alone."
        )
    return pairs


def source_name(source):
    """The file's name and the beginning of its SHA-256, so that a model file can tell where it came from."""
    if not isinstance(source, (str, os.PathLike)):
        return "a mapping"
    with open(source, "rb") as file:
        return f"{Path(source).name} (SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()[:16]})"
