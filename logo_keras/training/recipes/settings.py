"""What the recipes have in common, each number once."""

from logo_keras.training.config import Config

# Wang et al. 2020, arXiv:1911.07924, section 4: photographs of 600 px, crops of 448 px, backbones trained on ImageNet.
# Plain classifiers see the same images as the region networks, so that rows differ in the network alone.
IMAGES = {
    "image_size": 448,
    "preprocessing": "paper",
    "weights": "imagenet",
    "batch_norm": "batch",
    "frozen_blocks": 0,
}

# The same section: SGD at 1e-3, momentum 0.9, weight decay 1e-4, a tenth of the rate after 60 and again after 100 epochs.
PAPER = {
    "optimizer": "sgd",
    "learning_rate": 1e-3,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "drops": (60, 100),
    "clip": None,
    # The paper does not say how long it trains. Ours: 20 epochs after the last drop.
    "epochs": 120,
    # That of NTS-Net's public code.
    "batch_size": 16,
}

# "Efficient + LS": He et al. 2019, arXiv:1812.01187, section 3 (the rate 0.1 * b / 256 with five warm-up epochs, biases and
# batch norm left out of the decay, mixed precision) and section 5.2 (label smoothing). Their zero gamma is left out: it
# would wipe out the residual branches of a backbone that was trained before.
EFFICIENT = PAPER | {
    "learning_rate": 0.1 * PAPER["batch_size"] / 256,
    "warm_up_epochs": 5,
    "decay_norms": False,
    "precision": "mixed_float16",
    "label_smoothing": 0.1,
}

# M, K and thresholds as in the papers: Yang et al. 2018, arXiv:1809.00287, section 4, and Wang et al. 2020, section 4.
_REGIONS = IMAGES | {
    "whole_size": 448,
    "region_size": 224,
    "navigator_stride": 32,
    "decision": "fused",
    "dropout": 0.5,
    "antialias": False,
    "navigation": "navigator",
    "teacher": True,
}
_NTS = _REGIONS | {"num_proposals": 6, "num_regions": 4}
_DRNA = _REGIONS | {
    "num_proposals": 4,
    "num_regions": 2,
    "views": ("crop", "drop"),
    "auxiliary_views": (),
    "crop_threshold": 0.5,
    "drop_threshold": 0.5,
}


def plain(backbone, settings, head="pool", dropout=0.0):
    """Config of a plain classifier.

    Args:
        backbone: str.
        settings: dict, `PAPER` or `EFFICIENT`, or one made from them.
        head: str, "original" for the network's own fully connected layers (AlexNet, VGG-16), as the rows are.
        dropout: float, in front of the last layer, as torchvision has it; an original head has its own dropout inside.
    """
    return Config("plain", IMAGES | {"backbone": backbone, "head": head, "dropout": dropout}, **settings)


def nts(backbone="resnet50"):
    """Config of NTS-Net, whose paper has ResNet-50."""
    return Config("nts", _NTS | {"backbone": backbone}, **PAPER)


def drna(backbone):
    """Config of DRNA-Net."""
    return Config("drna", _DRNA | {"backbone": backbone}, **PAPER)
