"""The teacher: what each region looks like by itself."""

import keras
from keras import ops

from logo_keras.network.losses import cross_entropy


@keras.saving.register_keras_serializable("logo_keras")
class Teacher(keras.layers.Layer):
    """Classifies every region from its pooled feature.

    Args:
        num_classes: int N.
        seed: int, of the initial weights; None draws one.

    Call arguments:
        features: float `[B, M, C]`, the shared backbone's pooled features of the M crops.

    Returns:
        Logits, float `[B, M, N]`.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.3; Wang et al. 2020, arXiv:1911.07924, section 3.2.
    """

    def __init__(self, num_classes, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.seed = seed
        start = keras.initializers.GlorotUniform(seed)
        self.classifier = keras.layers.Dense(num_classes, kernel_initializer=start, dtype=self.dtype_policy, name="classifier")

    def build(self, input_shape):
        """Creates the variables; `input_shape` is that of the features."""
        self.classifier.build(input_shape)

    def call(self, features):
        return self.classifier(features)

    @staticmethod
    def confidence(logits, labels, log=False):
        """C(R): the probability of the true class, without label smoothing.

        Args:
            logits: float `[B, M, N]`.
            labels: int `[B]`.
            log: bool, return log C(R): the same order, also where C(R) is too small for float32.

        Returns:
            float `[B, M]`, in 0..1; with `log` at most 0, nats.
        """
        labels = ops.broadcast_to(labels[:, None], ops.shape(logits)[:2])
        log_confidence = -cross_entropy(labels, logits)
        return log_confidence if log else ops.exp(log_confidence)
