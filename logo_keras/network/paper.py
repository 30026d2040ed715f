"""What the papers say about the models, as arguments of their constructors: `lk.NTSNet(class_names=..., **lk.PAPER["NTSNet"])`.

The constructors' own defaults are what was measured best for small sets (docs/training.md).
"""

# Wang et al. 2020, arXiv:1911.07924, section 4: photos of 600 px, crops of 448 px, backbones trained on ImageNet, all of them
# trained further. The plain classifiers see the same images as the region networks, so that rows differ in the network only.
_IMAGES = {"image_size": 448, "preprocessing": "paper", "weights": "imagenet", "batch_norm": "batch", "frozen_blocks": 0}

# Yang et al. 2018, arXiv:1809.00287, section 4, and NTS-Net's public code.
_REGIONS = _IMAGES | {
    "whole_size": 448,
    "region_size": 224,
    "navigator_stride": 32,
    "navigation": "navigator",
    "teacher": True,
    "decision": "fused",
    "dropout": 0.5,
    "antialias": False,
}

PAPER = {
    # torchvision's networks have no dropout in front of the last layer, but for that inside the original heads.
    "Classifier": _IMAGES | {"head": "pool", "dropout": 0.0},
    "NTSNet": _REGIONS | {"num_proposals": 6, "num_regions": 4},
    # Wang et al. 2020, sections 3.3 and 4.
    "DRNANet": _REGIONS
    | {
        "num_proposals": 4,
        "num_regions": 2,
        "views": ("crop", "drop"),
        "auxiliary_views": (),
        "crop_threshold": 0.5,
        "drop_threshold": 0.5,
    },
}
