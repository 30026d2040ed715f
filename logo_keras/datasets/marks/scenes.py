"""Scenes to learn from where marks are: whole photos that show several or none, with their exact boxes."""

from dataclasses import dataclass, replace

import numpy as np

from logo_keras.datasets.marks import crops, objects, surfaces
from logo_keras.datasets.marks.grounds import ground
from logo_keras.datasets.synthetic import compositing, placement
from logo_keras.datasets.synthetic.artwork import Artwork
from logo_keras.datasets.synthetic.placement import Placement, overlap
from logo_keras.extras import cv2

# Goes up whenever the same numbers give other scenes.
RECIPE = 1
# Most marks of a scene.
MOST = 8
# Longer side of a mark's box, in shares of the scene's side, log-uniform: the median is 15 %, that of TopLogo-10, where a tenth
# is below 7 %.
SIZES = (0.04, 0.6)
# Least height and width of a mark in shares of the side: a name of a line that is thinner cannot be seen. Long ones are larger.
_THINNEST = 0.02
# Share of the scenes without any mark.
EMPTY = 0.15
# A mark of which more is hidden or beyond the edge is no logo to be found: the same share as in crops.
MOST_HIDDEN = crops.MOST_HIDDEN
# Most that one mark, with its plate, hides of another.
_OVERLAP = 0.1
# The numbers below are by eye, beside photos of TopLogo-10 and FlickrLogos-27.
# Shares of scenes with one mark that stands alone, two and so on; beside a group there is one less.
_ALONE = (0.5, 0.2, 0.12, 0.08, 0.06, 0.04)
# Share of the scenes with a group of marks; of the groups that repeat one mark; of those, the ones on things that are all alike,
# as on a shelf; and of the others, those on a board.
_GROUPS, _REPEATED, _SHELVES, _BOARDS = 0.25, 0.5, 0.5, 0.6
# Rows and columns of groups.
_LAYOUTS = ((1, 2), (1, 3), (1, 4), (2, 1), (3, 1), (2, 2), (2, 3), (2, 4))
# Space between the marks of a group, in shares of their size, and the least that a mark that stands alone has around it.
_SPACE, _GAP = (0.1, 0.7), 0.05
# Share of the marks that lie on a thing of their own, and how much larger it is.
_ON_THINGS, _LARGER = 0.55, (1.3, 5.0)
# Most other things, their sizes in shares of the side, and shares of scenes with a text, and with a part of a mark.
_THINGS, _THING_SIZES, _TEXTS, _PARTS = 4, (0.1, 1.3), 0.25, 0.06
_CLUTTERED = 0.35
# Shares of the marks on a plate, partly hidden, in relief, bent by what they lie on, and faded, and what is left of those.
_PLATES, _COVERED, _RELIEF, _BENT, _FADED, _FAINT = 0.25, 0.06, 0.15, 0.2, 0.15, (0.35, 0.8)
# Shares of the marks that reach beyond the edge, and that are turned by up to a quarter.
_BEYOND, _QUARTER = 0.06, 0.08
# Share of the scenes that lie behind glass or haze, and how much of that is seen.
_GLASS, _VEIL = 0.1, (0.08, 0.35)
# Least side of a scene before it was enlarged, in shares of its side.
_COARSEST = 0.45
# Share of the scenes whose colours are paler behind the marks, and what is left of them: most things are of duller colours than
# marks are.
_PALE, _PALER = 0.5, (0.15, 0.7)
# Largest share of the light that is missing in its dark parts, and how far these are from the bright ones, in shares of the side.
_SHADE, _SHADES = 0.35, (0.8, 4.0)
# Places that are tried for a mark.
_TRIES = 8
# Ends the seeds of an epoch, so that none repeats the numbers of a crop.
_SCENES = 3


@dataclass(frozen=True)
class _Piece:
    """A mark that is to be drawn: its number, what it looks like, where, whether on a plate, and the thing that it lies on."""

    number: int
    artwork: Artwork
    where: Placement
    plate: bool
    lies_on: tuple | None = None


@dataclass
class _Shown:
    """A mark that is drawn: its number, the top left px of a window, what it covers there, and how much it would cover in all."""

    number: int
    corner: tuple
    visible: np.ndarray
    total: float

    def less(self, hidden, corner):
        """What is left of it below what hides a window of the scene: float32, as `visible`."""
        (y, x), (height, width) = corner, hidden.shape
        top, left = self.corner
        rows = slice(max(0, y - top), max(0, y - top + height)), slice(max(0, top - y), max(0, top - y + len(self.visible)))
        wide = self.visible.shape[1]
        columns = slice(max(0, x - left), max(0, x - left + width)), slice(max(0, left - x), max(0, left - x + wide))
        below = self.visible[rows[0], columns[0]]
        if not below.size:
            return self.visible
        visible = self.visible.copy()
        visible[rows[0], columns[0]] = below * (1 - hidden[rows[1], columns[1]])
        return visible

    @property
    def box(self):
        """float32 `[4]`, of what is visible, px of the scene."""
        return np.float32(compositing.tight_box(self.visible)) + np.float32(self.corner * 2)


def scene(drawings, rng, size, most=MOST, empty=EMPTY, choose=None):
    """Draws a scene: a ground, things, some of them with marks, other marks alone or in groups, and what a camera makes of it.

    The box of a mark is that of what is seen of it: of the px that it covers by `compositing.VISIBLE` or more. No more than 30 %
    of it is hidden, behind something, another mark or the edge. Marks of which 4 to 45 % are seen, as in `background_crop`, have
    no box: they are no logo to be found. What lies between is not drawn.

    Args:
        drawings: sequence of Drawing, the marks to choose from.
        rng: numpy Generator.
        size: int, px.
        most: int, most marks.
        empty: float in [0, 1], share of the scenes without a mark.
        choose: function from a Generator to a place in `drawings`; None for each as often as the others.

    Returns:
        photo: uint8 RGB `[size, size, 3]`.
        boxes: float32 `[n, 4]`, `(y0, x0, y1, x1)`, px.
        places: int64 `[n]`, the places in `drawings` of the marks that they show.
    """
    choose = choose or (lambda rng: int(rng.integers(len(drawings))))
    canvas = ground(size, rng, cluttered=_CLUTTERED)
    pieces = [] if rng.random() < empty else _planned(drawings, choose, rng, size, most)
    for box in _things(rng, size):
        objects.thing(canvas, box, rng)
    if rng.random() < _TEXTS:
        objects.text(canvas, _anywhere(rng, size, (0.1, 0.5)).clip(0, size), rng)
    if rng.random() < _PARTS:
        crops.part(canvas, drawings[choose(rng)], rng)
    for piece in pieces:
        if piece.lies_on is not None:
            objects.thing(canvas, *piece.lies_on)
    if rng.random() < _PALE:
        grey = (canvas @ compositing.LUMINANCE)[..., None]
        canvas = grey + np.float32(rng.uniform(*_PALER)) * (canvas - grey)
    shown = []
    for piece in pieces:
        _show(canvas, piece, shown, rng)
    canvas *= 1 + np.float32(rng.uniform(0, _SHADE) / 2) * (surfaces.bands(size, rng, _SHADES) - 1)[..., None]
    if rng.random() < _GLASS:
        canvas += np.float32(rng.uniform(*_VEIL)) * (ground(size, rng) - canvas)
    sizes = [max(mark.box[2:] - mark.box[:2]) for mark in shown]
    photo = crops.photographed(canvas, float(np.median(sizes)) if sizes else 0.15 * size, rng, round(_COARSEST * size))
    boxes = np.array([mark.box for mark in shown], np.float32).reshape(-1, 4)
    return photo, boxes, np.array([mark.number for mark in shown], np.int64)


@dataclass(frozen=True)
class Source:
    """The scenes of every epoch, by position: what `PhotographBatches` reads from.

    Attributes:
        drawings: sequence of Drawing.
        labels: int64 `[n]`, the brand that each of them shows.
        num_classes: int N, how many brands there are.
        weights: float `[n]`, how often each comes in comparison with the others.
        image_size: int, px.
        seed: int.
        scenes: int, scenes an epoch.
        most_boxes: int M, most marks of a scene.
        empty: float, share of the scenes without a mark.
    """

    drawings: object
    labels: np.ndarray
    num_classes: int
    weights: np.ndarray
    image_size: int
    seed: int
    scenes: int
    most_boxes: int
    empty: float

    def __len__(self):
        """Scenes an epoch."""
        return self.scenes

    @property
    def target(self):
        """Boxes and labels of a scene without a mark, as `sample` gives them: dict of float32 `[M, 4]` and int64 `[M]`."""
        return {"boxes": np.zeros((self.most_boxes, 4), np.float32), "labels": np.full(self.most_boxes, -1, np.int64)}

    def plan(self, epoch):
        """Where the shares of the marks end, the same in every epoch: float64 `[n]`."""
        return np.cumsum(self.weights) / np.sum(self.weights)

    def sample(self, epoch, plan, position):
        """Draws the scene at a position.

        Args:
            epoch: int.
            plan: what `plan` gives for it.
            position: int.

        Returns:
            Image, uint8 RGB `[image_size, image_size, 3]`, and target, as `target`.
        """
        rng = np.random.default_rng([self.seed, epoch, position, _SCENES])
        photo, boxes, places = scene(
            self.drawings,
            rng,
            self.image_size,
            self.most_boxes,
            self.empty,
            lambda rng: int(np.searchsorted(plan[:-1], rng.random(), side="right")),
        )
        target = self.target
        target["boxes"][: len(boxes)], target["labels"][: len(boxes)] = boxes, self.labels[places]
        return photo, target

    def finish(self, images, targets, epoch, number):
        """A whole batch, as it is."""
        return images, targets


def _planned(drawings, choose, rng, size, most):
    """The marks of a scene that shows some: list of _Piece."""
    alone = 1 + int(rng.choice(len(_ALONE), p=_ALONE))
    pieces = []
    if most > 1 and rng.random() < _GROUPS:
        pieces, alone = _group(drawings, choose, rng, size, most), alone - 1
    for _ in range(min(max(alone, not pieces), most - len(pieces))):
        piece = _single(drawings, choose, rng, size, pieces)
        if piece is not None:
            pieces.append(piece)
    return pieces


def _looks(drawings, number, longer, rng):
    """The artwork of a mark, at times bent, for a longer side in px: Artwork."""
    drawing = drawings[number]
    if rng.random() < _BENT:
        drawing = replace(drawing, pixels=surfaces.bent(drawing.pixels, rng))
    return crops.artwork_of(drawing, longer, rng)


def _thinnest(shape):
    """The least longer side of a drawing of this height and width, or it would be too thin: float, share of the scene's side."""
    return min(_THINNEST * max(shape) / min(shape), SIZES[1])


def _single(drawings, choose, rng, size, others):
    """A mark that stands alone: _Piece, or None where no place is found."""
    number = choose(rng)
    longer = size * max(np.exp(rng.uniform(*np.log(SIZES))), _thinnest(drawings[number].alpha.shape))
    artwork = _looks(drawings, number, longer, rng)
    turned = crops.TURNED | ({"rotation": 90.0} if rng.random() < _QUARTER else {})
    where = placement.place(artwork, longer, size, size, rng, **turned)
    tall, wide = where.box[2:] - where.box[:2]
    beyond = rng.random() < _BEYOND
    for _ in range(_TRIES):
        if beyond:
            # Of a side that is not along the edge as much as may be missing.
            down, right = rng.uniform(-MOST_HIDDEN, size / np.array([tall, wide]) - 1 + MOST_HIDDEN) * [tall, wide]
        else:
            down, right = rng.uniform(0, np.maximum(size - np.array([tall, wide]), 0))
        there = where.moved(down - where.box[0], right - where.box[1])
        gaps = [_GAP * min(there.size, other.where.size) for other in others]
        free = not any(overlap(there.box, other.where.box, gap) for other, gap in zip(others, gaps, strict=True))
        if free and there.share_inside(size, size) >= 1 - MOST_HIDDEN:
            box = _grown(there.box, np.exp(rng.uniform(*np.log(_LARGER), 2)), rng)
            return _Piece(number, artwork, there, rng.random() < _PLATES, (box, rng) if rng.random() < _ON_THINGS else None)
    return None


def _group(drawings, choose, rng, size, most):
    """Marks in rows and columns, in one pose, those that are inside the scene: list of _Piece."""
    layouts = [layout for layout in _LAYOUTS if layout[0] * layout[1] <= most]
    rows, columns = layouts[rng.integers(len(layouts))]
    longer = size * np.exp(rng.uniform(np.log(SIZES[0]), np.log(min(SIZES[1], 1 / max(rows, columns)))))
    numbers = [choose(rng)] * (rows * columns) if rng.random() < _REPEATED else [choose(rng) for _ in range(rows * columns)]
    shapes = [drawings[number].alpha.shape for number in numbers]
    longer = max(longer, size * min(max(_thinnest(shape) for shape in shapes), 1 / max(rows, columns)))
    pose, looks = int(rng.integers(2**63)), {}
    for number in numbers:
        if number not in looks:
            looks[number] = _looks(drawings, number, longer, rng)
    wheres = [
        placement.place(looks[number], longer, size, size, np.random.default_rng(pose), **crops.UPRIGHT) for number in numbers
    ]
    tall, wide = np.max([where.box[2:] - where.box[:2] for where in wheres], axis=0) * (1 + rng.uniform(*_SPACE))
    # Rows run as the first mark does, which is seen from a side.
    (x0, y0), (x1, y1) = cv2.perspectiveTransform(np.array([[[0, 0.5], [1, 0.5]]]), wheres[0].matrix)[0]
    along = np.array([y1 - y0, x1 - x0]) / np.hypot(y1 - y0, x1 - x0)
    middle = rng.uniform(0.2, 0.8, 2) * size
    alike, plate = len(looks) == 1 and rng.random() < _SHELVES, rng.random() < _PLATES
    around = np.exp(rng.uniform(*np.log(_LARGER), 2)) if alike else None
    pieces = []
    for place, (number, where) in enumerate(zip(numbers, wheres, strict=True)):
        row, column = place // columns - (rows - 1) / 2, place % columns - (columns - 1) / 2
        centre = middle + column * wide * along + row * tall * np.array([along[1], -along[0]])
        there = where.moved(*(centre - (where.box[:2] + where.box[2:]) / 2))
        if there.share_inside(size, size) >= 1 - MOST_HIDDEN:
            below = (_grown(there.box, around, np.random.default_rng(pose)), np.random.default_rng(pose)) if alike else None
            pieces.append(_Piece(number, looks[number], there, plate, below))
    if pieces and not alike and rng.random() < _BOARDS:
        boxes = np.array([piece.where.box for piece in pieces])
        union = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        pieces[0] = replace(pieces[0], lies_on=(_grown(union, rng.uniform(1.1, 1.6, 2), rng), rng, True))
    return pieces


def _show(canvas, piece, shown, rng):
    """Draws a mark in place and adds it to those that are shown, unless it would hide too much of one of them."""
    size, where = len(canvas), piece.where
    # Room for a plate, which a mark in several colours may need.
    room = 0.7 if piece.plate or piece.artwork.paints else 0.15
    side = min(size, int(np.ceil((1 + 2 * room) * where.size)) + 4)
    y, x = np.clip(np.rint((where.box[:2] + where.box[2:] - side) / 2), 0, size - side).astype(int).tolist()
    view = canvas[y : y + side, x : x + side]
    before = view.copy()
    coverage, hidden = compositing.paste_over(view, where.moved(-y, -x), piece.artwork.color, rng, piece.plate)
    left = [mark.less(hidden, (y, x)) for mark in shown]
    enough = all(
        visible.sum() >= max((1 - MOST_HIDDEN) * mark.total, mark.visible.sum() - _OVERLAP * mark.total) and _seen(visible)
        for mark, visible in zip(shown, left, strict=True)
    )
    if not (enough and _seen(coverage)):
        view[...] = before
        return
    for mark, visible in zip(shown, left, strict=True):
        mark.visible = visible
    inside, kind = where.share_inside(size, size), rng.random()
    total = float(coverage.sum()) / inside
    if kind < _RELIEF:
        view[...] = surfaces.relief(view, before, coverage, rng)
    elif kind < _RELIEF + _FADED:
        view[...] = before + np.float32(rng.uniform(*_FAINT)) * (view - before)
    elif kind < _RELIEF + _FADED + _COVERED and inside == 1:
        if not any(overlap((y, x, y + side, x + side), mark.box) for mark in shown):
            coverage = compositing.cover(view, coverage, ground(side, rng), rng, MOST_HIDDEN)
    shown.append(_Shown(piece.number, (y, x), coverage, total))


def _seen(coverage):
    """Whether there is a px that is covered enough to be in a box."""
    return bool((coverage >= compositing.VISIBLE).any())


def _things(rng, size):
    """Boxes of things without marks, the largest first: list of float64 `[4]`."""
    boxes = [_anywhere(rng, size, _THING_SIZES) for _ in range(rng.integers(_THINGS + 1))]
    return sorted(boxes, key=lambda box: -(box[2:] - box[:2]).prod())


def _anywhere(rng, size, sides):
    """A box with its centre anywhere in a scene, and its sides between two shares of that of the scene: float64 `[4]`."""
    centre, half = rng.uniform(0, size, 2), 0.5 * size * np.exp(rng.uniform(*np.log(sides), 2))
    return np.concatenate([centre - half, centre + half])


def _grown(box, factors, rng):
    """A box around another one, not always in its middle, larger by two factors: float64 `[4]`."""
    half = (box[2:] - box[:2]) / 2
    centre = (box[:2] + box[2:]) / 2 + 0.5 * rng.uniform(-1, 1, 2) * (factors - 1) * half
    return np.concatenate([centre - factors * half, centre + factors * half])
