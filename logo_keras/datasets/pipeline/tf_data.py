"""Batches by tf.data."""

import itertools

import numpy as np

from logo_keras.datasets.pipeline.reader import Reader
from logo_keras.extras import require


def make_batches(samples):
    """Makes a `tf.data.Dataset` of images and labels.

    The number of batches is known to TensorFlow: a photograph that disappears on the way makes its batch smaller. Every
    iteration is the next epoch. The threads that read are a Reader's: one call of Python a photograph by tf.data costs half
    a millisecond more of the processor's time, and its threads are those of training.

    Args:
        samples: Samples.

    Returns:
        `tf.data.Dataset` of float32 RGB `[B, image_size, image_size, 3]`, 0..255, and int64 `[B]`, or float32 `[B, N]` if
        the samples are mixed. The iteration ends with `tf.errors.InvalidArgumentError` if not one photograph of a batch can
        be read.
    """
    tf = require("tensorflow", "train")
    size, reader = samples.image_size, Reader(samples)
    epochs = itertools.count(samples.first_epoch)
    labels_dtype, labels_shape = (tf.float32, (None, samples.num_classes)) if samples.mixes else (tf.int64, (None,))

    def begin():
        return np.int64(next(epochs))

    def of_epoch(_):
        epoch = tf.numpy_function(begin, (), tf.int64)
        return tf.data.Dataset.range(len(samples)).map(lambda number: load(epoch, number))

    def load(epoch, number):
        images, labels = tf.numpy_function(reader.batch, (epoch, number), (tf.float32, labels_dtype))
        return tf.ensure_shape(images, (None, size, size, 3)), tf.ensure_shape(labels, labels_shape)

    # Keras warns about batches that it cannot count.
    batches = tf.data.Dataset.range(1).flat_map(of_epoch).apply(tf.data.experimental.assert_cardinality(len(samples)))
    return batches.prefetch(1)
