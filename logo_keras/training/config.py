"""What a training run is made of."""

import dataclasses
import functools
import json
import math
from collections.abc import Mapping

from logo_keras.arguments import one_of, whole
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras
from logo_keras.training.constructors import MODELS, model_arguments

# Short names of models are those of commands; a Config has the names of classes.
_SHORT = {name: short for short, name in MODELS.items()}
AUGMENTATIONS = ("standard", "none", "randaugment", "mixup", "cutmix")
_KNOWN = {
    "keep": ("last", "best"),
    "optimizer": ("adamw", "sgd"),
    "precision": ("float32", "mixed_float16", "mixed_bfloat16"),
    "augment": AUGMENTATIONS,
}
MIXING = ("mixup", "cutmix")
# By choice: a run that is killed loses five minutes on average.
CHECKPOINT_MINUTES = 10
SCHEDULES = ("cosine", "steps", "constant")
# What "adamw" does not read.
_OF_SGD = ("momentum", "decay_norms")
# docs/training.md: EfficientNet-Lite0 on TopLogo-10, 400 training photos; benchmarks/results has what came out.
_EPOCHS = {"Classifier": 24, "NTSNet": 12, "DRNANet": 8}
# Of the recipes logo_embedder and logo_detector: an epoch is a number of drawn samples, not a pass over photos.
_EPOCHS |= {"LogoEmbedder": 24, "LogoDetector": 20}


@functools.cache
def defaults(model):
    """What a model's constructor takes by default: dict from the name of an argument to its value.

    Args:
        model: str, the name of a class.
    """
    return {name: argument.default for name, argument in model_arguments(model).items()}


@dataclasses.dataclass(frozen=True)
class Config:
    """A training run, apart from its photos. `dataclasses.replace` changes it.

    Attributes:
        model: str, "Classifier", "NTSNet", "DRNANet", "LogoEmbedder" or "LogoDetector"; "plain", "nts", "drna", "embedder" and
            "detector" stand for them.
        arguments: mapping, the arguments of the model's constructor that differ from its defaults, apart from the class names and
            the embedder of a detector.
        epochs: int, times that every photo is seen. By default what was measured to work for the model.
        batch_size: int, photos in a step.
        seed: int, of the weights, the order of the photos, their augmentation and dropout.
        learning_rate: float, the highest one. With "adamw" it is that of the backbone, and the heads move twice as fast
            (those of "LogoEmbedder" three times). With "sgd" it is that of all variables.
        label_smoothing: float in [0, 1), share of the target that is spread over all classes.
        keep: str, "last" keeps the model of the last epoch, "best" the one with the highest top1 on the validation photos,
            of equals the one with the lower loss; on marks the one with the highest val_r1, or val_recall of a detector.
        optimizer: str, "adamw" (`optimizers.HeadsFirstAdamW`) or "sgd" (`optimizers.TorchSGD`), as the papers have it.
        weight_decay: float, decoupled from the gradient with "adamw", an L2 term of the gradient with "sgd".
        clip: float, the largest norm of all gradients together; None leaves them as they are, as 0 does as a flag.
        momentum: float in [0, 1), share of the last step that the next one keeps ("sgd").
        decay_norms: bool, whether biases and batch norm decay too ("sgd").
        schedule: str, how the rate goes on: "cosine" to zero, "steps" to a tenth at every one of `drops`, or "constant". None is
            "cosine" with "adamw" and "steps" with "sgd".
        warm_up_epochs: int, fewer than there are, epochs over which the rate rises from zero. 0 is the first tenth of the run
            with "adamw" and "cosine", and no rise with others.
        drops: tuple of int, whole epochs after which the rate falls to a tenth ("steps").
        precision: str, what the backbone computes in: "float32", "mixed_float16" or "mixed_bfloat16". Heads, navigator,
            losses and probabilities stay in float32, where 16 bits would round scores that compete. So do all weights, so
            that a saved model opens in float32.
        zero_gamma: bool, start the last batch norm of every residual branch at 0, so that every block begins as its
            shortcut (He et al. 2019, arXiv:1812.01187, section 3.1). Only with weights=None: it would wipe out branches that
            were trained before.
        augment: str, what training does to photos, as in `Dataset.batches`: "standard", "none", "randaugment", and for
            "Classifier" only "mixup" and "cutmix".
        balance: float in [0, 1]: 0 shows every photo once an epoch, 1 every class equally often, 0.5 lies between.
        loss_weights: mapping from names of losses ("whole", "region", "fused", "ranking", "augmented") to their weights,
            1 for those left out: ranking=0,region=0.5 as a flag.
        steps_per_epoch: int, batches an epoch, where an epoch is not every photo once; the next one goes on where it ended.
        accumulation: int, batches whose gradients are averaged before the weights move: a batch of so many times the photos, in
            the memory of one, but for batch norm, which sees each batch alone. What is left over at the end of an epoch goes on
            in the next one.
        ema: float in (0, 1), the share that averaged weights keep at an update; these are scored, saved and kept, and those that
            they are averages of are trained (`optimizers.AveragedWeights`). None trains without, as 0 does as a flag.
        layer_decay: float in (0, 1], the rate of a block of the backbone is that of the next one times this; `learning_rate` is
            that of the last one, and heads keep theirs. 1 is one rate for all blocks.
        early_stopping: int, epochs without a better score, which is that of `keep`, after which the run ends. None ends it with
            the last epoch, as 0 does as a flag. The schedule is that of all epochs.

    Raises:
        ValueError: for bad values, each saying what was expected. Bad model arguments are refused by `build`.
    """

    model: str
    arguments: Mapping = dataclasses.field(default_factory=dict)
    epochs: int | None = None
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
    steps_per_epoch: int | None = None
    schedule: str | None = None
    accumulation: int = 1
    ema: float | None = None
    layer_decay: float = 1.0
    early_stopping: int | None = None

    def __post_init__(self):
        self._set("model", one_of("model", MODELS.get(self.model, self.model), [*MODELS.values(), *MODELS]))
        if self.epochs is None:
            self._set("epochs", _EPOCHS[self.model])
        # Lists, as flags and JSON hold them, are welcome.
        self._set("drops", tuple(self.drops))
        self._set("arguments", self._changed(self.arguments))
        for name, known in _KNOWN.items():
            one_of(name, getattr(self, name), known)
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("warm_up_epochs", 0), ("accumulation", 1)):
            self._set(name, whole(name, getattr(self, name), lowest))
        for name in ("steps_per_epoch", "early_stopping"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1)
        if self.schedule is not None:
            one_of("schedule", self.schedule, SCHEDULES)
        if (self.optimizer == "adamw" or self.falls == "cosine") and self.warm_up_epochs >= self.epochs:
            raise UserError(f"warm_up_epochs must be below epochs = {self.epochs}, got {self.warm_up_epochs}.")
        for names, expected in _EXPECTED.items():
            for name in names.split():
                _check(name, getattr(self, name), expected)
        for name, weight in self.loss_weights.items():
            _check(f"the weight of the loss {name}", weight, _AT_LEAST_0)
        if self.augment in MIXING and self.model != "Classifier":
            raise UserError(f'augment="{self.augment}" is for Classifier: the others learn from the one brand of a photo.')
        changed = [name for name in _OF_SGD if getattr(self, name) != getattr(Config, name)]
        if self.optimizer == "adamw" and changed:
            raise UserError(f'{", ".join(changed)} can only be set with optimizer="sgd", got optimizer="adamw".')
        if self.falls != "steps" and self.drops != Config.drops:
            raise UserError(
                f'drops can only be set with schedule="steps", got {self.falls!r}, with optimizer="{self.optimizer}".'
            )
        if self.steps_per_epoch is not None and self.accumulation > self.steps_per_epoch:
            raise UserError(
                f"accumulation must be at most steps_per_epoch = {self.steps_per_epoch}, so that weights move, got "
                f"{self.accumulation}."
            )
        if self.zero_gamma and self.all_arguments["weights"] is not None:
            raise UserError("zero_gamma needs weights=None: it would wipe out the residual branches of a pretrained backbone.")

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def _changed(self, arguments):
        """Those arguments that are not the constructor's defaults."""
        usual = defaults(self.model)
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
        return {name: value for name, value in given.items() if name not in usual or value != usual[name]}

    @property
    def all_arguments(self):
        """dict, every argument of the model's constructor, apart from the class names."""
        return defaults(self.model) | self.arguments

    @property
    def falls(self):
        """str, the schedule that is meant: `schedule`, or that of the optimizer."""
        return self.schedule or ("cosine" if self.optimizer == "adamw" else "steps")

    @property
    def short_name(self):
        """str, what commands call the model: "plain", "nts", "drna", "embedder" or "detector"."""
        return _SHORT[self.model]

    def build(self, class_names, embedder=None):
        """Makes the model, the same for the same seed, compiled for the run.

        Args:
            class_names: N str; a detector has those of its embedder.
            embedder: LogoEmbedder that a detector keeps; of no other model.

        Returns:
            Classifier, NTSNet, DRNANet, LogoEmbedder or LogoDetector.

        Raises:
            ValueError: if the model refuses an argument or has no loss of a name, `zero_gamma` is asked of a backbone without
                residual branches, or `layer_decay` of one without known blocks.
            ImportError: naming the extra, if Keras or TensorFlow is not installed.
        """
        with naming_extras():
            import keras

            from logo_keras import network

        keras.utils.set_random_seed(self.seed)
        of_the_run = {"embedder": embedder} if self.model == "LogoDetector" else {"class_names": class_names}
        model = getattr(network, self.model)(**of_the_run, **self.all_arguments)
        compute_in(model, self.precision)
        if self.zero_gamma:
            _zero_gamma(model)
        optimizer = self._make_optimizer()
        if self.precision == "mixed_float16":
            # Else gradients would vanish.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        model.compile(optimizer, loss_weights=dict(self.loss_weights) or None, label_smoothing=self.label_smoothing)
        return model

    def _make_optimizer(self):
        from logo_keras.network import optimizers

        of_both = {
            "global_clipnorm": self.clip,
            "gradient_accumulation_steps": self.accumulation if self.accumulation > 1 else None,
            "layer_decay": self.layer_decay,
        }
        if self.ema is not None:
            of_both |= {"use_ema": True, "ema_momentum": self.ema}
        if self.optimizer == "adamw":
            return optimizers.HeadsFirstAdamW(self._make_schedule(), weight_decay=self.weight_decay, **of_both)
        settings = {"momentum": self.momentum, "l2": self.weight_decay, "decay_norms": self.decay_norms}
        return optimizers.TorchSGD(self._make_schedule(), **settings, **of_both)

    def _make_schedule(self):
        from logo_keras.network import optimizers

        if self.falls == "cosine":
            usual = optimizers.WARM_UP if self.optimizer == "adamw" else 0.0
            return optimizers.WarmupCosine(self.learning_rate, self.warm_up_epochs / self.epochs or usual)
        drops = self.drops if self.falls == "steps" else ()
        return optimizers.EpochSteps(self.learning_rate, self.warm_up_epochs, drops)

    def to_dict(self):
        """The same for JSON, with all arguments of the model; of a Backbone that is passed as a value, what it is.

        `weights` is what the model says it started from: a run must be the same when `"pretrained"` means something else.
        """
        from logo_keras.backbones import initial_weights

        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arguments = self.all_arguments
        arguments["weights"] = initial_weights(arguments["backbone"], arguments["weights"])
        if not isinstance(arguments["backbone"], str):
            network = arguments["backbone"].model
            arguments["backbone"] = f"lk.Backbone({network.name}, {network.count_params()} parameters)"
        # Once to JSON and back, so that what is compared with a file has lists where the file has lists.
        return json.loads(json.dumps(values | {"arguments": arguments, "loss_weights": dict(self.loss_weights)}))


def completed(recorded):
    """The configuration that a run recorded, with what its version of this package did not know: the defaults of today.

    Args:
        recorded: dict, what `Config.to_dict` gave then.

    Returns:
        dict, as `Config.to_dict` gives it now.
    """
    names = [field.name for field in dataclasses.fields(Config) if field.name in recorded and field.name != "arguments"]
    # Without weights, which zero_gamma does not go with.
    usual = Config(arguments={"weights": None}, **{name: recorded[name] for name in names}).to_dict()
    return usual | recorded | {"arguments": usual["arguments"] | recorded["arguments"]}


def _number(words, fits):
    """What a number must do, in words, and whether a value is a finite number that does."""
    return words, lambda value: isinstance(value, (int, float)) and math.isfinite(value) and fits(value)


def _rising(epochs):
    return all(isinstance(epoch, int) and epoch > 0 for epoch in epochs) and epochs == tuple(sorted(set(epochs)))


_AT_LEAST_0 = _number("be a number of at least 0", lambda value: value >= 0)
_ABOVE_0 = _number("be a number above 0", lambda value: value > 0)
_INSIDE = _number("lie in (0, 1)", lambda value: 0 < value < 1)
_EXPECTED = {
    # Keras takes no larger ones.
    "seed": ("be below 2 ** 32", lambda value: value < 2**32),
    "learning_rate": _ABOVE_0,
    "clip": (_ABOVE_0[0], lambda value: value is None or _ABOVE_0[1](value)),
    "weight_decay": _AT_LEAST_0,
    "balance": _number("lie in [0, 1]", lambda value: 0 <= value <= 1),
    "ema": (_INSIDE[0], lambda value: value is None or _INSIDE[1](value)),
    "layer_decay": _number("lie in (0, 1]", lambda value: 0 < value <= 1),
    "label_smoothing momentum": _number("lie in [0, 1)", lambda value: 0 <= value < 1),
    "drops": ("be rising numbers of epochs", _rising),
}


def _check(name, value, expected):
    words, fits = expected
    if not fits(value):
        raise UserError(f"{name} must {words}, got {value!r}.")


def compute_in(model, precision):
    """Lets the layers of a model's backbone, which does nearly all of the work, compute in a precision.

    Args:
        model: a model of this package.
        precision: str, "float32", "mixed_float16" or "mixed_bfloat16".
    """
    for layer in model.extractor._flatten_layers(include_self=False):
        layer.dtype_policy = precision


def _zero_gamma(model):
    names = model.backbone_value.residual_norms
    if not names:
        raise UserError(f"zero_gamma needs a backbone with residual branches, and {model.backbone!r} names none.")
    for name in names:
        gamma = model.extractor.get_layer(name).gamma
        gamma.assign(0 * gamma)


# The run of each model that was measured to work, by class and by short name.
DEFAULTS = {name: Config(MODELS.get(name, name)) for name in (*MODELS, *_SHORT)}
