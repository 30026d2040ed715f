"""Where a model's regions lie beside the true logos, and where regions would lie that know nothing of the photo."""

import numpy as np

from logo_keras.image.boxes import areas, common_areas

# Of the intersection over union, from which on a logo counts as found. The second as in PASCAL VOC, the first for regions,
# which frame a logo with what is around it.
RECALLS = (0.3, 0.5)
# What is told of regions, best first; `Localisation` says what they mean.
FIGURES = ("centre_in_best", "centre_in_any", "best_centre_in_logo", "iou", *(f"recall_{round(100 * at)}" for at in RECALLS))
# Draws of random anchors for each image, and other images of which it is dealt the regions: the mean of a hundred hardly moves.
_DRAWS = 100


def localise(logos, regions, size, anchors=None, seed=0):
    """Compares regions with the true boxes of the logos.

    Regions are clipped to the image first, and what they share with a logo is what lies inside: the rest shows nothing. Images
    without a logo are passed over.

    Args:
        logos: list of n arrays float `[m, 4]`, `(y0, x0, y1, x1)` px of the model's image; m may be 0.
        regions: float `[n, K, 4]`, likewise, best first.
        size: int S, px, side of the image.
        anchors: float `[A, 4]`, likewise, those that the model chooses from; None where they are not known.
        seed: int, of the random anchors.

    Returns:
        dict of `samples` and `logos`, how many count; `regions`, K; and `figures`, a dict from what is judged to a dict of
        `FIGURES`: `centre_in_best` and `centre_in_any`, the share of the images where the best region, or any of the K, holds
        the centre of a logo; `best_centre_in_logo`, where the centre of the best region lies in a logo; `iou`, the mean
        intersection over union of the best region with the logo that it shares most with; `recall_30` and `recall_50`, the share
        of the logos that some region shares so much with. Judged are `model`, its regions; `any_anchor`, the best that any choice
        of anchors could do; `random_anchors`; `centre_square`, in the middle of the image and as large as the best regions
        are on average; `largest_anchor`, of those the nearest to the middle; `other_images`, the regions of other images. What
        needs anchors, or other images, is left out where there are none. None without any logo.
    """
    places = [number for number, boxes in enumerate(logos) if len(boxes)]
    if not places:
        return None
    regions = np.clip(np.asarray(regions, np.float64)[places] / size, 0, 1)
    logos = [np.asarray(logos[number], np.float64) / size for number in places]
    anchors = None if anchors is None else np.clip(np.asarray(anchors, np.float64) / size, 0, 1)
    fixed = {"centre_square": _square(float(areas(regions[:, 0]).mean()))}
    if anchors is not None:
        fixed["largest_anchor"] = _largest(anchors)
    count, rng, sums = regions.shape[1], np.random.default_rng(seed), {}
    shifts = np.arange(1, min(len(places), _DRAWS + 1))

    def judge(name, boxes, truth, rows):
        sums[name] = sums.get(name, 0) + _told(boxes, truth, rows)

    for number, truth in enumerate(logos):
        judge("model", regions[number], truth, np.arange(count)[None])
        if anchors is not None:
            found = _compared(anchors, truth)
            sums["any_anchor"] = sums.get("any_anchor", 0) + _best(*found)
            rows = rng.integers(len(anchors), size=(_DRAWS, count))
            sums["random_anchors"] = sums.get("random_anchors", 0) + _mean(*found, rows)
        for name, box in fixed.items():
            judge(name, box[None], truth, np.zeros((1, 1), int))
        if len(shifts):
            dealt = regions[(number + shifts) % len(places)]
            judge("other_images", dealt.reshape(-1, 4), truth, np.arange(dealt.shape[0] * count).reshape(-1, count))
    total = sum(map(len, logos))
    # Recall is of logos, all else of images.
    per = np.array([len(places)] * (len(FIGURES) - len(RECALLS)) + [total] * len(RECALLS))
    order = ("model", "any_anchor", "random_anchors", "centre_square", "largest_anchor", "other_images")
    figures = {name: dict(zip(FIGURES, (sums[name] / per).tolist(), strict=True)) for name in order if name in sums}
    return {"samples": len(places), "logos": total, "regions": count, "figures": figures}


def contain(boxes, points):
    """Whether boxes contain points, their edges included.

    Args:
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)`.
        points: float `[m, 2]`, `(y, x)`, likewise.

    Returns:
        bool `[n, m]`.
    """
    return ((boxes[:, None, :2] <= points) & (points <= boxes[:, None, 2:])).all(axis=-1)


def overlap(boxes, others):
    """The intersection over union of boxes, 0 where both are empty.

    Args:
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)`.
        others: float `[m, 4]`, likewise.

    Returns:
        float `[n, m]`.
    """
    common = common_areas(boxes[:, None], others)
    return common / np.maximum(areas(boxes)[:, None] + areas(others) - common, 1e-12)


def _centres(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _compared(boxes, logos):
    """Of each of n boxes: whether it holds the centre of a logo, whether its centre lies in one, and its overlap `[n, m]`."""
    shared = overlap(boxes, np.clip(logos, 0, 1))
    return contain(boxes, _centres(logos)).any(axis=1), contain(logos, _centres(boxes)).any(axis=0), shared


def _told(boxes, logos, rows):
    return _mean(*_compared(boxes, logos), rows)


def _mean(holds, centred, shared, rows):
    """The figures of an image, the mean over `rows [D, K]`: numbers of boxes, best first. Recalls are numbers of logos."""
    best, most = rows[:, 0], shared[rows].max(axis=1)
    told = [holds[best].mean(), holds[rows].any(axis=1).mean(), centred[best].mean(), shared[best].max(axis=1).mean()]
    return np.array(told + [(most >= at).sum(axis=1).mean() for at in RECALLS])


def _best(holds, centred, shared):
    """The figures of an image if each were given by the box that suits it best."""
    told = [holds.any(), holds.any(), centred.any(), shared.max()]
    return np.array(told + [(shared.max(axis=0) >= at).sum() for at in RECALLS], np.float64)


def _square(area):
    half = area**0.5 / 2
    return np.array([0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half])


def _largest(anchors):
    """Of the anchors that cover most of the image, the one that is nearest to its middle."""
    covered = areas(anchors)
    largest = anchors[covered >= covered.max() - 1e-9]
    return largest[np.argmin(np.hypot(*(_centres(largest) - 0.5).T))]
