"""DRNA-Net: NTS-Net whose regions are cropped and dropped again along their own feature maps."""

import keras
import numpy as np
from keras import ops

from logo_keras.network.augmentation import Augmentation, enlarge
from logo_keras.network.region_network import RegionNetwork
from logo_keras.network.resampling import shrink

_VIEWS = ("region", "crop", "drop")


@keras.saving.register_keras_serializable("logo_keras")
class DRNANet(RegionNetwork):
    """DRNA-Net (Wang et al. 2020, arXiv:1911.07924).

    Args:
        num_classes: int N; or
        class_names: N different names. `num_classes` alone names them "0", "1", ...
        backbone, ..., weights: the arguments of `lk.NTSNet`, with M = 4 and K = 2 by default.
        preprocessing, navigation, teacher, navigation_seed, fill: likewise; a drop is filled with it too.
        views: what the fused classifier sees of each region: any of `"region"`, `"crop"`, `"drop"`, in this order.
            `("region",)` alone is NTS-Net.
        auxiliary_views: views that only the augmented classifier sees, in training: the authors' code has
            `views=("region",), auxiliary_views=("crop", "drop")`.
        crop_threshold: float in (0, 1), theta_c.
        drop_threshold: float in (0, 1), theta_d.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255.
        all_regions: bool, return everything; training always does.
        embedding: bool, likewise.

    Returns:
        What NTSNet returns. With `all_regions` also, of the K fused regions, `augmented_logits [B, K, V, N]` (V views other
        than the region, those of `views` first), `crop_boxes [B, K, 4]` px and `augmentation_maps [B, K, h, w]`; none of
        them where there are no such views.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    def __init__(
        self,
        num_classes=None,
        class_names=None,
        backbone="efficientnet_lite0",
        image_size=448,
        whole_size=None,
        region_size=224,
        num_proposals=4,
        num_regions=2,
        navigator_stride=32,
        decision="fused",
        dropout=0.5,
        antialias=False,
        batch_norm="batch",
        frozen_blocks=0,
        weights="imagenet",
        views=("crop", "drop"),
        auxiliary_views=(),
        crop_threshold=0.5,
        drop_threshold=0.5,
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
            whole_size,
            region_size,
            num_proposals,
            num_regions,
            navigator_stride,
            decision,
            dropout,
            antialias,
            batch_norm,
            frozen_blocks,
            weights,
            preprocessing,
            navigation,
            teacher,
            navigation_seed,
            fill,
            **kwargs,
        )
        self.views = _checked("views", views)
        self.auxiliary_views = _checked("auxiliary_views", auxiliary_views)
        if not self.views:
            raise ValueError("views must name at least one of region, crop and drop.")
        if "region" in self.auxiliary_views or set(self.views) & set(self.auxiliary_views):
            raise ValueError(
                "auxiliary_views may name crop and drop where views does not, got views = "
                f"{self.views} and auxiliary_views = {self.auxiliary_views}."
            )
        self.crop_threshold = crop_threshold
        self.drop_threshold = drop_threshold
        self.augmentation = Augmentation(
            self.region_size, crop_threshold, drop_threshold, self.antialias, self.largest, self.fill, name="augmentation"
        )
        self._fused_views = tuple(view for view in self.views if view != "region")
        self._build_fused_classifier(len(self.views))
        if self._fused_views or self.auxiliary_views:
            self.loss_names = (*self.loss_names, "augmented")
            self.augmented_classifier = self._dense("augmented_classifier")
        self._finish()

    def call(self, images, training=None, all_regions=None, embedding=False):
        all_regions = self.wants_all_regions(training, all_regions)
        images = self.normalized(images)
        maps, whole_feature = self.features(shrink(images, self.whole_size), training)
        whole_logits = self.whole_classifier(whole_feature)
        scores, index, boxes = self.navigate(maps, self.num_proposals if all_regions else self.num_regions, training)
        regions = self.cut(images, boxes)
        region_maps, region_features = self.region_features(regions, training)
        view_names, view_features, insides = self._look_again(images, boxes, region_maps, regions, all_regions, training)
        seen = [
            region_features[:, : self.num_regions] if view == "region" else view_features[:, :, view_names.index(view)]
            for view in self.views
        ]
        fused = ops.stack(seen, axis=2), whole_feature
        fused_logits = self.fused_classifier(*fused)
        outputs = self.outputs(whole_logits, fused_logits, region_features, scores, index, boxes, all_regions)
        if all_regions and view_names:
            outputs |= {"augmented_logits": self.augmented_classifier(view_features), **insides}
        return outputs | self.embedded(self.fused_classifier.joined(*fused)) if embedding else outputs

    def _look_again(self, images, boxes, region_maps, regions, all_regions, training):
        """Crops and drops the K fused regions, and sees all these views in one pass.

        Returns:
            The names of the V views, their features `[B, K, V, C]`, and the augmentation's maps and boxes by name.
        """
        names = self._fused_views + (self.auxiliary_views if all_regions else ())
        if not names:
            return names, None, {}
        count = self.num_regions
        augmented = self.augmentation(images, boxes[:, :count], region_maps[:, :count], regions[:, :count])
        views = ops.stack([augmented[name] for name in names], axis=2)
        _, features = self.region_features(ops.reshape(views, (-1, count * len(names), *views.shape[3:])), training)
        insides = {"augmentation_maps": augmented["maps"], "crop_boxes": augmented["crop_boxes"]}
        return names, ops.reshape(features, (-1, count, len(names), self.feature_channels)), insides

    def losses_by_name(self, labels, outputs, sample_weight):
        """NTS-Net's losses and, of each view other than the region, the augmented loss."""
        losses = super().losses_by_name(labels, outputs, sample_weight)
        if "augmented_logits" in outputs:
            losses["augmented"] = self.mean_cross_entropy(labels, outputs["augmented_logits"], sample_weight)
        return losses

    def _near_ties(self, outputs, tolerance):
        """Also whether a value of an enlarged map lies within `tolerance` of its threshold."""
        ties = super()._near_ties(outputs, tolerance)
        for view, threshold in (("crop", self.crop_threshold), ("drop", self.drop_threshold)):
            if view in self.views:
                enlarged = ops.convert_to_numpy(enlarge(outputs["augmentation_maps"], self.region_size))
                ties |= (np.abs(enlarged - threshold) < tolerance).any(axis=(1, 2, 3))
        return ties

    def get_config(self):
        return super().get_config() | {
            "views": list(self.views),
            "auxiliary_views": list(self.auxiliary_views),
            "crop_threshold": self.crop_threshold,
            "drop_threshold": self.drop_threshold,
        }


def _checked(argument, views):
    views = tuple(views)
    if not set(views) <= set(_VIEWS) or len(set(views)) < len(views):
        raise ValueError(f"{argument} may name each of {', '.join(_VIEWS)} once, got {views}.")
    return views
