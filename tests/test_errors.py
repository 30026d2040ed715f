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


def test_code_that_expects_a_value_error_catches_it():
    assert issubclass(UserError, ValueError)
