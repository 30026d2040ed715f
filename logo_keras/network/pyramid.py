"""A feature pyramid: maps of several strides, each with what the coarser ones know."""

import keras
from keras import ops

from logo_keras.backbones.batch_norm import BatchNorm


def separable(filters, seed, name, dtype, **options):
    """A separable 3 x 3 convolution whose outputs vary about as its inputs; Keras's initialiser makes depthwise kernels small.

    Args:
        filters: int.
        seed: int or None, of the initial weights.
        name: str.
        dtype: dtype policy.
        **options: what else `keras.layers.SeparableConv2D` takes.
    """
    return keras.layers.SeparableConv2D(
        filters,
        3,
        padding="same",
        data_format="channels_last",
        # Nothing bends what lies between the two kernels.
        depthwise_initializer=keras.initializers.VarianceScaling(1.0, "fan_out", seed=seed),
        pointwise_initializer=keras.initializers.HeNormal(seed),
        name=name,
        dtype=dtype,
        **options,
    )


@keras.saving.register_keras_serializable("logo_keras")
class FeaturePyramid(keras.layers.Layer):
    """Joins maps of rising strides, from the coarsest to the finest, in one number of channels.

    Each map goes through a 1 x 1 convolution (`lateral1`, ...), the joined one of the next coarser stride is added, each of its
    cells as 2 x 2, and a separable 3 x 3 convolution with batch norm and ReLU (`tidy1`, ...) gives the level.

    Args:
        filters: int F, channels of the pyramid.
        seed: int, of the initial weights; None draws one.

    Call arguments:
        maps: list of float `[B, h, w, C]`, the finest first; each has half the rows and columns of the one before.

    Returns:
        list of float `[B, h, w, F]`, of the same strides.

    Source:
        Lin et al. 2017, arXiv:1612.03144, section 3; separable convolutions as in Tan et al. 2020, arXiv:1911.09070.
    """

    def __init__(self, filters=64, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.seed = seed

    def build(self, maps_shape):
        """Creates the convolutions; `maps_shape` has the shape of each map."""
        self.laterals, self.tidies, self.norms = [], [], []
        for level, shape in enumerate(maps_shape, start=1):
            # By place, so that a convolution starts alike whatever other ones there are.
            seeds = [None, None] if self.seed is None else [self.seed + 2 * level - 2, self.seed + 2 * level - 1]
            lateral = keras.layers.Conv2D(
                self.filters,
                1,
                data_format="channels_last",
                kernel_initializer=keras.initializers.GlorotUniform(seeds[0]),
                name=f"lateral{level}",
                dtype=self.dtype_policy,
            )
            tidy = separable(self.filters, seeds[1], f"tidy{level}", self.dtype_policy, use_bias=False)
            norm = BatchNorm(epsilon=1e-3, momentum=0.99, name=f"norm{level}", dtype=self.dtype_policy)
            lateral.build((None, None, None, shape[-1]))
            for layer in (tidy, norm):
                layer.build((None, None, None, self.filters))
            self.laterals.append(lateral)
            self.tidies.append(tidy)
            self.norms.append(norm)

    def call(self, maps, training=None):
        levels, coarser = [], None
        for lateral, tidy, norm, seen in reversed(list(zip(self.laterals, self.tidies, self.norms, maps, strict=True))):
            joined = lateral(seen)
            if coarser is not None:
                joined = joined + ops.repeat(ops.repeat(coarser, 2, axis=1), 2, axis=2)
            coarser = joined
            levels.append(ops.relu(norm(tidy(joined), training=training)))
        return levels[::-1]

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "seed": self.seed}
