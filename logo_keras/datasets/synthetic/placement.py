"""Where a mark lies in a photo: size, rotation and perspective, as one homography."""

from dataclasses import dataclass, replace

import numpy as np

from logo_keras.extras import cv2

# px between a mark and the border of the photo.
MARGIN = 3


@dataclass(frozen=True)
class Placement:
    """A mark and its place.

    Attributes:
        mask: uint8 `[h, w]`, the mark's opacity as drawn.
        matrix: float64 `[3, 3]`, from shares of the mask's width and height, (x, y, 1), to px of the photo.
        box: float64 `[4]`, `(y0, x0, y1, x1)` px, what the mark's hull covers of the photo.
        paint: uint8 RGB `[h, w, 3]`, the mark's colours multiplied by the opacity; None for a mark of one colour.
    """

    mask: np.ndarray
    matrix: np.ndarray
    box: np.ndarray
    paint: np.ndarray | None = None

    @property
    def size(self):
        """float, px: the longer side of `box`."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    def moved(self, down, right):
        """The mark in another place, maybe outside the photo: Placement. Both arguments are floats, px."""
        shift = np.array([[1, 0, right], [0, 1, down], [0, 0, 1]])
        return replace(self, matrix=shift @ self.matrix, box=self.box + np.array([down, right, down, right]))

    def share_inside(self, height, width):
        """How much of the mark lies inside a photo of `height` and `width` px: float in [0, 1]."""
        # 24 x 24 points tell it to a percent or two, in a hundredth of the time of drawing the mark.
        grid = cv2.resize(self.mask, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
        x, y = np.meshgrid((np.arange(24) + 0.5) / 24, (np.arange(24) + 0.5) / 24)
        points = cv2.perspectiveTransform(np.dstack([x.ravel(), y.ravel()]), np.asarray(self.matrix, np.float64))[0]
        inside = ((points >= 0) & (points < [width, height])).all(axis=1)
        return float(grid[inside].sum() / grid.sum())


def place(artwork, size, height, width, rng, rotation=30.0, foreshortening=0.3, perspective=0.4):
    """Turns a mark in space, scales it to a size and puts it somewhere inside a photo.

    Args:
        artwork: Artwork.
        size: float, px. The longer side of the box of the turned mark.
        height: int, px of the photo.
        width: int, px of the photo.
        rng: numpy Generator.
        rotation: float, degrees. Largest rotation in the plane, to either side.
        foreshortening: float in [0, 1). Largest loss of width and of height.
        perspective: float in [0, 0.5). How much nearer or farther the ends are than the centre, at most: 0.4 makes
            the near end of a square mark half as long again as the far end.

    Returns:
        Placement. The whole mark lies inside the photo.
    """
    mask, paint = artwork.drawn(size)
    wide, high = np.array(mask.shape[::-1]) / max(mask.shape)
    centre = np.array([[wide, 0, -wide / 2], [0, high, -high / 2], [0, 0, 1]])
    squeeze = np.diag([*rng.uniform(1.0 - foreshortening, 1.0, 2), 1.0])
    tilt = np.array([[1, 0, 0], [0, 1, 0], [*rng.uniform(-perspective, perspective, 2), 1]])
    # Most photos are taken nearly upright: a triangular distribution, not a uniform one.
    angle = np.deg2rad(rng.triangular(-rotation, 0.0, rotation)) if rotation else 0.0
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    matrix = turn @ tilt @ squeeze @ centre

    low, high = extent(matrix, artwork.hull)
    scale = size / (high - low).max()
    low, high = low * scale, high * scale
    room = np.array([width, height]) - (high - low) - 2 * MARGIN
    corner = MARGIN + rng.uniform(0.0, 1.0, 2) * np.maximum(room, 0.0)
    shift = corner - low
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]]) @ matrix
    return Placement(mask, matrix, np.concatenate([(low + shift)[::-1], (high + shift)[::-1]]), paint)


def extent(matrix, points):
    """Lowest and highest (x, y) of points `[n, 2]` after a homography: two arrays `[2]`."""
    moved = cv2.perspectiveTransform(np.asarray(points, np.float64)[None], np.asarray(matrix, np.float64))[0]
    return moved.min(axis=0), moved.max(axis=0)


def overlap(first, second, gap=0.0):
    """Whether two boxes `(y0, x0, y1, x1)` come closer than `gap` px."""
    return bool(
        first[0] < second[2] + gap and second[0] < first[2] + gap and first[1] < second[3] + gap and second[1] < first[3] + gap
    )
