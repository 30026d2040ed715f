"""The optimizer that was measured to work, and the one of the papers.

`HeadsFirstAdamW` with `WarmupCosine`: heads faster than the backbone. Settings: EfficientNet-Lite0 on the TopLogo-10 40/30
split and a synthetic set of 20 brands, 2 cores (docs/training.md). `TorchSGD` with `EpochSteps`: what Wang et al. 2020,
arXiv:1911.07924, section 4, and Yang et al. 2018, arXiv:1809.00287, section 4, train with. Both take what every Keras optimizer
takes, `use_ema`, `gradient_accumulation_steps` and the like, and `layer_decay`; `AveragedWeights` is the callback for `use_ema`.
"""

import math

import keras
from keras import ops

from logo_keras.errors import UserError

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
    """A linear warm-up over the first tenth of a run, then a cosine to zero (Loshchilov and Hutter 2017, arXiv:1608.03983).

    `fit` of this package's models tells it how long the run is (`span`), because `compile` cannot know. Without that, and
    for data of unknown length, the rate stays at its peak.

    Args:
        peak: float, the highest learning rate.
        warm_up: float in [0, 1), share of the run; 0 begins with `peak`.
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
        falling = 0.5 * (1 + ops.cos(math.pi * ops.clip((progress - self.warm_up) / (1 - self.warm_up), 0.0, 1.0)))
        if not self.warm_up:
            return self.peak * falling
        return self.peak * ops.minimum(progress / self.warm_up, falling)


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


class _OfThisPackage:
    """What both optimizers share, before Keras's own class: a rate for each block, and averages that count updates.

    Args:
        *args, **kwargs: what Keras's optimizer takes.
        layer_decay: float in (0, 1], the rate of a block of the backbone is that of the next one times this; 1: one rate for all.
            `learning_rate` is that of the last block. The models of this package say where their blocks are.
        averages_in_model: bool, whether the model holds the averages of its weights, and this optimizer, in their place, the
            weights that are trained. `AveragedWeights` sets it, and a file keeps it.

    Raises:
        ValueError: if `layer_decay` is not in (0, 1].
    """

    def __init__(self, *args, layer_decay=1.0, averages_in_model=False, **kwargs):
        if not 0 < layer_decay <= 1:
            raise UserError(f"layer_decay must lie in (0, 1], got {layer_decay!r}.")
        super().__init__(*args, **kwargs)
        self.layer_decay = layer_decay
        self.averages_in_model = averages_in_model

    def build(self, variables):
        # By place, because updates see TensorFlow's variables instead of Keras's.
        self._rates = [self.layer_decay ** getattr(variable, "blocks_behind", 0) for variable in variables]
        super().build(variables)

    def _apply_weight_decay(self, variables):
        # Decay moves a weight by the rate times itself, so it follows the rate of the block.
        usual = self.weight_decay
        if usual is None or self.layer_decay == 1:
            return super()._apply_weight_decay(variables)
        for rate in sorted(set(self._rates)):
            self.weight_decay = usual * rate
            super()._apply_weight_decay([each for each in variables if self._rates[self._get_variable_index(each)] == rate])
        self.weight_decay = usual

    def _update_model_variables_moving_average(self, trainable_variables):
        # Keras 3.15 averages after every batch, also after those whose gradients are only added up.
        updates = True
        if self.gradient_accumulation_steps:
            updates = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            kept = ops.where(updates, ops.cast(self.ema_momentum, variable.dtype), 1)
            # Up to the first update there is nothing to average with.
            kept = ops.where(ops.equal(self.iterations, 0), 0, kept)
            average.assign(kept * average + (1 - kept) * variable)

    def finalize_variable_values(self, var_list):
        # Keras 3.15 puts the averages into the model where `fit` ends: after AveragedWeights, which has done so, it would put
        # the weights that are trained there.
        if not self.averages_in_model:
            super().finalize_variable_values(var_list)

    def get_config(self):
        return super().get_config() | {"layer_decay": self.layer_decay, "averages_in_model": self.averages_in_model}


@keras.saving.register_keras_serializable("logo_keras")
class TorchSGD(_OfThisPackage, keras.optimizers.Optimizer):
    """Stochastic gradient descent as PyTorch means it: `v = momentum * v + (g + l2 * w)`, `w = w - rate * v`.

    Keras's SGD has the rate inside the momentum, `v = momentum * v - rate * g`: after a drop of the rate its first steps are
    still those of the old rate. Keras's `weight_decay` moves the weights beside the gradient, here it goes through the
    momentum. Heads move at the rate of the backbone.

    Args:
        learning_rate: float or schedule.
        momentum: float in [0, 1).
        l2: float, what PyTorch calls weight decay.
        decay_norms: bool, whether biases and the factors and shifts of batch norm decay too, that is, all variables with
            one axis. PyTorch's optimizer lets them; He et al. 2019, arXiv:1812.01187, section 3.1, do not.
        **kwargs: `layer_decay`, float in (0, 1], the rate of a block of the backbone is that of the next one times this; and
            what `keras.optimizers.Optimizer` takes: `global_clipnorm`, `use_ema`, `gradient_accumulation_steps`, ...

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
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._rates[index]
        gradient = ops.cast(gradient, variable.dtype)
        if self.l2 and (self.decay_norms or len(variable.shape) > 1):
            gradient = ops.add(gradient, ops.multiply(variable, self.l2))
        buffer = self.buffers[index]
        # The first step of PyTorch takes the gradient as it is: the same as from a buffer of zeros.
        moved = ops.add(ops.multiply(buffer, self.momentum), gradient)
        self.assign(buffer, moved)
        self.assign_sub(variable, ops.multiply(moved, rate))

    def get_config(self):
        return super().get_config() | {"momentum": self.momentum, "l2": self.l2, "decay_norms": self.decay_norms}


@keras.saving.register_keras_serializable("logo_keras")
class HeadsFirstAdamW(_OfThisPackage, keras.optimizers.AdamW):
    """AdamW that moves some variables faster: those that carry a `learning_rate_multiplier`.

    The models of this package mark what does not come from the backbone.

    Args:
        *args, **kwargs: what `keras.optimizers.AdamW` takes, `use_ema` and `gradient_accumulation_steps` too; and `layer_decay`,
            float in (0, 1], the rate of a block of the backbone is that of the next one times this (Howard and Ruder 2018,
            arXiv:1801.06146, section 3.2). It goes for weight decay too; the multipliers stay what they are.
    """

    def build(self, variables):
        self._multipliers = [getattr(variable, "learning_rate_multiplier", 1.0) for variable in variables]
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        super().update_step(gradient, variable, learning_rate * self._multipliers[index] * self._rates[index])


def mark_heads(variables, multiplier=HEAD_RATE / BACKBONE_RATE):
    """Marks variables that `HeadsFirstAdamW` moves `multiplier` times as fast."""
    for variable in variables:
        variable.learning_rate_multiplier = multiplier


def mark_blocks(blocks):
    """Marks the variables of blocks, each a list, in the order of the network, for `layer_decay`: `blocks_behind` counts."""
    for behind, variables in enumerate(reversed(blocks)):
        for variable in variables:
            variable.blocks_behind = behind


def default_optimizer():
    """What `compile()` alone takes."""
    return HeadsFirstAdamW(WarmupCosine(), weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP)


def inner(optimizer):
    """An optimizer without the loss scaling that may be around it."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def batches_seen(optimizer):
    """int, the batches that an optimizer got gradients of. Schedules count these; `iterations` counts updates (Keras 3.15)."""
    # int() alone fails under a MirroredStrategy (Keras 3.15), where the number is one a replica.
    return int(ops.max(ops.convert_to_numpy(inner(optimizer)._iterations)))


def check_accumulation(optimizer, steps):
    """Refuses gradients that are added up over more batches than a run of `steps` has; None where nobody knows.

    Raises:
        ValueError: naming both.
    """
    added = getattr(inner(optimizer), "gradient_accumulation_steps", None)
    if added and steps is not None and added > steps:
        raise UserError(
            f"gradients are added up over {added} batches, and an epoch has {steps}: lower accumulation "
            "(gradient_accumulation_steps), or batch_size."
        )


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """For an optimizer of this package with `use_ema=True`: what is validated, saved after an epoch and left in the end are
    the averaged weights; what is trained are those that they are averages of.

    An average follows every update, `average = ema_momentum * average + (1 - ema_momentum) * weight`, and starts at the weights
    of the first. The moving means and variances of batch norm are no trained weights, and averages already: they stay those of
    the training. A file that was saved after an epoch holds both, so that `fit` with this callback goes on with it.

    Beside what Keras's `SwapEMAWeights(swap_on_epoch=True)` does, it changes weights to the bit and back (Keras 3.15 does so by
    sums, which are rounded), and keeps the averages where a run ends before its last epoch, as early stopping does.

    Raises:
        ValueError: by `fit`, if the optimizer is not of this package or has no averages.

    Source:
        Polyak and Juditsky 1992, doi:10.1137/0330046; the momentum as in Tarvainen and Valpola 2017, arXiv:1703.01780, section 2.
    """

    def __init__(self):
        super().__init__(swap_on_epoch=True)

    def on_train_begin(self, logs=None):
        optimizer = inner(self.model.optimizer)
        if not isinstance(optimizer, _OfThisPackage) or not optimizer.use_ema:
            raise UserError(
                "AveragedWeights needs an optimizer of lk.optimizers with use_ema=True; for those of Keras there is "
                "keras.callbacks.SwapEMAWeights."
            )
        self._ema_weights_in_model = optimizer.averages_in_model

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        inner(self.model.optimizer).averages_in_model = False

    def on_epoch_end(self, epoch, logs=None):
        if not self._ema_weights_in_model:
            self._swap_variables()
            self._ema_weights_in_model = True
        inner(self.model.optimizer).averages_in_model = True

    def _swap_variables(self):
        optimizer = inner(self.model.optimizer)
        for variable, average in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True):
            trained, averaged = ops.convert_to_numpy(variable), ops.convert_to_numpy(average)
            variable.assign(averaged)
            average.assign(trained)


def check_averages(optimizer, callbacks):
    """Refuses to train averaged weights as if they were those that are trained.

    Raises:
        ValueError: saying what to do.
    """
    if getattr(inner(optimizer), "averages_in_model", False) and not any(isinstance(each, AveragedWeights) for each in callbacks):
        raise UserError(
            "this model holds averaged weights, and its optimizer those that are trained: go on with "
            "callbacks=[lk.optimizers.AveragedWeights()], or compile() it anew to train the averages."
        )


def span_schedule(optimizer, before, total, epochs):
    """Tells the schedule of an optimizer how long the run is, if it is one of this package.

    Args:
        optimizer: a Keras optimizer, inside loss scaling or not.
        before: int, steps (batches) of the run before its first epoch now, or None where nobody knows.
        total: int, steps of the whole run, or None.
        epochs: int, epochs of the whole run.

    Returns:
        bool, whether it has such a schedule. Functions traced before must be traced again.
    """
    schedule = getattr(inner(optimizer), "_learning_rate", None)
    if not isinstance(schedule, _OfARun):
        return False
    done = batches_seen(optimizer)
    start = done - (before or 0)
    if before and schedule.covers(done):
        # The same run goes on. Loss scaling does not count the steps that it leaves out, so counting back is not exact.
        start = schedule.start
    schedule.span(start, total, epochs)
    return True
