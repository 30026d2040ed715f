"""What a training run is made of."""

import dataclasses
import json
import math
from collections.abc import Mapping

# What logo-train calls a model: the name of its class.
MODELS = {"plain": "Classifier", "nts": "NTSNet", "drna": "DRNANet"}
KEPT = ("last", "best")


@dataclasses.dataclass(frozen=True)
class Config:
    """A training run, apart from its photographs. `DEFAULTS` has one a model; `dataclasses.replace` changes it.

    Attributes:
        model: str, "plain", "nts" or "drna".
        arguments: mapping, the arguments of `lk.Classifier`, `lk.NTSNet` or `lk.DRNANet` apart from the class names.
        epochs: int, times that every photograph is seen.
        batch_size: int.
        seed: int, of the weights, the order of the photographs, their augmentation and dropout.
        learning_rate: float, the highest one, of the backbone; the heads move twice as fast. It rises over the first
            tenth of the run and falls along a cosine.
        label_smoothing: float in [0, 1).
        keep: str, "last" keeps the model of the last epoch, "best" that with the highest top1 on the validation
            photographs, of equals the one with the lower loss.

    Raises:
        ValueError: for bad values, each saying what was expected. Bad model arguments are refused by `build`.
    """

    model: str
    arguments: Mapping
    epochs: int
    batch_size: int = 16
    seed: int = 0
    # AdamW on EfficientNet-Lite0 (docs/training.md).
    learning_rate: float = 1e-3
    label_smoothing: float = 0.0
    keep: str = "last"

    def __post_init__(self):
        if self.model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, got {self.model!r}.")
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}.")
        # Keras takes seeds below 2 ** 32.
        if self.seed >= 2**32:
            raise ValueError(f"seed must be below 2 ** 32, got {self.seed}.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ValueError(f"learning_rate must be a number above 0, got {self.learning_rate!r}.")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing must lie in [0, 1), got {self.label_smoothing!r}.")
        if self.keep not in KEPT:
            raise ValueError(f"keep must be one of {', '.join(KEPT)}, got {self.keep!r}.")

    def build(self, class_names):
        """Makes the model, the same for the same seed, compiled for the run.

        Args:
            class_names: N str.

        Returns:
            Classifier, NTSNet or DRNANet.

        Raises:
            ValueError: if the model refuses an argument.
        """
        import keras

        from logo_keras import models, optimizers

        keras.utils.set_random_seed(self.seed)
        model = getattr(models, MODELS[self.model])(class_names=class_names, **self.arguments)
        optimizer = optimizers.HeadsFirstAdamW(
            optimizers.WarmupCosine(peak=self.learning_rate),
            weight_decay=optimizers.WEIGHT_DECAY,
            global_clipnorm=optimizers.CLIP,
        )
        model.compile(optimizer=optimizer, label_smoothing=self.label_smoothing)
        return model

    def to_dict(self):
        """The same as strings, numbers, lists and dicts, for JSON; of a Backbone that is passed as a value, what it is."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arguments = dict(self.arguments)
        if not isinstance(arguments.get("backbone", ""), str):
            network = arguments["backbone"].model
            arguments["backbone"] = f"lk.Backbone({network.name}, {network.count_params()} parameters)"
        # Once to JSON and back, so that what is compared with a file has lists where the file has lists.
        return json.loads(json.dumps(values | {"arguments": arguments}))


# docs/training.md: EfficientNet-Lite0 on TopLogo-10, 400 training photographs; benchmarks/results has what came out.
_PLAIN = {
    "backbone": "efficientnet_lite0",
    "image_size": 224,
    "weights": "imagenet",
    "dropout": 0.3,
    "batch_norm": "batch",
    "frozen_blocks": 5,
}
_NTS = _PLAIN | {
    "image_size": 448,
    "whole_size": 224,
    "region_size": 112,
    "num_proposals": 3,
    "num_regions": 2,
    "navigator_stride": 16,
    "decision": "mean",
    "antialias": True,
}
_DRNA = _NTS | {
    "num_proposals": 4,
    "views": ("crop", "drop"),
    "auxiliary_views": (),
    "crop_threshold": 0.5,
    "drop_threshold": 0.5,
}

DEFAULTS = {
    "plain": Config("plain", _PLAIN, epochs=24),
    "nts": Config("nts", _NTS, epochs=12),
    "drna": Config("drna", _DRNA, epochs=8),
}
