"""Two ways to cut regions, side by side: gathered rows (lk.regions.crop_regions) and products with matrices of weights.

.venv/bin/python benchmarks/crop.py

Prints a table and keeps it in benchmarks/results/crop.md. Times are medians; the ratio is the figure that holds elsewhere.
"""

import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import ops
from result import heading, keep, row

from logo_keras.commands.command import Command
from logo_keras.network.anchors import make_anchors, truncate
from logo_keras.network.regions import crop_regions

RUNS = 30


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
    return lambda: function(tf.constant(images), tf.constant(boxes))


def in_litert(cut, images, boxes):
    """A function that runs one photograph with one thread."""
    inputs = [keras.Input(batch_shape=(1, *array.shape[1:])) for array in (images, boxes)]
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, Cut(cut)(*inputs)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], (images if len(detail["shape"]) == 4 else boxes)[:1])
    return interpreter.invoke


def medians(first, second):
    """Median milliseconds of two functions that take turns."""
    times = ([], [])
    for _ in range(RUNS):
        for function, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            function()
            kept.append(1000 * (time.perf_counter() - start))
    return [statistics.median(kept[2:]) for kept in times]


def main(flags, arguments):
    random = np.random.default_rng(0)
    anchors = truncate(make_anchors(448))
    lines = heading("regions", "antialias", "runtime", "products, ms", "gathered, ms", "ratio")
    for size, count in ((112, 3), (224, 4)):
        images = random.normal(size=(4, 448, 448, 3)).astype(np.float32)
        boxes = anchors[random.integers(0, len(anchors), (4, count))]
        for antialias in (False, True):

            def products(images, boxes, size=size, antialias=antialias):
                return crop_by_products(images, boxes, size, antialias)

            def gathered(images, boxes, size=size, antialias=antialias):
                return crop_regions(images, boxes, size, antialias, largest=374)

            for runtime, make in (("TensorFlow, 4 photographs", in_tensorflow), ("LiteRT, 1 photograph, 1 thread", in_litert)):
                slow, fast = medians(make(products, images, boxes), make(gathered, images, boxes))
                figures = f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}"
                lines.append(row(f"{count} of {size} px from 448 px", antialias, runtime, *figures))
                print(lines[-1], flush=True)
    keep("crop", "python benchmarks/crop.py", lines)


if __name__ == "__main__":
    Command("benchmarks/crop.py", __doc__, lambda flags: None, main).run()
