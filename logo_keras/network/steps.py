"""What the steps of training and evaluation need beyond Keras's own."""

import keras


def share_of_replica(loss):
    """A loss, divided by the number of replicas: they add their gradients up, so that each takes its share of the mean.

    Keras's steps take the division back where they track the loss.
    """
    if keras.backend.backend() != "tensorflow":
        return loss
    import tensorflow as tf

    return loss / tf.distribute.get_strategy().num_replicas_in_sync


class Steps:
    """Steps of training and evaluation; every loss needs all that a model can say of an image."""

    _evaluating = False

    def build_optimizer(self):
        """Makes the optimizer's variables before the first step.

        Keras makes them inside it, and TensorFlow then traces the step twice (Keras 3.15).
        """
        if keras.backend.backend() == "tensorflow" and self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def gives_everything(self, training, all_regions=None):
        """Whether a call returns all regions: in training and in evaluation always; else as asked."""
        return bool(training) or (self._evaluating if all_regions is None else all_regions)

    def test_step(self, *arguments):
        """The losses and metrics of one batch, of all regions; on JAX of a state and the data. Returns the metrics so far."""
        self._evaluating = True
        try:
            return super().test_step(*arguments)
        finally:
            self._evaluating = False
