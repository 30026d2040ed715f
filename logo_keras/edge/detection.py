"""Where logos are in one photo, the same from Keras and from an exported file."""

import dataclasses
import math

import numpy as np

from logo_keras.arguments import whole
from logo_keras.image.boxes import areas, common_areas
from logo_keras.image.preprocessing import PREPROCESSING, check_pixels, frame, letterbox, pixels

# Longer sides up to so many shorter ones are seen at one look: those of a film, 2.39 to 1.
_LONGEST = 2.5
# Share of its length that a part of a long photo has in common with the next: what is smaller is seen whole in one of them.
_OVERLAP = 0.25
# Parts of one photo: of 20 to 1 it has 27. Each costs as much as a photo.
_MOST_PARTS = 32
# A box that shares as much with a better one finds the same logo: what the detector itself suppresses at.
_SAME = 0.5
# Share of a box that must lie in the photo, and not in what goes on beyond it; and share of one that its part cuts off, beside
# which the whole logo was found in another part.
_INSIDE = 0.5
# Shares of the side of a part, from its end: a box that reaches so far may be cut off. A cell is 2.5 % of the side.
_AT_END = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Detection:
    """What a detector says of one photo.

    Attributes:
        boxes: float32 `[n, 4]`, `(y0, x0, y1, x1)` px of the upright photo, inside it, best score first.
        scores: float32 `[n]`, probabilities that a logo is found.
        embeddings: float32 `[n, D]`, of length 1, of the square around each region, 1.25 times its longer side.
        objectness: float32 `[n]`, of these: above 0 where it looks like a mark.
        whole_embedding: float32 `[D]`, of the photo as a whole.
        whole_objectness: float, of the photo as a whole.
    """

    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray
    objectness: np.ndarray
    whole_embedding: np.ndarray
    whole_objectness: float

    def to_dict(self):
        """The same as lists and floats, for JSON."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}


def detect(infer, photo, image_size, regions=None, preprocessing=PREPROCESSING):
    """Finds logos in one photo.

    The photo keeps its shape: beyond its shorter sides its outermost px go on. Of one that is longer than 2.5 times its width,
    and whose px are more than the model sees, parts are looked at as well, about as long as wide, each overlapping the next by
    a quarter; what two of them find counts once.

    Args:
        infer: function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays: `embedding [1, D]`, `objectness [1]`,
            `region_boxes [1, K, 4]` in px of the images, `region_scores [1, K]`, `region_embeddings [1, K, D]` and
            `region_objectness [1, K]`.
        photo: path, bytes of a file, or RGB uint8 `[H, W, 3]`.
        image_size: int S, px.
        regions: int, at most so many, the best; None for all, which are at most K of the photo and of each of its parts.
        preprocessing: str, how a square becomes the image, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.

    Returns:
        Detection. Regions beside the photo, empty ones and those that find a logo again are left out.

    Raises:
        ValueError: if `regions` is below 1, or there is no such preprocessing.
        UnreadablePhoto: if the photo cannot be decoded.
    """
    if regions is not None:
        whole("regions", regions, 1)
    photo = pixels(photo)
    check_pixels("photo", photo)
    looks = [_look(infer, photo, part, image_size, preprocessing) for part in parts(*photo.shape[:2], image_size)]
    boxes, scores, embeddings, objectness, cut = map(np.concatenate, zip(*(look[2:] for look in looks), strict=True))
    number = np.repeat(np.arange(len(looks)), [len(look[2]) for look in looks])
    rows = merged(boxes, scores, number, cut)[:regions]
    return Detection(boxes[rows], scores[rows], embeddings[rows], objectness[rows], *looks[0][:2])


def parts(height, width, image_size):
    """The parts of a photo that are looked at: the whole, and, of a long one, others that overlap.

    Args:
        height, width: int, px of the photo.
        image_size: int S, px: shorter parts than these are not made, since a look at more would show as much.

    Returns:
        list of four int `(y0, x0, y1, x1)`, px; the first is the whole photo.
    """
    longer, shorter = max(height, width), min(height, width)
    found, length = [(0, 0, height, width)], max(shorter, image_size)
    if longer <= _LONGEST * length:
        return found
    step = 1 - _OVERLAP
    count = min(math.ceil((longer / length - _OVERLAP) / step), _MOST_PARTS)
    # More than `length` only where there are as many parts as may be.
    length = max(length, math.ceil(longer / (1 + step * (count - 1))))
    for number in range(count):
        start = number * (longer - length) // (count - 1)
        found.append((0, start, height, start + length) if width > height else (start, 0, start + length, width))
    return found


def framed(photo, image_size, preprocessing=PREPROCESSING):
    """Makes the image that a detector reads from a decoded photo, which keeps its shape.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        image_size: int S, px.
        preprocessing: str, how a square becomes the image, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.

    Returns:
        uint8 RGB `[S, S, 3]`, and four int `(y0, x0, y1, x1)`, px of it: where the photo lies.

    Raises:
        ValueError: if an argument is none of these.
    """
    side, offset = frame(preprocessing, image_size)
    square, place = letterbox(photo, side)
    image = square[offset : offset + image_size, offset : offset + image_size]
    return image, tuple(corner - offset for corner in place)


def merged(boxes, scores, number, cut):
    """Which boxes stay of those that the looks at a photo found: of several that find the same logo the best.

    Args:
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px.
        scores: float `[n]`.
        number: int `[n]`, which look found each.
        cut: bool `[n]`, whether the look may have seen a part of the logo only. Such a box goes where half of it lies in one of
            another look.

    Returns:
        int `[m]`, rows, the best score first.
    """
    own, kept = areas(boxes), []
    # Those that are not cut first, however sure a look is of a part. Stable: of equal scores the first.
    for row in np.lexsort((-scores, cut)):
        common = common_areas(boxes[kept], boxes[row])
        again = common >= _SAME * (own[kept] + own[row] - common)
        if cut[row]:
            again |= (number[kept] != number[row]) & (common >= _INSIDE * own[row])
        if not again.any():
            kept.append(row)
    kept = np.array(kept, int)
    return kept[np.argsort(-scores[kept], kind="stable")]


def _look(infer, photo, part, image_size, preprocessing):
    """What is found in a part of a photo.

    Returns:
        The embedding and the objectness of the part as a whole; of n regions the boxes, px of the photo, scores, embeddings and
        objectness, and whether the part may cut each off.
    """
    y0, x0, y1, x1 = part
    image, (top, left, bottom, right) = framed(photo[y0:y1, x0:x1], image_size, preprocessing)
    outputs = {name: np.asarray(value[0], np.float32) for name, value in infer(image[None].astype(np.float32)).items()}
    boxes, scores, embeddings, objectness = (
        outputs[f"region_{name}"] for name in ("boxes", "scores", "embeddings", "objectness")
    )
    finite = np.isfinite(np.column_stack([boxes, scores, embeddings, objectness])).all(axis=1)
    # What a damaged file may say of boxes far away is nowhere in the photo either.
    boxes = np.clip(np.nan_to_num(boxes), -image_size, 2 * image_size)
    # Each axis has its own factor, since letterboxing rounds to whole px.
    scale = np.float32([(y1 - y0) / (bottom - top), (x1 - x0) / (right - left)] * 2)
    boxes = (boxes - np.float32([top, left] * 2)) * scale + np.float32([y0, x0] * 2)
    within = np.clip(boxes, np.float32([y0, x0] * 2), np.float32([y1, x1] * 2))
    seen = areas(within)
    stays = finite & (seen > 0) & (seen >= _INSIDE * areas(boxes))
    # Where the photo itself ends, nothing is cut off that another part has.
    end = _AT_END * max(y1 - y0, x1 - x0)
    goes_on = np.array([y0 > 0, x0 > 0, y1 < photo.shape[0], x1 < photo.shape[1]])
    cut = (goes_on & (np.abs(within - np.float32(part)) <= end)).any(axis=1)
    found = (within, scores, embeddings, objectness, cut)
    return outputs["embedding"], float(outputs["objectness"]), *(each[stays] for each in found)
