"""Pictures of what a model saw and said: regions, crops and drops, answers, contact sheets. It only needs numpy and OpenCV."""

import unicodedata

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.preprocessing import check_pixels

# Okabe and Ito 2008, colours that the colour-blind tell apart too; best region first. RGB.
REGION_COLORS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0))
TRUTH_COLOR = (255, 255, 255)
# What lies outside the photo, and what a drop leaves out: 0 of a normalised image.
BLANK = 127

# Matches that are written out: a JPEG is at most 65,535 px high.
_MOST_LINES = 100

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DARK, _LIGHT, _RIGHT, _WRONG = (27, 31, 36), (240, 243, 246), (63, 185, 80), (248, 81, 73)


def draw_recognition(photo, recognition, truth=None, boxes=None, side=640):
    """Draws the regions of an answer on the photo, and its labels with their probabilities below; "none" where nothing is known.

    Args:
        photo: uint8 RGB `[H, W, 3]`, upright.
        recognition: Recognition of this photo.
        truth: str, the true class: the first label is then marked as right or wrong. None if it is not known.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the photo, the true logos, drawn in white; or None.
        side: int, px, longer side of the photo in the picture; None keeps its size.

    Returns:
        uint8 RGB `[h, w, 3]`.

    Raises:
        ValueError: if `photo` is not a uint8 RGB array.
    """
    picture = _with_boxes(photo, recognition.region_boxes, boxes, side)
    width = picture.shape[1]
    scale = max(0.45, min(0.8, width / 560))
    line = round(46 * scale)
    said = [(*pair, "") for pair in zip(recognition.labels, recognition.probabilities, strict=True)]
    if not recognition.known:
        said = [("none", recognition.confidence, "likeliest ")]
    band = np.full((line * (len(said) + (truth is not None)) + line // 3, width, 3), _DARK, np.uint8)
    middle = line
    color = _LIGHT
    if truth is not None:
        color = _RIGHT if recognition.label == truth else _WRONG
    for label, probability, before in said:
        percent = f"{before}{100 * probability:.1f} %"
        room = width - _width(percent, scale) - 3 * line // 4
        end = round(probability * (width - line // 2))
        cv2.rectangle(band, (line // 4, middle + 4), (line // 4 + end, middle + 6), color, cv2.FILLED)
        _write(band, _fit(label, room, scale), (line // 4, middle - 3), scale, color)
        _write(band, percent, (width - _width(percent, scale) - line // 4, middle - 3), scale, color)
        middle, color = middle + line, _LIGHT
    if truth is not None:
        _write(band, _fit(f"truth: {truth}", width - line // 2, scale), (line // 4, middle - 3), scale, _LIGHT)
    return np.concatenate([picture, band])


def draw_matches(photo, matches, pictures=(), boxes=None, right=None, side=640):
    """Draws what a gallery found: the boxes on the photo, and below each brand with its similarity and reference, the first 100.

    Args:
        photo: uint8 RGB `[H, W, 3]`, upright.
        matches: `lk.gallery.Match` values, best first; where there are none, "none" is written.
        pictures: uint8 RGB `[s, s, 3]`, the reference of each match; none are drawn where they are not given.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the photo, the places that were asked about, drawn in white; or None.
        right: bool, marks what is said first as right or wrong; None where that is not known.
        side: int, px, longer side of the photo in the picture; None keeps its size.

    Returns:
        uint8 RGB `[h, w, 3]`.

    Raises:
        ValueError: if `photo` is not a uint8 RGB array, or there are not as many pictures as matches.
    """
    if len(pictures) not in (0, len(matches)):
        raise UserError(f"pictures must be one a match, got {len(pictures)} for {len(matches)} matches.")
    # The box of a whole photo says nothing, and the number of a single one neither.
    marked = [box for box in dict.fromkeys(match.box for match in matches) if box != (0, 0, *photo.shape[:2])]
    numbered = len(marked) > 1
    picture = _with_boxes(photo, np.float32(marked).reshape(-1, 4), boxes, side, numbered)
    line, width = 48, picture.shape[1]
    color = _LIGHT if right is None else _RIGHT if right else _WRONG
    band = np.full((line * max(1, min(len(matches), _MOST_LINES + 1)), width, 3), _DARK, np.uint8)
    for place, match in enumerate(matches[:_MOST_LINES]):
        top, left = place * line, 8
        if len(pictures):
            small = cv2.resize(pictures[place], (line - 8, line - 8), interpolation=cv2.INTER_AREA)
            band[top + 4 : top + line - 4, 4 : line - 4] = small[:, : max(0, width - 4)]
            left = line + 4
        if numbered and match.box in marked:
            number = marked.index(match.box)
            _chip(band, str(number + 1), top + 14, left, REGION_COLORS[number % len(REGION_COLORS)])
            left += 28
        text = f"{match.similarity:.2f}"
        _write(band, text, (max(left, width - _width(text, 0.6) - 8), top + 30), 0.6, _LIGHT)
        _write(band, _fit(match.label, width - left - _width(text, 0.6) - 20, 0.6), (left, top + 30), 0.6, color)
        color = _LIGHT
    if not matches:
        _write(band, "none", (8, 30), 0.6, color)
    if len(matches) > _MOST_LINES:
        _write(band, f"and {len(matches) - _MOST_LINES} more", (8, _MOST_LINES * line + 30), 0.6, _LIGHT)
    return np.concatenate([picture, band])


def draw_boxes(photo, boxes):
    """Draws a box around each logo of a photo, outside of it, so that small ones are seen.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px.

    Returns:
        uint8 RGB `[H, W, 3]`, a copy.

    Raises:
        ValueError: if `photo` is not a uint8 RGB array.
    """
    check_pixels("photo", photo)
    picture = photo.copy()
    for box in np.asarray(boxes, np.float32).reshape(-1, 4):
        for color, room in ((_DARK, 3), (REGION_COLORS[0], 2)):
            _rectangle(picture, box + np.float32([-room, -room, room, room]), color, 1)
    return picture


def draw_regions(photo, boxes, crop_boxes=None, maps=None, drop_threshold=0.5, side=144):
    """Draws the photo with its regions and, beside it, each region, its crop and its drop.

    Args:
        photo: uint8 RGB `[H, W, 3]`, upright.
        boxes: float `[K, 4]`, `(y0, x0, y1, x1)` px of the photo, best region first.
        crop_boxes: float `[K, 4]`, likewise, or None for no crops.
        maps: float `[K, h, w]`, augmentation maps in 0..1, or None for no drops.
        drop_threshold: float in (0, 1), theta_d.
        side: int, px, side of a tile.

    Returns:
        uint8 RGB `[max(2, K) * side, w, 3]`: one row of tiles a region; what lies outside the photo is grey.

    Raises:
        ValueError: if `photo` is not a uint8 RGB array, or there are not as many crop boxes and maps as regions.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    for name, given in (("crop_boxes", crop_boxes), ("maps", maps)):
        if given is not None and len(given) != len(boxes):
            raise UserError(f"{name} must be one a region, got {len(given)} for {len(boxes)} regions.")
    tall = max(2, len(boxes)) * side
    rows = []
    for rank, box in enumerate(boxes):
        region = cut(photo, box, side)
        tiles = {f"region {rank + 1}": region.copy()}
        if crop_boxes is not None:
            extent = np.maximum(box[2:] - box[:2], 1)
            inner = (np.asarray(crop_boxes[rank]) - np.tile(box[:2], 2)) / np.tile(extent, 2) * side
            _rectangle(tiles[f"region {rank + 1}"], inner, TRUTH_COLOR, 1)
            tiles["crop"] = cut(photo, crop_boxes[rank], side)
        if maps is not None:
            marked = cv2.resize(np.asarray(maps[rank], np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
            tiles["drop"] = np.where(marked[..., None] > drop_threshold, np.uint8(BLANK), region)
        rows.append(np.concatenate([_tile(tile, name, rank) for name, tile in tiles.items()], axis=1))
    left = framed(_with_boxes(photo, boxes, None, tall), tall, tall)
    if not rows:
        return left
    right = np.concatenate(rows)
    short = tall - len(right)
    return np.concatenate([left, np.pad(right, ((0, short), (0, 0), (0, 0)), constant_values=BLANK)], axis=1)


def contact_sheet(pictures, columns=3, cell=320, gap=8):
    """Lays pictures out in rows of equal cells.

    Args:
        pictures: list of uint8 RGB `[h, w, 3]`, of any sizes; each is shrunk or enlarged to fit its cell.
        columns: int.
        cell: int, px, width of a cell; a row is as tall as its tallest picture.
        gap: int, px, between cells and around them.

    Returns:
        uint8 RGB `[H, W, 3]`.

    Raises:
        ValueError: if there is no picture, or `columns` is below 1.
    """
    if columns < 1 or not len(pictures):
        raise UserError(f"a contact sheet needs pictures and columns, got {len(pictures)} and {columns}.")
    sized = [scaled(picture, cell / picture.shape[1]) for picture in pictures]
    columns = min(columns, len(sized))
    sized += [np.full((1, cell, 3), _DARK, np.uint8)] * (-len(sized) % columns)
    strips = []
    for place in range(0, len(sized), columns):
        row = sized[place : place + columns]
        tallest = max(map(len, row))
        strips.append(np.concatenate([_padded(picture, gap, tallest - len(picture), gap, 0) for picture in row], axis=1))
    return _padded(np.concatenate(strips), 0, gap, 0, gap)


def encoded(picture, suffix=".jpg", quality=95):
    """The bytes of an image file.

    Args:
        picture: uint8 RGB `[H, W, 3]`.
        suffix: str, ".jpg" or ".png".
        quality: int, 0..100, of a JPEG.
    """
    how = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), how)[1].tobytes()


def cut(photo, box, side):
    """Cuts a box out of a photo for looking at it; whole px, grey outside.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        box: four floats `(y0, x0, y1, x1)`, px of the photo; may lie outside it.
        side: int, px.

    Returns:
        uint8 RGB `[side, side, 3]`.
    """
    check_pixels("photo", photo)
    height, width = photo.shape[:2]
    y0, x0, y1, x1 = (int(round(float(corner))) for corner in box)
    y1, x1 = max(y1, y0 + 1), max(x1, x0 + 1)
    region = np.full((y1 - y0, x1 - x0, 3), BLANK, np.uint8)
    top, left, bottom, right = max(y0, 0), max(x0, 0), min(y1, height), min(x1, width)
    if top < bottom and left < right:
        region[top - y0 : bottom - y0, left - x0 : right - x0] = photo[top:bottom, left:right]
    shrinks = max(region.shape[:2]) > side
    return cv2.resize(region, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _with_boxes(photo, region_boxes, truth_boxes, side, numbered=True):
    """The photo with its longer side at `side` px, regions and true logos drawn; the best region on top."""
    check_pixels("photo", photo)
    factor = 1.0 if side is None else side / max(photo.shape[:2])
    picture = scaled(photo, factor)
    thick = max(2, round(max(picture.shape[:2]) / 200))
    outline(picture, [] if truth_boxes is None else np.asarray(truth_boxes) * factor, TRUTH_COLOR, max(1, thick - 1))
    for rank, box in reversed(list(enumerate(np.asarray(region_boxes) * factor))):
        color = REGION_COLORS[rank % len(REGION_COLORS)]
        _rectangle(picture, box, color, thick)
        if not numbered:
            continue
        # The number sits in the box's visible corner, even where the box reaches beyond the photo.
        y, x = (int(np.clip(box[axis], 0, picture.shape[axis] - 24)) for axis in (0, 1))
        _chip(picture, str(rank + 1), y, x, color)
    return picture


def outline(picture, boxes, color, thick):
    """Draws outlines onto a picture, with a dark edge, so that each is seen on a ground of its own colour too.

    Args:
        picture: uint8 RGB `[H, W, 3]`, which is drawn on.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the picture.
        color: three int, RGB.
        thick: int, px.
    """
    for box in boxes:
        _rectangle(picture, box, _DARK, thick + 2)
        _rectangle(picture, box, color, thick)


def _rectangle(picture, box, color, thick):
    """An outline whose sides outside the picture run along its edge, so that every box is seen whole."""
    height, width = picture.shape[:2]
    y0, x0, y1, x1 = (int(round(float(corner))) for corner in box)
    # int, and clipped: OpenCV refuses coordinates beyond 32 bits.
    corners = [(int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))) for x, y in ((x0, y0), (x1 - 1, y1 - 1))]
    cv2.rectangle(picture, *corners, color, thick)


def _tile(tile, name, rank):
    tile = tile.copy()
    cv2.rectangle(tile, (0, 0), (tile.shape[1] - 1, tile.shape[0] - 1), REGION_COLORS[rank % len(REGION_COLORS)], 3)
    _chip(tile, name, 0, 0, REGION_COLORS[rank % len(REGION_COLORS)])
    return tile


def _chip(picture, text, y, x, color, scale=0.5):
    """Dark letters on a patch of colour, its top left corner at (y, x)."""
    cv2.rectangle(picture, (x, y), (x + _width(text, scale) + 8, y + 20), color, cv2.FILLED)
    _write(picture, text, (x + 4, y + 15), scale, _DARK)


def framed(picture, height, width):
    """The picture in the middle of a dark area."""
    down, right = height - picture.shape[0], width - picture.shape[1]
    return _padded(picture, down // 2, down - down // 2, right // 2, right - right // 2)


def _padded(picture, top, bottom, left, right):
    return cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=_DARK)


def scaled(picture, factor):
    """The picture larger or smaller by a factor, a copy."""
    size = tuple(max(1, round(length * factor)) for length in picture.shape[1::-1])
    if size == picture.shape[1::-1]:
        return picture.copy()
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def _write(picture, text, at, scale, color):
    cv2.putText(picture, _drawable(text), at, _FONT, scale, color, 1, cv2.LINE_AA)


def _width(text, scale):
    return cv2.getTextSize(_drawable(text), _FONT, scale, 1)[0][0]


def _fit(text, width, scale):
    """The text, or as much of it as `width` px hold and three dots."""
    shortened = text
    while len(shortened) > 1 and _width(shortened, scale) > width:
        shortened = shortened.removesuffix("...")[:-1] + "..."
    return shortened


def _drawable(text):
    # Until OpenCV 5 its letters were those of ASCII, and anything else came out as question marks, a byte each.
    if int(cv2.__version__.partition(".")[0]) >= 5:
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() or "?"
