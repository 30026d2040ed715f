"""Stops a run whose loss is no longer a number."""

import math

import keras


class StopAtNaN(keras.callbacks.Callback):
    """Raises FloatingPointError, naming the loss and the step, as soon as a loss is NaN or infinite."""

    def on_train_batch_end(self, batch, logs=None):
        losses = {name: float(value) for name, value in (logs or {}).items() if name.endswith("loss")}
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if broken:
            # The sum comes last: the loss that broke it says more.
            broken.sort(key=lambda name: name == "loss")
            # Not int() alone: under MirroredStrategy the number is one a replica.
            step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
            raise FloatingPointError(
                f"{broken[0]} is {losses[broken[0]]} at step {step} (batch {batch} of this "
                "epoch). Lower the learning rate, or look for labels and images out of range; the last saved model is intact."
            )
