"""The marks as pictures: each drawn once, all in one memory-mapped file."""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.marks import catalogue, packages
from logo_keras.datasets.marks.alike import SAME, fingerprint, joined
from logo_keras.datasets.synthetic.artwork import OPAQUE, hull_of
from logo_keras.errors import UserError
from logo_keras.extras import cv2, require
from logo_keras.files import lock, replacing, write_json

# Goes up whenever the same packages give other pictures or other brands, so that older ones are not taken for these.
RECIPE = 1
# px, longer side of a picture: as large as the largest mark on the crops of 128 to 160 px that are learnt from.
SIDE = 160
# px, longer side of the canvas that a mark is drawn on first, before what is empty around it is cut off.
_CANVAS = 256
# Least share of the px of a picture that belong to the mark: below it (a hair line, a dot) there is nothing to learn.
_LEAST = 0.01
# Share of its convex hull that a mark of one colour fills at most: above it it is a plain disc or square, as that of many.
_MOST = 0.98
# Grey levels: a mark whose px deviate less than this from their mean colour is one of one colour.
_FLAT = 10.0


@dataclass(frozen=True)
class Drawing:
    """A mark as a picture.

    Attributes:
        mark: Mark. Its `color` is set where `pixels` are opacities and the colour is known.
        pixels: uint8, longer side `SIDE` px, cropped to the mark: `[h, w]` opacities of a mark of one colour, or `[h, w, 4]` RGB,
            multiplied by the opacity, and opacity.
    """

    mark: catalogue.Mark
    pixels: np.ndarray

    @property
    def alpha(self):
        """uint8 `[h, w]`, the opacity."""
        return self.pixels if self.pixels.ndim == 2 else self.pixels[..., 3]


class Drawings:
    """The pictures of all marks of a folder, read where they are asked for: a sequence of Drawing.

    Attributes:
        marks: tuple of Mark. Brands whose marks look the same are one.
        empty: tuple of str, package/name of the marks that are left out because they show nothing: they cannot be drawn, hardly a
            px is drawn, or they are a plain disc or square.
        left_out: int, marks that are left out since they show a left-out brand.
        key: str, says by which packages, lists and code they were made.
    """

    def __init__(self, folder):
        folder = Path(folder)
        about = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.marks = tuple(
            catalogue.Mark(mark["brand"], mark["package"], mark["name"], mark["color"] and tuple(mark["color"]))
            for mark in about["marks"]
        )
        self.empty, self.left_out, self.key = tuple(about["empty"]), about["left_out"], about["key"]
        self._shapes = [tuple(mark["shape"]) for mark in about["marks"]]
        self._starts = np.concatenate([[0], np.cumsum([int(np.prod(shape)) for shape in self._shapes])])
        self._file = folder / "pixels.bin"
        if self._file.stat().st_size != self._starts[-1]:
            raise UserError(f"{folder} is damaged: pixels.bin has another length than index.json says; remove the folder.")
        self._pixels = np.memmap(self._file, np.uint8, mode="r")

    def __len__(self):
        return len(self.marks)

    def __getitem__(self, index):
        pixels = self._pixels[self._starts[index] : self._starts[index + 1]]
        return Drawing(self.marks[index], np.asarray(pixels).reshape(self._shapes[index]))


def drawings(root, wanted=packages.EVERYTHING):
    """Opens the pictures of all marks in a folder; the first time they are fetched and drawn, which takes some minutes.

    They lie in `root/drawings-KEY`, which appears when it is complete. KEY is made of the versions, the lists of what is left
    out and the code's version, so that a change of any of them draws anew. While one process draws, another one waits.

    Args:
        root: str or path of a folder, made where it is missing: about 800 MB.
        wanted: dict from name to Package.

    Returns:
        Drawings.

    Raises:
        UserError, OSError, ImportError: as `packages.fetch` does.
    """
    root = Path(root)
    key = _key(wanted)
    folder = root / f"drawings-{key}"
    root.mkdir(parents=True, exist_ok=True)
    with lock(root / f"{folder.name}.lock", lambda: _say(f"{folder}: another process draws the marks; waiting for that")):
        if not (folder / "index.json").is_file():
            packages.fetch(root, _say, wanted)
            kept, left_out = catalogue.marks(root, wanted)
            with replacing(folder, durable=False) as partial:
                _write(partial, root, wanted, kept, len(left_out), key)
    return Drawings(folder)


def draw(svg, color=None):
    """Draws a mark.

    Args:
        svg: str, the SVG file. `currentColor` in it is white.
        color: tuple of 3 ints 0..255, RGB: the drawing has one colour, and this is the brand's; or None.

    Returns:
        pixels: uint8 `[h, w]` or `[h, w, 4]`, as in `Drawing`; None if there is nothing to see.
        color: tuple of 3 ints, the colour of a drawing of one colour, or None.

    Raises:
        ValueError: if it is no SVG file.
        ImportError: if resvg_py is not installed.
    """
    picture, color = _drawn(svg, color)
    return (picture if picture is not None and _shows_something(picture) else None), color


def _drawn(svg, color):
    """As `draw`, of plain shapes too."""
    one_color = color is not None or "currentColor" in svg
    picture, width = _rendered(svg, _CANVAS), _CANVAS
    box = cv2.boundingRect((picture[..., 3] >= OPAQUE).astype(np.uint8))
    if 0 < max(box[2:]) < SIDE:
        # Much is empty around it: once more, larger.
        width = min(8 * _CANVAS, -(-_CANVAS * SIDE // max(box[2:])))
        picture = _rendered(svg, width)
        box = cv2.boundingRect((picture[..., 3] >= OPAQUE).astype(np.uint8))
    x, y, wide, high = box
    picture = picture[y : y + high, x : x + wide]
    if not wide or (picture[..., 3] >= OPAQUE).mean() < _LEAST:
        return None, color
    scale = SIDE / max(wide, high)
    shape = max(1, round(wide * scale)), max(1, round(high * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    alpha = picture[..., 3].copy()
    if one_color:
        return cv2.resize(alpha, shape, interpolation=interpolation), color
    inside = picture[alpha >= 128, :3].astype(np.float32)
    if len(inside) and inside.std(axis=0).max() < _FLAT:
        mean = tuple(round(float(value)) for value in inside.mean(axis=0))
        return cv2.resize(alpha, shape, interpolation=interpolation), mean
    # Colours that are not multiplied would bleed from where nothing is seen.
    picture[..., :3] = cv2.multiply(picture[..., :3], cv2.merge([alpha] * 3), scale=1 / 255)
    return cv2.resize(picture, shape, interpolation=interpolation), None


def _shows_something(picture):
    """Whether there is more to see than nothing or, in one colour, a shape without dents and holes."""
    alpha = picture if picture.ndim == 2 else picture[..., 3]
    if not (alpha >= OPAQUE).any():
        return False
    points = np.rint(hull_of(alpha) * alpha.shape[::-1]).astype(np.int32)
    return picture.ndim == 3 or float(alpha.sum()) / 255 < _MOST * cv2.contourArea(cv2.convexHull(points))


def _rendered(svg, width):
    """RGBA uint8 `[H, W, 4]`, `width` px wide."""
    resvg_py = require("resvg_py", "export")
    png = resvg_py.svg_to_bytes(svg_string=svg, width=width, style_sheet="svg{color:#ffffff}", skip_system_fonts=True)
    picture = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)


def _key(wanted):
    """What the pictures depend on, as 12 hexadecimal digits."""
    pins = [asdict(package) for package in wanted.values()]
    lists = [*sorted(catalogue.left_out_brands()[0]), *catalogue.left_out_patterns()]
    about = json.dumps([RECIPE, SIDE, SAME, pins, lists, metadata.version("resvg_py")], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:12]


def _write(folder, root, wanted, kept, left_out, key):
    """Draws all marks into a new folder."""
    folder.mkdir()
    drawn = {name: packages.icons(root, package) for name, package in wanted.items()}

    def work(mark):
        try:
            return draw(drawn[mark.package][mark.name].svg, mark.color)
        except ValueError:
            # A file that resvg does not take, such as one with an error in it.
            return None, None

    entries, empty, looks = [], [], {}
    with open(folder / "pixels.bin", "wb") as file:
        for mark, (pixels, color) in in_threads(work, kept, "drawing marks", waiting=256):
            if pixels is None:
                empty.append(mark.path)
                continue
            file.write(np.ascontiguousarray(pixels).data)
            entries.append(
                {"package": mark.package, "name": mark.name, "color": color, "shape": pixels.shape, "brand": mark.brand}
            )
            if wanted[mark.package].kind != packages.WORDS:
                # Words are told apart by letters, which are too small for what tells that two marks are the same.
                looks[len(entries) - 1] = fingerprint(pixels)
    brands = joined([entries[place]["brand"] for place in looks], list(looks.values()))
    for place, brand in zip(looks, brands, strict=True):
        entries[place]["brand"] = brand
    write_json(folder / "index.json", {"key": key, "left_out": left_out, "empty": empty, "marks": entries}, indent=None)


def _say(line):
    print(line, file=sys.stderr)
