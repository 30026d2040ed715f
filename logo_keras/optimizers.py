"""The optimizer that was measured to work: AdamW, heads faster than the backbone, warm-up and cosine.

Settings: EfficientNet-Lite0 on the TopLogo-10 40/30 split and a synthetic set of 20 brands, 2 cores (docs/training.md).
"""

import math

import keras
from keras import ops

BACKBONE_RATE = 1e-3
HEAD_RATE = 2e-3
WEIGHT_DECAY = 1e-4
CLIP = 5.0
WARM_UP = 0.1


@keras.saving.register_keras_serializable("logo_keras")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
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

    def span(self, start, total):
        """Sets the first step and the number of steps of a run. Functions traced before must be traced again."""
        self.start, self.total = start, total

    def __call__(self, step):
        if self.total is None:
            return ops.convert_to_tensor(self.peak, dtype="float32")
        progress = (ops.cast(step, "float32") - self.start + 1) / self.total
        rising = progress / self.warm_up
        falling = 0.5 * (1 + ops.cos(math.pi * ops.clip((progress - self.warm_up) / (1 - self.warm_up), 0.0, 1.0)))
        return self.peak * ops.minimum(rising, falling)

    def get_config(self):
        return {"peak": self.peak, "warm_up": self.warm_up, "start": self.start, "total": self.total}


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
