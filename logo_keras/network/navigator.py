"""The navigator: how informative each anchor is."""

import keras
from keras import ops

from logo_keras.errors import UserError
from logo_keras.network.anchors import ANCHORS_PER_CELL

_PARTS = ("join", "down1", "down2", "down3", "tidy1", "tidy2", "tidy3")


@keras.saving.register_keras_serializable("logo_keras")
class Navigator(keras.layers.Layer):
    """Scores every anchor from the backbone's maps, which it reads through a stop-gradient.

    A feature pyramid of three levels: each level is a 3 x 3 convolution with ReLU on the one before (`down1`..`down3`, the
    last two with stride 2), and a 1 x 1 convolution (`tidy1`..`tidy3`) turns each into scores.

    Args:
        navigator_stride: 32, the papers' map, or 16: the first level then reads the map of stride 16, joined with the
            enlarged map of stride 32, and the levels are 16, 32 and 64 px.
        filters: int, channels of the pyramid.
        anchors_per_level: ints, how many anchors share a cell of each level.
        seed: int, of the initial weights; None draws one.

    Call arguments:
        maps: the map of stride 32, float `[B, h, w, C]`; for `navigator_stride=16` the maps of stride 16 and 32.

    Returns:
        float `[B, A]`, unbounded, in the order of `lk.anchors.make_anchors`.

    Raises:
        ValueError: if `navigator_stride` is neither 16 nor 32.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 4.1; Wang et al. 2020, arXiv:1911.07924, section 3.1. The stride of
        16 is ours: at small sizes the papers' grid misses small logos.
    """

    def __init__(self, navigator_stride=32, filters=128, anchors_per_level=ANCHORS_PER_CELL, seed=None, **kwargs):
        super().__init__(**kwargs)
        if navigator_stride not in (16, 32):
            raise UserError(f"navigator_stride must be 16 or 32, got {navigator_stride!r}.")
        self.navigator_stride = navigator_stride
        self.filters = filters
        self.anchors_per_level = tuple(anchors_per_level)
        self.seed = seed
        if navigator_stride == 16:
            # 1 x 1 before the join: the 3 x 3 convolution would cost as much as the backbone on all its channels.
            self.join = self._conv(filters, 1, 1, "join", "relu")
        self.down1 = self._conv(filters, 3, 1, "down1", "relu")
        self.down2 = self._conv(filters, 3, 2, "down2", "relu")
        self.down3 = self._conv(filters, 3, 2, "down3", "relu")
        self.tidy1, self.tidy2, self.tidy3 = (
            self._conv(count, 1, 1, f"tidy{level}") for level, count in enumerate(self.anchors_per_level, start=1)
        )
        # Zeros on every side; "same" pads one side at stride 2.
        self.pad = keras.layers.ZeroPadding2D(1, "channels_last", name="pad", dtype=self.dtype_policy)

    def _conv(self, filters, kernel, stride, name, activation=None):
        # By name, so that a convolution starts alike whatever other ones there are.
        seed = None if self.seed is None else self.seed + _PARTS.index(name)
        # Scores that start far apart drown the ranking loss, whose margin is 1: with He's initialiser their standard
        # deviation is 6 on photographs. 0.01 is what region proposal networks take (arXiv:1506.01497, section 3.1.3).
        scores = name.startswith("tidy")
        initializer = keras.initializers.RandomNormal(stddev=0.01, seed=seed) if scores else keras.initializers.HeNormal(seed)
        return keras.layers.Conv2D(
            filters,
            kernel,
            stride,
            "valid",
            "channels_last",
            activation=activation,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape):
        """Creates the variables; `input_shape` is that of the map, or of the two maps."""
        channels = (input_shape[0] if self.navigator_stride == 16 else input_shape)[-1]
        if self.navigator_stride == 16:
            self.join.build((None, None, None, input_shape[1][-1]))
            channels += self.filters
        self.down1.build((None, None, None, channels))
        for layer in (self.down2, self.down3, self.tidy1, self.tidy2, self.tidy3):
            layer.build((None, None, None, self.filters))

    def call(self, maps, training=None):
        maps = keras.tree.map_structure(ops.stop_gradient, maps)
        if self.navigator_stride == 16:
            fine, coarse = maps
            coarse = ops.repeat(ops.repeat(self.join(coarse), 2, axis=1), 2, axis=2)
            maps = ops.concatenate([fine, coarse], axis=-1)
        level1 = self.down1(self.pad(maps))
        level2 = self.down2(self.pad(level1))
        level3 = self.down3(self.pad(level2))
        scores = [self.tidy1(level1), self.tidy2(level2), self.tidy3(level3)]
        return ops.concatenate([_flatten(level) for level in scores], axis=-1)


def _flatten(scores):
    """`[B, h, w, a]` to `[B, a h w]`, anchor by anchor, then rows, then columns."""
    _, rows, columns, count = scores.shape
    return ops.reshape(ops.transpose(scores, (0, 3, 1, 2)), (-1, count * rows * columns))
