"""What the plain classifier and the region networks share."""

import math

import keras
import numpy as np
from keras import ops

from logo_keras.backbones import Backbone, backbone
from logo_keras.files import replacing
from logo_keras.losses import cross_entropy, weighted_mean
from logo_keras.models.arguments import class_names_of, multiple_of_32
from logo_keras.models.divergence import StopAtNaN
from logo_keras.models.steps import Steps
from logo_keras.optimizers import WarmupCosine, default_optimizer, mark_heads
from logo_keras.preprocessing import PREPROCESSING
from logo_keras.recognition import recognize


class LogoModel(Steps, keras.Model):
    """A model on float RGB images `[B, S, S, 3]`, 0..255, that gives `probabilities [B, N]` and more, by name.

    Subclasses build their heads, define `call`, `losses_by_name` and `metrics_by_name`, and end their constructor with
    `self._finish()`.
    """

    export_outputs = ("probabilities",)
    loss_names = ("whole",)
    decision = "whole"

    def __init__(
        self, num_classes, class_names, backbone_, image_size, weights, dropout, batch_norm, frozen_blocks, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.class_names = class_names_of(num_classes, class_names)
        self.num_classes = len(self.class_names)
        self.image_size = multiple_of_32("image_size", image_size)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout!r}.")
        if batch_norm not in ("batch", "frozen"):
            raise ValueError(f'batch_norm must be "batch" or "frozen", got {batch_norm!r}.')
        self.backbone = backbone_
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.frozen_blocks = frozen_blocks
        # keras.Model.weights is the list of variables, so this argument alone goes by another name.
        self.initial_weights = weights
        value = backbone(backbone_, weights)
        self.normalize = value.preprocessing or keras.layers.Identity()
        self.extractor = value.extractor()
        self._freeze(value)
        self.feature_channels = value.channels(32)
        self.pool = keras.layers.GlobalAveragePooling2D(name="pool")
        self.drop_units = keras.layers.Dropout(dropout, name="drop_units")
        self.whole_classifier = keras.layers.Dense(self.num_classes, name="whole_classifier")
        self.whole_classifier.build((None, self.feature_channels))
        self._trackers = {}
        self._all_regions = False
        self.label_smoothing = 0.0
        self.loss_weights = {}

    def _freeze(self, value):
        frozen = value.frozen_layers(self.frozen_blocks)
        if self.batch_norm == "frozen":
            frozen += [layer for layer in self.extractor.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for layer in frozen:
            layer.trainable = False

    def _finish(self):
        """Marks the heads and makes the trackers; every variable exists by now."""
        backbone_variables = {id(variable) for variable in self.extractor.variables}
        mark_heads(variable for variable in self.variables if id(variable) not in backbone_variables)
        self._trackers = {f"{name}_loss": keras.metrics.Mean(name=f"{name}_loss") for name in self.loss_names}
        for name in self.metrics_by_name:
            count = 5 if name == "top5" else 1
            self._trackers[name] = keras.metrics.SparseTopKCategoricalAccuracy(min(count, self.num_classes), name=name)
        self.built = True

    def build(self, input_shape=None):
        """Does nothing: the constructor creates every variable."""

    def features(self, images, training):
        """Maps of normalised images, by stride in px, and their pooled feature `[B, C]` after dropout."""
        maps = {int(stride): level for stride, level in self.extractor(images, training=training).items()}
        return maps, self.drop_units(self.pool(maps[32]), training=training)

    # Training

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

    metrics_by_name = {"top1": "probabilities", "top5": "probabilities"}

    def mean_cross_entropy(self, labels, logits, sample_weight):
        """Cross-entropy of `logits [B, ..., N]` with the `labels [B]`, averaged."""
        labels = ops.reshape(labels, (-1,) + (1,) * (len(logits.shape) - 2))
        labels = ops.broadcast_to(labels, ops.shape(logits)[:-1])
        values = cross_entropy(labels, logits, self.label_smoothing)
        return weighted_mean(ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1), sample_weight)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the losses, each of which is tracked by its name."""
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
            ValueError: if a Dataset has other class names, or photographs without a brand.
            FloatingPointError: if a loss is no longer a number; names the loss and the step.
        """
        validation_data, _ = self._batches(validation_data, batch_size)
        x, batch_size = self._batches(x, batch_size, training=True, seed=seed)
        self._span_schedule(kwargs.get("steps_per_epoch") or _steps(x, batch_size), epochs, kwargs.get("initial_epoch", 0))
        if hasattr(x, "cardinality"):
            kwargs.setdefault("shuffle", False)  # tf.data shuffles itself; Keras warns of its own default.
        callbacks = [StopAtNaN(), *(callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else [])]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, validation_data=validation_data, **kwargs)

    def _span_schedule(self, steps, epochs, initial_epoch):
        schedule = getattr(getattr(self, "optimizer", None), "_learning_rate", None)
        if isinstance(schedule, WarmupCosine):
            done = int(self.optimizer.iterations)
            start = done - initial_epoch * steps if steps else done
            schedule.span(start, steps * epochs if steps else None)
            # The schedule is a constant of the traced function.
            self.train_function = None

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.evaluate`, which also takes a `Dataset` of this package."""
        x, batch_size = self._batches(x, batch_size)
        return super().evaluate(x, y, batch_size, verbose, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.predict`, which also takes a `Dataset`, brand or not; returns a dict of arrays."""
        if hasattr(x, "batches"):
            x, batch_size = x.batches(batch_size or 16, self.image_size), None
        return super().predict(x, batch_size, verbose, **kwargs)

    def _batches(self, data, batch_size, **options):
        """A Dataset as batches, which need no further batch size; anything else as it is."""
        # Not class_names: Keras gives its own tf.data.Dataset from a folder an attribute of that name.
        if not hasattr(data, "batches"):
            return data, batch_size
        if tuple(data.class_names) != self.class_names:
            other = sorted(set(data.class_names) ^ set(self.class_names))
            raise ValueError(
                f"the data set has other class names than the model: {len(data.class_names)} and {self.num_classes} classes; "
                + (f"not in both: {', '.join(other[:10])}." if other else "the same names in another order.")
            )
        if len(data) == 0:
            raise ValueError("the data set has no photographs.")
        if min(data.labels) < 0:
            raise ValueError(
                "the data set has photographs without a brand (label -1), which can be neither learnt nor scored as a class: "
                "leave them out, or use predict."
            )
        return data.batches(batch_size or 16, self.image_size, **options), None

    # Use

    def recognize(self, photo, top=3):
        """Recognises the brand on one photograph, exactly as `lk.edge.Recognizer` does with an exported file.

        Args:
            photo: a path, the bytes of an image file or a uint8 RGB array `[H, W, 3]`.
            top: int, how many labels to give.

        Returns:
            Recognition.

        Raises:
            UnreadablePhotograph: naming the file and the reason.
        """
        return recognize(self.predict_on_batch, photo, self.class_names, self.image_size, top)

    def near_ties(self, images, tolerance=1e-5):
        """Whether a choice inside the model hangs on a difference within `tolerance`: bool `[B]`; never, without regions."""
        return np.zeros(len(images), bool)

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the model, its configuration and class names as a `.keras` file: all of it or nothing."""
        if not overwrite or not str(filepath).endswith(".keras"):
            return super().save(filepath, overwrite=overwrite, **kwargs)
        with replacing(filepath) as temporary:
            super().save(temporary, **kwargs)

    def get_config(self):
        value = self.backbone
        return {
            "name": self.name,
            "class_names": list(self.class_names),
            "backbone": keras.saving.serialize_keras_object(value) if isinstance(value, Backbone) else value,
            "image_size": self.image_size,
            "weights": self.initial_weights,
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "frozen_blocks": self.frozen_blocks,
            "preprocessing": PREPROCESSING,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        preprocessing = config.pop("preprocessing", PREPROCESSING)
        if preprocessing != PREPROCESSING:
            raise ValueError(f"the model wants photographs prepared by {preprocessing!r}, which this version does not know.")
        if isinstance(config["backbone"], dict):
            config["backbone"] = keras.saving.deserialize_keras_object(config["backbone"])
        # The file's own weights follow: none are fetched from elsewhere.
        initial_weights = config.pop("weights", None)
        model = cls(**config, weights=None)
        model.initial_weights = initial_weights
        return model


def _flat(sample_weight):
    """Weights of shape `[B]`, where there are any; Keras also takes `[B, 1]`, which would broadcast."""
    return None if sample_weight is None else ops.reshape(sample_weight, (-1,))


def _steps(x, batch_size):
    """Batches an epoch, or None where nobody knows."""
    if hasattr(x, "cardinality"):
        return max(int(x.cardinality()), 0) or None
    return math.ceil(len(x) / (batch_size or 32)) if hasattr(x, "shape") else None
