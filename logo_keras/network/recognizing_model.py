"""What the models share that name the brand: the plain classifier and the region networks."""

import keras
import numpy as np
from keras import ops

from logo_keras.edge.recognition import recognize
from logo_keras.network.logo_model import LogoModel


class RecognizingModel(LogoModel):
    """A model that gives `probabilities [B, N]`, that of a brand each, and has a classifier of the whole photo.

    Args:
        **kwargs: the arguments that all models share: `class_names`, `backbone`, `image_size`, ...; see `LogoModel`.
    """

    export_outputs = ("probabilities",)
    decision = "whole"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.whole_classifier = self._dense("whole_classifier")

    def _dense(self, name):
        """A classifier of pooled features, built."""
        start = keras.initializers.GlorotUniform(self._seed_of(name))
        layer = keras.layers.Dense(self.num_classes, kernel_initializer=start, name=name, dtype="float32")
        layer.build((None, self.feature_channels))
        return layer

    def embedded(self, feature):
        """The entry `embedding` of a model's outputs: the feature before the deciding head, `[B, D]`, of length 1."""
        return {"embedding": ops.normalize(feature, axis=-1)}

    def recognize(self, photo, top=3):
        """Recognises the brand on one photograph, exactly as `lk.edge.Recognizer` does with an exported file.

        Args:
            photo: a path, the bytes of an image file or a uint8 RGB array `[H, W, 3]`.
            top: int, how many labels to give.

        Returns:
            Recognition.

        Raises:
            UnreadablePhotograph: naming the file and the reason.
        """
        return recognize(self.predict_on_batch, photo, self.class_names, self.image_size, top, self.preprocessing)

    def near_ties(self, images, tolerance=1e-5):
        """Whether a choice inside the model hangs on a difference within `tolerance`: bool `[B]`; never, without regions."""
        return np.zeros(len(images), bool)
