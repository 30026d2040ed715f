"""A picture made of pictures and lines of text, in letters of any script."""

from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.files import replacing
from logo_keras.image.draw import REGION_COLORS, TRUTH_COLOR, encoded, outline
from logo_keras.report import lettering

# px of a picture as wide as two screens of a phone: letters of 10 points are then 10 px high on one.
WIDTH, DPI = 800, 144
# px: between two things, of a line of text, and of a Latin letter, at 10 points.
GAP, LINE, LETTER = 16, 30, 12.4
# A dark sheet, as in logo_keras.image.draw. On it light letters, and two colours of Okabe and Ito 2008 that the colour-blind
# tell apart and that are 7 times as bright as the sheet (WCAG 2.1, 1.4.6).
DARK, LIGHT, FAINT = "#1b1f24", "#f0f3f6", "#b1bac4"
RIGHT, WRONG = "#56b4e9", "#e69f00"
# Colour never tells alone.
SIGNS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}"}
_SUFFIXES = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png"}


class Sheet:
    """Collects pictures and texts at their places, and renders them together.

    Args:
        width: int, px.
    """

    def __init__(self, width=WIDTH):
        self.width = width
        self._pictures, self._texts = [], []

    def paste(self, picture, x, y):
        """Puts a picture, uint8 RGB `[h, w, 3]`, with its top left corner at (x, y)."""
        self._pictures.append((picture, x, y))

    def paste_photo(self, photo, x, y, width, height, regions=(), boxes=None, fused=None):
        """Puts a photo with its regions and true boxes into the middle of a cell.

        Args:
            photo: uint8 RGB `[H, W, 3]`.
            x, y: int, px, the top left corner of the cell.
            width, height: int, px, of the cell.
            regions: float `[M, 4]`, `(y0, x0, y1, x1)` px of the photo, best first; numbered.
            boxes: float `[n, 4]`, likewise, in white; or None.
            fused: int, how many regions are bold; None for all.

        Returns:
            int, px, the height that the photo takes of the cell.
        """
        small = within(photo, width, height)
        factor = np.tile(np.float32(small.shape[:2]) / photo.shape[:2], 2)
        regions = np.asarray(regions, np.float32).reshape(-1, 4) * factor
        thick = 3 if width < self.width / 2 else 5
        outline(small, np.asarray([] if boxes is None else boxes, np.float32).reshape(-1, 4) * factor, TRUTH_COLOR, thick - 2)
        for rank in reversed(range(len(regions))):
            bold = fused is None or rank < fused
            outline(small, regions[rank : rank + 1], region_color(rank), thick if bold else 1)
        x += (width - small.shape[1]) // 2
        self.paste(small, x, y)
        taken = []
        for rank, box in enumerate(regions):
            # In the corner of the region that is seen, and none above another.
            top, left = (int(np.clip(box[axis], 4, max(4, small.shape[axis] - 30))) for axis in (0, 1))
            while any(abs(top - other) < 30 and abs(left - far) < 26 for other, far in taken) and left < small.shape[1] - 56:
                left += 28
            taken.append((top, left))
            self.number(rank, x + left, y + top)
        return len(small)

    def number(self, rank, x, y):
        """Writes the number of a region in its colour."""
        self.write(f"{rank + 1}", x, y, "black", back=tuple(level / 255 for level in region_color(rank)))

    def write(self, text, x, y, color=LIGHT, side="left", back=None, room=None, points=10):
        """Writes a line of text whose top left corner lies at (x, y), or its top right one with `side="right"`.

        Args:
            text: str.
            x, y: int, px.
            color, back: colours as matplotlib takes them; `back` of a patch behind the letters.
            side: "left" or "right".
            room: int, px that it may take; what is longer is cut off with dots. None for as much as there is.
            points: float, 1/72 inch.
        """
        if room is None:
            room = self.width - x if side == "left" else x
        text = lettering.fitted(text, max(1, int(room / (LETTER * points / 10))))
        patch = None if back is None else {"facecolor": back, "edgecolor": "none", "pad": 3}
        style = {"color": color, "ha": side, "va": "top", "bbox": patch, "fontsize": points}
        self._texts.append((text, x, y, style))

    def rendered(self, height):
        """The sheet as uint8 RGB `[height, width, 3]`."""
        with lettering.figure(self.width, height, [text for text, *_ in self._texts], DPI, DARK) as figure:
            for text, x, y, style in self._texts:
                figure.text(x / self.width, 1 - y / height, text, **style)
            # As an image behind the letters, px for px: what a figure draws itself it may move by a part of one.
            ground = np.full((height, self.width, 3), tuple(bytes.fromhex(DARK[1:])), np.uint8)
            for picture, x, y in self._pictures:
                ground[y : y + len(picture), x : x + picture.shape[1]] = picture
            figure.figimage(ground, 0, 0, origin="upper", zorder=-1)
            return lettering.pixels(figure)


def region_color(rank):
    """The colour of a region: three int, RGB."""
    return REGION_COLORS[rank % len(REGION_COLORS)]


def within(picture, width, height):
    """The picture as large as fits, at most 4 times its size: uint8 RGB `[h, w, 3]`."""
    factor = min(width / picture.shape[1], height / picture.shape[0], 4)
    size = tuple(max(1, round(length * factor)) for length in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def percent(share):
    """A share as "93 %", with a digit more where it would read 0 or 100."""
    return f"{100 * share:.0f} %" if 0.005 <= share < 0.995 or share in (0, 1) else f"{100 * share:.1f} %"


def save(picture, path):
    """Writes a picture; the file appears when it is complete, and replaces one of its name.

    Args:
        picture: uint8 RGB `[H, W, 3]`.
        path: str or path, `.png`, `.jpg` or `.jpeg`.

    Raises:
        ValueError: if the name ends otherwise, or the picture is none.
        OSError: if it cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UserError(f"a picture is saved as .png or .jpg, got {path}.")
    if not (isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[-1] == 3):
        raise UserError(f"a picture is a uint8 RGB array [H, W, 3], got {type(picture).__name__}.")
    with replacing(path, durable=False) as temporary:
        temporary.write_bytes(encoded(picture, _SUFFIXES[suffix]))
