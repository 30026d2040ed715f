"""How long training takes: measured while it runs, and foretold from a few steps."""

import math
import time

import keras


class TrainingClock(keras.callbacks.Callback):
    """Measures the time of training alone, without validation and saving, and says where it is.

    Args:
        say: function that takes a line of text, or None.
        pause: float, seconds between two lines.

    Attributes:
        ends: list of float, seconds of training at the end of each epoch.
    """

    def __init__(self, say=None, pause=10.0):
        super().__init__()
        self.say = say
        self.pause = pause
        self.ends = []

    @property
    def seconds(self):
        """float, seconds of training so far; 0 before the end of the first epoch."""
        return self.ends[-1] if self.ends else 0.0

    def on_train_begin(self, logs=None):
        self.ends = []
        self._said = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._start = self._now = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self._now = time.perf_counter()
        if self.say is not None and self._now - self._said > self.pause:
            self._said = self._now
            self.say(f"epoch {self._epoch + 1}, step {batch + 1}: loss {logs['loss']:.3f}, top1 {logs['top1']:.3f}")

    def on_epoch_end(self, epoch, logs=None):
        # Until the last step: validation and saving come between it and here.
        self.ends.append(self.seconds + self._now - self._start)


def epochs_within(seconds, config, dataset):
    """How many epochs of a training fit a time, by a few steps of a model that is thrown away.

    Args:
        seconds: float.
        config: training.Config.
        dataset: Dataset to train on.

    Returns:
        int, at least 1: the number of epochs that ends nearest to `seconds`.
    """
    steps = math.ceil(len(dataset) / config.batch_size)
    # Eight steps are enough, and two epochs of them must fit into one of the dataset.
    probed = min(8, steps // 2) or None
    clock = TrainingClock()
    model = config.build(dataset.class_names)
    model.fit(
        dataset, batch_size=config.batch_size, epochs=2, steps_per_epoch=probed, callbacks=[clock], seed=config.seed, verbose=0
    )  # fmt: skip
    first, second = clock.ends[0], clock.ends[1] - clock.ends[0]
    tracing = max(0.0, first - second)
    return max(1, round((seconds - tracing) / (second * steps / (probed or steps))))
