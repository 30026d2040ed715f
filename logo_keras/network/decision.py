"""How the logits of a region network become one answer; `decision=` names one of these functions."""

from keras import ops


def fused(whole_logits, fused_logits, region_logits=None):
    """The papers' decision: the fused classifier's probabilities.

    Args:
        whole_logits, fused_logits: float `[B, N]`.
        region_logits: float `[B, K, N]`, the teacher's, or None without a teacher.

    Returns:
        float `[B, N]`, probabilities.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.4.
    """
    return ops.softmax(fused_logits)


def mean(whole_logits, fused_logits, region_logits=None):
    """The mean of the probabilities of the whole image, the fused classifier and the K regions; see `fused`."""
    heads = [whole_logits[:, None], fused_logits[:, None]]
    if region_logits is not None:
        heads.append(region_logits)
    return ops.mean(ops.softmax(ops.concatenate(heads, axis=1)), axis=1)


DECISIONS = {"fused": fused, "mean": mean}
