"""What a region network looks at on one photo: its regions by rank, and how it looks at each again."""

import numpy as np

from logo_keras.edge.recognition import answer
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.image.draw import TRUTH_COLOR, cut, outline
from logo_keras.image.preprocessing import fit, pixels
from logo_keras.visualize.sheet import FAINT, GAP, LINE, RIGHT, SIGNS, WIDTH, WRONG, Sheet, percent, region_color

# px: region, map, crop and drop stand side by side.
_SIDE = (WIDTH - 5 * GAP) // 4


def localised_regions(model, photo, truth=None, boxes=None):
    """Draws the regions of one photo as the network sees them.

    Above, the photo with the M regions by rank: bold the K that are fused, thin those that the teacher alone judges. Below, a row
    a fused region: the region as the backbone sees it, of DRNANet also its augmentation map (dark low, yellow high, the box of
    its crop in white), its crop and its drop; with the navigator's score and what the teacher says of the region alone: the
    probability of the true brand, or, where that is not known, its likeliest brand. An exported file has the K regions and,
    where it gives them, their scores.

    Args:
        model: NTSNet, DRNANet or an `lk.edge.Recognizer` of one.
        photo: a path, the bytes of an image file or uint8 RGB `[H, W, 3]`.
        truth: str, the true brand; None if it is not known.
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the photo, the true logos, drawn in white; or None.

    Returns:
        uint8 RGB `[h, 800, 3]`.

    Raises:
        UnreadablePhoto: if a file cannot be read.
        ValueError: if the model has no regions, or knows no brand that is called `truth`.
    """
    photo = pixels(photo)
    seen = _seen(model, photo)
    if truth is not None and truth not in model.class_names:
        raise UserError(f"the model knows no brand {truth!r}; truth is one of its class_names.")
    said = answer(seen, photo.shape[:2], model.class_names, model.image_size, 1, model.preprocessing)
    sheet, y = Sheet(), GAP
    y = _photo(sheet, y, model, photo, said, truth, boxes)
    count, fused = len(said.region_boxes), _fused(model, said)
    for rank in range(fused):
        y = _row(sheet, y, model, photo, seen, said, rank, truth)
    if fused < count:
        sheet.write("proposed, not fused:", GAP, y, FAINT)
        y += LINE + GAP // 2
    # Two side by side.
    for first in range(fused, count, 2):
        for column, rank in enumerate(range(first, min(first + 2, count))):
            _beside(sheet, GAP + column * (sheet.width - GAP) // 2, y, model, photo, seen, said, rank, truth)
        y += _SIDE + GAP
    return sheet.rendered(y)


def _seen(model, photo):
    """What the model gives for the photo: dict of arrays without the axis of the batch."""
    image = fit(photo, model.image_size, model.preprocessing).astype(np.float32)[None]
    if hasattr(model, "inspect"):
        given = model.inspect(image)
    elif hasattr(model, "infer") and "region_boxes" in getattr(model, "outputs", ()) and hasattr(model, "recognize"):
        given = model.infer(image)
    else:
        raise UserError(
            f"regions are drawn of NTSNet, DRNANet and their exported files; this {type(model).__name__} has none that decide."
        )
    return {name: np.asarray(value)[0] for name, value in given.items()}


def _fused(model, said):
    return getattr(model, "num_regions", len(said.region_boxes))


def _photo(sheet, y, model, photo, said, truth, boxes):
    """The photo with its regions and what the model says; returns where the next thing begins."""
    width = sheet.width - 2 * GAP
    y += sheet.paste_photo(photo, GAP, y, width, sheet.width, said.region_boxes, boxes, _fused(model, said)) + GAP // 2
    # The likeliest brand even where it counts as unknown: the regions are to explain it.
    text = f"{percent(said.confidence)} {said.labels[0]}"
    if said.confidence < (model.threshold or 0):
        text = f"none: below its threshold, {text}"
    if truth is None:
        sheet.write(f"it says {text}", GAP, y)
        return y + LINE + GAP
    right = said.labels[0] == truth
    sheet.write(f"{SIGNS[right]} {text}", GAP, y, RIGHT if right else WRONG)
    sheet.write(f"true: {truth}", GAP, y + LINE)
    return y + 2 * LINE + GAP


def _row(sheet, y, model, photo, seen, said, rank, truth):
    """A fused region and how it is looked at again; returns where the next thing begins."""
    lines = _words(model, seen, said, rank, truth)
    sheet.number(rank, GAP + 4, y + 2)
    sheet.write(lines[0], GAP + 34, y)
    y += LINE + 4
    for place, (name, tile) in enumerate(_tiles(model, photo, seen, said, rank).items()):
        x = GAP + place * (_SIDE + GAP)
        sheet.paste(tile, x, y)
        sheet.write(name, x, y + _SIDE + 2, FAINT)
    for number, line in enumerate(lines[1:], 1):
        sheet.write(line, GAP, y + _SIDE + 4 + number * LINE)
    return y + _SIDE + 4 + max(1, len(lines)) * LINE + GAP


def _beside(sheet, x, y, model, photo, seen, said, rank, truth):
    """A region that is not fused, and what is said of it to its right."""
    sheet.paste(_tiles(model, photo, seen, said, rank)["region"], x, y)
    sheet.number(rank, x + 8, y + 8)
    room = sheet.width // 2 - _SIDE - 2 * GAP
    score, *judged = _words(model, seen, said, rank, truth)
    parts = [score, *(part for line in judged for part in line.split(" ", 1))]
    for number, part in enumerate(parts):
        sheet.write(part, x + _SIDE + GAP, y + number * LINE, room=room)


def _tiles(model, photo, seen, said, rank):
    """The pictures of a region by name: dict of uint8 RGB squares."""
    side = _SIDE
    region = _resized(seen["regions"][rank], side) if "regions" in seen else cut(photo, said.region_boxes[rank], side)
    sized = {"region": region.copy()}
    outline(sized["region"], [(0, 0, side, side)], region_color(rank), 6 if rank < _fused(model, said) else 2)
    if "augmentation_maps" not in seen or rank >= len(seen["augmentation_maps"]):
        return sized
    sized["map"] = _heat(region, seen["augmentation_maps"][rank])
    # The crop's box, in px of the tile.
    (y0, x0, y1, x1), inner = seen["region_boxes"][rank], seen["crop_boxes"][rank]
    within_region = (inner - np.float32([y0, x0] * 2)) / np.float32([y1 - y0, x1 - x0] * 2) * side
    if "crop" in seen:
        outline(sized["map"], [within_region], TRUTH_COLOR, 2)
    return sized | {name: _resized(seen[name][rank], side) for name in ("crop", "drop") if name in seen}


def _heat(region, values):
    """The map over the region in grey: viridis, whose order is seen in colour blindness and in grey too."""
    side = len(region)
    grey = cv2.cvtColor(cv2.cvtColor(region, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    levels = np.round(255 * cv2.resize(np.asarray(values, np.float32), (side, side))).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return cv2.addWeighted(grey, 0.4, colours, 0.6, 0)


def _words(model, seen, said, rank, truth):
    """What is known of a region: the navigator's score, and what the teacher says."""
    first = f"score {said.region_scores[rank]:.2f}" if rank < len(said.region_scores) else "no score in the file"
    if "region_logits" not in seen:
        return [first]
    logits = seen["region_logits"][rank].astype(np.float64)
    confidences = np.exp(logits - logits.max())
    confidences /= confidences.sum()
    likeliest = int(confidences.argmax())
    if truth is None:
        return [first, f"teacher: {percent(confidences[likeliest])} {model.class_names[likeliest]}"]
    number = model.class_names.index(truth)
    lines = [first, f"teacher: {percent(confidences[number])} {truth}"]
    if likeliest != number:
        lines.append(f"rather: {percent(confidences[likeliest])} {model.class_names[likeliest]}")
    return lines


def _resized(tile, side):
    return cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA if len(tile) > side else cv2.INTER_CUBIC)
