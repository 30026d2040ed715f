"""What a training run is made of."""

import dataclasses
import json
import math
from collections.abc import Mapping

from logo_keras.extras import naming_extras

# What logo-train calls a model: the name of its class.
MODELS = {"plain": "Classifier", "nts": "NTSNet", "drna": "DRNANet"}
KEPT = ("last", "best")
OPTIMIZERS = ("adamw", "sgd")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
AUGMENTATIONS = ("standard", "none", "randaugment", "mixup", "cutmix")
MIXING = ("mixup", "cutmix")
# What "adamw" does not read: its rate rises over the first tenth of the run and falls along a cosine.
_OF_SGD = ("momentum", "decay_norms", "warm_up_epochs", "drops")


@dataclasses.dataclass(frozen=True)
class Config:
    """A training run, apart from its photographs. `DEFAULTS` has one a model; `dataclasses.replace` changes it.

    Attributes:
        model: str, "plain", "nts" or "drna".
        arguments: mapping, the arguments of `lk.Classifier`, `lk.NTSNet` or `lk.DRNANet` apart from the class names.
        epochs: int, times that every photograph is seen.
        batch_size: int.
        seed: int, of the weights, the order of the photographs, their augmentation and dropout.
        learning_rate: float, the highest one. Of "adamw" it is that of the backbone, the heads move twice as fast; it
            rises over the first tenth of the run and falls along a cosine. Of "sgd" it is that of all variables.
        label_smoothing: float in [0, 1).
        keep: str, "last" keeps the model of the last epoch, "best" that with the highest top1 on the validation
            photographs, of equals the one with the lower loss.
        optimizer: str, "adamw" (`optimizers.HeadsFirstAdamW`) or "sgd" (`optimizers.TorchSGD`), as the papers have it.
        weight_decay: float, decoupled from the gradient with "adamw", an L2 term of the gradient with "sgd".
        clip: float, the largest norm of all gradients together, or None for any.
        momentum: float in [0, 1), of "sgd".
        decay_norms: bool, of "sgd": whether biases and batch norm decay too.
        warm_up_epochs: int, of "sgd": epochs over which the rate rises from zero.
        drops: tuple of int, of "sgd": whole epochs after which the rate falls to a tenth.
        precision: str, one of `PRECISIONS`, what the backbone computes in (`logo_keras.training.precision`).
        zero_gamma: bool, start the last batch norm of every residual branch at 0, so that every block begins as its
            shortcut (He et al. 2019, arXiv:1812.01187, section 3.1). Only with `weights=None`: it would wipe out branches
            that were trained before.
        augment: str, what training does to photographs, as in `Dataset.batches`: "standard", "none", "randaugment", and of
            "plain" alone "mixup" and "cutmix".
        balance: float in [0, 1], how evenly the classes of a long tail come, as in `Dataset.batches`.
        loss_weights: mapping from names of losses ("whole", "region", "fused", "ranking", "augmented") to their weights,
            1 where nothing is said.

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
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    clip: float | None = 5.0
    # The papers' settings; "adamw" does without.
    momentum: float = 0.9
    decay_norms: bool = True
    warm_up_epochs: int = 0
    drops: tuple = (60, 100)
    precision: str = "float32"
    zero_gamma: bool = False
    augment: str = "standard"
    balance: float = 0.0
    loss_weights: Mapping = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}.")
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("warm_up_epochs", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}.")
        # Keras takes seeds below 2 ** 32.
        if self.seed >= 2**32:
            raise ValueError(f"seed must be below 2 ** 32, got {self.seed}.")
        for name in ("learning_rate", "clip"):
            value = getattr(self, name)
            if not (name == "clip" and value is None) and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a number above 0, got {value!r}.")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise ValueError(f"weight_decay must be a number of at least 0, got {self.weight_decay!r}.")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must lie in [0, 1], got {self.balance!r}.")
        if self.augment in MIXING and self.model != "plain":
            raise ValueError(
                f'augment="{self.augment}" is for model="plain": regions are judged by the one brand of a photograph.'
            )
        for name in ("label_smoothing", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {getattr(self, name)!r}.")
        # Lists, as flags and JSON hold them, are welcome.
        drops = tuple(self.drops)
        object.__setattr__(self, "drops", drops)
        if not all(isinstance(epoch, int) and epoch > 0 for epoch in drops) or drops != tuple(sorted(set(drops))):
            raise ValueError(f"drops must be rising numbers of epochs, got {drops}.")
        for name, weight in self.loss_weights.items():
            if not (weight >= 0 and math.isfinite(weight)):
                raise ValueError(f"the weight of the loss {name} must be a number of at least 0, got {weight!r}.")
        changed = [field.name for field in dataclasses.fields(self) if field.name in _OF_SGD]
        changed = [name for name in changed if getattr(self, name) != getattr(Config, name)]
        if self.optimizer == "adamw" and changed:
            raise ValueError(f'{", ".join(changed)} can only be set with optimizer="sgd", got optimizer="adamw".')
        if self.zero_gamma and self.arguments.get("weights", "imagenet") is not None:
            raise ValueError("zero_gamma needs weights=None: it would wipe out the residual branches of a pretrained backbone.")

    def build(self, class_names):
        """Makes the model, the same for the same seed, compiled for the run.

        Args:
            class_names: N str.

        Returns:
            Classifier, NTSNet or DRNANet.

        Raises:
            ValueError: if the model refuses an argument or has no loss of a name, or `zero_gamma` is asked of a backbone
                without residual branches.
            ImportError: naming the extra, if Keras or TensorFlow is not installed.
        """
        with naming_extras():
            import keras

            from logo_keras import network
            from logo_keras.training.precision import compute_in, scaled

        keras.utils.set_random_seed(self.seed)
        model = getattr(network, MODELS[self.model])(class_names=class_names, **self.arguments)
        compute_in(model, self.precision)
        if self.zero_gamma:
            _zero_gamma(model)
        optimizer = scaled(self._make_optimizer(), self.precision)
        model.compile(optimizer, loss_weights=dict(self.loss_weights) or None, label_smoothing=self.label_smoothing)
        return model

    def _make_optimizer(self):
        from logo_keras.network import optimizers

        if self.optimizer == "adamw":
            schedule = optimizers.WarmupCosine(peak=self.learning_rate)
            return optimizers.HeadsFirstAdamW(schedule, weight_decay=self.weight_decay, global_clipnorm=self.clip)
        return optimizers.TorchSGD(
            optimizers.EpochSteps(self.learning_rate, self.warm_up_epochs, self.drops),
            momentum=self.momentum,
            l2=self.weight_decay,
            decay_norms=self.decay_norms,
            global_clipnorm=self.clip,
        )

    def to_dict(self):
        """The same as strings, numbers, lists and dicts, for JSON; of a Backbone that is passed as a value, what it is."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arguments = dict(self.arguments)
        if not isinstance(arguments.get("backbone", ""), str):
            network = arguments["backbone"].model
            arguments["backbone"] = f"lk.Backbone({network.name}, {network.count_params()} parameters)"
        # Once to JSON and back, so that what is compared with a file has lists where the file has lists.
        return json.loads(json.dumps(values | {"arguments": arguments, "loss_weights": dict(self.loss_weights)}))


_CHOICES = {"model": MODELS, "keep": KEPT, "optimizer": OPTIMIZERS, "precision": PRECISIONS, "augment": AUGMENTATIONS}


def _zero_gamma(model):
    names = model.backbone_value.residual_norms
    if not names:
        raise ValueError(f"zero_gamma needs a backbone with residual branches, and {model.backbone!r} names none.")
    for name in names:
        gamma = model.extractor.get_layer(name).gamma
        gamma.assign(0 * gamma)


# docs/training.md: EfficientNet-Lite0 on TopLogo-10, 400 training photographs; benchmarks/results has what came out.
_PLAIN = {
    "backbone": "efficientnet_lite0",
    "image_size": 224,
    "preprocessing": "stretch",
    "head": "pool",
    "weights": "imagenet",
    "dropout": 0.3,
    "batch_norm": "batch",
    "frozen_blocks": 5,
}
_NTS = {name: value for name, value in _PLAIN.items() if name != "head"} | {
    "image_size": 448,
    "whole_size": 224,
    "region_size": 112,
    "num_proposals": 3,
    "num_regions": 2,
    "navigator_stride": 16,
    "navigation": "navigator",
    "teacher": True,
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
