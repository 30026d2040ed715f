"""Batches by tf.data."""

import numpy as np

from logo_keras.datasets.batches.reader import Reader
from logo_keras.extras import require


def make_batches(samples):
    """Makes a `tf.data.Dataset` of images and labels.

    The number of batches is known to TensorFlow: a photograph that disappears on the way makes its batch smaller. Every
    iteration is the next epoch, unless `set_epoch` says which. The threads that read are a Reader's: one call of Python a
    photograph by tf.data costs half a millisecond more of the processor's time, and its threads are those of training.

    Args:
        samples: Samples.

    Returns:
        `tf.data.Dataset` of float32 RGB `[B, image_size, image_size, 3]`, 0..255, and int64 `[B]`, or float32 `[B, N]` if
        the samples are mixed. The iteration ends with `tf.errors.InvalidArgumentError` if not one photograph of a batch can
        be read. Its attribute `set_epoch`, a function of an int, says which epoch all iterations give from now on.
    """
    tf = require("tensorflow", "train")
    size, reader = samples.image_size, Reader(samples)
    epochs = _Epochs(samples.first_epoch)
    labels_dtype, labels_shape = (tf.float32, (None, samples.num_classes)) if samples.mixes else (tf.int64, (None,))

    def begin():
        return np.int64(epochs.begin())

    def of_epoch(_):
        epoch = tf.numpy_function(begin, (), tf.int64)
        return tf.data.Dataset.range(len(samples)).map(lambda number: load(epoch, number))

    def load(epoch, number):
        images, labels = tf.numpy_function(reader.batch, (epoch, number), (tf.float32, labels_dtype))
        return tf.ensure_shape(images, (None, size, size, 3)), tf.ensure_shape(labels, labels_shape)

    # Keras warns about batches that it cannot count.
    batches = tf.data.Dataset.range(1).flat_map(of_epoch).apply(tf.data.experimental.assert_cardinality(len(samples)))
    batches = batches.prefetch(1)
    batches.set_epoch = epochs.set
    return batches


class _Epochs:
    """The number of the epoch that an iteration gives."""

    def __init__(self, first):
        self._next, self._fixed = first, False

    def begin(self):
        number = self._next
        self._next += not self._fixed
        return number

    def set(self, number):
        # A distribution strategy begins iterations that Keras drops, so that nothing can be learnt from counting them.
        self._next, self._fixed = number, True
