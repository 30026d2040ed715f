"""NTS-Net: a navigator proposes regions, a teacher judges them, a fused classifier decides."""

import keras

from logo_keras.network.region_network import RegionNetwork
from logo_keras.network.resampling import shrink


@keras.saving.register_keras_serializable("logo_keras")
class NTSNet(RegionNetwork):
    """NTS-Net (Yang et al. 2018, arXiv:1809.00287), the ancestor of DRNA-Net.

    Args:
        num_classes: int N; or
        class_names: N different names. `num_classes` alone names them "0", "1", ...
        backbone: a name of `lk.backbones.NAMES`, `"keras/NAME"` or an `lk.Backbone`.
        image_size: int S, px, a multiple of 32: regions are cut from images of this size.
        whole_size: int, px, a multiple of 32 of at most S: the whole-image pass sees the image shrunk to this size.
            S by default, as in the papers.
        region_size: int R, px, at least 32: side of the crops.
        num_proposals: int M, regions that the teacher judges.
        num_regions: int K, at most M, regions that are fused.
        navigator_stride: 32, as in the papers, or 16; see `lk.layers.Navigator`.
        decision: `"fused"`, as in the papers, or `"mean"`: the mean of the probabilities of whole, fused and the first K
            regions.
        dropout: float in [0, 1), on pooled features, in training only.
        antialias: bool, whether regions that shrink are smoothed first.
        batch_norm: `"batch"` uses batch statistics in training, `"frozen"` the running ones.
        frozen_blocks: int, freezes the stem and the first n blocks with their running statistics; 0 freezes nothing.
        weights: `"imagenet"` or None, what the backbone starts from.
        preprocessing: how a photograph becomes an image, one of `lk.preprocessing.PREPROCESSINGS`.
        navigation: what picks the regions: `"navigator"`, as in the papers, or a control that looks at nothing and so tells
            whether the navigator helps: `"random"` (`lk.layers.RandomScores`), `"centre"` (`lk.layers.CentreScores`),
            `"grid"` (`lk.layers.GridScores`). A control has nothing to train, so that there is no ranking loss; all that is
            behind the scores stays as it is.
        teacher: bool. False goes without: nothing judges the regions, so that there is neither region nor ranking loss, the
            navigator stays as it starts, there are no `region_logits`, and `decision="mean"` is that of whole and fused.
        navigation_seed: int, of `navigation="random"`.
        fill: float or three floats, what lies outside the photograph in a region, in the numbers of a normalised image; None
            takes the backbone's (`lk.Backbone`).

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255.
        all_regions: bool, return all M regions and their logits too; training always does.
        embedding: bool, return `embedding [B, D]` too: the feature before the fused classifier, of length 1.

    Returns:
        dict of `probabilities [B, N]` (the decision), `fused_logits [B, N]`, `whole_logits [B, N]`, `region_scores [B, K]`
        and `region_boxes [B, K, 4]`, `(y0, x0, y1, x1)` px of the S px image. With `all_regions`: `region_scores` and
        `region_boxes` of M rows, `region_logits [B, M, N]`, `region_index [B, M]` (anchor numbers) and `scores [B, A]`.

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
        self._build_fused_classifier()
        self._finish()

    def call(self, images, training=None, all_regions=None, embedding=False):
        all_regions = self.wants_all_regions(training, all_regions)
        images = self.normalized(images)
        maps, whole_feature = self.features(shrink(images, self.whole_size), training)
        whole_logits = self.whole_classifier(whole_feature)
        scores, index, boxes = self.navigate(maps, self.num_proposals if all_regions else self.num_regions, training)
        regions = self.cut(images, boxes)
        _, region_features = self.region_features(regions, training)
        fused = region_features[:, : self.num_regions], whole_feature
        fused_logits = self.fused_classifier(*fused)
        outputs = self.outputs(whole_logits, fused_logits, region_features, scores, index, boxes, all_regions)
        return outputs | self.embedded(self.fused_classifier.joined(*fused)) if embedding else outputs
