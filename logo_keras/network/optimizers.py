"""The optimizer that was measured to work, and the one of the papers.

`HeadsFirstAdamW` with `WarmupCosine`: heads faster than the backbone. Settings: EfficientNet-Lite0 on the TopLogo-10 40/30
split and a synthetic set of 20 brands, 2 cores (docs/training.md). `TorchSGD` with `EpochSteps`: what Wang et al. 2020,
arXiv:1911.07924, section 4, and Yang et al. 2018, arXiv:1809.00287, section 4, train with.
"""

import math

import keras
from keras import ops

BACKBONE_RATE = 1e-3
HEAD_RATE = 2e-3
WEIGHT_DECAY = 1e-4
CLIP = 5.0
WARM_UP = 0.1


class _OfARun(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that `fit` tells how long the run is: `start`, its first step, and `total`, its steps, or None."""

    def covers(self, step):
        """bool, whether `span` was told of a run that is not over before this step."""
        return self.total is not None and self.start <= step < self.start + self.total

    def get_config(self):
        """The constructor's arguments, which are the attributes, as JSON has them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@keras.saving.register_keras_serializable("logo_keras")
class WarmupCosine(_OfARun):
    """A linear warm-up over the first tenth of a run, then a cosine to zero.

    `fit` of this package's models tells it how long the run is (`span`), because `compile` cannot know. Without that, and
    for data of unknown length, the rate stays at its peak.

    Args:
        peak: float, the highest learning rate.
        warm_up: float in (0, 1), share of the run.
        start: int, step at which the run began.
        total: int, steps of the run, or None.
    """

    def __init__(self, peak=BACKBONE_RATE, warm_up=WARM_UP, start=0, total=None):
        self.peak = peak
        self.warm_up = warm_up
        self.start = start
        self.total = total

    def span(self, start, total, epochs=None):
        """Says how long a run is. Functions traced before must be traced again.

        Args:
            start: int, its first step.
            total: int, its steps, or None where nobody knows.
            epochs: int, its epochs; this schedule does not need them.
        """
        self.start, self.total = start, total

    def __call__(self, step):
        if self.total is None:
            return ops.convert_to_tensor(self.peak, dtype="float32")
        progress = (ops.cast(step, "float32") - self.start + 1) / self.total
        rising = progress / self.warm_up
        falling = 0.5 * (1 + ops.cos(math.pi * ops.clip((progress - self.warm_up) / (1 - self.warm_up), 0.0, 1.0)))
        return self.peak * ops.minimum(rising, falling)


@keras.saving.register_keras_serializable("logo_keras")
class EpochSteps(_OfARun):
    """A rate that falls by a factor at given epochs, after a linear warm-up if there is one.

    `fit` of this package's models tells it how many steps an epoch has (`span`). Without that, and for data of unknown
    length, the rate stays where it is.

    Args:
        rate: float, the learning rate before the first drop.
        warm_up_epochs: int, epochs over which the rate rises from zero; 0 begins with `rate`.
        drops: whole epochs after which the rate falls, as PyTorch's MultiStepLR counts its milestones.
        factor: float, by which it falls.
        start: int, step at which the run began.
        steps_per_epoch: float, or None.
        total: int, steps of the run, or None.

    Source:
        The warm-up: Goyal et al. 2017, arXiv:1706.02677, section 2.2, which He et al. 2019, arXiv:1812.01187, take over.
    """

    def __init__(self, rate, warm_up_epochs=0, drops=(60, 100), factor=0.1, start=0, steps_per_epoch=None, total=None):
        self.rate = rate
        self.warm_up_epochs = warm_up_epochs
        self.drops = tuple(drops)
        self.factor = factor
        self.start = start
        self.steps_per_epoch = steps_per_epoch
        self.total = total

    def span(self, start, total, epochs):
        """Says how long a run is. Functions traced before must be traced again.

        Args:
            start: int, its first step.
            total: int, its steps, or None where nobody knows.
            epochs: int, its epochs.
        """
        self.start, self.steps_per_epoch, self.total = start, None if total is None else total / epochs, total

    def __call__(self, step):
        rate = ops.convert_to_tensor(self.rate, dtype="float32")
        if self.steps_per_epoch is None:
            return rate
        done = ops.cast(step, "float32") - self.start
        for epochs in self.drops:
            # Whole steps are compared, because a quotient may be rounded to the wrong side of an epoch.
            rate = ops.where(done >= epochs * self.steps_per_epoch, rate * self.factor, rate)
        if self.warm_up_epochs:
            rate = rate * ops.minimum((done + 1) / (self.warm_up_epochs * self.steps_per_epoch), 1.0)
        return rate


@keras.saving.register_keras_serializable("logo_keras")
class TorchSGD(keras.optimizers.Optimizer):
    """Stochastic gradient descent as PyTorch means it: `v = momentum * v + (g + l2 * w)`, `w = w - rate * v`.

    Keras's SGD has the rate inside the momentum, `v = momentum * v - rate * g`: after a drop of the rate its first steps are
    still those of the old rate. Keras's `weight_decay` moves the weights beside the gradient, here it goes through the
    momentum. Every variable moves at the same rate, heads or not.

    Args:
        learning_rate: float or schedule.
        momentum: float in [0, 1).
        l2: float, what PyTorch calls weight decay.
        decay_norms: bool, whether biases and the factors and shifts of batch norm decay too, that is, all variables with
            one axis. PyTorch's optimizer lets them; He et al. 2019, arXiv:1812.01187, section 3.1, do not.
        **kwargs: what `keras.optimizers.Optimizer` takes: `global_clipnorm`, `use_ema`, ...

    Source:
        The update rule in the documentation of torch.optim.SGD, without dampening and Nesterov.
    """

    def __init__(self, learning_rate=1e-3, momentum=0.9, l2=0.0, decay_norms=True, name="torch_sgd", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.l2 = l2
        self.decay_norms = decay_norms

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.buffers = self.add_optimizer_variables(variables, "buffer")

    def update_step(self, gradient, variable, learning_rate):
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        if self.l2 and (self.decay_norms or len(variable.shape) > 1):
            gradient = ops.add(gradient, ops.multiply(variable, self.l2))
        buffer = self.buffers[self._get_variable_index(variable)]
        # The first step of PyTorch takes the gradient as it is: the same as from a buffer of zeros.
        moved = ops.add(ops.multiply(buffer, self.momentum), gradient)
        self.assign(buffer, moved)
        self.assign_sub(variable, ops.multiply(moved, rate))

    def get_config(self):
        return super().get_config() | {"momentum": self.momentum, "l2": self.l2, "decay_norms": self.decay_norms}


@keras.saving.register_keras_serializable("logo_keras")
class HeadsFirstAdamW(keras.optimizers.AdamW):
    """AdamW that moves some variables faster: those that carry a `learning_rate_multiplier`.

    The models of this package mark what does not come from the backbone.
    """

    def build(self, variables):
        # By place, because updates see TensorFlow's variables instead of Keras's.
        self._multipliers = [getattr(variable, "learning_rate_multiplier", 1.0) for variable in variables]
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate * self._multipliers[self._get_variable_index(variable)])


def mark_heads(variables, multiplier=HEAD_RATE / BACKBONE_RATE):
    """Marks variables that `HeadsFirstAdamW` moves `multiplier` times as fast."""
    for variable in variables:
        variable.learning_rate_multiplier = multiplier


def default_optimizer():
    """What `compile()` alone takes."""
    return HeadsFirstAdamW(WarmupCosine(), weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP)


def span_schedule(optimizer, before, total, epochs):
    """Tells the schedule of an optimizer how long the run is, if it is one of this package.

    Args:
        optimizer: a Keras optimizer, inside loss scaling or not.
        before: int, steps of the run before its first epoch now, or None where nobody knows.
        total: int, steps of the whole run, or None.
        epochs: int, epochs of the whole run.

    Returns:
        bool, whether it has such a schedule. Functions traced before must be traced again.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    schedule = getattr(optimizer, "_learning_rate", None)
    if not isinstance(schedule, _OfARun):
        return False
    done = int(ops.convert_to_numpy(optimizer.iterations))  # int() alone fails under a MirroredStrategy (Keras 3.15).
    start = done - (before or 0)
    if before and schedule.covers(done):
        # The same run goes on. Loss scaling does not count the steps that it leaves out, so counting back is not exact.
        start = schedule.start
    schedule.span(start, total, epochs)
    return True
