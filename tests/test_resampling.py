import numpy as np
import pytest
from keras import ops

from logo_keras.image.triangle import widening
from logo_keras.network.resampling import shrink


@pytest.mark.parametrize("sizes", [(448, 224), (672, 224), (448, 112), (160, 32), (320, 192), (96, 64)])
def test_shrink_equals_keras_antialiased_resize(sizes):
    images = np.random.RandomState(0).standard_normal((2, sizes[0], sizes[0], 3)).astype(np.float32)
    wanted = ops.image.resize(images, (sizes[1], sizes[1]), antialias=True)
    np.testing.assert_allclose(shrink(images, sizes[1]), wanted, atol=1e-4)


def test_the_same_size_is_left_alone():
    images = np.ones((1, 32, 32, 3), np.float32)
    assert shrink(images, 32) is images


@pytest.mark.parametrize("shape", [(1, 32, 64, 3), (1, 16, 16, 3)])
def test_images_that_cannot_shrink_are_refused(shape):
    with pytest.raises(ValueError, match="smaller"):
        shrink(np.zeros(shape, np.float32), 32)


@pytest.mark.parametrize("size", [64, 48, 50, 128])
def test_what_was_widened_shrinks_to_the_same_px_again(size):
    images = np.random.uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    weights = widening(size, 128)
    wide = np.einsum("yr,xc,brcd->byxd", weights, weights, images)
    np.testing.assert_allclose(shrink(wide, size), images, atol=1e-2)
