"""The embedder: a vector of every mark, so that brands are told apart that were never trained."""

import keras
import numpy as np
from keras import ops

from logo_keras.arguments import one_of, positive, share, whole
from logo_keras.errors import UserError
from logo_keras.image.preprocessing import fit, is_one, pixels
from logo_keras.image.surroundings import squares
from logo_keras.network.cosine_head import CosineHead
from logo_keras.network.logo_model import LogoModel
from logo_keras.network.pooling import POOLINGS

# Share of a run over which the margin rises. Not tuned: a prototype (2,400 steps of 64, 9,829 brands) learnt with it.
_RAMP = 1 / 3


@keras.saving.register_keras_serializable("logo_keras")
class LogoEmbedder(LogoModel):
    """Turns an image of a mark into a vector of length 1 that lies near those of other images of that mark.

    It is taught on N brands and on backgrounds, images without a mark, of which the label is N; what it is used for is brands
    that it has never seen. `embed` takes photos, `fit` images or `logo_keras.datasets.marks.Marks`.

    Args:
        image_size: int S, px, a multiple of 16.
        dimensions: int D, of the embedding.
        pooling: what the feature is of the last map: `"mean"`, `"max"` or `"gem"`, the generalised mean.
        num_backgrounds: int G, vectors of backgrounds, of which the nearest counts.
        sub_centres: int, vectors of each brand, of which the nearest counts.
        margin: float in [0, 1), by which the cosine of the true brand must be above the others; it rises from 0 over the
            first third of a run.
        scale: float above 0, by which the cosines are multiplied before the softmax.
        dropout: float in [0, 1), on pooled features, in training only.
        frozen_blocks: int, freezes the stem and the first n blocks with their running statistics; 0 freezes nothing. By
            default 2 of EfficientNet-Lite0 with weights from elsewhere, 0 of any other backbone.
        weights: `"imagenet"`, `"logos"`, `"pretrained"` or None, as for `LogoModel`.
        **kwargs: the arguments that all models share: `class_names`, `backbone`, ...; see `LogoModel`.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255. Other sizes are answered too.
        cosines: bool, return `cosines` too; training and evaluation always do.

    Returns:
        dict of `embedding [B, D]`, of length 1, and `objectness [B]`: the cosine to the nearest vector of a brand minus that to
        the nearest vector of a background, above 0 where an image looks like a mark. With `cosines`: `cosines [B, N + 1]` to
        the brands and, last, to the nearest background.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    loss_names = ("cosine",)
    metrics_by_name = {"top1": "cosines"}
    judged_output = "cosines"
    export_outputs = ("embedding", "objectness")
    # Its map is pooled as a whole, so that a cell may reach beyond the image.
    _size_step = 16
    # Of the prototype, as the rates: its heads and vectors moved three times as fast as its backbone.
    _frozen_by_default = {"efficientnet_lite0": 2}
    _head_rate = 3.0

    def __init__(
        self,
        *,
        image_size=128,
        dimensions=256,
        pooling="mean",
        num_backgrounds=64,
        sub_centres=1,
        margin=0.2,
        scale=30.0,
        dropout=0.0,
        frozen_blocks=None,
        # Said here too, whatever the other models start from: the logo weights are what comes out of this one.
        weights="imagenet",
        **kwargs,
    ):
        # First, since it says how a feature is made.
        self.pooling = one_of("pooling", pooling, tuple(POOLINGS))
        super().__init__(image_size=image_size, dropout=dropout, frozen_blocks=frozen_blocks, weights=weights, **kwargs)
        if self.backbone_value.feature is not None:
            raise UserError(
                f"the backbone {self.backbone_value.model.name!r} has fully connected layers: an embedder pools the last map of "
                'one that is made with head="pool".'
            )
        self.dimensions = whole("dimensions", dimensions, 2)
        self.num_backgrounds = whole("num_backgrounds", num_backgrounds, 1)
        self.sub_centres = whole("sub_centres", sub_centres, 1)
        self.margin = share("margin", margin)
        self.scale = positive("scale", scale)
        start = keras.initializers.GlorotUniform(self._seed_of("projection"))
        # Batch norm follows, which takes a bias out again.
        self.projection = keras.layers.Dense(
            self.dimensions, use_bias=False, kernel_initializer=start, name="projection", dtype="float32"
        )
        self.projection.build((None, self.feature_channels))
        self.embedding_norm = keras.layers.BatchNormalization(center=False, scale=False, name="embedding_norm", dtype="float32")
        self.embedding_norm.build((None, self.dimensions))
        self.cosine_head = CosineHead(
            self.num_classes,
            self.num_backgrounds,
            self.sub_centres,
            self.margin,
            self.scale,
            self._seed_of("class_vectors"),
            name="cosine_head",
            dtype="float32",
        )
        self.cosine_head.build((None, self.dimensions))
        self._finish()

    def _make_pool(self):
        pool = POOLINGS[self.pooling](name="pool", dtype="float32")
        pool.build((None, None, None, self.feature_channels))
        return pool

    @property
    def num_labels(self):
        """int, N + 1: the last label is that of backgrounds."""
        return self.num_classes + 1

    @property
    def takes_shares(self):
        """bool, False: the margin is that of one true class."""
        return False

    @property
    def background_vectors(self):
        """float32 `[G, D]`, of length 1: what images without a mark lie near to."""
        vectors = keras.ops.convert_to_numpy(self.cosine_head.background_vectors)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def call(self, images, training=None, cosines=None):
        feature = self.see(self.normalized(images), "whole", training).feature
        embedding = ops.normalize(self.embedding_norm(self.projection(feature), training=training), axis=-1)
        to_classes, to_background = self.cosine_head(embedding, training=training)
        outputs = {"embedding": embedding, "objectness": ops.max(to_classes, axis=-1) - to_background}
        if self.gives_everything(training, cosines):
            outputs["cosines"] = ops.concatenate([to_classes, to_background[:, None]], axis=-1)
        return outputs

    def losses_by_name(self, labels, outputs, sample_weight):
        """Cross-entropy of the cosines, scaled, with the margin; labels int `[B]`, N for backgrounds."""
        logits = self.cosine_head.logits(outputs["cosines"], labels)
        return {"cosine": self.mean_cross_entropy(labels, logits, sample_weight)}

    def _span(self, before, total):
        self.cosine_head.ramp(before or 0, None if total is None else _RAMP * total)

    def embed(self, photos, batch_size=64):
        """Embeds photos, each as a whole, made square by its outermost px going on.

        Args:
            photos: a path, the bytes of an image file or a uint8 RGB array `[H, W, 3]`; or several of these, an array
                `[n, H, W, 3]` among them.
            batch_size: int, photos at once.

        Returns:
            float32 `[n, D]`, each of length 1; n is 1 for one photo.

        Raises:
            UnreadablePhotograph: naming the file and the reason.
        """
        whole("batch_size", batch_size, 1)
        photos = [photos] if is_one(photos) else list(photos)
        size = min(batch_size, len(photos))
        rows = [np.zeros((0, self.dimensions), np.float32)]
        for first in range(0, len(photos), batch_size):
            seen = (squares(pixels(photo))[0] for photo in photos[first : first + size])
            images = [fit(square, self.image_size, self.preprocessing) for square in seen]
            # Another number of images would trace the whole model anew.
            padded = np.stack([*images, *images[-1:] * (size - len(images))]).astype(np.float32)
            rows.append(self.predict_on_batch(padded)["embedding"][: len(images)])
        return np.concatenate(rows)
