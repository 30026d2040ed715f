"""The head that teaches an embedding: cosines to a vector of every brand, and to those of backgrounds."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("logo_keras")
class CosineHead(keras.layers.Layer):
    """Compares an embedding with a vector, or several, of each of N brands, and with G vectors of what is no logo.

    The margin rises in training, step by step, from 0 to `margin` (`ramp`); without that it is `margin` from the start.

    Args:
        num_classes: int N.
        num_backgrounds: int G. Of these the nearest counts: backgrounds have little in common.
        sub_centres: int, vectors of each brand, of which the nearest counts.
        margin: float, what the cosine of the true class must be above the others by.
        scale: float, by which the cosines are multiplied before the softmax.
        seed: int, of the initial vectors; None draws one.

    Call arguments:
        embedding: float `[B, D]`, of length 1.
        training: bool; in training a call is a step of the margin's rise.

    Returns:
        Cosines to the brands, float `[B, N]`, and the largest one to a background, float `[B]`.

    Source:
        Wang et al. 2018 (CosFace), arXiv:1801.09414, equation 4; sub-centres: Deng et al. 2020, ECCV, "Sub-center ArcFace".
    """

    def __init__(self, num_classes, num_backgrounds=64, sub_centres=1, margin=0.2, scale=30.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.num_backgrounds = num_backgrounds
        self.sub_centres = sub_centres
        self.margin = margin
        self.scale = scale
        self.seed = seed

    def build(self, embedding_shape):
        """Creates the vectors, of about length 1, and what counts the margin's rise."""
        dimensions = embedding_shape[-1]
        for name, shape, shift in (
            ("class_vectors", (self.num_classes, self.sub_centres, dimensions), 0),
            ("background_vectors", (self.num_backgrounds, dimensions), 1),
        ):
            seed = None if self.seed is None else self.seed + shift
            start = keras.initializers.RandomNormal(stddev=dimensions**-0.5, seed=seed)
            setattr(self, name, self.add_weight(shape=shape, initializer=start, name=name))
        for name, start in (("steps", 1.0), ("rise", self.margin)):
            # Hosts and devices step together, so that one of them may say.
            options = {"trainable": False, "aggregation": "only_first_replica", "name": name}
            setattr(self, name, self.add_weight(shape=(), initializer=keras.initializers.Constant(start), **options))

    def call(self, embedding, training=None):
        if training:
            self.steps.assign(self.steps + 1.0)
        vectors = ops.reshape(self.class_vectors, (-1, self.class_vectors.shape[-1]))
        cosines = ops.matmul(embedding, ops.transpose(ops.normalize(vectors, axis=-1)))
        if self.sub_centres > 1:
            cosines = ops.max(ops.reshape(cosines, (-1, self.num_classes, self.sub_centres)), axis=-1)
        background = ops.matmul(embedding, ops.transpose(ops.normalize(self.background_vectors, axis=-1)))
        return cosines, ops.max(background, axis=-1)

    def ramp(self, done, length):
        """Says how the margin rises.

        Args:
            done: int, steps that are done.
            length: float, steps from no margin to the whole; None takes the whole margin at once.
        """
        self.steps.assign(1.0 if length is None else float(done))
        self.rise.assign(self.margin if length is None else self.margin / length)

    @property
    def current_margin(self):
        """The margin as it is now, a scalar."""
        return ops.minimum(self.steps * self.rise, self.margin)

    def logits(self, cosines, labels):
        """What the softmax takes in training: float `[B, N + 1]`.

        Args:
            cosines: float `[B, N + 1]`, the last one that to the background.
            labels: int `[B]`, 0..N.
        """
        return self.scale * (cosines - self.current_margin * ops.one_hot(labels, self.num_classes + 1, dtype=cosines.dtype))

    def get_config(self):
        names = ("num_classes", "num_backgrounds", "sub_centres", "margin", "scale", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}
