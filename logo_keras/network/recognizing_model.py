"""What the models share that name the brand: the plain classifier and the region networks."""

import keras
import numpy as np
from keras import ops

from logo_keras.arguments import positive, probability
from logo_keras.edge.recognition import recognize
from logo_keras.network.logo_model import LogoModel


class RecognizingModel(LogoModel):
    """A model that gives `probabilities [B, N]`, that of a brand each, and has a classifier of the whole photo.

    Temperature and threshold are fitted once a model is trained; nothing that trains knows of them, neither losses nor logits.
    They may be set on a model that was used already.

    Args:
        temperature: float above 0, by which the logarithms of `probabilities` are divided before they sum to 1 again, in
            exported files too; see `logo_keras.network.decision.tempered`.
        threshold: float in (0, 1), the lowest probability of the likeliest brand with which `recognize` takes it for known;
            None where every photo gets some brand.
        **kwargs: the arguments that all models share: `class_names`, `backbone`, `image_size`, ...; see `LogoModel`.

    Raises:
        ValueError: if the temperature or the threshold is none of these.
    """

    export_outputs = ("probabilities",)
    decision = "whole"

    def __init__(self, *, temperature=1.0, threshold=None, **kwargs):
        super().__init__(**kwargs)
        self.temperature, self.threshold = temperature, threshold
        self.whole_classifier = self._dense("whole_classifier")

    @property
    def temperature(self):
        return self._temperature

    @temperature.setter
    def temperature(self, value):
        self._temperature = float(positive("temperature", value))
        # It is a constant of what was traced.
        self.train_function = self.test_function = self.predict_function = None

    @property
    def threshold(self):
        return self._threshold

    @threshold.setter
    def threshold(self, value):
        self._threshold = None if value is None else probability("threshold", value)

    @property
    def calibration(self):
        """dict for JSON or None, where temperature and threshold come from: the entry of that name in the card."""
        return self.card.get("calibration")

    def _dense(self, name):
        """A classifier of pooled features, built."""
        start = keras.initializers.GlorotUniform(self._seed_of(name))
        layer = keras.layers.Dense(self.num_classes, kernel_initializer=start, name=name, dtype="float32")
        layer.build((None, self.feature_channels))
        return layer

    def embedded(self, feature):
        """The entry `embedding` of a model's outputs: the feature before the deciding head, `[B, D]`, of length 1."""
        return {"embedding": ops.normalize(feature, axis=-1)}

    def recognize(self, photo, top=3, threshold=None):
        """Recognises the brand on one photograph, exactly as `lk.edge.Recognizer` does with an exported file.

        Args:
            photo: a path, the bytes of an image file or a uint8 RGB array `[H, W, 3]`.
            top: int, how many labels to give.
            threshold: float in [0, 1) in place of the model's own; 0 gives every photo some brand.

        Returns:
            Recognition.

        Raises:
            ValueError: if `top` is below 1, or there is no such threshold.
            UnreadablePhotograph: naming the file and the reason.
        """
        threshold = self.threshold if threshold is None else threshold
        return recognize(self.predict_on_batch, photo, self.class_names, self.image_size, top, self.preprocessing, threshold)

    def near_ties(self, images, tolerance=1e-5):
        """Whether a choice inside the model hangs on a difference within `tolerance`: bool `[B]`; never, without regions."""
        return np.zeros(len(images), bool)
