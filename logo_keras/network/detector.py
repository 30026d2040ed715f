"""The detector: where some logo is in a photo, of any brand, and the embedding of each place."""

import keras
import numpy as np
from keras import ops

from logo_keras.arguments import multiple_of, multiple_of_32, whole
from logo_keras.edge.detection import detect
from logo_keras.edge.metadata import packed, unpacked
from logo_keras.errors import UserError
from logo_keras.image.surroundings import CONTEXT
from logo_keras.network import clutter
from logo_keras.network.box_head import BoxHead
from logo_keras.network.cells import assign, make_cells
from logo_keras.network.embedder import LogoEmbedder
from logo_keras.network.inputs import check_boxes, check_boxes_shape, check_image_shape, draws_itself, is_dataset
from logo_keras.network.logo_model import LogoModel
from logo_keras.network.losses import SMALLEST_AREA, generalised_iou, quality_focal_loss
from logo_keras.network.pyramid import FeaturePyramid
from logo_keras.network.regions import close_picks, crop_regions, shared_areas, suppress
from logo_keras.network.resampling import shrink

# px: 32 x 32, 16 x 16 and 8 x 8 cells at 256 px. A logo of 4 % of that side is 10 px.
_STRIDES = (8, 16, 32)
# As many of the best cells compete for the regions. Ours: eight for each of 16 regions, which is as many as were tried.
_CANDIDATES = 128
# Everingham et al. 2010, "The Pascal Visual Object Classes Challenge", section 4.2: a box that shares as much is that logo found.
_FOUND = 0.5
# A box that shares as much with a better one is suppressed: Tian et al. 2019, arXiv:1904.01355, take 0.6, of one class. Ours: two
# boxes of which each finds the other's logo.
_SUPPRESSED = 0.5
# Regions of which `recall` asks whether they find the logos.
_ASKED = 8
# Side of the largest square, in sides of the image, that is smoothed to the full as it is cut; larger ones are smoothed as much
# as this one. To smooth all in full would take 2.5 times as many px for each sample.
_SMOOTHED = 0.5


@keras.saving.register_keras_serializable("logo_keras")
class LogoDetector(LogoModel):
    """Finds where some logo is in a photo, of any brand, and embeds each place.

    A backbone of its own sees the photo shrunk, says of each cell how likely it finds a logo, and where (anchor-free); the best
    regions are cut from the whole photo and embedded by an embedder that is never trained further. It is taught on scenes with
    boxes: `fit` takes `logo_keras.datasets.marks.Marks`, of which it draws scenes, or images and their boxes.

    Args:
        embedder: LogoEmbedder; the detector keeps a copy of it, also in its file. Its class names are the detector's.
        image_size: int S, px, a multiple of 32: regions are cut from images of this size.
        whole_size: int, px, a multiple of 32 of at most S: cells are of the image shrunk to this size.
        region_size: int R, px, a multiple of 16: side of what the embedder sees; None takes that of its training.
        num_regions: int K.
        filters: int, channels of the pyramid and of the head.
        extra_backgrounds: float `[n, D]`, of length 1, or the text that `logo_keras.edge.metadata.packed` makes of them:
            background vectors beside those of the embedder, for what it takes for a logo; see `learn_backgrounds`.
        dropout: float in [0, 1). Nothing is dropped here.
        **kwargs: the arguments that all models share, but for the class names: `backbone`, ...; see `LogoModel`. The backbone
            needs maps of stride 8, 16 and 32: `"efficientnet_lite0"`, `1` or `2`.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255; with `cells`, `[B, whole_size, whole_size, 3]`.
        cells: bool, return what all cells say, and no regions; training and evaluation always do.

    Returns:
        dict of `embedding [B, D]` and `objectness [B]` of the whole image, as `LogoEmbedder` gives them; `region_boxes
        [B, K, 4]`, `(y0, x0, y1, x1)` px of the S px image and inside it, best first; `region_scores [B, K]`, the probability
        that a logo is found; `region_embeddings [B, K, D]` and `region_objectness [B, K]`, of the square around each region.
        With `cells`: `cell_scores [B, A]`, logits, and `cell_boxes [B, A, 4]`, px of the image of `whole_size`.

    Raises:
        ValueError: for bad values, each saying what was expected.

    Source:
        Tian et al. 2019, arXiv:1904.01355 (FCOS), with the score of Li et al. 2020, arXiv:2006.04388.
    """

    loss_names = ("score", "box")
    metrics_by_name = {}
    # A file that is released may have one.
    threshold = None
    export_outputs = ("region_boxes", "region_scores", "region_embeddings", "region_objectness", "embedding", "objectness")

    def __init__(
        self,
        *,
        embedder=None,
        image_size=640,
        whole_size=256,
        region_size=None,
        num_regions=8,
        filters=64,
        extra_backgrounds=None,
        dropout=0.0,
        **kwargs,
    ):
        given = {"num_classes", "class_names"} & kwargs.keys()
        if given:
            raise UserError(f"a detector has the class names of its embedder: leave out {' and '.join(given)}.")
        embedder = _kept(embedder)
        kwargs |= {"class_names": embedder.class_names, "dropout": dropout}
        super().__init__(image_size=image_size, **kwargs)
        self.embedder = embedder
        self.embedder.trainable = False
        self.whole_size = multiple_of_32("whole_size", whole_size)
        if self.whole_size > self.image_size:
            raise UserError(f"whole_size must be at most image_size = {image_size} px, got {whole_size}.")
        self.region_size = embedder.image_size if region_size is None else multiple_of(16, "region_size", region_size)
        if self.region_size > self.image_size:
            raise UserError(f"region_size must be at most image_size = {image_size} px, got {self.region_size}.")
        self.cells = make_cells(self.whole_size, _STRIDES)
        self.num_regions = whole("num_regions", num_regions, 1)
        if self.num_regions > min(_CANDIDATES, len(self.cells.centres)):
            raise UserError(f"num_regions must be at most {min(_CANDIDATES, len(self.cells.centres))}, got {num_regions}.")
        self.filters = whole("filters", filters, 1)
        self.extra_backgrounds = extra_backgrounds
        maps = {int(stride): tensor for stride, tensor in self.extractor.output.items() if stride != "feature"}
        if not set(_STRIDES) <= set(maps):
            raise UserError(f"a detector needs a backbone with maps of stride 8, 16 and 32; it has {sorted(maps)}.")
        self.pyramid = FeaturePyramid(self.filters, self._seed_of("pyramid"), name="pyramid", dtype="float32")
        self.pyramid.build([(None, None, None, maps[stride].shape[-1]) for stride in _STRIDES])
        self.box_head = BoxHead(_STRIDES, self.filters, self._seed_of("box_head"), name="box_head", dtype="float32")
        self.box_head.build()
        self._finish()

    def _track(self):
        super()._track()
        # Of the true boxes the share that the best regions find; and the chance that a scene with a logo has a higher best score
        # than one without.
        self._trackers["recall"] = keras.metrics.Mean(name="recall")
        self._trackers["auroc"] = keras.metrics.AUC(name="auroc")

    @property
    def dimensions(self):
        """int D, of the embeddings."""
        return self.embedder.dimensions

    @property
    def background_vectors(self):
        """float32 `[G, D]`, of length 1: those of the embedder, and `extra_backgrounds`."""
        vectors = self.embedder.background_vectors
        if self.extra_backgrounds is None:
            return vectors
        return np.concatenate([vectors, unpacked(self.extra_backgrounds, self.dimensions, "extra_backgrounds")])

    @property
    def extra_backgrounds(self):
        """str, as the configuration keeps them; None where there are none."""
        return self._extra_backgrounds

    @extra_backgrounds.setter
    def extra_backgrounds(self, vectors):
        text = vectors if vectors is None or isinstance(vectors, str) else packed(vectors)
        if text is not None:
            unpacked(text, self.dimensions, "extra_backgrounds")
        self._extra_backgrounds = text

    def detect(self, photo, regions=None):
        """Finds logos in one photo, exactly as `lk.edge.Detector` does with an exported file.

        Args:
            photo: a path, the bytes of an image file or a uint8 RGB array `[H, W, 3]`.
            regions: int, at most so many, the best; None for all, which are at most K of the photo and, of a long one, of each
                of its parts (`logo_keras.edge.detection.detect`).

        Returns:
            `logo_keras.edge.detection.Detection`, its boxes in px of the upright photo.

        Raises:
            UnreadablePhotograph: naming the file and the reason.
        """
        return detect(self.predict_on_batch, photo, self.image_size, regions, self.preprocessing)

    def embed(self, photos, batch_size=64):
        """Embeds photos, each as a whole, as the embedder inside does: `LogoEmbedder.embed`."""
        return self.embedder.embed(photos, batch_size)

    def learn_backgrounds(self, photos, count=512, seed=0):
        """Learns what is no logo where it looks: `extra_backgrounds`, in place of those that were there.

        In a gallery a place of a photo counts for a brand as far as it is more like it than like any background. The
        backgrounds that an embedder learned beside its marks are drawn ones; these come from photos. No weight changes.

        Args:
            photos: sequence of photos that show no logo, each as for `detect`.
            count: int, most background vectors: middles of groups of what it sees in these photos.
            seed: int, draws areas of the photos and begins the groups.

        Returns:
            float32 `[n, D]`, of length 1, the vectors.

        Raises:
            UnreadablePhotograph: naming the file and the reason.
            ValueError: if there is no photo.
        """
        vectors = clutter.middles(self.detect, photos, count, seed)
        self.extra_backgrounds = vectors
        return vectors

    def _expected_size(self):
        """Any: it depends on what is asked for, see `call`."""
        # AutoGraph cannot read a function of a docstring alone.
        return

    def call(self, images, training=None, cells=None):
        if self.gives_everything(training, cells):
            check_image_shape(images.shape, self.whole_size)
            return self.find(images, training)
        check_image_shape(images.shape, self.image_size)
        images = ops.cast(images, "float32")
        boxes, scores = self.best(self.find(shrink(images, self.whole_size)), self.num_regions)
        boxes = boxes * (self.image_size / self.whole_size)
        seen = self.embed_regions(images, boxes)
        return {
            "embedding": seen["embedding"][:, 0],
            "objectness": seen["objectness"][:, 0],
            "region_boxes": boxes,
            "region_scores": scores,
            "region_embeddings": seen["embedding"][:, 1:],
            "region_objectness": seen["objectness"][:, 1:],
        }

    def find(self, images, training=None):
        """What every cell says.

        Args:
            images: float RGB `[B, whole_size, whole_size, 3]`, 0..255.
            training: bool.

        Returns:
            dict of `cell_scores [B, A]`, logits, and `cell_boxes [B, A, 4]`, px of these images; they may reach beyond them.
        """
        maps = self.see(self.normalized(images), "whole", training).maps
        levels = self.pyramid([maps[stride] for stride in _STRIDES], training=training)
        scores, distances = self.box_head(levels)
        centres = ops.convert_to_tensor(self.cells.centres)
        boxes = ops.concatenate([centres - distances[..., :2], centres + distances[..., 2:]], axis=-1)
        return {"cell_scores": scores, "cell_boxes": boxes}

    def near_ties(self, images, tolerance=1e-5):
        """Whether two cells that compete for a region, or what two boxes share and the bound on it, lie within `tolerance`.

        Args:
            images: float RGB `[B, S, S, 3]`, 0..255.
            tolerance: float, in units of the logits, and of the intersection over union.

        Returns:
            bool `[B]`.
        """
        scores, boxes = self._candidates(self.find(shrink(ops.cast(images, "float32"), self.whole_size)))
        picks = suppress(scores, boxes, self.num_regions, _SUPPRESSED)
        return close_picks(*map(ops.convert_to_numpy, (scores, picks, boxes)), tolerance, _SUPPRESSED)

    def _candidates(self, found):
        """Logits `[B, n]` and boxes `[B, n, 4]`, inside the image, of the cells that compete for the regions, best first."""
        scores, places = ops.top_k(found["cell_scores"], min(_CANDIDATES, len(self.cells.centres)))
        return scores, ops.clip(_rows(found["cell_boxes"], places), 0.0, float(self.whole_size))

    def best(self, found, count):
        """The regions that cells find, best first, without those that find the same again.

        Args:
            found: dict, what `find` gave.
            count: int.

        Returns:
            boxes: float `[B, count, 4]`, px as in `found`, inside the image.
            scores: float `[B, count]`, probabilities.
        """
        scores, boxes = self._candidates(found)
        picks = suppress(scores, boxes, count, _SUPPRESSED)
        return _rows(boxes, picks), ops.sigmoid(ops.take_along_axis(scores, picks, axis=1))

    def embed_regions(self, images, boxes):
        """Embeds the whole image and the squares around regions, all in one pass.

        Args:
            images: float RGB `[B, S, S, 3]`, 0..255.
            boxes: float `[B, K, 4]`, px.

        Returns:
            dict of `embedding [B, 1 + K, D]` and `objectness [B, 1 + K]`, the whole image first.
        """
        middles = (boxes[..., :2] + boxes[..., 2:]) / 2
        half = CONTEXT / 2 * ops.max(boxes[..., 2:] - boxes[..., :2], axis=-1, keepdims=True)
        squares = ops.concatenate([middles - half, middles + half], axis=-1)
        size = self.region_size
        crops = crop_regions(images, squares, size, antialias=True, largest=_SMOOTHED * self.image_size, fill="edge")
        seen = ops.concatenate([shrink(images, size)[:, None], crops], axis=1)
        outputs = self.embedder(ops.reshape(seen, (-1, size, size, 3)), training=False)
        count = seen.shape[1]
        return {name: ops.reshape(value, (-1, count, *value.shape[1:])) for name, value in outputs.items()}

    def truth(self, y):
        """The boxes and labels of a batch: dict of `boxes` float `[B, M, 4]`, px, and `labels` int `[B, M]`, -1 for none."""
        boxes, labels = ops.cast(y["boxes"], "float32"), ops.cast(y["labels"], "int32")
        check_boxes_shape(boxes.shape, labels.shape)
        return {"boxes": boxes, "labels": labels}

    def losses_by_name(self, truth, outputs, sample_weight):
        """Of the scores, quality focal loss with the IoU of each cell's box; of the boxes of cells that find one, 1 - GIoU.

        Both are sums over the cells, divided by the number of cells of the batch that find a box.
        """
        found, wanted = assign(self.cells, truth["boxes"], truth["labels"])
        common, union = shared_areas(outputs["cell_boxes"], wanted)
        quality = ops.where(found, common / ops.maximum(union, SMALLEST_AREA), 0.0)
        scores = quality_focal_loss(outputs["cell_scores"], quality)
        boxes = ops.where(found, 1 - generalised_iou(outputs["cell_boxes"], wanted), 0.0)
        finding = ops.cast(found, "float32")
        if sample_weight is not None:
            weight = ops.cast(sample_weight, "float32")[:, None]
            scores, boxes, finding = scores * weight, boxes * weight, finding * weight
        count = ops.maximum(ops.sum(finding), 1.0)
        return {"score": ops.sum(scores) / count, "box": ops.sum(boxes) / count}

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates recall and AUROC; returns all metrics so far."""
        truth = self.truth(y)
        there = ops.cast(truth["labels"] >= 0, "float32")
        boxes, scores = self.best(y_pred, min(_ASKED, self.num_regions))
        common, union = shared_areas(boxes[:, :, None], truth["boxes"][:, None])
        hits = ops.any(common >= _FOUND * union, axis=1)
        self._trackers["recall"].update_state(ops.cast(hits, "float32"), sample_weight=there)
        self._trackers["auroc"].update_state(ops.max(there, axis=1), scores[:, 0])
        return self.get_metrics_result()

    def _check_data(self, x, y, validation_data, steps_per_epoch, augment, given):
        if is_dataset(x) and not draws_itself(x):
            raise UserError("lk.LogoDetector learns from scenes with boxes, which Marks draw, and not from a Dataset of photos.")
        super()._check_data(x, y, validation_data, steps_per_epoch, augment, given)

    def _check_truth(self, y):
        check_boxes(y)

    def _learns_nothing(self, x):
        # Of any brand.
        return False

    def _drawn(self, marks, batch_size, **options):
        return marks.scenes(batch_size, self.whole_size, **options)

    def get_config(self):
        embedder = self.embedder.get_config()
        # Thousands, which are the detector's own.
        del embedder["class_names"]
        return super().get_config() | {"embedder": embedder}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["embedder"] = {"class_names": config.pop("class_names")} | config["embedder"]
        return super().from_config(config)


def _kept(embedder):
    """The embedder that a detector keeps: a copy, neither compiled nor shared. Of a configuration the weights follow."""
    if isinstance(embedder, dict):
        return LogoEmbedder.from_config(embedder)
    if not isinstance(embedder, LogoEmbedder):
        raise UserError(
            f"embedder must be a lk.LogoEmbedder, got {embedder!r}: lk.load its .keras file; logo-train takes the file as --from."
        )
    copy = LogoEmbedder.from_config(embedder.get_config())
    copy.set_weights(embedder.get_weights())
    return copy


def _rows(boxes, places):
    """The boxes `[B, K, 4]` at places `[B, K]` of `[B, A, 4]`."""
    return ops.take_along_axis(boxes, places[..., None], axis=1)
