"""Controls of the navigator: scores that look at nothing, to tell whether navigation helps."""

import math

import keras
import numpy as np
from keras import ops

from logo_keras.network.anchors import truncate
from logo_keras.network.regions import overlaps, shared_areas


class _Ranked(keras.layers.Layer):
    """Scores anchors by an order that is the same for every image: 0 for the first, -1 for the second, and so on.

    Ranks instead of distances, so that no two anchors have equal scores.
    """

    def __init__(self, order, **kwargs):
        super().__init__(**({"dtype": "float32"} | kwargs))
        self._scores = (0 - np.argsort(order)).astype(np.float32)

    def build(self, input_shape):
        """Does nothing: there are no variables."""

    def call(self, maps, training=None):
        batch = ops.shape(keras.tree.flatten(maps)[0])[0]
        return ops.broadcast_to(ops.convert_to_tensor(self._scores), (batch, len(self._scores)))


@keras.saving.register_keras_serializable("logo_keras")
class RandomScores(_Ranked):
    """Scores anchors at random: new noise in every training step, and a fixed order otherwise.

    The order is drawn from the seed, the same for every image, so that results repeat and files export.

    Args:
        num_anchors: int A.
        seed: int, of the order and of the noise.

    Call arguments:
        maps: what the navigator takes; only the number of images B is read.

    Returns:
        float `[B, A]`; in training in 0..1, otherwise 0, -1, ... by rank.
    """

    def __init__(self, num_anchors, seed=0, **kwargs):
        super().__init__(np.random.RandomState(seed).permutation(num_anchors), **kwargs)
        self.num_anchors = num_anchors
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, maps, training=None):
        scores = super().call(maps)
        return keras.random.uniform(ops.shape(scores), dtype="float32", seed=self.seed_generator) if training else scores


@keras.saving.register_keras_serializable("logo_keras")
class CentreScores(_Ranked):
    """Scores anchors by how near their centre lies to that of the image.

    Of equally near ones the larger comes first, of equally large ones that whose aspect ratio is nearest to 1.

    Args:
        anchors: float `[A, 4]`, `(y0, x0, y1, x1)` px.
        image_size: int S, px.

    Call arguments:
        maps: what the navigator takes; only the number of images B is read.

    Returns:
        float `[B, A]`: 0, -1, ... by rank.
    """

    def __init__(self, anchors, image_size, **kwargs):
        anchors = np.asarray(anchors, np.float64)
        super().__init__(_by_distance(anchors, np.array([[image_size / 2, image_size / 2]])), **kwargs)
        self.anchors = anchors
        self.image_size = image_size

    def get_config(self):
        return super().get_config() | {"anchors": self.anchors.tolist(), "image_size": self.image_size}


@keras.saving.register_keras_serializable("logo_keras")
class GridScores(_Ranked):
    """Scores first, in this order, the anchors that cover the cells of a grid best.

    The grid has `ceil(sqrt(K))` rows and as many columns as K cells need, and the image's size; row by row, the first K
    cells count. A cell takes the anchor with which its intersection over union is largest, of those that overlap none taken
    before as far as suppression would mind, so that suppression keeps all K. The others follow by distance from the
    nearest centre of a cell, in the order of `CentreScores`.

    Args:
        anchors: float `[A, 4]`, `(y0, x0, y1, x1)` px.
        image_size: int S, px.
        num_regions: int K.

    Call arguments:
        maps: what the navigator takes; only the number of images B is read.

    Returns:
        float `[B, A]`: 0, -1, ... by rank.
    """

    def __init__(self, anchors, image_size, num_regions, **kwargs):
        anchors = np.asarray(anchors, np.float64)
        cells = _cells(image_size, num_regions)
        first = _covering(truncate(anchors), cells)
        rest = _by_distance(anchors, (cells[:, :2] + cells[:, 2:]) / 2)
        super().__init__(np.concatenate([first, rest[~np.isin(rest, first)]]), **kwargs)
        self.anchors = anchors
        self.image_size = image_size
        self.num_regions = num_regions

    def get_config(self):
        config = {"anchors": self.anchors.tolist(), "image_size": self.image_size, "num_regions": self.num_regions}
        return super().get_config() | config


# What `navigation=` may name beside the navigator, and how it is made for a network.
CONTROLS = {
    "random": lambda network: RandomScores(len(network.anchors), network.navigation_seed, name="navigator"),
    "centre": lambda network: CentreScores(network.anchors, network.image_size, name="navigator"),
    "grid": lambda network: GridScores(network.anchors, network.image_size, network.num_regions, name="navigator"),
}


def _by_distance(anchors, centres):
    """The numbers of anchors by distance from the nearest of `centres [n, 2]`, larger ones first, squares first."""
    sides = anchors[:, 2:] - anchors[:, :2]
    away = (anchors[:, None, :2] + anchors[:, None, 2:]) / 2 - centres
    # Rounded, because anchors are float32: equal distances and areas differ in the last digit. Logarithms make that the
    # same share of small and large ones.
    elongation, size = np.abs(np.log(sides[:, 1] / sides[:, 0])), np.log(sides).sum(axis=1)
    return np.lexsort([key.round(3) for key in (elongation, -size, np.hypot(*away.T).min(axis=0))])


def _cells(size, count):
    """The first `count` cells of the grid, row by row: `[count, 4]` px."""
    rows = math.ceil(math.sqrt(count))
    columns = math.ceil(count / rows)
    y, x = (axis.ravel()[:count] for axis in np.indices((rows, columns)))
    return np.stack([y / rows, x / columns, (y + 1) / rows, (x + 1) / columns], axis=1) * size


def _covering(boxes, cells):
    """The number of one of the `boxes` for each of the `cells`, all different."""
    common, union = map(ops.convert_to_numpy, shared_areas(boxes[:, None], cells.astype(np.float32)))
    free, taken = np.ones(len(boxes), bool), []
    for shares in (common / union).T:
        unused = ~np.isin(np.arange(len(boxes)), taken)
        # Where images are so small that every anchor overlaps one that is taken, any other does.
        candidates = unused & free if (unused & free).any() else unused
        best = int(np.argmax(np.where(candidates, shares, -1.0)))
        taken.append(best)
        free &= ~ops.convert_to_numpy(overlaps(boxes, boxes[best]))
    return np.array(taken)
