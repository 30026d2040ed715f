"""How the models are compiled, trained and evaluated."""

import warnings

import keras
import numpy as np
from keras import ops

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.network.divergence import StopAtNaN
from logo_keras.network.epochs import NumberEpochs, going_on, num_batches, steps_taken
from logo_keras.network.inputs import (
    ONE_TRUE_CLASS,
    check_label_shape,
    check_labels,
    check_marks,
    draws_itself,
    is_dataset,
    labelled,
    mixes,
)
from logo_keras.network.losses import cross_entropy, weighted_mean
from logo_keras.network.optimizers import check_accumulation, check_averages, default_optimizer, inner, span_schedule
from logo_keras.network.resuming import Beginning, Resuming
from logo_keras.network.steps import Steps, share_of_replica


class Trainer(Steps, Beginning, keras.Model):
    """The training half of every model: its own losses by name, Keras's methods on Datasets of this package.

    Subclasses have `class_names`, `num_classes`, `image_size` and `preprocessing`, name their losses and metrics, and call
    `_track()` at the end of their constructor.

    Attributes:
        epochs_seen: int, epochs of Datasets that `fit` has trained; saved with the compiled model.
    """

    loss_names = ("whole",)
    # From the name of an accuracy to the output that it is of.
    metrics_by_name = {"top1": "probabilities", "top5": "probabilities"}
    # The output that further metrics of `compile` are of.
    judged_output = "probabilities"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._trackers = {}
        self._watch = None
        self.epochs_seen = 0
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
            ValueError: if a loss is given, a weight names no loss, the smoothing is not in [0, 1), or the optimizer has a
                `layer_decay` and nobody knows the blocks of the backbone.
        """
        if loss is not None:
            raise UserError(
                f"{type(self).__name__} has its own losses ({', '.join(self.loss_names)}), so compile() takes no loss=, got "
                f"{loss!r}. Use loss_weights= and label_smoothing= to change them."
            )
        weights = {name.removesuffix("_loss"): weight for name, weight in (loss_weights or {}).items()}
        if not weights.keys() <= set(self.loss_names):
            raise UserError(f"loss_weights may name {', '.join(self.loss_names)}, got {', '.join(loss_weights)}.")
        if not 0 <= label_smoothing < 1:
            raise UserError(f"label_smoothing must lie in [0, 1), got {label_smoothing!r}.")
        optimizer = default_optimizer() if optimizer is None else optimizer
        if getattr(inner(optimizer), "layer_decay", 1) < 1:
            self._mark_blocks()
        super().compile(optimizer=optimizer, metrics=metrics, **kwargs)
        self.loss_weights = dict.fromkeys(self.loss_names, 1.0) | weights
        self.label_smoothing = label_smoothing
        self._compiled_with = {"metrics": metrics, **kwargs}

    def _mark_blocks(self):
        """Marks the variables of the blocks, for `layer_decay`; here there are none."""

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "loss_weights": dict(self.loss_weights),
            "label_smoothing": self.label_smoothing,
            "epochs_seen": self.epochs_seen,
            **keras.saving.serialize_keras_object(dict(self._compiled_with)),
        }

    def compile_from_config(self, config):
        config = dict(config)
        # Files of before do not say.
        self.epochs_seen = config.pop("epochs_seen", 0)
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def num_labels(self):
        """int, different labels that an image may have: one a class."""
        return self.num_classes

    @property
    def takes_shares(self):
        """bool, whether labels may be shares of each class `[B, N]`: not where a teacher needs the one true class."""
        return "region" not in type(self).loss_names

    def losses_by_name(self, labels, outputs, sample_weight):
        """The losses of a batch: a dict from the names in `loss_names` to scalars; labels int `[B]` or shares `[B, N]`."""
        return {"whole": self.mean_cross_entropy(labels, outputs["whole_logits"], sample_weight)}

    def mean_cross_entropy(self, labels, logits, sample_weight):
        """Cross-entropy of `logits [B, ..., N]` with the `labels`, int `[B]` or shares `[B, N]`, averaged."""
        between = (1,) * (len(logits.shape) - 2)
        if len(labels.shape) == 2:
            smoothed = (1 - self.label_smoothing) * labels + self.label_smoothing / self.num_classes
            smoothed = ops.reshape(smoothed, (-1, *between, self.num_classes))
            values = -ops.sum(smoothed * ops.log_softmax(logits, axis=-1), axis=-1)
        else:
            labels = ops.broadcast_to(ops.reshape(labels, (-1, *between)), ops.shape(logits)[:-1])
            values = cross_entropy(labels, logits, self.label_smoothing)
        return weighted_mean(ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1), sample_weight)

    def truth(self, y):
        """What a batch is taught by, as `losses_by_name` takes it: labels int `[B]` or shares `[B, N]`."""
        shares = check_label_shape(y.shape, self.num_labels, self.takes_shares)
        return ops.cast(y, "float32") if shares else ops.reshape(ops.cast(y, "int32"), (-1,))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the losses, each tracked by its name; of a replica, its share of the mean."""
        truth, sample_weight = self.truth(y), _flat(sample_weight)
        number = ops.shape(keras.tree.flatten(truth)[0])[0]
        total = sum(self.losses) if self.losses else 0.0
        for name, value in self.losses_by_name(truth, y_pred, sample_weight).items():
            self._trackers[f"{name}_loss"].update_state(value, sample_weight=number)
            total = total + self.loss_weights.get(name, 1.0) * value
        return share_of_replica(total)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the accuracies, of shares against the largest; returns all metrics so far."""
        shares = check_label_shape(y.shape, self.num_labels, self.takes_shares)
        labels, sample_weight = ops.argmax(y, axis=-1) if shares else ops.reshape(y, (-1,)), _flat(sample_weight)
        for name, output in self.metrics_by_name.items():
            self._trackers[name].update_state(labels, y_pred[output], sample_weight)
        return super().compute_metrics(x, labels, y_pred[self.judged_output], sample_weight)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        *,
        validation_data=None,
        seed=0,
        augment="standard",
        cache=None,
        shard=(0, 1),
        balance=0.0,
        engine=None,
        strict=False,
        initial_epoch=None,
        steps_per_epoch=None,
        **kwargs,
    ):
        """`keras.Model.fit`, which also takes a `Dataset` of this package for `x` and `validation_data`.

        Args:
            x: a Dataset, Marks (of `lk.LogoEmbedder` and `lk.LogoDetector`), what their `batches` or `scenes` give, a
                `tf.data.Dataset` of `(images, labels)` or an array of images, float RGB 0..255.
            y: int labels `[B]`, or shares of each class `[B, N]` (`lk.Classifier` alone), or the dict of boxes and labels that
                `Marks.scenes` gives (`lk.LogoDetector`), where `x` is an array.
            batch_size: int; 16 for a Dataset by default.
            epochs: int.
            verbose: as Keras has it.
            callbacks: Keras callbacks.
            validation_data: as `x`, or a tuple of arrays.
            seed: int; order, augmentation and dropout of a Dataset, what is drawn of Marks.
            augment, cache, shard, balance, engine, strict: of a Dataset, as its `batches` has them. `cache`, `engine` and
                `strict` are also for `validation_data`, of which every host scores all.
            initial_epoch: int, number of the first epoch, counted from 0. Order, augmentation and dropout of a Dataset are
                those of the numbered epochs, so that a saved model that is trained on from epoch k becomes what it would have
                become without the break. Without it, epochs of a Dataset go on after the last one that this model has seen
                (`epochs_seen`): a second call shows other crops in another order. 0 repeats the first epochs.
            steps_per_epoch: int, batches an epoch. The next epoch of a Dataset goes on with the batch after the last one.
            **kwargs: what else `keras.Model.fit` takes.

        Returns:
            keras.callbacks.History.

        Raises:
            ValueError: if a Dataset has other class names or photographs without a brand, images have another size than the
                model's, labels are out of range, a network with regions is to learn from shares, or `augment` and the like
                are given without a Dataset; if the optimizer adds up gradients of more batches than an epoch has, or has
                swapped its averages into the model and nobody swaps them back.
            Diverged: if a loss is no longer a number, naming the loss and the step, or some weights are not.

        Warns:
            UserWarning: if all labels are of one class, so that nothing is learnt.
        """
        options = dict(augment=augment, cache=cache, shard=shard, balance=balance, engine=engine, strict=strict)
        given = {name: value for name, value in options.items() if value != Trainer.fit.__kwdefaults__[name]}
        self._check_data(x, y, validation_data, steps_per_epoch, augment, given)
        callbacks = keras.tree.flatten(callbacks or [])
        validation_data, _ = self._batches(validation_data, batch_size, cache=cache, engine=engine, strict=strict)
        shift = self.epochs_seen if initial_epoch is None else 0
        initial_epoch, step = initial_epoch or 0, 0
        for resuming in (callback for callback in callbacks if isinstance(callback, Resuming)):
            settings = {"epochs": epochs, "initial_epoch": initial_epoch, "epochs_seen": shift, "batch_size": batch_size}
            settings |= {"seed": seed, "augment": str(augment), "balance": balance, "steps_per_epoch": steps_per_epoch}
            initial_epoch, step = resuming.join(self, x, settings)
            callbacks = resuming.behind(callbacks)
        if is_dataset(x):
            given |= {"seed": seed, "first_epoch": initial_epoch + shift, "steps": steps_per_epoch}
            x, batch_size = self._batches(x, batch_size, training=True, **given)
            callbacks.insert(0, NumberEpochs(seed, x.set_epoch, shift))
            steps_per_epoch = None
        x, steps_per_epoch = going_on(x, steps_per_epoch)
        n = num_batches(x, batch_size, kwargs.get("validation_split", 0.0))
        before, total = (steps_taken(n, steps_per_epoch, count) for count in (initial_epoch, epochs))
        if before is not None:
            before += step
        if self.compiled:
            check_averages(self.optimizer, callbacks)
            check_accumulation(self.optimizer, steps_taken(n, steps_per_epoch, 1))
        if self.compiled and span_schedule(self.optimizer, before, total, epochs):
            # The schedule is a constant of the traced function.
            self.train_function = None
        self._span(before, total)
        if hasattr(x, "cardinality") or getattr(x, "shuffles_itself", False):
            # tf.data and the batches of this package shuffle themselves; Keras warns of its own default, or mixes the batches.
            kwargs.setdefault("shuffle", False)
        self.build_optimizer()
        self._watch = StopAtNaN()
        self.begin_at(x, step)
        try:
            return super().fit(
                x,
                y,
                batch_size,
                epochs,
                verbose,
                # First, so that no other callback saves what it would have stopped.
                [self._watch, *callbacks],
                validation_data=validation_data,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                **kwargs,
            )
        finally:
            self._watch = None

    def _span(self, before, total):
        """Tells what of the model changes over a run how long it is, as `span_schedule` tells the optimizer; here nothing."""

    def _check_data(self, x, y, validation_data, steps_per_epoch, augment, given):
        """Refuses what this model cannot learn from before anything is read; `given` are the options of a Dataset."""
        if given and (not is_dataset(x) or draws_itself(x)):
            raise UserError(f"{', '.join(given)} can only be set for a Dataset of this package, got {type(x).__name__} as x.")
        if mixes(augment) and not self.takes_shares:
            raise UserError(f"{type(self).__name__} cannot learn from mixed images: {ONE_TRUE_CLASS}")
        self._check_truth(y)
        if isinstance(validation_data, (tuple, list)) and len(validation_data) > 1:
            self._check_truth(validation_data[1])
        if steps_per_epoch is not None:
            whole("steps_per_epoch", steps_per_epoch, 1)
        if self._learns_nothing(x):
            warnings.warn("all labels are of one class: the model learns to answer 100 % for it and nothing else.", stacklevel=4)

    def _check_truth(self, y):
        """Refuses what is in memory and cannot be learnt or scored."""
        check_labels(y, self.num_labels, self.takes_shares)

    def _learns_nothing(self, x):
        """Whether there is nothing to tell apart."""
        return self.num_classes == 1 or is_dataset(x) and len(set(np.asarray(x.labels).tolist())) == 1

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save_weights`; while `fit` runs, it raises Diverged instead of saving NaN."""
        self._check_numbers()
        return super().save_weights(filepath, overwrite=overwrite, **kwargs)

    def _check_numbers(self):
        """Stops a run that has diverged before its model is saved."""
        if self._watch is not None:
            self._watch.check()

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", *, cache=None, engine=None, **kwargs):
        """`keras.Model.evaluate`, which also takes a `Dataset` of this package; `cache` and `engine` as its `batches`."""
        self._check_truth(y)
        x, batch_size = self._batches(x, batch_size, cache=cache, engine=engine)
        return super().evaluate(x, y, batch_size, verbose, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", *, cache=None, engine=None, **kwargs):
        """`keras.Model.predict`, which also takes a `Dataset`, brand or not; returns a dict of arrays."""
        x, batch_size = self._batches(x, batch_size, scored=False, cache=cache, engine=engine)
        return super().predict(x, batch_size, verbose, **kwargs)

    def _batches(self, data, batch_size, scored=True, **options):
        """A Dataset as batches, which need no further batch size, with the model's labels if scored; anything else as it is."""
        if not is_dataset(data):
            return data, batch_size
        if draws_itself(data):
            drawn = {name: options[name] for name in ("seed", "first_epoch", "steps") if options.get(name) is not None}
            return self._drawn(data, batch_size or 16, **drawn), None
        dataset = labelled(data, self) if scored else data
        return dataset.batches(batch_size or 16, self.image_size, preprocessing=self.preprocessing, **options), None

    def _drawn(self, marks, batch_size, **options):
        """What is drawn of marks: crops, with their brands."""
        check_marks(marks, self)
        return marks.batches(batch_size, self.image_size, **options)


def _flat(sample_weight):
    """Weights of shape `[B]`, where there are any; Keras also takes `[B, 1]`, which would broadcast."""
    return None if sample_weight is None else ops.reshape(sample_weight, (-1,))
