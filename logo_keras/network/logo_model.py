"""What all models share: a backbone, its settings, how they are saved."""

import inspect
import json
import random
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from logo_keras import __version__, backbones
from logo_keras.arguments import class_names_of, multiple_of, one_of, share, whole
from logo_keras.backbones import Backbone, application
from logo_keras.errors import UserError
from logo_keras.files import replacing
from logo_keras.image.preprocessing import PREPROCESSINGS
from logo_keras.keras_settings import model_policy, own_settings, with_own_settings
from logo_keras.network.inputs import check_image_dtype, check_image_shape
from logo_keras.network.optimizers import BACKBONE_RATE, HEAD_RATE, mark_blocks, mark_heads
from logo_keras.network.trainer import Trainer


class Seen(NamedTuple):
    """What the backbone makes of images `[B, ..., S, S, 3]`.

    Attributes:
        images: these images, normalised.
        maps: dict from a stride in px to the feature maps `[B, ..., h, w, C]` of that stride; of parts of an image, that of 32.
        feature: float `[B, ..., C]`, pooled, after dropout.
    """

    images: object
    maps: dict
    feature: object


# What draws random numbers, each from a seed of its own.
_HEADS = ("drop_units", "whole_classifier", "teacher", "fused_classifier", "augmented_classifier", "navigator")
# The navigator counts on from its own seed: no model has it and these.
_HEADS += ("projection", "class_vectors", "background_vectors")
# These two count on too: where a kernel of one has the seed of one of the other, their shapes differ.
_HEADS += ("box_head", "pyramid")


class LogoModel(Trainer):
    """A model on RGB images `[B, S, S, 3]`, 0..255, that gives its outputs by name.

    Images of any numeric type give the same answer: they become float32 before anything is computed.

    Subclasses take these arguments as their own (`**kwargs`), define `call`, `losses_by_name` and `metrics_by_name`, and end
    their constructor with `self._finish()`. Every argument of a constructor is an attribute, which the configuration reads.

    With a mixed dtype policy the backbone computes in 16 bits, and all else in float32: pixels, boxes, crops, scores,
    pooled features, logits, probabilities. Files do not keep the policy, since the weights are float32 anyway: a model is
    loaded in that of the process. Keras's other settings (`floatx`, `image_data_format`) change nothing.

    Args:
        num_classes: int N; or
        class_names: N different names. `num_classes` alone names them "0", "1", ...
        backbone: a name of `lk.backbones.NAMES`, `"keras/NAME"` or an `lk.Backbone`.
        image_size: int S, px, a multiple of 32 (of 16 for `LogoEmbedder`).
        weights: what the backbone starts from: `"imagenet"`, `"logos"` (of EfficientNet-Lite0: the logo embedding that comes
            with the package), `"pretrained"` (`"logos"` where there are such, else `"imagenet"`) or None. An `lk.Backbone` keeps
            the weights that it has.
        dropout: float in [0, 1), on pooled features, in training only.
        batch_norm: `"batch"` uses batch statistics in training, `"frozen"` the running ones.
        frozen_blocks: int, freezes the stem and the first n blocks with their running statistics; 0 freezes nothing. By
            default 5 of EfficientNet-Lite0 with weights from elsewhere, which was measured best with those of ImageNet
            (`LogoEmbedder`: 2), 0 of any other backbone.
        preprocessing: how a photo becomes an image, one of `lk.preprocessing.PREPROCESSINGS`.
        **kwargs: what `keras.Model` takes: `name`, `dtype`.

    Attributes:
        card: dict for JSON, what is known of the model beside its configuration, kept in its file. `weights`: str, where
            they come from; `packages`: dict, versions.
        backbone_value: Backbone.
        initial_weights: str or None, `weights` with `"pretrained"` resolved, as the file and `config.json` have it: what it means
            may change from release to release.
    """

    # What the backbone gives, see `Classifier`.
    head = "pool"
    # What image_size must be a multiple of, px: the maps of regions have whole cells.
    _size_step = 32
    # Measured best where the backbone starts from ImageNet, and taken over for the logo weights, which start from there too;
    # other backbones are trained as a whole.
    _frozen_by_default = {"efficientnet_lite0": 5}
    # How many times as fast as the backbone the rest moves.
    _head_rate = HEAD_RATE / BACKBONE_RATE

    def __init__(
        self,
        *,
        num_classes=None,
        class_names=None,
        backbone="efficientnet_lite0",
        image_size=224,
        weights="pretrained",
        dropout=0.3,
        batch_norm="batch",
        frozen_blocks=None,
        preprocessing="stretch",
        **kwargs,
    ):
        # Autocast off: it would turn pixels into 16 bits before anything is cut from them.
        super().__init__(autocast=False, **kwargs | {"dtype": model_policy(kwargs.get("dtype"))})
        self.class_names = class_names_of(num_classes, class_names)
        self.num_classes = len(self.class_names)
        self.image_size = multiple_of(self._size_step, "image_size", image_size)
        weights = backbones.initial_weights(backbone, weights)
        self.dropout = share("dropout", dropout)
        self.batch_norm = one_of("batch_norm", batch_norm, ("batch", "frozen"))
        if frozen_blocks is None:
            named = isinstance(backbone, str) and weights is not None
            frozen_blocks = self._frozen_by_default.get(backbone, 0) if named else 0
        self.frozen_blocks = whole("frozen_blocks", frozen_blocks, 0)
        self.preprocessing = one_of("preprocessing", preprocessing, PREPROCESSINGS)
        self.backbone = backbone
        # keras.Model.weights is the list of variables, so this argument goes by another name.
        self.initial_weights = weights
        # Python's generator, from which Keras draws its own seeds too: keras.utils.set_random_seed governs them all.
        self._seed = random.randint(1, 10**9)
        with own_settings(self.dtype_policy):
            value = backbones.backbone(backbone, weights, self.head)
        self.backbone_value = value
        self.card = {"weights": value.source, "packages": {"logo_keras": __version__}}
        self.normalize = value.preprocessing or keras.layers.Identity()
        self.extractor = value.extractor()
        self._check_grids()
        self._freeze(value)
        self.feature_channels = value.feature_channels
        self.pool = self._make_pool()
        self.drop_units = keras.layers.Dropout(dropout, seed=self._seed_of("drop_units"), name="drop_units", dtype="float32")

    def __init_subclass__(cls, **kwargs):
        """Gives the class the signature of its whole chain of constructors, for help() and the configuration."""
        super().__init_subclass__(**kwargs)
        chain = [inspect.signature(base.__init__) for base in reversed(cls.__mro__) if issubclass(base, LogoModel)]
        named = {
            name: value for signature in chain for name, value in signature.parameters.items() if value.kind < value.VAR_KEYWORD
        }
        del named["self"]
        others = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
        cls.__signature__ = inspect.Signature([*(value.replace(kind=value.KEYWORD_ONLY) for value in named.values()), others])

    def _check_grids(self):
        """Refuses images so small that nothing is left of a map: TensorFlow would end the process with a signal."""
        images = keras.KerasTensor((1, self.image_size, self.image_size, 3))
        try:
            maps = keras.Model(self.extractor.inputs[0], self.backbone_value.levels[32]).compute_output_spec(images)
            left = min(maps.shape[1:3])
        except ValueError:
            left = 0
        if left < 1:
            name = self.backbone_value.model.name
            raise UserError(
                f"image_size = {self.image_size} px is too small for the backbone {name!r}: nothing is left of its last map."
            )

    def _freeze(self, value):
        frozen = value.frozen_layers(self.frozen_blocks)
        if self.batch_norm == "frozen":
            frozen += [layer for layer in self.extractor.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for layer in frozen:
            layer.trainable = False

    def _mark_blocks(self):
        blocks = self.backbone_value.layers_by_block()
        if not blocks:
            raise UserError(
                f"layer_decay needs a backbone whose blocks are known, and {self.backbone_value.model.name!r} names none "
                "(lk.Backbone(blocks=))."
            )
        mark_blocks([[variable for layer in layers for variable in layer.variables] for layers in blocks])

    def _make_pool(self):
        """The layer that makes a feature `[B, C]` of the last map."""
        return keras.layers.GlobalAveragePooling2D("channels_last", name="pool", dtype="float32")

    def _seed_of(self, head):
        """The seed of a head: it starts with the same weights whatever other heads there are."""
        return self._seed + _HEADS.index(head)

    def _finish(self):
        """Marks the heads and makes the trackers; every variable exists by now."""
        backbone_variables = {id(variable) for variable in self.extractor.variables}
        mark_heads((variable for variable in self.variables if id(variable) not in backbone_variables), self._head_rate)
        with own_settings():
            self._track()
        self.built = True

    def build(self, input_shape=None):
        """Does nothing: the constructor creates every variable."""

    def __call__(self, images, *args, **kwargs):
        # Here and not in call: Keras adds a page on the arguments to what is raised there.
        check_image_shape(images.shape, self._expected_size())
        check_image_dtype(images.dtype)
        return super().__call__(images, *args, **kwargs)

    # Arrays, metrics and optimizers of a run are float32 too.
    compile = with_own_settings(Trainer.compile)
    fit = with_own_settings(Trainer.fit)
    evaluate = with_own_settings(Trainer.evaluate)
    predict = with_own_settings(Trainer.predict)

    def _expected_size(self):
        """Side in px that images must have, or None where any do."""
        return None if self.backbone_value.feature is None else self.image_size

    def normalized(self, images):
        """Images of any numeric type as the backbone wants them, in float32: regions are cut from these."""
        # On JAX Keras trains and predicts past __call__.
        check_image_shape(images.shape, self._expected_size())
        check_image_dtype(images.dtype)
        # Before anything is computed: a mean taken from uint8 wraps around, and one taken from int32 loses its fraction.
        images = ops.cast(images, "float32")
        return ops.cast(self.normalize(images), "float32")

    def denormalized(self, images):
        """Normalised images, or parts of them, as pictures again.

        Args:
            images: float `[..., H, W, 3]`, as `normalized` gives them.

        Returns:
            uint8 RGB `[..., H, W, 3]`.

        Raises:
            ValueError: if the backbone's preprocessing is more than a scale, an offset and an order of channels.
        """
        size = self._expected_size() or self.image_size
        # Black, red, green, blue, and their half sum.
        probes = np.float32([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [127.5] * 3])
        flat = np.broadcast_to(probes[:, None, None], (len(probes), size, size, 3))
        black, *primary, middle = ops.convert_to_numpy(self.normalized(flat))[:, 0, 0].astype(np.float64)
        way = np.array(primary) - black
        if abs(np.linalg.det(way)) < 1e-12 or not np.allclose(middle, black + way.sum(axis=0) / 2, atol=1e-4):
            raise UserError(
                f"the preprocessing of the backbone {self.backbone_value.model.name!r} cannot be undone for a picture."
            )
        shares = (ops.convert_to_numpy(images) - black) @ np.linalg.inv(way)
        return np.clip(np.round(255 * shares), 0, 255).astype(np.uint8)

    def see(self, images, kind, training=None):
        """Runs the backbone over images, all in one pass.

        Args:
            images: float `[B, ..., S, S, 3]`, normalised.
            kind: str, `"whole"`, `"region"` or `"view"`. Here all kinds share the backbone and its statistics; a subclass
                may see each in its own way.
            training: bool.

        Returns:
            Seen.
        """
        between = tuple(images.shape[1:-3])

        def apart(x):
            return ops.reshape(x, (-1, *between, *x.shape[1:])) if between else x

        flat = ops.reshape(images, (-1, *images.shape[-3:])) if between else images
        maps = dict(self.extractor(flat, training=training))
        # A network's own fully connected feature, where the backbone has one.
        feature = maps.pop("feature") if "feature" in maps else self.pool(maps["32"])
        feature = self.drop_units(feature, training=training)
        # The navigator reads finer maps of the whole image; of a part only the last one tells something.
        strides = ("32",) if between else maps
        return Seen(images, {int(stride): apart(maps[stride]) for stride in strides}, apart(feature))

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the model, its configuration and class names as a `.keras` file: all of it or nothing.

        Raises:
            Diverged: if it is called while `fit` runs and the run has diverged.
        """
        self._check_numbers()
        if not overwrite or not str(filepath).endswith(".keras"):
            return super().save(filepath, overwrite=overwrite, **kwargs)
        with replacing(filepath) as temporary:
            super().save(temporary, **kwargs)

    def get_config(self):
        names = [name for name in inspect.signature(type(self)).parameters if name not in ("num_classes", "kwargs")]
        config = {"name": self.name} | {name: getattr(self, name) for name in names} | {"weights": self.initial_weights}
        if isinstance(self.backbone, Backbone):
            config["backbone"] = keras.saving.serialize_keras_object(self.backbone)
        # Once to JSON and back: plain lists and dicts, as the file will have them.
        config["card"] = json.loads(json.dumps(self.card))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config["backbone"], dict):
            config["backbone"] = keras.saving.deserialize_keras_object(config["backbone"])
        # The file's own weights follow: none are fetched from elsewhere.
        initial_weights, card, name = config.pop("weights", None), config.pop("card", {}), config["backbone"]
        if initial_weights == "imagenet" and isinstance(name, str) and name.startswith("keras/"):
            # Its ImageNet weights may have come with layers that the network has not without them.
            config["backbone"] = application(name.removeprefix("keras/"), None, like_imagenet=True)
        model = cls(**config, weights=None)
        model.backbone, model.initial_weights, model.card = name, initial_weights, card
        return model
