"""The settings of Keras that this package relies on, whatever the user has set for the rest of the program."""

import contextlib
import functools

import keras

from logo_keras.errors import UserError

# The policies that a model can have: its weights are float32 in all of them.
POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


@contextlib.contextmanager
def own_settings(policy=None):
    """Inside the block Keras builds layers for images `[B, H, W, C]` and takes float32 for floats.

    A `keras.json` or `keras.config.set_...` may ask for `channels_first` or another `floatx`. Photographs come channels
    last, and 16 bits hold neither the px of a box nor the sum of a metric. Layers keep the settings they were built with.

    Args:
        policy: the dtype policy of new layers; None takes `model_policy()`.
    """
    before = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(model_policy() if policy is None else policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before[0])
        keras.config.set_floatx(before[1])
        keras.config.set_image_data_format(before[2])


def with_own_settings(function):
    """The function, run with `own_settings`."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        with own_settings():
            return function(*args, **kwargs)

    return run


def model_policy(dtype=None):
    """The dtype policy of a model.

    Args:
        dtype: a policy or its name, or None for that of the process. Of the process only a mixed policy counts: a
            `floatx` or a policy of float16, bfloat16 or float64 gives a model in float32.

    Returns:
        keras.DTypePolicy, one of `POLICIES`.

    Raises:
        ValueError: if another policy was asked for by `dtype`.
    """
    if dtype is None:
        policy = keras.config.dtype_policy()
        return keras.dtype_policies.get(policy if policy.name in POLICIES else "float32")
    policy = keras.dtype_policies.get(dtype)
    if policy.name not in POLICIES:
        raise UserError(
            f"dtype must be one of {', '.join(POLICIES)}, got {policy.name!r}: weights, boxes and probabilities are float32."
        )
    return policy
