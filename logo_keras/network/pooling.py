"""How a map becomes one feature; `pooling=` of the embedder names one of these layers."""

import keras
from keras import ops

# Radenovic et al. 2018, arXiv:1711.02512, section 5.1: where the exponent starts.
_EXPONENT = 3.0
# Far below what a map holds: a power of 0 has no gradient.
_SMALLEST = 1e-6


def _at_least_1(exponent):
    """The mean, and no further: below 0 the smallest value would count most."""
    return ops.maximum(exponent, 1.0)


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
        start = keras.initializers.Constant(_EXPONENT)
        self.exponent = self.add_weight(shape=(), initializer=start, constraint=_at_least_1, name="exponent")

    def call(self, maps):
        maps = ops.maximum(ops.cast(maps, self.compute_dtype), _SMALLEST)
        # By logarithms, which every export format has. The largest power is 1: others overflow in 16 bits, or vanish and have no
        # gradient.
        logs = ops.log(maps)
        largest = ops.max(logs, axis=(1, 2), keepdims=True)
        mean = ops.log(ops.mean(ops.exp(self.exponent * (logs - largest)), axis=(1, 2)))
        return ops.exp(largest[:, 0, 0] + mean / self.exponent)


POOLINGS = {
    "mean": lambda **options: keras.layers.GlobalAveragePooling2D("channels_last", **options),
    "max": lambda **options: keras.layers.GlobalMaxPooling2D("channels_last", **options),
    "gem": GeneralisedMean,
}
