"""What NTS-Net and DRNA-Net share: navigation, the regions' features, the decision."""

import numpy as np
from keras import ops

from logo_keras.anchors import make_anchors, truncate
from logo_keras.layers import FusedClassifier, Navigator, Teacher
from logo_keras.losses import cross_entropy, ranking_loss
from logo_keras.models.arguments import at_least_32, multiple_of_32
from logo_keras.models.logo_model import LogoModel
from logo_keras.regions import select_regions


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
        **kwargs,
    ):
        super().__init__(num_classes, class_names, backbone, image_size, weights, dropout, batch_norm, frozen_blocks, **kwargs)
        self.whole_size = self.image_size if whole_size is None else multiple_of_32("whole_size", whole_size)
        if self.whole_size > self.image_size:
            raise ValueError(f"whole_size must be at most image_size = {image_size} px, got {whole_size}.")
        self.region_size = at_least_32("region_size", region_size)
        if decision not in ("fused", "mean"):
            raise ValueError(f'decision must be "fused" or "mean", got {decision!r}.')
        self.navigator = Navigator(navigator_stride, name="navigator")
        self.anchors = make_anchors(
            self.image_size,
            strides=[level * navigator_stride for level in (1, 2, 4)],
            whole_size=self.whole_size,
        )
        if not 1 <= num_regions <= num_proposals <= len(self.anchors):
            raise ValueError(
                "num_regions (K) must be at least 1, num_proposals (M) at least K, and there must be M anchors: got K = "
                f"{num_regions}, M = {num_proposals} and {len(self.anchors)} anchors."
            )
        self.num_proposals = num_proposals
        self.num_regions = num_regions
        self.navigator_stride = navigator_stride
        self.decision = decision
        self.antialias = antialias
        self.boxes = truncate(self.anchors)
        self.largest = float(np.max(self.boxes[:, 2:] - self.boxes[:, :2]))
        self.navigator.build(self._map_shapes())
        self.teacher = Teacher(self.num_classes, name="teacher")
        self.teacher.build((None, num_proposals, self.feature_channels))

    def _build_fused_classifier(self, views=1):
        """Makes the fused classifier for `views` features a region."""
        self.fused_classifier = FusedClassifier(self.num_classes, name="fused_classifier")
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

    def navigate(self, maps, count):
        """The navigator's scores `[B, A]`, and the numbers `[B, M]` and boxes `[B, M, 4]` of the `count` regions it picks."""
        scores = self.navigator([maps[16], maps[32]] if self.navigator_stride == 16 else maps[32])
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

    def outputs(self, whole_logits, fused_logits, region_features, scores, index, boxes, all_regions):
        """The decision and what led to it, by name."""
        outputs = {
            "fused_logits": fused_logits,
            "whole_logits": whole_logits,
            "region_scores": ops.take_along_axis(scores, index, axis=-1),
            "region_boxes": boxes,
        }
        if all_regions or self.decision == "mean":
            region_logits = self.teacher(region_features)
        if self.decision == "mean":
            logits = [whole_logits[:, None], fused_logits[:, None], region_logits[:, : self.num_regions]]
            outputs["probabilities"] = ops.mean(ops.softmax(ops.concatenate(logits, axis=1)), axis=1)
        else:
            outputs["probabilities"] = ops.softmax(fused_logits)
        if all_regions:
            outputs |= {"region_logits": region_logits, "region_index": index, "scores": scores}
        return outputs

    def losses_by_name(self, labels, outputs, sample_weight):
        """Whole, region, fused and ranking loss (arXiv:1809.00287, equation 5)."""
        logits = outputs["region_logits"]
        repeated = ops.broadcast_to(labels[:, None], ops.shape(logits)[:2])
        return {
            "whole": self.mean_cross_entropy(labels, outputs["whole_logits"], sample_weight),
            "region": self.mean_cross_entropy(labels, logits, sample_weight),
            "fused": self.mean_cross_entropy(labels, outputs["fused_logits"], sample_weight),
            "ranking": ranking_loss(outputs["region_scores"], cross_entropy(repeated, logits), sample_weight),
        }

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
            alive &= ~_overlap(self.boxes, self.boxes[pick])
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
        }


def _overlap(boxes, box, threshold=0.25):
    """Whether the IoU of numpy `boxes [A, 4]` with `box [4]` reaches the threshold: bool `[A]`."""
    sides = np.maximum(0, np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]))
    common = sides.prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return common >= threshold * (areas + (box[2:] - box[:2]).prod() - common)
