"""Crops to learn from: a mark on a scene as a camera sees it, and what is no mark."""

import numpy as np

from logo_keras.datasets.marks import surfaces
from logo_keras.datasets.marks.grounds import ground
from logo_keras.datasets.synthetic import camera, compositing, placement
from logo_keras.datasets.synthetic.artwork import Artwork, hull_of
from logo_keras.extras import cv2

# Goes up whenever the same numbers give other crops.
RECIPE = 4
# The settings below are those with which a first embedding learnt brands apart that it had never seen, where no other reason is
# given. Plates, hidden and coarse crops were 0.5, 0.2 and 0.5 then, and the camera was in all; crops of photos are mostly
# clear. None was tuned.
# Context around a mark, in shares of its longer side: crops around true boxes have 25 %, windows over a photo more or less.
CONTEXT = (0.05, 0.7)
# Degrees, largest rotation, with a standard deviation of 9 (a triangular distribution's is its half width over root 6); and
# largest losses of width and height, and by perspective.
TURNED = {"rotation": 22.0, "foreshortening": 0.25, "perspective": 0.25}
UPRIGHT = {"rotation": 8.0, "foreshortening": 0.1, "perspective": 0.1}
_PLATES, _HIDDEN = 0.35, 0.1
# Largest share of a mark that is hidden, behind something or beyond the edge of the crop.
MOST_HIDDEN = 0.3
# Shares of marks that are raised, pressed or sewn, that lie on cloth, of which the outline or one colour is left, beside which
# another mark stands, and that are turned by 90 degrees. By choice, after a look at crops of shoes, bags and shirts.
_RELIEF, _CLOTH, _OUTLINE, _ONE_COLOR, _BESIDE, _QUARTER = 0.15, 0.15, 0.06, 0.15, 0.2, 0.03
# Size of the mark that stands beside another, and the gap between them, in shares of the other's size.
_COMPANION, _GAP = (0.3, 0.8), (0.02, 0.15)
# px, the smallest side that a crop had before it was enlarged: below it a person cannot tell marks apart.
_COARSEST = 20
# Share of the crops that were larger than wanted, and of those that a camera made worse: blur, noise, other contrast.
_FINE, _CAMERA = 0.8, 0.6
_QUALITY = (25, 95)
# Backgrounds: shares of scenes and of parts of marks; what is left are marks far too small.
_SCENES, _PARTS = 0.4, 0.35
# How much of a mark is visible, where it is only a part: enough to be seen, too little to be the mark.
_VISIBLE = (0.04, 0.45)
# Width to height: the icon of a longer mark is a mark of its own, though it is a small part of it.
_LONGEST_PART = 2.0
# Longer side of marks far too small, in shares of the side of the crop. The next finer window over a photo sees them larger.
_TOO_SMALL = (0.05, 0.2)


def mark_crop(drawing, rng, size, others=()):
    """Draws a crop that shows a mark.

    The mark is turned, squeezed and seen in perspective, in its own colours or others, on a ground or on a plate, with 5 to 70 %
    of context around it; some are raised, pressed or sewn, or lie on cloth, and beside some there is another mark. One of ten
    is partly hidden. Then comes the camera: resolution, blur, contrast, colour cast, noise, JPEG.

    Args:
        drawing: Drawing.
        rng: numpy Generator.
        size: int, px.
        others: sequence of Drawing, what may stand beside it, smaller; empty for nothing.

    Returns:
        uint8 RGB `[size, size, 3]`.
    """
    scene = ground(size, rng)
    longer = size / (1 + rng.uniform(*CONTEXT))
    artwork = artwork_of(drawing, longer, rng)
    where = placement.place(artwork, longer, size, size, rng, **TURNED)
    if rng.random() < 0.5:
        # In the middle, as in crops around true boxes; else anywhere in the crop.
        y0, x0, y1, x1 = where.box
        where = where.moved(*(0.5 * np.array([size - y0 - y1, size - x0 - x1]) + rng.normal(0, 0.02 * size, 2)))
    hidden = rng.random() < _HIDDEN
    beyond = hidden and rng.random() < 0.5
    if beyond:
        aside = where.moved(*(rng.uniform(-0.3, 0.3, 2) * size))
        where = aside if aside.share_inside(size, size) >= 1 - MOST_HIDDEN else where
    before = scene.copy()
    coverage = compositing.paste(scene, where, artwork.color, rng, plate=rng.random() < _PLATES)
    if len(others) and rng.random() < _BESIDE:
        _companion(scene, _any(others, rng), where, longer, rng)
    if rng.random() < _RELIEF:
        scene = surfaces.relief(scene, before, coverage, rng)
    if hidden and not beyond and (coverage >= compositing.VISIBLE).any():
        compositing.cover(scene, coverage, ground(size, rng), rng, MOST_HIDDEN)
    if rng.random() < _CLOTH:
        scene = surfaces.waved(scene, rng)
    if rng.random() < _QUARTER:
        scene = np.ascontiguousarray(np.rot90(scene, rng.choice((1, 3))))
    return photographed(scene, longer, rng)


def background_crop(drawings, rng, size):
    """Draws a crop that shows no mark: a scene, a part of a mark of which less than about half is seen, or marks far too small.

    Args:
        drawings: sequence of Drawing, the marks to choose from.
        rng: numpy Generator.
        size: int, px.

    Returns:
        uint8 RGB `[size, size, 3]`.
    """
    scene, kind = ground(size, rng, cluttered=0.6), rng.random()
    if kind >= _SCENES + _PARTS:
        for _ in range(rng.integers(1, 4)):
            longer = rng.uniform(*_TOO_SMALL) * size
            artwork = artwork_of(_any(drawings, rng), longer, rng)
            where = placement.place(artwork, longer, size, size, rng, **TURNED)
            compositing.paste(scene, where, artwork.color, rng, plate=rng.random() < _PLATES)
    elif kind >= _SCENES:
        part(scene, _any(drawings, rng), rng)
    return photographed(scene, 0.5 * size, rng)


def artwork_of(drawing, longer, rng):
    """A drawing as the synthetic set's artwork, in one of the colourings in which marks are met.

    A mark of one colour has its own, black, white or any colour, and is sometimes an outline; one in several has its own, its
    greys or their opposites, as on dark print, or is printed in one.

    Args:
        drawing: Drawing.
        longer: float, px, its longer side in the crop.
        rng: numpy Generator.

    Returns:
        Artwork of one level.
    """
    pixels, color, kind = drawing.pixels, drawing.mark.color, rng.random()
    hull = hull_of(drawing.alpha)
    # A third more than wanted: perspective makes the near side larger.
    scale = 1.35 * longer / max(pixels.shape[:2])
    if scale < 1:
        shape = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
        pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)
    if pixels.ndim == 2:
        # Where the brand's colour is not known, its half goes to the others.
        kind = kind if color is not None else 0.5 + kind / 2
        if kind >= 0.8:
            color = tuple(rng.uniform(0, 255, 3))
        elif kind >= 0.5:
            color = compositing.BLACK if kind < 0.65 else compositing.WHITE
        return Artwork(color, (surfaces.outline(pixels, rng) if rng.random() < _OUTLINE else pixels,), hull)
    paint, mask = pixels[..., :3], np.ascontiguousarray(pixels[..., 3])
    if kind < 0.1:
        paint = cv2.merge([cv2.cvtColor(np.ascontiguousarray(paint), cv2.COLOR_RGB2GRAY)] * 3)
    elif kind < 0.2:
        # Multiplied by the opacity, so that nothing stays nothing.
        paint = cv2.subtract(cv2.merge([mask] * 3), np.ascontiguousarray(paint))
    elif kind < 0.2 + _ONE_COLOR:
        levels = surfaces.in_one_color(np.ascontiguousarray(paint), mask, rng)
        color = (compositing.BLACK, compositing.WHITE, tuple(rng.uniform(0, 255, 3)))[rng.integers(3)]
        return Artwork(color, (levels,), hull)
    return Artwork((0, 0, 0), (mask,), hull, (np.ascontiguousarray(paint),))


def _any(drawings, rng):
    return drawings[int(rng.integers(len(drawings)))]


def _companion(scene, drawing, where, longer, rng):
    """Draws another, smaller mark above, below or beside a mark, in place, maybe cut by the edge."""
    size = len(scene)
    longer = longer * rng.uniform(*_COMPANION)
    artwork = artwork_of(drawing, longer, rng)
    other = placement.place(artwork, longer, size, size, rng, **UPRIGHT)
    (y0, x0, y1, x1), (top, left, bottom, right) = where.box, other.box
    gap, across = rng.uniform(*_GAP) * where.size, rng.normal(0, 0.1) * where.size
    side = rng.random()
    if side < 0.75:
        # Mostly below.
        down = y1 + gap - top if side < 0.55 else y0 - gap - bottom
        shift = down, 0.5 * (x0 + x1 - left - right) + across
    else:
        shift = 0.5 * (y0 + y1 - top - bottom) + across, x1 + gap - left if side < 0.9 else x0 - gap - right
    other = other.moved(*shift)
    if other.share_inside(size, size) > 0:
        compositing.paste(scene, other, artwork.color, rng, plate=False)


def part(scene, drawing, rng):
    """Draws a part of a mark into a scene, in place; nothing where the mark is a long one, or no place is found.

    Args:
        scene: float32 RGB `[S, S, 3]`, 0..255.
        drawing: Drawing.
        rng: numpy Generator.
    """
    size = len(scene)
    height, width = drawing.alpha.shape
    if max(height, width) > _LONGEST_PART * min(height, width):
        return
    longer = rng.uniform(0.8, 3.0) * size
    artwork = artwork_of(drawing, longer, rng)
    where = placement.place(artwork, longer, size, size, rng, **TURNED)
    y0, x0, y1, x1 = where.box
    where = where.moved(-0.5 * (y0 + y1), -0.5 * (x0 + x1))
    for _ in range(8):
        # The centre of the mark: anywhere from which some of its box reaches into the crop.
        there = where.moved(*(0.5 * size + rng.uniform(-0.5, 0.5, 2) * (size + longer)))
        if _VISIBLE[0] <= there.share_inside(size, size) <= _VISIBLE[1]:
            compositing.paste(scene, there, artwork.color, rng, plate=rng.random() < _PLATES)
            return


def photographed(scene, sharp, rng, coarsest=_COARSEST):
    """What a camera makes of a scene that is seen from near or far.

    Args:
        scene: float32 RGB `[S, S, 3]`.
        sharp: float, px, as in `camera.photograph`.
        rng: numpy Generator.
        coarsest: int, px, the smallest side that it had before it was enlarged.

    Returns:
        uint8 RGB `[S, S, 3]`.
    """
    size = len(scene)
    side = size if rng.random() < _FINE else round(np.exp(rng.uniform(np.log(coarsest), np.log(size))))
    if side < size:
        scene = cv2.resize(scene, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < _CAMERA:
        photo = camera.photograph(scene, sharp * side / size, rng)
    else:
        photo = np.clip(np.rint(scene), 0, 255).astype(np.uint8)
    # Blocks of 8 px of the worst quality would leave nothing of the smallest.
    lowest = _QUALITY[0] if side >= size / 2 else 2 * _QUALITY[0]
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(lowest, _QUALITY[1] + 1))]
    # OpenCV takes and gives BGR.
    photo = cv2.imdecode(cv2.imencode(".jpg", photo[..., ::-1], quality)[1], cv2.IMREAD_COLOR)[..., ::-1]
    if side < size:
        photo = cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC)
    return photo
