"""The head of a detector: how likely each cell finds a logo, and its box."""

import math

import keras
from keras import ops

from logo_keras.network.pyramid import separable

# Lin et al. 2017, arXiv:1708.02002, section 4.1: at first a cell says that it finds a logo with this probability, since nearly
# all of them find none.
_PRIOR = 0.01
# Strides from a cell's centre to the sides of its box at first, which is then of a size that its level is to find.
_DISTANCE = 2.0
_PARTS = ("tower1", "tower2", "score", "distance")


@keras.saving.register_keras_serializable("logo_keras")
class BoxHead(keras.layers.Layer):
    """Says of every cell of several maps, with the same weights, how likely it finds a logo, and where the sides of its box are.

    Two separable 3 x 3 convolutions with ReLU, and a 1 x 1 convolution each for the score and for four distances, which are
    softplus of its numbers times a trained `scales` of the level, in strides.

    Args:
        strides: ints, px, one a map.
        filters: int, channels of the maps and of the convolutions.
        seed: int, of the initial weights; None draws one.

    Call arguments:
        levels: list of float `[B, h, w, filters]`, one a stride.

    Returns:
        Scores, float `[B, A]`, logits; and distances, float `[B, A, 4]`, px, from the centre of a cell to the top, left, bottom
        and right of its box, above 0. In the order level, row, column (`logo_keras.network.cells`).

    Source:
        Tian et al. 2019, arXiv:1904.01355, sections 3.1 and 3.2, with softplus for the exponential: a step too far moves a side
        by as much, and not by a factor.
    """

    def __init__(self, strides=(8, 16, 32), filters=64, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.strides = tuple(strides)
        self.filters = filters
        self.seed = seed
        tower = (self._seed_of(name) for name in _PARTS[:2])
        self.tower1, self.tower2 = (
            separable(filters, start, name, self.dtype_policy, activation="relu")
            for start, name in zip(tower, _PARTS, strict=False)
        )
        self.score = self._conv(1, "score", math.log(_PRIOR / (1 - _PRIOR)))
        # Of which softplus is the distance.
        self.distance = self._conv(4, "distance", math.log(math.expm1(_DISTANCE)))

    def _seed_of(self, name):
        # By name, so that a convolution starts alike whatever other ones there are.
        return None if self.seed is None else self.seed + _PARTS.index(name)

    def _conv(self, filters, name, bias):
        return keras.layers.Conv2D(
            filters,
            1,
            data_format="channels_last",
            # As in arXiv:1708.02002, section 4.1.
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=self._seed_of(name)),
            bias_initializer=keras.initializers.Constant(bias),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, levels_shape=None):
        """Creates the variables."""
        for layer in (self.tower1, self.tower2, self.score, self.distance):
            layer.build((None, None, None, self.filters))
        self.scales = self.add_weight(shape=(len(self.strides),), initializer="ones", name="scales")

    def call(self, levels):
        scores, distances = [], []
        for place, (stride, level) in enumerate(zip(self.strides, levels, strict=True)):
            x = self.tower2(self.tower1(level))
            cells = x.shape[1] * x.shape[2]
            away = ops.softplus(self.distance(x) * self.scales[place]) * stride
            scores.append(ops.reshape(self.score(x), (-1, cells)))
            distances.append(ops.reshape(away, (-1, cells, 4)))
        return ops.concatenate(scores, axis=1), ops.concatenate(distances, axis=1)

    def get_config(self):
        return super().get_config() | {"strides": self.strides, "filters": self.filters, "seed": self.seed}
