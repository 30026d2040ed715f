"""The losses that Keras does not have: of DRNA-Net and NTS-Net, and of the detector."""

from keras import ops

from logo_keras.network.regions import shared_areas

# px squared: nothing is divided by less, so that two empty boxes have a gradient.
SMALLEST_AREA = 1e-6


def cross_entropy(labels, logits, label_smoothing=0.0):
    """Cross-entropy of each prediction.

    Args:
        labels: int `[...]`.
        logits: float `[..., N]`.
        label_smoothing: float in [0, 1); this share of the target is spread over all classes.

    Returns:
        float `[...]`, nats.
    """
    log_probabilities = ops.log_softmax(logits, axis=-1)
    picked = ops.take_along_axis(log_probabilities, ops.cast(labels, "int32")[..., None], axis=-1)[..., 0]
    if label_smoothing == 0:
        return -picked
    return -((1 - label_smoothing) * picked + label_smoothing * ops.mean(log_probabilities, axis=-1))


def weighted_mean(values, sample_weight=None):
    """Mean of `values [B]`, each times its weight `[B]` where there are weights."""
    return ops.mean(values if sample_weight is None else values * ops.cast(sample_weight, values.dtype))


def ranking_loss(scores, confidences, sample_weight=None):
    """Makes the navigator's order follow the teacher's.

    For each pair of regions of an image with C(R_i) > C(R_j), a hinge asks that region i scores higher by 1:
    `relu(1 - (I_i - I_j))`.

    Args:
        scores: float `[B, M]`, informativeness I.
        confidences: float `[B, M]`, the teacher's C(R). Only their order counts, so log C(R) serves as well, and the networks
            pass that (`Teacher.confidence(..., log=True)`): below 1e-38 float32 has one C(R) for all. No gradient reaches
            them.
        sample_weight: float `[B]` or None.

    Returns:
        float scalar: the sum over the pairs of an image, averaged over the images.

    Source:
        Yang et al. 2018, arXiv:1809.00287, equation 1; Wang et al. 2020, arXiv:1911.07924, section 3.2.
    """
    better = confidences[:, :, None] > confidences[:, None, :]
    hinge = ops.relu(1 - (scores[:, :, None] - scores[:, None, :]))
    return weighted_mean(ops.sum(ops.where(better, hinge, 0.0), axis=(1, 2)), sample_weight)


def quality_focal_loss(logits, quality):
    """Cross-entropy of a probability with the quality that it should say, less where it is nearly right.

    `|quality - p| ** 2` times the cross-entropy, so that many easy backgrounds do not outweigh a few logos.

    Args:
        logits: float `[...]`.
        quality: float `[...]` in 0..1: the IoU of the box that is proposed with the true one, 0 where there is none. No gradient
            reaches it.

    Returns:
        float `[...]`.

    Source:
        Li et al. 2020, arXiv:2006.04388, equation 4, with beta = 2.
    """
    quality = ops.stop_gradient(quality)
    # log(1 + e^x) - x y is the cross-entropy of sigmoid(x).
    return ops.square(quality - ops.sigmoid(logits)) * (ops.softplus(logits) - logits * quality)


def generalised_iou(boxes, others):
    """Intersection over union, less the share of the hull of both that neither covers: 1 for equal boxes, to -1 far apart.

    Args:
        boxes: float `[..., 4]`, `(y0, x0, y1, x1)` px.
        others: float `[..., 4]`, likewise.

    Returns:
        float `[...]`.

    Source:
        Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 1.
    """
    common, union = shared_areas(boxes, others)
    union = ops.maximum(union, SMALLEST_AREA)
    corners = ops.minimum(boxes[..., :2], others[..., :2]), ops.maximum(boxes[..., 2:], others[..., 2:])
    hull = ops.maximum(ops.prod(corners[1] - corners[0], axis=-1), SMALLEST_AREA)
    return common / union - (hull - union) / hull
