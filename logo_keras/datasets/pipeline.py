"""Batches of photographs: read, augmented in training, made squares, put together by tf.data."""

import itertools

import numpy as np

from logo_keras.extras import cv2, require
from logo_keras.preprocessing import fit, frame, resize

# As in the runs on TopLogo-10 that set the defaults: crops of 60 to 100 % of the area, flips, brightness, contrast.
# The strengths of the last two are mild by choice: a brand is known by its colours too.
AREA = (0.6, 1.0)
FLIPPED = 0.5
# Grey levels added to every px.
BRIGHTNESS = 25.0
# Factor of the distance from the mean grey level.
CONTRAST = (0.8, 1.2)


def augment(photo, size, rng, preprocessing="stretch"):
    """Makes a training image of a photograph: a random crop, perhaps mirrored, with other brightness and contrast.

    With the preprocessing "paper" the crop is that of the paper, and colours are left alone.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        size: int, px.
        rng: numpy Generator.
        preprocessing: str, one of `logo_keras.preprocessing.PREPROCESSINGS`.

    Returns:
        uint8 RGB `[size, size, 3]`.
    """
    if preprocessing == "paper":
        side, _ = frame(preprocessing, size)
        top, left = rng.integers(side - size + 1, size=2)
        image = resize(photo, side)[top : top + size, left : left + size]
        return np.ascontiguousarray(image[:, ::-1] if rng.random() < FLIPPED else image)
    height, width = photo.shape[:2]
    # The crop keeps the photograph's aspect ratio, so that logos are stretched in training as they are later.
    side = np.sqrt(rng.uniform(*AREA))
    tall, wide = max(1, round(height * side)), max(1, round(width * side))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    image = resize(photo[top : top + tall, left : left + wide], size)
    if rng.random() < FLIPPED:
        image = image[:, ::-1]
    contrast, brightness = rng.uniform(*CONTRAST), rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    mean = image.mean()
    levels = (np.arange(256) - mean) * contrast + mean + brightness
    # A table of the 256 levels is several times faster than arithmetic on every px.
    return cv2.LUT(np.ascontiguousarray(image), np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def make_batches(read, indices, labels, batch_size, image_size, training=False, seed=0, preprocessing="stretch"):
    """Makes a `tf.data.Dataset` of images and labels.

    The number of batches is known to TensorFlow: a photograph that disappears on the way makes its batch smaller.

    Args:
        read: function from an index to uint8 RGB `[H, W, 3]`, or to None if the photograph is to be left out. Called in
            several threads. What it raises ends the iteration.
        indices: int `[n]`, the samples to read, in this order without `training`.
        labels: int64 `[n]`, their labels.
        batch_size: int. The last batch may be smaller.
        image_size: int, px.
        training: bool. Shuffled and augmented anew in every iteration; the first, second, ... iteration gives the same
            for the same seed, however many threads work.
        seed: int, 0 or more.
        preprocessing: str, one of `logo_keras.preprocessing.PREPROCESSINGS`.

    Returns:
        `tf.data.Dataset` of float32 RGB `[B, image_size, image_size, 3]`, 0..255, and int64 `[B]`. The iteration ends
        with `tf.errors.InvalidArgumentError` if not one photograph of a batch can be read.

    Raises:
        ValueError: if a number is out of range, there is nothing to read, or no such preprocessing.
    """
    for name, value, lowest in (("batch_size", batch_size, 1), ("image_size", image_size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
            raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}.")
    frame(preprocessing, image_size)
    if not len(indices):
        raise ValueError("there are no photographs to read.")
    indices = np.asarray(indices, np.int64)
    tf = require("tensorflow", "train")

    epochs = itertools.count()

    def places():
        # A generator of numpy's, not tf.data's own shuffle: that one also depends on TensorFlow's global seed.
        epoch = next(epochs)
        order = np.arange(len(indices))
        if training:
            order = np.random.default_rng([seed, epoch]).permutation(order)
        for place in order:
            yield epoch, place

    def make(epoch, place):
        index = int(indices[place])
        photo = read(index)
        if photo is None:
            return np.zeros((image_size, image_size, 3), np.uint8), False
        if training:
            # A generator a sample, so that it does not matter which thread comes first.
            return augment(photo, image_size, np.random.default_rng([seed, int(epoch), index]), preprocessing), True
        return fit(photo, image_size, preprocessing), True

    def load(epoch, place):
        image, found = tf.numpy_function(make, (epoch, place), (tf.uint8, tf.bool))
        return tf.ensure_shape(image, (image_size, image_size, 3)), tf.gather(labels, place), tf.ensure_shape(found, ())

    def keep(images, labels, found):
        # An empty batch would make every mean a NaN.
        alarm = "Not one photograph of a batch can be read any more; they could when the run began."
        with tf.control_dependencies([tf.debugging.assert_equal(tf.reduce_any(found), True, alarm)]):
            # Bytes until here, floats last: a quarter of the memory on the way.
            return tf.cast(tf.boolean_mask(images, found), tf.float32), tf.boolean_mask(labels, found)

    number = tf.TensorSpec((), tf.int64)
    samples = tf.data.Dataset.from_generator(places, output_signature=(number, number))
    # Keras warns about batches that it cannot count.
    samples = samples.apply(tf.data.experimental.assert_cardinality(len(indices)))
    samples = samples.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return samples.batch(batch_size).map(keep).prefetch(tf.data.AUTOTUNE)
