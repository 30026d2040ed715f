"""Brand artwork for synthetic photos: the fixed list of brands, the distractors, and their drawn masks."""

import functools
from dataclasses import dataclass

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import cv2, require

# The order is fixed: `synthesize(brands=N)` takes the first N. ASCII only, since the names become folder names. The first
# twenty were picked by eye to be known to most people and unlike each other.
_BRANDS = (
    "Adidas, Apple, Starbucks, McDonald's, BMW, Audi, Volkswagen, Ferrari, Mitsubishi, Shell, Coca-Cola, Puma, Under "
    "Armour, NASA, Nike, Toyota, Target, Android, Spotify, Renault, IKEA, Ford, Tesla, Citroen, Maserati, Jordan, H&M, "
    "Uniqlo, DHL, FedEx, UPS, Visa, Mastercard, PayPal, Facebook, YouTube, Instagram, WhatsApp, TikTok, Pinterest, Netflix, "
    "Airbnb, Firefox, Linux, Docker, GitHub, Python, PlayStation, Burger King, Taco Bell, Carrefour, Lufthansa, Deutsche "
    "Telekom, Vodafone, Atari, Huawei, Snapchat, Twitch, Reddit, Dropbox, Tripadvisor, Bluetooth, Red Bull, HP, NVIDIA, "
    "John Deere, Chupa Chups, Star Trek, Peugeot, Porsche, Lamborghini, New Balance"
).split(", ")
# Class name -> name in simplepycons.
BRANDS = {brand: "".join(filter(str.isalnum, brand.lower())) for brand in _BRANDS} | {"H&M": "handm", "Firefox": "firefoxbrowser"}

# Marks of no brand above, names in simplepycons. Two pools, so that the marks a model learnt to ignore in training
# are not the ones that it has to ignore afterwards.
TRAIN_DISTRACTORS = (
    "honda subaru seat suzuki infiniti kia vk wechat signal blender inkscape arduino lyft deliveroo zalando etsy "
    "accenture airfrance hsbc fedora debian mozilla shazam bose"
).split()
OTHER_DISTRACTORS = (
    "mazda skoda acura jeep line telegram discord mastodon gimp raspberrypi doordash foodpanda shopify ryanair "
    "southwestairlines ubuntu postman yelp tidal jbl spacex polestar smart saturn"
).split()

# px, longer side of the drawn masks. Warping from a level at most twice as large as the result needs no low-pass
# filter of its own. The largest logo has 256 px, half a photo.
LEVELS = (384, 192, 96, 48, 24)
# px, side of the square that a mark is drawn in before it is cropped. The time grows with its area: 23 ms at 512 px,
# 77 ms at 1024 px (2 cores, November 2026).
DRAWN = 512
# Opacity from which a px belongs to the mark: a quarter, as in compositing.VISIBLE.
OPAQUE = 64


@dataclass(frozen=True)
class Artwork:
    """One mark, drawn.

    Attributes:
        color: tuple of 3 ints 0..255, RGB, the brand's colour.
        masks: tuple of uint8 `[h, w]` opacities, one a level of `LEVELS`, cropped to the mark.
        hull: float32 `[n, 2]`, (x, y) of the mark's convex hull, in shares of the mask's width and height.
        paints: tuple of uint8 RGB `[h, w, 3]`, its colours multiplied by the opacity, one a mask; empty for a mark of one colour.
    """

    color: tuple
    masks: tuple
    hull: np.ndarray
    paints: tuple = ()

    def drawn(self, size):
        """The smallest drawing whose longer side is at least `size` px (the largest if none is).

        Args:
            size: float, px.

        Returns:
            uint8 `[h, w]`, one of `masks`, and uint8 `[h, w, 3]`, its place in `paints`, or None.
        """
        level = max([number for number, mask in enumerate(self.masks) if max(mask.shape) >= size], default=0)
        return self.masks[level], self.paints[level] if self.paints else None


def svg(name):
    """A mark of simplepycons as a drawing in its brand's colour, as brands give theirs out.

    Args:
        name: str, its name in simplepycons.

    Returns:
        str, an SVG.

    Raises:
        As `draw`.
    """
    icon = _icon(name)
    return icon.customize_svg_as_str(fill=icon.primary_color)


@functools.cache
def draw(name):
    """Draws a mark of simplepycons.

    Args:
        name: str, its name in simplepycons.

    Returns:
        Artwork.

    Raises:
        ImportError: if simplepycons or resvg_py is not installed.
        ValueError: if the installed simplepycons has no such mark.
    """
    resvg_py = require("resvg_py", "export")
    icon = _icon(name)
    white = icon.customize_svg_as_str(fill="#ffffff")
    png = resvg_py.svg_to_bytes(svg_string=white, width=DRAWN, height=DRAWN, skip_system_fonts=True)
    alpha = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]
    x, y, width, height = cv2.boundingRect(cv2.findNonZero((alpha >= OPAQUE).astype(np.uint8)))
    alpha = alpha[y : y + height, x : x + width]
    masks = []
    for level in LEVELS:
        scale = level / max(width, height)
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        masks.append(cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA))
    color = icon.primary_color.lstrip("#")
    return Artwork(
        color=tuple(int(color[i : i + 2], 16) for i in (0, 2, 4)),
        masks=tuple(masks),
        hull=hull_of(alpha),
    )


def _icon(name):
    try:
        return require("simplepycons", "export").all_icons[name]
    except KeyError as error:
        raise UserError(
            f"the installed simplepycons has no mark {name!r}; install the version that requirements/ pins."
        ) from error


def hull_of(mask):
    """The convex hull of a mask, uint8 `[h, w]`: as `Artwork.hull` has it."""
    opaque = mask >= OPAQUE
    rows = np.flatnonzero(opaque.any(axis=1))
    # The ends of every row are enough, and a hundredth of the px.
    ends = opaque[rows].argmax(axis=1), mask.shape[1] - 1 - opaque[rows, ::-1].argmax(axis=1)
    hull = cv2.convexHull(np.concatenate([np.stack([end, rows], axis=1) for end in ends]).astype(np.int32)).reshape(-1, 2)
    # Every corner of the px counts, not only its top left one, or the hull is short by one px.
    corners = np.concatenate([hull + np.array(offset) for offset in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return (corners / np.array(mask.shape[::-1])).astype(np.float32)
