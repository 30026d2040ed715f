"""How the models are compiled, trained and evaluated."""

import math

import keras
from keras import ops

from logo_keras.losses import cross_entropy, weighted_mean
from logo_keras.models.data import batches, check_label_shape, check_labels, unlabelled_batches
from logo_keras.models.divergence import StopAtNaN
from logo_keras.models.steps import Steps
from logo_keras.optimizers import EpochSteps, WarmupCosine, default_optimizer


class Trainer(Steps, keras.Model):
    """The training half of every model: its own losses by name, Keras's methods on Datasets of this package.

    Subclasses have `class_names`, `num_classes`, `image_size` and `preprocessing`, name their losses and metrics, and call
    `_track()` at the end of their constructor.
    """

    loss_names = ("whole",)
    # From the name of an accuracy to the output that it is of.
    metrics_by_name = {"top1": "probabilities", "top5": "probabilities"}

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._trackers = {}
        self._all_regions = False
        self.label_smoothing = 0.0
        self.loss_weights = {}

    def _track(self):
        """Makes the trackers of losses and accuracies."""
        self._trackers = {f"{name}_loss": keras.metrics.Mean(name=f"{name}_loss") for name in self.loss_names}
        for name in self.metrics_by_name:
            count = 5 if name == "top5" else 1
            self._trackers[name] = keras.metrics.SparseTopKCategoricalAccuracy(min(count, self.num_classes), name=name)

    def compile(self, optimizer=None, loss=None, loss_weights=None, metrics=None, label_smoothing=0.0, **kwargs):
        """Prepares training.

        Args:
            optimizer: a Keras optimizer or its name; by default AdamW, 1e-3 for the backbone and 2e-3 for the heads, with
                warm-up and cosine over the run, weight decay 1e-4 and gradients clipped to a norm of 5.
            loss: must be None: the losses belong to the model.
            loss_weights: dict from the name of a loss (`"whole"`, `"region"`, ...) to its weight, 1 by default.
            metrics: further Keras metrics of labels and `probabilities`.
            label_smoothing: float in [0, 1), for every cross-entropy. The teacher's confidence knows no smoothing.
            **kwargs: what `keras.Model.compile` takes: `steps_per_execution`, `jit_compile`, `run_eagerly`, ...

        Raises:
            ValueError: if a loss is given, a weight names no loss, or the smoothing is not in [0, 1).
        """
        if loss is not None:
            raise ValueError(
                f"{type(self).__name__} has its own losses ({', '.join(self.loss_names)}), so compile() takes no loss=, got "
                f"{loss!r}. Use loss_weights= and label_smoothing= to change them."
            )
        weights = {name.removesuffix("_loss"): weight for name, weight in (loss_weights or {}).items()}
        if not weights.keys() <= set(self.loss_names):
            raise ValueError(f"loss_weights may name {', '.join(self.loss_names)}, got {', '.join(loss_weights)}.")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must lie in [0, 1), got {label_smoothing!r}.")
        super().compile(optimizer=default_optimizer() if optimizer is None else optimizer, metrics=metrics, **kwargs)
        self.loss_weights = dict.fromkeys(self.loss_names, 1.0) | weights
        self.label_smoothing = label_smoothing
        self._compiled_with = {"metrics": metrics, **kwargs}

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "loss_weights": dict(self.loss_weights),
            "label_smoothing": self.label_smoothing,
            **keras.saving.serialize_keras_object(dict(self._compiled_with)),
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def losses_by_name(self, labels, outputs, sample_weight):
        """The losses of a batch: a dict from the names in `loss_names` to scalars."""
        return {"whole": self.mean_cross_entropy(labels, outputs["whole_logits"], sample_weight)}

    def mean_cross_entropy(self, labels, logits, sample_weight):
        """Cross-entropy of `logits [B, ..., N]` with the `labels [B]`, averaged."""
        labels = ops.reshape(labels, (-1,) + (1,) * (len(logits.shape) - 2))
        labels = ops.broadcast_to(labels, ops.shape(logits)[:-1])
        values = cross_entropy(labels, logits, self.label_smoothing)
        return weighted_mean(ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1), sample_weight)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the losses, each of which is tracked by its name."""
        check_label_shape(y.shape)
        labels, sample_weight = ops.reshape(ops.cast(y, "int32"), (-1,)), _flat(sample_weight)
        total = sum(self.losses) if self.losses else 0.0
        for name, value in self.losses_by_name(labels, y_pred, sample_weight).items():
            self._trackers[f"{name}_loss"].update_state(value, sample_weight=ops.shape(labels)[0])
            total = total + self.loss_weights.get(name, 1.0) * value
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the accuracies; returns all metrics so far."""
        labels, sample_weight = ops.reshape(y, (-1,)), _flat(sample_weight)
        for name, output in self.metrics_by_name.items():
            self._trackers[name].update_state(labels, y_pred[output], sample_weight)
        return super().compute_metrics(x, labels, y_pred["probabilities"], sample_weight)

    def fit(
        self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, *, validation_data=None, seed=0, **kwargs
    ):
        """`keras.Model.fit`, which also takes a `Dataset` of this package for `x` and `validation_data`.

        Args:
            x: a Dataset, a `tf.data.Dataset` of `(images, labels)` or an array of images, float RGB 0..255.
            y: int labels `[B]` where `x` is an array.
            batch_size: int; 16 for a Dataset by default.
            epochs: int.
            verbose: as Keras has it.
            callbacks: Keras callbacks.
            validation_data: as `x`, or a tuple of arrays.
            seed: int; order and augmentation of a Dataset.
            **kwargs: what else `keras.Model.fit` takes.

        Returns:
            keras.callbacks.History.

        Raises:
            ValueError: if a Dataset has other class names or photographs without a brand, images have another size than the
                model's, or labels are one-hot or out of range.
            FloatingPointError: if a loss is no longer a number; names the loss and the step.
        """
        check_labels(y, self.num_classes)
        if isinstance(validation_data, (tuple, list)) and len(validation_data) > 1:
            check_labels(validation_data[1], self.num_classes)
        validation_data, _ = self._batches(validation_data, batch_size)
        x, batch_size = self._batches(x, batch_size, training=True, seed=seed)
        self._span_schedule(kwargs.get("steps_per_epoch") or _steps(x, batch_size), epochs, kwargs.get("initial_epoch", 0))
        if hasattr(x, "cardinality"):
            kwargs.setdefault("shuffle", False)  # tf.data shuffles itself; Keras warns of its own default.
        callbacks = [StopAtNaN(), *(callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else [])]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, validation_data=validation_data, **kwargs)

    def _span_schedule(self, steps, epochs, initial_epoch):
        optimizer = self.optimizer if self.compiled else None
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = optimizer.inner_optimizer
        schedule = getattr(optimizer, "_learning_rate", None)
        if isinstance(schedule, (EpochSteps, WarmupCosine)):
            done = int(optimizer.iterations)
            start = done - initial_epoch * steps if steps else done
            schedule.span(start, steps * epochs if steps else None, epochs)
            # The schedule is a constant of the traced function.
            self.train_function = None

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.evaluate`, which also takes a `Dataset` of this package."""
        check_labels(y, self.num_classes)
        x, batch_size = self._batches(x, batch_size)
        return super().evaluate(x, y, batch_size, verbose, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.predict`, which also takes a `Dataset`, brand or not; returns a dict of arrays."""
        if hasattr(x, "batches"):
            x, batch_size = unlabelled_batches(x, self, batch_size), None
        return super().predict(x, batch_size, verbose, **kwargs)

    def _batches(self, data, batch_size, **options):
        """A Dataset as batches, which need no further batch size; anything else as it is."""
        # Not class_names: Keras gives its own tf.data.Dataset from a folder an attribute of that name.
        if not hasattr(data, "batches"):
            return data, batch_size
        return batches(data, self, batch_size, **options), None


def _flat(sample_weight):
    """Weights of shape `[B]`, where there are any; Keras also takes `[B, 1]`, which would broadcast."""
    return None if sample_weight is None else ops.reshape(sample_weight, (-1,))


def _steps(x, batch_size):
    """Batches an epoch, or None where nobody knows."""
    if hasattr(x, "cardinality"):
        return max(int(x.cardinality()), 0) or None
    return math.ceil(len(x) / (batch_size or 32)) if hasattr(x, "shape") else None
