"""The plain classifier: the whole photograph, one backbone, one head."""

import keras
from keras import ops

from logo_keras.network.logo_model import LogoModel


@keras.saving.register_keras_serializable("logo_keras")
class Classifier(LogoModel):
    """Classifies photographs as a whole; what region networks must beat.

    Args:
        num_classes: int N; or
        class_names: N different names. `num_classes` alone names them "0", "1", ...
        backbone: a name of `lk.backbones.NAMES`, `"keras/NAME"` or an `lk.Backbone`.
        image_size: int S, px, a multiple of 32.
        weights: `"imagenet"` or None, what the backbone starts from.
        dropout: float in [0, 1), on the pooled feature, in training only.
        batch_norm: `"batch"` uses batch statistics in training, `"frozen"` the running ones.
        frozen_blocks: int, freezes the stem and the first n blocks with their running statistics; 0 freezes nothing.
        preprocessing: how a photograph becomes an image, one of `lk.preprocessing.PREPROCESSINGS`.
        head: `"pool"` classifies the mean of the map of stride 32, `"original"` the feature of the network's own fully
            connected layers where it has some (AlexNet, VGG-16).

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255. With `head="pool"` other sizes are answered too.
        embedding: bool, return `embedding [B, D]` too: the feature before the classifier, of length 1.

    Returns:
        dict of `probabilities [B, N]` and `whole_logits [B, N]`.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    def __init__(
        self,
        num_classes=None,
        class_names=None,
        backbone="efficientnet_lite0",
        image_size=224,
        weights="imagenet",
        dropout=0.2,
        batch_norm="batch",
        frozen_blocks=0,
        preprocessing="stretch",
        head="pool",
        **kwargs,
    ):
        super().__init__(
            num_classes,
            class_names,
            backbone,
            image_size,
            weights,
            dropout,
            batch_norm,
            frozen_blocks,
            preprocessing,
            head,
            **kwargs,
        )
        self.head = head
        self._finish()

    def call(self, images, training=None, all_regions=False, embedding=False):
        # all_regions asks nothing of a model without regions; evaluation passes it to every model.
        _, feature = self.features(self.normalized(images), training)
        logits = self.whole_classifier(feature)
        outputs = {"probabilities": ops.softmax(logits), "whole_logits": logits}
        return outputs | self.embedded(feature) if embedding else outputs

    def get_config(self):
        return super().get_config() | {"head": self.head}
