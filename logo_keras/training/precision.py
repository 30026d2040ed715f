"""What the backbone of a model computes in."""

import keras


def compute_in(model, precision):
    """Lets the layers of a model's backbone compute in a precision.

    The backbone does nearly all of the work. Heads, navigator, losses and probabilities stay in float32, where 16 bits would
    round scores that compete and the tails of a softmax. So do all weights. A saved model does not keep the
    precision of a backbone that it names: it opens in float32.

    Args:
        model: a model of this package.
        precision: str, "float32", "mixed_float16" or "mixed_bfloat16".
    """
    policy = keras.dtype_policies.get(precision)
    for layer in model.extractor._flatten_layers(include_self=False):
        layer.dtype_policy = policy


def scaled(optimizer, precision):
    """The optimizer; for "mixed_float16" wrapped so that losses are scaled up, where gradients would vanish else.

    Args:
        optimizer: a Keras optimizer.
        precision: str.
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer
