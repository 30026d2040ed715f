"""How a map becomes one feature; `pooling=` of the embedder names one of these layers."""

import keras
from keras import ops

# Radenovic et al. 2018, arXiv:1711.02512, section 5.1: where the exponent starts.
_EXPONENT = 3.0
# Far below what a map holds: a power of 0 has no gradient.
_SMALLEST = 1e-6


@keras.saving.register_keras_serializable("logo_keras")
class GeneralisedMean(keras.layers.Layer):
    """The generalised mean over a map, `mean(x ** p) ** (1 / p)`, with a trained exponent p: 1 is the mean, infinity the maximum.

    Call arguments:
        maps: float `[B, h, w, C]`; what is below 0 counts as 0.

    Returns:
        float `[B, C]`.

    Source:
        Radenovic et al. 2018, arXiv:1711.02512, equation 3.
    """

    def build(self, maps_shape=None):
        """Creates the exponent."""
        self.exponent = self.add_weight(shape=(), initializer=keras.initializers.Constant(_EXPONENT), name="exponent")

    def call(self, maps):
        maps = ops.maximum(ops.cast(maps, self.compute_dtype), _SMALLEST)
        # By logarithms, which every export format has.
        logs = ops.log(ops.mean(ops.exp(self.exponent * ops.log(maps)), axis=(1, 2)))
        return ops.exp(logs / self.exponent)


POOLINGS = {
    "mean": lambda **options: keras.layers.GlobalAveragePooling2D("channels_last", **options),
    "max": lambda **options: keras.layers.GlobalMaxPooling2D("channels_last", **options),
    "gem": GeneralisedMean,
}
