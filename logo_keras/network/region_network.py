"""What NTS-Net and DRNA-Net share: navigation, the regions' features, the decision."""

import numpy as np
from keras import ops

from logo_keras.backbones.backbone import checked_fill
from logo_keras.network.anchors import make_anchors, truncate
from logo_keras.network.arguments import flag, multiple_of_32, one_of, whole
from logo_keras.network.controls import CentreScores, GridScores, RandomScores
from logo_keras.network.fused_classifier import FusedClassifier
from logo_keras.network.logo_model import LogoModel
from logo_keras.network.losses import cross_entropy, ranking_loss
from logo_keras.network.navigator import Navigator
from logo_keras.network.regions import crop_regions, overlaps, select_regions
from logo_keras.network.teacher import Teacher

_NAVIGATION = ("navigator", "random", "centre", "grid")


class RegionNetwork(LogoModel):
    """A model that looks at regions; see NTSNet for its arguments."""

    export_outputs = ("probabilities", "region_boxes", "region_scores")
    loss_names = ("whole", "region", "fused", "ranking")
    metrics_by_name = {
        "top1": "probabilities",
        "top5": "probabilities",
        "fused_top1": "fused_logits",
        "whole_top1": "whole_logits",
    }

    def __init__(
        self,
        num_classes=None,
        class_names=None,
        backbone="efficientnet_lite0",
        image_size=448,
        whole_size=None,
        region_size=224,
        num_proposals=6,
        num_regions=4,
        navigator_stride=32,
        decision="fused",
        dropout=0.5,
        antialias=False,
        batch_norm="batch",
        frozen_blocks=0,
        weights="imagenet",
        preprocessing="stretch",
        navigation="navigator",
        teacher=True,
        navigation_seed=0,
        fill=None,
        **kwargs,
    ):
        super().__init__(
            num_classes,
            class_names,
            backbone,
            image_size,
            weights,
            dropout,
            batch_norm,
            frozen_blocks,
            preprocessing,
            **kwargs,
        )
        if self.backbone_value.feature is not None:
            raise ValueError(
                f"the backbone {self.backbone_value.model.name!r} has fully connected layers for whole images: a region network "
                'needs the one that is made with head="pool".'
            )
        self.whole_size = self.image_size if whole_size is None else multiple_of_32("whole_size", whole_size)
        if self.whole_size > self.image_size:
            raise ValueError(f"whole_size must be at most image_size = {image_size} px, got {whole_size}.")
        self.region_size = whole("region_size", region_size, 32)
        self.num_proposals = whole("num_proposals", num_proposals, 1)
        self.num_regions = whole("num_regions", num_regions, 1)
        self.decision = one_of("decision", decision, ("fused", "mean"))
        self.antialias = flag("antialias", antialias)
        self.navigation = one_of("navigation", navigation, _NAVIGATION)
        self.navigation_seed = whole("navigation_seed", navigation_seed, 0)
        self.fill = self.backbone_value.fill if fill is None else checked_fill(fill)
        self.navigator_stride = navigator_stride
        self._build_navigator(has_teacher=flag("teacher", teacher))
        # `teacher` is the layer; None where there is none.
        self.teacher = None
        if teacher:
            self.teacher = Teacher(self.num_classes, self._seed_of("teacher"), name="teacher", dtype="float32")
            self.teacher.build((None, self.num_proposals, self.feature_channels))
        untrained = set() if teacher else {"region", "ranking"}
        if navigation != "navigator":
            untrained.add("ranking")
        self.loss_names = tuple(name for name in type(self).loss_names if name not in untrained)

    def _build_navigator(self, has_teacher):
        """Makes the anchors, and what scores them."""
        stride = self.navigator_stride
        if stride not in (16, 32):
            raise ValueError(f"navigator_stride must be 16 or 32, got {stride!r}.")
        self.anchors = make_anchors(self.image_size, strides=[level * stride for level in (1, 2, 4)], whole_size=self.whole_size)
        if not self.num_regions <= self.num_proposals <= len(self.anchors):
            raise ValueError(
                "num_regions (K) must be at least 1, num_proposals (M) at least K, and there must be M anchors: got K = "
                f"{self.num_regions}, M = {self.num_proposals} and {len(self.anchors)} anchors."
            )
        self.boxes = truncate(self.anchors)
        self.largest = float(np.max(self.boxes[:, 2:] - self.boxes[:, :2]))
        if self.navigation == "navigator":
            navigator = Navigator(stride, seed=self._seed_of("navigator"), name="navigator", dtype="float32")
        elif self.navigation == "random":
            navigator = RandomScores(len(self.anchors), self.navigation_seed, name="navigator")
        elif self.navigation == "centre":
            navigator = CentreScores(self.anchors, self.image_size, name="navigator")
        else:
            navigator = GridScores(self.anchors, self.image_size, self.num_regions, name="navigator")
        navigator.build(self._map_shapes())
        # Nothing trains it without a teacher, and weight decay alone would still move it.
        navigator.trainable = has_teacher
        self.navigator = navigator

    def _build_fused_classifier(self, views=1):
        """Makes the fused classifier for `views` features a region."""
        seed = self._seed_of("fused_classifier")
        self.fused_classifier = FusedClassifier(self.num_classes, seed, name="fused_classifier", dtype="float32")
        self.fused_classifier.build((None, self.num_regions, views, self.feature_channels), (None, self.feature_channels))

    def _map_shapes(self):
        levels = {int(stride): tensor.shape[-1] for stride, tensor in self.extractor.output.items()}
        if self.navigator_stride not in levels:
            raise ValueError(f"navigator_stride=16 needs a backbone with a map of stride 16; it has {sorted(levels)}.")
        shapes = [(None, self.whole_size // s, self.whole_size // s, levels[s]) for s in sorted({self.navigator_stride, 32})]
        return shapes if self.navigator_stride == 16 else shapes[0]

    def wants_all_regions(self, training, all_regions):
        """Whether a call returns all M regions: in training always; else as asked, or as evaluation on JAX asks."""
        return bool(training) or (self._all_regions if all_regions is None else all_regions)

    def navigate(self, maps, count, training=None):
        """The navigator's scores `[B, A]`, and the numbers `[B, M]` and boxes `[B, M, 4]` of the `count` regions it picks."""
        scores = self.navigator([maps[16], maps[32]] if self.navigator_stride == 16 else maps[32], training=training)
        index = select_regions(scores, self.anchors, count)
        return scores, index, ops.take(ops.convert_to_tensor(self.boxes), index, axis=0)

    def region_features(self, regions, training):
        """Last maps `[B, M, h, w, C]` and pooled features `[B, M, C]` of crops `[B, M, R, R, 3]`, all in one pass."""
        count, size = regions.shape[1:3]
        maps, features = self.features(ops.reshape(regions, (-1, size, size, 3)), training)
        return (
            ops.reshape(maps[32], (-1, count, *maps[32].shape[1:])),
            ops.reshape(features, (-1, count, self.feature_channels)),
        )

    def cut(self, images, boxes):
        """The crops `[B, M, R, R, 3]` of `boxes [B, M, 4]` from normalised images."""
        return crop_regions(images, boxes, self.region_size, self.antialias, self.largest, self.fill)

    def outputs(self, whole_logits, fused_logits, region_features, scores, index, boxes, all_regions):
        """The decision and what led to it, by name."""
        outputs = {
            "fused_logits": fused_logits,
            "whole_logits": whole_logits,
            "region_scores": ops.take_along_axis(scores, index, axis=-1),
            "region_boxes": boxes,
        }
        region_logits = None
        if self.teacher and (all_regions or self.decision == "mean"):
            region_logits = self.teacher(region_features)
        if self.decision == "mean":
            logits = [whole_logits[:, None], fused_logits[:, None]]
            if self.teacher:
                logits.append(region_logits[:, : self.num_regions])
            outputs["probabilities"] = ops.mean(ops.softmax(ops.concatenate(logits, axis=1)), axis=1)
        else:
            outputs["probabilities"] = ops.softmax(fused_logits)
        if all_regions:
            outputs |= {"region_index": index, "scores": scores}
        if all_regions and self.teacher:
            outputs["region_logits"] = region_logits
        return outputs

    def losses_by_name(self, labels, outputs, sample_weight):
        """Whole, region, fused and ranking loss (arXiv:1809.00287, equation 5), as far as there is something to train."""
        losses = {
            "whole": self.mean_cross_entropy(labels, outputs["whole_logits"], sample_weight),
            "fused": self.mean_cross_entropy(labels, outputs["fused_logits"], sample_weight),
        }
        if "region" in self.loss_names:
            logits = outputs["region_logits"]
            losses["region"] = self.mean_cross_entropy(labels, logits, sample_weight)
        if "ranking" in self.loss_names:
            repeated = ops.broadcast_to(labels[:, None], ops.shape(logits)[:2])
            losses["ranking"] = ranking_loss(outputs["region_scores"], cross_entropy(repeated, logits), sample_weight)
        return losses

    def _expected_size(self):
        return self.image_size

    def near_ties(self, images, tolerance=1e-5):
        """Whether two scores that compete for a pick lie within `tolerance`.

        Args:
            images: float RGB `[B, S, S, 3]`, 0..255.
            tolerance: float, in units of the scores and of the augmentation maps.

        Returns:
            bool `[B]`.
        """
        return self._near_ties(self(images, training=False, all_regions=True), tolerance)

    def _near_ties(self, outputs, tolerance):
        scores, index = (ops.convert_to_numpy(outputs[name]) for name in ("scores", "region_index"))
        return np.array([self._close_picks(*row, tolerance) for row in zip(scores, index, strict=True)])

    def _close_picks(self, scores, index, tolerance):
        alive = np.ones(len(scores), bool)
        for pick in index[: self.num_regions]:
            rivals = np.sort(scores[alive])[-2:]
            if len(rivals) == 2 and rivals[1] - rivals[0] < tolerance:
                return True
            alive &= ~ops.convert_to_numpy(overlaps(self.boxes, self.boxes[pick]))
        return False

    def get_config(self):
        return super().get_config() | {
            "whole_size": self.whole_size,
            "region_size": self.region_size,
            "num_proposals": self.num_proposals,
            "num_regions": self.num_regions,
            "navigator_stride": self.navigator_stride,
            "decision": self.decision,
            "antialias": self.antialias,
            "navigation": self.navigation,
            "teacher": self.teacher is not None,
            "navigation_seed": self.navigation_seed,
            "fill": self.fill,
        }

    @classmethod
    def from_config(cls, config):
        # Files of versions without a fill were trained with 0.
        return super().from_config({"fill": 0.0} | config)
