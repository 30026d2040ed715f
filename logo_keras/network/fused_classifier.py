"""The fused classifier: the decision over regions and whole image together."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("logo_keras")
class FusedClassifier(keras.layers.Layer):
    """Classifies from the features of K regions and of the whole image, concatenated in this order.

    Args:
        num_classes: int N.
        seed: int, of the initial weights; None draws one.

    Call arguments:
        region_features: float `[B, K, C]`, best region first; or `[B, K, V, C]`, the views of each region.
        whole_feature: float `[B, C]`.

    Returns:
        Logits, float `[B, N]`.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.4; Wang et al. 2020, arXiv:1911.07924, section 3.3.
    """

    def __init__(self, num_classes, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.seed = seed
        start = keras.initializers.GlorotUniform(seed)
        self.classifier = keras.layers.Dense(num_classes, kernel_initializer=start, dtype=self.dtype_policy, name="classifier")

    def build(self, region_features_shape, whole_feature_shape):
        """Creates the variables from the shapes of the two arguments."""
        self.classifier.build((None, math.prod(region_features_shape[1:]) + whole_feature_shape[-1]))

    def call(self, region_features, whole_feature):
        return self.classifier(self.joined(region_features, whole_feature))

    def joined(self, region_features, whole_feature):
        """The feature that decides: float `[B, D]`, that of the regions and then that of the whole image."""
        regions = ops.reshape(region_features, (-1, math.prod(region_features.shape[1:])))
        return ops.concatenate([regions, whole_feature], axis=-1)
