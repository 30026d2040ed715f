"""How the logits of a region network become one answer; `decision=` names one of these functions."""

from keras import ops


def tempered(logits, temperature=1.0):
    """Probabilities of logits, as a calibration makes them less or more certain; their order stays.

    Args:
        logits: float `[..., N]`.
        temperature: float above 0 by which the logarithms of the probabilities are divided. 1 changes nothing.

    Returns:
        float `[..., N]`, probabilities.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    # Not logits / temperature: an exporter may join that with the layer before it, whose numbers have fewer bits then.
    return ops.softmax(logits if temperature == 1 else ops.log_softmax(logits) / temperature)


def fused(whole_logits, fused_logits, region_logits=None, temperature=1.0):
    """The papers' decision: the fused classifier's probabilities.

    Args:
        whole_logits, fused_logits: float `[B, N]`.
        region_logits: float `[B, K, N]`, the teacher's, or None without a teacher.
        temperature: float, as for `tempered`.

    Returns:
        float `[B, N]`, probabilities.

    Source:
        Yang et al. 2018, arXiv:1809.00287, section 3.4.
    """
    return tempered(fused_logits, temperature)


def mean(whole_logits, fused_logits, region_logits=None, temperature=1.0):
    """The mean of the probabilities of the whole image, the fused classifier and the K regions; see `fused`."""
    heads = [whole_logits[:, None], fused_logits[:, None]]
    if region_logits is not None:
        heads.append(region_logits)
    heads = ops.concatenate(heads, axis=1)
    if temperature == 1:
        return ops.mean(ops.softmax(heads), axis=1)
    # The logarithm of the mean, but for a constant. Not of the probabilities: some are 0 in float32, and would tie.
    logs = ops.log_softmax(heads)
    highest = ops.max(logs, axis=1)
    return ops.softmax((highest + ops.log(ops.sum(ops.exp(logs - highest[:, None]), axis=1))) / temperature)


DECISIONS = {"fused": fused, "mean": mean}
