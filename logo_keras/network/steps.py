"""What one step of training and evaluation is."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    class _BackendSteps:
        """TensorFlow's steps, whose loss is the mean over all replicas."""

        def build_optimizer(self):
            """Makes the optimizer's variables before the first step.

            Keras makes them inside it, and TensorFlow then traces the step twice (Keras 3.15).
            """
            if self.compiled and not self.optimizer.built:
                with self.distribute_strategy.scope():
                    self.optimizer.build(self.trainable_variables)

        def train_step(self, data):
            """One update on `(images, labels)` or `(images, labels, sample_weight)`; returns the metrics so far."""
            images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                outputs = self(images, training=True)
                loss = self.compute_loss(images, labels, outputs, sample_weight)
                # Replicas add their gradients up, so each takes its share of the mean.
                scaled = self.optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
            self._loss_tracker.update_state(loss, sample_weight=tf.shape(images)[0])
            return self.compute_metrics(images, labels, outputs, sample_weight)

        def _test_step(self, data):
            images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            outputs = self(images, training=False)
            loss = self.compute_loss(images, labels, outputs, sample_weight, training=False)
            self._loss_tracker.update_state(loss, sample_weight=tf.shape(images)[0])
            return self.compute_metrics(images, labels, outputs, sample_weight)

else:

    class _BackendSteps:
        """Keras's own steps."""

        def build_optimizer(self):
            """Does nothing: Keras makes the optimizer's variables before the first step."""

        def _test_step(self, *arguments):
            return super().test_step(*arguments)


class Steps(_BackendSteps):
    """Training and evaluation steps; every loss needs all that a model can say of an image."""

    _evaluating = False

    def gives_everything(self, training, all_regions=None):
        """Whether a call returns all regions: in training and in evaluation always; else as asked."""
        return bool(training) or (self._evaluating if all_regions is None else all_regions)

    def test_step(self, *arguments):
        """The losses and metrics of one batch, of all regions; on JAX of a state and the data. Returns the metrics so far."""
        self._evaluating = True
        try:
            return self._test_step(*arguments)
        finally:
            self._evaluating = False
