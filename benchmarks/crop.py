"""Two ways to cut regions, side by side: gathered rows (lk.regions.crop_regions) and products with matrices of weights.

.venv/bin/python benchmarks/crop.py

Prints a table and keeps it in benchmarks/results/crop.md. Times are medians; the ratio is the figure that holds elsewhere.
"""

import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import ops
from result import Table, keep, run, turns

from logo_keras.network.anchors import make_anchors, truncate
from logo_keras.network.regions import crop_regions

RUNS, WARM = 28, 2


def crop_by_products(images, boxes, size, antialias):
    """The same crop as two matrix products; its antialiasing is normalised less exactly."""
    height, width, channels = images.shape[1:]
    count = boxes.shape[1]

    def weights(start, stop, length):
        step = (stop - start - 1) / (size - 1)
        samples = start[..., None] + ops.arange(size, dtype="float32") * step[..., None]
        distance = ops.abs(samples[..., None] - ops.arange(length, dtype="float32"))
        reach = ops.maximum(step, 1.0)[..., None, None] if antialias else 1.0
        return ops.relu(1 - distance / reach) / reach

    rows = ops.reshape(weights(boxes[..., 0], boxes[..., 2], height), (-1, count * size, height))
    x = ops.matmul(rows, ops.reshape(images, (-1, height, width * channels)))
    x = ops.transpose(ops.reshape(x, (-1, count, size, width, channels)), (0, 1, 3, 2, 4))
    x = ops.matmul(weights(boxes[..., 1], boxes[..., 3], width), ops.reshape(x, (-1, count, width, size * channels)))
    return ops.transpose(ops.reshape(x, (-1, count, size, size, channels)), (0, 1, 3, 2, 4))


class Cut(keras.layers.Layer):
    """A way to cut as a layer, so that it can be converted."""

    def __init__(self, cut):
        super().__init__()
        self.cut = cut

    def call(self, images, boxes):
        return self.cut(images, boxes)


def in_tensorflow(cut, images, boxes):
    """A function that runs one batch."""
    function = tf.function(cut)
    return lambda turn: function(tf.constant(images), tf.constant(boxes))


def in_litert(cut, images, boxes):
    """A function that runs one photograph with one thread."""
    inputs = [keras.Input(batch_shape=(1, *array.shape[1:])) for array in (images, boxes)]
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, Cut(cut)(*inputs)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], (images if len(detail["shape"]) == 4 else boxes)[:1])
    return lambda turn: interpreter.invoke()


def main(flags, arguments):
    random = np.random.default_rng(0)
    anchors = truncate(make_anchors(448))
    lines = Table("regions", "antialias", "runtime", "products, ms", "gathered, ms", "ratio")
    for size, count in ((112, 3), (224, 4)):
        images = random.normal(size=(4, 448, 448, 3)).astype(np.float32)
        boxes = anchors[random.integers(0, len(anchors), (4, count))]
        for antialias in (False, True):

            def products(images, boxes, size=size, antialias=antialias):
                return crop_by_products(images, boxes, size, antialias)

            def gathered(images, boxes, size=size, antialias=antialias):
                return crop_regions(images, boxes, size, antialias, largest=374)

            for runtime, make in (("TensorFlow, 4 photographs", in_tensorflow), ("LiteRT, 1 photograph, 1 thread", in_litert)):
                times = turns({cut: make(cut, images, boxes) for cut in (products, gathered)}, RUNS, WARM)
                slow, fast = map(statistics.median, times.values())
                figures = f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}"
                lines.add(f"{count} of {size} px from 448 px", antialias, runtime, *figures)
    keep("crop", lines)


if __name__ == "__main__":
    run(__doc__, main)
