"""Small models for tests: a backbone of five convolutions, so that tracing takes a second."""

import keras

from logo_keras.backbones import Backbone, Normalize


def tiny_backbone(channels=8):
    """A Backbone with maps of stride 16 and 32, batch norm, and two blocks behind its stem."""
    images = keras.Input((None, None, 3))
    x, ends = images, []
    for number in range(5):
        x = keras.layers.Conv2D(channels, 3, 2, "same", use_bias=False, name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
        ends.append(x)
    model = keras.Model(images, x, name="tiny")
    return Backbone(model, Normalize(127.5, 127.5), {16: ends[3], 32: ends[4]}, ("relu0", "relu1", "relu2"))
