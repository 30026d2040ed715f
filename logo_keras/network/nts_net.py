"""NTS-Net: a navigator proposes regions, a teacher judges them, a fused classifier decides."""

import keras
import numpy as np
from keras import ops

from logo_keras.arguments import flag, multiple_of_32, one_of, whole
from logo_keras.backbones.backbone import checked_fill
from logo_keras.errors import UserError
from logo_keras.network.anchors import make_anchors, truncate
from logo_keras.network.controls import CONTROLS
from logo_keras.network.decision import DECISIONS
from logo_keras.network.fused_classifier import FusedClassifier
from logo_keras.network.losses import ranking_loss
from logo_keras.network.navigator import Navigator
from logo_keras.network.recognizing_model import RecognizingModel
from logo_keras.network.regions import close_picks, crop_regions, propose
from logo_keras.network.resampling import shrink
from logo_keras.network.teacher import Teacher

# Where None is given for whole_size.
_WHOLE_SIZE = 224


@keras.saving.register_keras_serializable("logo_keras")
class NTSNet(RecognizingModel):
    """NTS-Net (Yang et al. 2018, arXiv:1809.00287), the ancestor of DRNA-Net.

    The defaults are what was measured best for small sets; `**lk.PAPER["NTSNet"]` gives the paper's settings.

    Args:
        image_size: int S, px, a multiple of 32: regions are cut from images of this size.
        whole_size: int, px, a multiple of 32 of at most S: the whole-image pass sees the image shrunk to this size. By
            default 224, or S where S is smaller. The papers have S.
        region_size: int R, px, at least 32: side of the crops.
        num_proposals: int M, regions that the teacher judges.
        num_regions: int K, at most M, regions that are fused.
        navigator_stride: 16, so that small logos contain the centre of an anchor, or 32, as in the papers; see
            `lk.layers.Navigator`.
        decision: `"mean"`, of the probabilities of whole, fused and the first K regions, or `"fused"`, as in the papers.
        antialias: bool, whether regions that shrink are smoothed first.
        navigation: what picks the regions: `"navigator"`, as in the papers, or a control that looks at nothing and so tells
            whether the navigator helps: `"random"` (`lk.layers.RandomScores`), `"centre"` (`lk.layers.CentreScores`),
            `"grid"` (`lk.layers.GridScores`). A control has nothing to train, so that there is no ranking loss; all that is
            behind the scores stays as it is.
        teacher: bool. False goes without: nothing judges the regions, so that there is neither region nor ranking loss, the
            navigator stays as it starts, there are no `region_logits`, and `decision="mean"` is that of whole and fused.
        navigation_seed: int, of `navigation="random"`.
        fill: float or three floats, what lies outside the photo in a region, in the numbers of a normalised image; None
            takes the backbone's (`lk.Backbone`).
        **kwargs: the arguments that all models share: `class_names`, `backbone`, `weights`, ...; see `LogoModel`.

    Call arguments:
        images: float RGB `[B, S, S, 3]`, 0..255.
        all_regions: bool, return all M regions and their logits too; training and evaluation always do.
        embedding: bool, return `embedding [B, D]` too: the feature before the fused classifier, of length 1.

    Returns:
        dict of `probabilities [B, N]` (the decision), `fused_logits [B, N]`, `whole_logits [B, N]`, `region_scores [B, K]`
        and `region_boxes [B, K, 4]`, `(y0, x0, y1, x1)` px of the S px image. With `all_regions`: `region_scores` and
        `region_boxes` of M rows, `region_logits [B, M, N]`, `region_index [B, M]` (anchor numbers) and `scores [B, A]`.

    Raises:
        ValueError: for bad values, each saying what was expected.
    """

    export_outputs = ("probabilities", "region_boxes", "region_scores")
    loss_names = ("whole", "region", "fused", "ranking")
    metrics_by_name = {
        "top1": "probabilities",
        "top5": "probabilities",
        "fused_top1": "fused_logits",
        "whole_top1": "whole_logits",
    }
    # What the fused classifier sees of each region; an argument of DRNANet.
    views = ("region",)

    def __init__(
        self,
        *,
        image_size=448,
        whole_size=None,
        region_size=112,
        num_proposals=3,
        num_regions=2,
        navigator_stride=16,
        decision="mean",
        antialias=True,
        navigation="navigator",
        teacher=True,
        navigation_seed=0,
        fill=None,
        **kwargs,
    ):
        super().__init__(image_size=image_size, **kwargs)
        if self.backbone_value.feature is not None:
            raise UserError(
                f"the backbone {self.backbone_value.model.name!r} has fully connected layers for whole images: a region network "
                'needs the one that is made with head="pool".'
            )
        self.whole_size = multiple_of_32("whole_size", min(_WHOLE_SIZE, self.image_size) if whole_size is None else whole_size)
        if self.whole_size > self.image_size:
            raise UserError(f"whole_size must be at most image_size = {image_size} px, got {whole_size}.")
        self.region_size = whole("region_size", region_size, 32)
        self.num_proposals = whole("num_proposals", num_proposals, 1)
        self.num_regions = whole("num_regions", num_regions, 1)
        self.decision = one_of("decision", decision, DECISIONS)
        self.antialias = flag("antialias", antialias)
        self.navigation = one_of("navigation", navigation, ("navigator", *CONTROLS))
        self.navigation_seed = whole("navigation_seed", navigation_seed, 0)
        self.fill = self.backbone_value.fill if fill is None else checked_fill(fill)
        self.navigator_stride = one_of("navigator_stride", navigator_stride, (16, 32))
        # `teacher` is the layer; None where there is none.
        self.teacher = None
        self._make_navigator(trained=flag("teacher", teacher))
        untrained = set() if navigation == "navigator" else {"ranking"}
        if teacher:
            self.teacher = Teacher(self.num_classes, self._seed_of("teacher"), name="teacher", dtype="float32")
            self.teacher.build((None, self.num_proposals, self.feature_channels))
        else:
            untrained = {"region", "ranking"}
        self.loss_names = tuple(name for name in self.loss_names if name not in untrained)
        self._make_heads()
        self._finish()

    def _make_navigator(self, trained):
        """Makes the anchors, and what scores them."""
        stride = self.navigator_stride
        self.anchors = make_anchors(self.image_size, strides=[level * stride for level in (1, 2, 4)], whole_size=self.whole_size)
        if not self.num_regions <= self.num_proposals <= len(self.anchors):
            raise UserError(
                "num_regions (K) must be at least 1, num_proposals (M) at least K, and there must be M anchors: got K = "
                f"{self.num_regions}, M = {self.num_proposals} and {len(self.anchors)} anchors."
            )
        self.boxes = truncate(self.anchors)
        self.largest = float(np.max(self.boxes[:, 2:] - self.boxes[:, :2]))
        if self.navigation == "navigator":
            self.navigator = Navigator(stride, seed=self._seed_of("navigator"), name="navigator", dtype="float32")
        else:
            self.navigator = CONTROLS[self.navigation](self)
        channels = {int(level): tensor.shape[-1] for level, tensor in self.extractor.output.items()}
        if stride not in channels:
            raise UserError(f"navigator_stride=16 needs a backbone with a map of stride 16; it has {sorted(channels)}.")
        shapes = {level: (None, self.whole_size // level, self.whole_size // level, size) for level, size in channels.items()}
        self.navigator.build(self._read(shapes))
        # Nothing trains it without a teacher, and weight decay alone would still move it.
        self.navigator.trainable = trained

    def _read(self, maps):
        """What the navigator reads of all maps by stride: that of stride 32, or those of stride 16 and 32."""
        return maps[32] if self.navigator_stride == 32 else [maps[16], maps[32]]

    def _make_heads(self):
        """Makes what follows the regions."""
        seed = self._seed_of("fused_classifier")
        self.fused_classifier = FusedClassifier(self.num_classes, seed, name="fused_classifier", dtype="float32")
        features = (None, self.num_regions, len(self.views), self.feature_channels)
        self.fused_classifier.build(features, (None, self.feature_channels))

    def call(self, images, training=None, all_regions=None, embedding=False):
        everything = self.gives_everything(training, all_regions)
        images, whole, proposals = self.look(images, training, everything)
        regions = self.see(self.cut(images, proposals.boxes), "region", training)
        return self.decide(whole, proposals, regions, regions.feature[:, : self.num_regions], everything, embedding)

    def look(self, images, training=None, everything=False):
        """The first half: sees the whole image and proposes the regions that deserve a closer look.

        Args:
            images: float RGB `[B, S, S, 3]`, 0..255.
            training: bool.
            everything: bool, propose M regions, not K.

        Returns:
            The normalised images, Seen of the whole image, Proposals.
        """
        images = self.normalized(images)
        whole = self.see(shrink(images, self.whole_size), "whole", training)
        scores = self.navigator(self._read(whole.maps), training=training)
        return images, whole, propose(scores, self.anchors, self.num_proposals if everything else self.num_regions)

    def cut(self, images, boxes):
        """The crops `[B, M, R, R, 3]` of `boxes [B, M, 4]` from normalised images."""
        return crop_regions(images, boxes, self.region_size, self.antialias, self.largest, self.fill)

    def decide(self, whole, proposals, regions, looked, everything=False, embedding=False):
        """The second half's end: every head's logits, and the decision.

        Args:
            whole: Seen of the whole image.
            proposals: Proposals.
            regions: Seen of the proposed regions.
            looked: float `[B, K, C]` or `[B, K, V, C]`, what is fused with the whole image.
            everything, embedding: bool, what else to return; see the class.

        Returns:
            dict of outputs by name; see the class.
        """
        outputs = {
            "fused_logits": self.fused_classifier(looked, whole.feature),
            "whole_logits": self.whole_classifier(whole.feature),
            "region_scores": ops.take_along_axis(proposals.scores, proposals.index, axis=-1),
            "region_boxes": proposals.boxes,
        }
        judged = None
        # At inference the teacher judges where its judgement counts.
        if self.teacher and (everything or self.decision == "mean"):
            judged = self.teacher(regions.feature)
        few = None if judged is None else judged[:, : self.num_regions]
        decided = DECISIONS[self.decision]
        outputs["probabilities"] = decided(outputs["whole_logits"], outputs["fused_logits"], few, self.temperature)
        if everything:
            outputs |= {"region_index": proposals.index, "scores": proposals.scores}
        if everything and self.teacher:
            outputs["region_logits"] = judged
        return outputs | self.embedded(self.fused_classifier.joined(looked, whole.feature)) if embedding else outputs

    def inspect(self, images):
        """Everything that the network makes of images on its way to the decision, by name.

        Args:
            images: float RGB `[B, S, S, 3]`, 0..255.

        Returns:
            dict of arrays: what a call with `all_regions` gives, and as pictures, uint8 RGB, `regions [B, M, R, R, 3]`, the
            crops that the backbone sees. Of DRNANet also `crop` and `drop [B, K, R, R, 3]`, as far as it looks at them.

        Raises:
            ValueError: if the images are no such, or the backbone's preprocessing cannot be undone.
        """
        outputs = self(images, training=False, all_regions=True)
        pictures = self._cut_out(self.normalized(images), outputs)
        arrays = {name: ops.convert_to_numpy(value) for name, value in outputs.items()}
        return arrays | {name: self.denormalized(value) for name, value in pictures.items()}

    def _cut_out(self, images, outputs):
        """What is cut from normalised images, still normalised, by name; `outputs` are those of a call with `all_regions`."""
        return {"regions": self.cut(images, outputs["region_boxes"])}

    def losses_by_name(self, labels, outputs, sample_weight):
        """Whole, region, fused and ranking loss (arXiv:1809.00287, equation 5), as far as there is something to train."""
        heads = [name for name in self.loss_names if name != "ranking"]
        losses = {name: self.mean_cross_entropy(labels, outputs[f"{name}_logits"], sample_weight) for name in heads}
        if "ranking" in self.loss_names:
            confidences = self.teacher.confidence(outputs["region_logits"], labels, log=True)
            losses["ranking"] = ranking_loss(outputs["region_scores"], confidences, sample_weight)
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
        return close_picks(scores, index[:, : self.num_regions], self.boxes, tolerance)

    def get_config(self):
        return super().get_config() | {"teacher": self.teacher is not None}
