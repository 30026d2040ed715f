"""Models to export, and what tests of exported files ask of them."""

import subprocess
import sys

import keras
import numpy as np
from tiny import tiny_backbone

import logo_keras as lk

NAMES = ("Adidas", "H&M", "Löwenbräu")


def small(channels=64):
    """A plain classifier that is converted in a second."""
    return lk.Classifier(class_names=NAMES, image_size=64, backbone=tiny_backbone(channels))


def drna(backbone):
    """A DRNA-Net with all that its graph may hold."""
    return lk.DRNANet(
        class_names=NAMES,
        image_size=96,
        whole_size=64,
        region_size=32,
        backbone=backbone,
        weights=None,
        views=("region", "crop", "drop"),
        decision="fused",
        # Not 0, which adds nothing to the graph.
        fill=(0.5, -0.25, 1.0),
    )


# By name: functions, since a model is made when it is needed. Only the network of "real" is one that people use.
MAKERS = {
    "plain": small,
    "nts": lambda: lk.NTSNet(
        class_names=NAMES,
        image_size=96,
        whole_size=64,
        region_size=32,
        num_proposals=3,
        num_regions=2,
        navigator_stride=32,
        antialias=False,
        backbone=tiny_backbone(),
    ),
    "drna": lambda: drna(tiny_backbone()),
    "real": lambda: drna("efficientnet_lite0"),
}


def detector():
    """A small detector whose cells differ as those of a trained one do: few of them say that they find a logo."""
    keras.utils.set_random_seed(3)
    embedder = lk.LogoEmbedder(
        num_classes=5, image_size=32, dimensions=16, num_backgrounds=3, backbone=tiny_backbone(32), weights=None
    )
    model = lk.LogoDetector(
        embedder=embedder,
        image_size=128,
        whole_size=64,
        num_regions=4,
        filters=16,
        backbone=tiny_backbone(32, finest=8),
        weights=None,
    )
    for layer in (model.box_head.score, model.box_head.distance):
        layer.kernel.assign(30 * layer.kernel)
    return model


def kernel_bytes(layer):
    """Bytes of the weights of a layer or model that are no vectors."""
    return sum(4 * int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)


def left(folder):
    """Names of all that is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def command(root, name, *arguments):
    """Runs an export command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", f"export.{name}", *map(str, arguments)], cwd=root, capture_output=True, text=True
    )


def used_to(model, photos):
    """An embedder whose last batch norm has seen photos, a folder per brand, so that its vectors point everywhere."""
    images = np.stack([lk.preprocessing.prepare(photo, model.image_size) for photo in sorted(photos.glob("*/*.jpg"))])
    feature = model.projection(model.see(model.normalized(images), "whole", False).feature)
    model.embedding_norm.moving_mean.assign(np.mean(feature, axis=0))
    model.embedding_norm.moving_variance.assign(np.var(feature, axis=0))
    return model
