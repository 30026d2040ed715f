"""What one step of training and evaluation is, on the backends where Keras's own step does not do."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    class Steps:
        """Training and evaluation steps for TensorFlow."""

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

        def test_step(self, data):
            """The losses and metrics of one batch, of all regions; returns the metrics so far."""
            images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            outputs = self(images, training=False, all_regions=True)
            loss = self.compute_loss(images, labels, outputs, sample_weight, training=False)
            self._loss_tracker.update_state(loss, sample_weight=tf.shape(images)[0])
            return self.compute_metrics(images, labels, outputs, sample_weight)

else:

    class Steps:
        """Keras's own steps; evaluation asks for all regions."""

        def build_optimizer(self):
            """Does nothing: Keras makes the optimizer's variables before the first step."""

        def test_step(self, *arguments):
            """Keras's own step: on JAX of a state and the data, on PyTorch of the data."""
            self._all_regions = True
            try:
                return super().test_step(*arguments)
            finally:
                self._all_regions = False
