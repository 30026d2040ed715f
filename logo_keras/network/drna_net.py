"""DRNA-Net: NTS-Net whose regions are cropped and dropped again along their own feature maps."""

import keras
import numpy as np
from keras import ops

from logo_keras.errors import UserError
from logo_keras.network.augmentation import Augmentation, enlarge
from logo_keras.network.nts_net import NTSNet

_VIEWS = ("region", "crop", "drop")


@keras.saving.register_keras_serializable("logo_keras")
class DRNANet(NTSNet):
    """DRNA-Net (Wang et al. 2020, arXiv:1911.07924).

    The defaults are what was measured best for small sets; `**lk.PAPER["DRNANet"]` gives the paper's settings.

    Args:
        num_proposals: int M, regions that the teacher judges.
        views: what the fused classifier sees of each region: any of `"region"`, `"crop"`, `"drop"`, in this order.
            `("region",)` alone is NTS-Net.
        auxiliary_views: views that only the augmented classifier sees, in training: the authors' code has
            `views=("region",), auxiliary_views=("crop", "drop")`.
        crop_threshold: float in (0, 1), theta_c: the crop keeps what lies above it.
        drop_threshold: float in (0, 1), theta_d: the drop hides what lies above it, with `fill`.
        **kwargs: the arguments of `lk.NTSNet` and those that all models share.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255.
        all_regions: bool, return everything; training and evaluation always do.
        embedding: bool, as in NTSNet.

    Returns:
        What NTSNet returns. With `all_regions` also, of the K fused regions, `augmented_logits [B, K, V, N]` (V views other
        than the region, those of `views` first), `crop_boxes [B, K, 4]` px and `augmentation_maps [B, K, h, w]`; none of
        them where there are no such views.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    def __init__(
        self,
        *,
        num_proposals=4,
        views=("crop", "drop"),
        auxiliary_views=(),
        crop_threshold=0.5,
        drop_threshold=0.5,
        **kwargs,
    ):
        # First, since the heads depend on them.
        self.views = _checked("views", views)
        self.auxiliary_views = _checked("auxiliary_views", auxiliary_views)
        if not self.views:
            raise UserError("views must name at least one of region, crop and drop.")
        if "region" in self.auxiliary_views or set(self.views) & set(self.auxiliary_views):
            raise UserError(
                "auxiliary_views may name crop and drop where views does not, got views = "
                f"{self.views} and auxiliary_views = {self.auxiliary_views}."
            )
        self.crop_threshold = crop_threshold
        self.drop_threshold = drop_threshold
        super().__init__(num_proposals=num_proposals, **kwargs)

    def _make_heads(self):
        super()._make_heads()
        thresholds = self.crop_threshold, self.drop_threshold
        self.augmentation = Augmentation(
            self.region_size, *thresholds, self.antialias, self.largest, self.fill, name="augmentation"
        )
        if self.augmented_views(everything=True):
            self.loss_names = (*self.loss_names, "augmented")
            self.augmented_classifier = self._dense("augmented_classifier")

    def augmented_views(self, everything):
        """The names of the V views other than the region itself; those that nothing but training needs with `everything`."""
        return tuple(view for view in self.views if view != "region") + (self.auxiliary_views if everything else ())

    def call(self, images, training=None, all_regions=None, embedding=False):
        everything = self.gives_everything(training, all_regions)
        # Look: at the whole image; I(R) of every anchor; M proposals in training, K at inference.
        images, whole, proposals = self.look(images, training, everything)
        # Look closer: at these regions, and once more at K of them, cropped and dropped.
        regions = self.see(self.cut(images, proposals.boxes), "region", training)
        views = self.augment(images, proposals, regions, everything)
        looked = self.see_views(views, regions, training)
        # Decide: the teacher's C(R), the fused classifier, the decision.
        fused = ops.stack([looked[view] for view in self.views], axis=2)
        outputs = self.decide(whole, proposals, regions, fused, everything, embedding)
        return outputs | self.judge(views, looked) if everything else outputs

    def augment(self, images, proposals, regions, everything):
        """Region crop and region drop.

        Returns:
            What Augmentation gives of the first K regions, its views being those that are needed; {} where none are.
        """
        names = self.augmented_views(everything)
        if not names:
            return {}
        fused = slice(None, self.num_regions)
        boxes, maps, crops = proposals.boxes[:, fused], regions.maps[32][:, fused], regions.images[:, fused]
        augmented = self.augmentation(images, boxes, maps, crops)
        return {name: augmented[name] for name in (*names, "maps", "crop_boxes")}

    def see_views(self, views, regions, training):
        """Sees all views in one pass; a dict from the name of a view, the region itself among them, to `[B, K, C]`."""
        looked = {"region": regions.feature[:, : self.num_regions]}
        names = [name for name in views if name in _VIEWS]
        if names:
            seen = self.see(ops.stack([views[name] for name in names], axis=2), "view", training)
            looked |= {name: seen.feature[:, :, place] for place, name in enumerate(names)}
        return looked

    def judge(self, views, looked):
        """What the augmented classifier, which only training needs, says of the views, and where they were cut."""
        if not views:
            return {}
        features = ops.stack([looked[name] for name in self.augmented_views(everything=True)], axis=2)
        return {
            "augmented_logits": self.augmented_classifier(features),
            "augmentation_maps": views["maps"],
            "crop_boxes": views["crop_boxes"],
        }

    def _cut_out(self, images, outputs):
        """Also the crops and drops."""
        pictures, names = super()._cut_out(images, outputs), self.augmented_views(everything=True)
        if not names:
            return pictures
        boxes, regions = (value[:, : self.num_regions] for value in (outputs["region_boxes"], pictures["regions"]))
        views = self.augmentation.views(images, boxes, outputs["augmentation_maps"], regions)
        return pictures | {name: views[name] for name in names}

    def _near_ties(self, outputs, tolerance):
        """Also whether a value of an enlarged map lies within `tolerance` of its threshold."""
        ties = super()._near_ties(outputs, tolerance)
        for view, threshold in (("crop", self.crop_threshold), ("drop", self.drop_threshold)):
            if view in self.views:
                enlarged = ops.convert_to_numpy(enlarge(outputs["augmentation_maps"], self.region_size))
                ties |= (np.abs(enlarged - threshold) < tolerance).any(axis=(1, 2, 3))
        return ties


def _checked(argument, views):
    views = tuple(views)
    if not set(views) <= set(_VIEWS) or len(set(views)) < len(views):
        raise UserError(f"{argument} may name each of {', '.join(_VIEWS)} once, got {views}.")
    return views
