"""The plain classifier: the whole photo, one backbone, one head."""

import keras

from logo_keras.network.decision import tempered
from logo_keras.network.recognizing_model import RecognizingModel


@keras.saving.register_keras_serializable("logo_keras")
class Classifier(RecognizingModel):
    """Classifies photos as a whole; what region networks must beat.

    Args:
        head: `"pool"` classifies the mean of the map of stride 32, `"original"` the feature of the network's own fully
            connected layers where it has some (AlexNet, VGG-16).
        **kwargs: the arguments that all models share: `class_names`, `backbone`, `image_size`, ...; see `LogoModel`.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255. With `head="pool"` other sizes are answered too.
        embedding: bool, return `embedding [B, D]` too: the feature before the classifier, of length 1.

    Returns:
        dict of `probabilities [B, N]` and `whole_logits [B, N]`.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    def __init__(self, *, head="pool", **kwargs):
        # First, since it says which backbone is built.
        self.head = head
        super().__init__(**kwargs)
        self._finish()

    def call(self, images, training=None, embedding=False):
        whole = self.see(self.normalized(images), "whole", training)
        logits = self.whole_classifier(whole.feature)
        outputs = {"probabilities": tempered(logits, self.temperature), "whole_logits": logits}
        return outputs | self.embedded(whole.feature) if embedding else outputs
