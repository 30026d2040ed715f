"""Small models and runs for tests: a backbone of five convolutions, so that tracing takes a second."""

import dataclasses

import keras

from logo_keras.backbones import Backbone, Normalize
from logo_keras.training import Config

# A small network with regions, navigated and decided as in the papers.
REGIONS = {
    "image_size": 96,
    "region_size": 32,
    "num_proposals": 3,
    "num_regions": 2,
    "navigator_stride": 32,
    "decision": "fused",
    "antialias": False,
}


def tiny_backbone(channels=8, finest=16):
    """A Backbone with maps of strides from `finest` to 32, batch norm, and two blocks behind its stem."""
    images = keras.Input((None, None, 3))
    x, ends = images, []
    for number in range(5):
        x = keras.layers.Conv2D(channels, 3, 2, "same", use_bias=False, name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
        ends.append(x)
    model = keras.Model(images, x, name="tiny")
    levels = {2 ** (place + 1): end for place, end in enumerate(ends) if 2 ** (place + 1) >= finest}
    return Backbone(model, Normalize(127.5, 127.5), levels, ("relu0", "relu1", "relu2"))


def one_convolution():
    """A Backbone of one convolution and batch norm, for tests of runs, in which the network does not matter."""
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, 32, "same", use_bias=False, name="conv")(images)
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(x)
    return Backbone(keras.Model(images, x, name="one_convolution"), Normalize(127.5, 127.5), {32: x})


def tiny_run(**changes):
    """Config of two epochs of a tiny classifier with dropout and augmentation."""
    # A backbone that is passed as a value has its weights already.
    keras.utils.set_random_seed(0)
    arguments = {"backbone": tiny_backbone(), "image_size": 32, "dropout": 0.5}
    return dataclasses.replace(Config("plain", arguments, epochs=2, batch_size=6, seed=3), **changes)
