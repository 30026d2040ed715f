"""UserError: a ValueError that stays what it is on its way through TensorFlow."""

import pytest

from logo_keras.errors import UserError

tf = pytest.importorskip("tensorflow")


def test_an_error_raised_while_a_graph_is_traced_keeps_its_class():
    def refuse(image):
        if image.shape[0] == 2:
            raise UserError("the image is too small.")
        return image

    with pytest.raises(UserError, match="too small"):
        tf.function(refuse)(tf.zeros(2))


def test_a_run_that_diverged_is_what_a_user_can_mend():
    from logo_keras.network.divergence import Diverged

    # FloatingPointError: what it was before.
    assert issubclass(Diverged, UserError) and issubclass(Diverged, FloatingPointError)


def test_code_that_expects_a_value_error_catches_it():
    assert issubclass(UserError, ValueError)
