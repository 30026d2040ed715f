"""timm's names for networks that we build, into the names that our backbones use.

timm (pytorch-image-models, 1.0) names ResNets as torchvision does. Its EfficientNet-Lite and VGG differ.
"""

import re

_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(.+)")
_AROUND_BLOCKS = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
# Blocks that widen first, and those of the first stage, which do not.
_INVERTED = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
_SEPARABLE = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}


def translate(entries):
    """Renames the entries of timm's EfficientNet-Lite and VGG; others are returned as they are.

    EfficientNet-Lite gets the names of efficientnet_pytorch (`_blocks.N._expand_conv`), VGG torchvision's, its first two
    fully connected layers, which timm keeps as convolutions, as matrices.

    Our EfficientNet-Lite is TensorFlow's, which timm calls `tf_efficientnet_lite0`: padded at stride 2 as TensorFlow does
    and with batch norm epsilon 1e-3. timm's own `efficientnet_lite0.ra_in1k` has the same names and shapes, but is padded
    alike on every side, with epsilon 1e-5: its weights load and are to be trained further, not used as they are.

    Args:
        entries: dict from entry name to array in PyTorch's layout.

    Returns:
        dict of the same arrays, in the same order.
    """
    if "conv_stem.weight" in entries and any(map(_BLOCK.fullmatch, entries)):
        return _efficientnet(entries)
    if "pre_logits.fc1.weight" in entries:
        return dict(_vgg(name, value) for name, value in entries.items())
    return entries


def _efficientnet(entries):
    found = {name: _BLOCK.fullmatch(name) for name in entries}
    blocks = sorted({(int(match[1]), int(match[2])) for match in found.values() if match})
    inverted = {(int(match[1]), int(match[2])) for match in found.values() if match and match[3] == "conv_pwl"}
    renamed = {}
    for name, value in entries.items():
        match = found[name]
        if match:
            block = (int(match[1]), int(match[2]))
            # A part that no Lite network has keeps timm's name, and is reported by it.
            part = (_INVERTED if block in inverted else _SEPARABLE).get(match[3])
            new = f"_blocks.{blocks.index(block)}.{part}.{match[4]}" if part else name
        else:
            module, _, rest = name.partition(".")
            new = f"{_AROUND_BLOCKS.get(module, module)}.{rest}"
        renamed[new] = value
    return renamed


def _vgg(name, value):
    module, _, part = name.rpartition(".")
    if name.startswith("pre_logits.") and part == "weight":
        # Channels, rows, columns: the order in which torchvision flattens the map.
        value = value.reshape(len(value), -1)
    return f"{_VGG.get(module, module)}.{part}", value
