"""Brand artwork for synthetic photographs: the fixed list of brands, the distractors, and their drawn masks."""

import functools
from dataclasses import dataclass

import numpy as np

from logo_keras.extras import cv2, require

# Class name -> name in simplepycons. The order is fixed: `synthesize(brands=N)` takes the first N. ASCII only, since
# the names become folder names. The first twenty were picked by eye to be known to most people and unlike each other.
BRANDS = {
    "Adidas": "adidas",
    "Apple": "apple",
    "Starbucks": "starbucks",
    "McDonald's": "mcdonalds",
    "BMW": "bmw",
    "Audi": "audi",
    "Volkswagen": "volkswagen",
    "Ferrari": "ferrari",
    "Mitsubishi": "mitsubishi",
    "Shell": "shell",
    "Coca-Cola": "cocacola",
    "Puma": "puma",
    "Under Armour": "underarmour",
    "NASA": "nasa",
    "Nike": "nike",
    "Toyota": "toyota",
    "Target": "target",
    "Android": "android",
    "Spotify": "spotify",
    "Renault": "renault",
    "IKEA": "ikea",
    "Ford": "ford",
    "Tesla": "tesla",
    "Citroen": "citroen",
    "Maserati": "maserati",
    "Jordan": "jordan",
    "H&M": "handm",
    "Uniqlo": "uniqlo",
    "DHL": "dhl",
    "FedEx": "fedex",
    "UPS": "ups",
    "Visa": "visa",
    "Mastercard": "mastercard",
    "PayPal": "paypal",
    "Facebook": "facebook",
    "YouTube": "youtube",
    "Instagram": "instagram",
    "WhatsApp": "whatsapp",
    "TikTok": "tiktok",
    "Pinterest": "pinterest",
    "Netflix": "netflix",
    "Airbnb": "airbnb",
    "Firefox": "firefoxbrowser",
    "Linux": "linux",
    "Docker": "docker",
    "GitHub": "github",
    "Python": "python",
    "PlayStation": "playstation",
    "Burger King": "burgerking",
    "Taco Bell": "tacobell",
    "Carrefour": "carrefour",
    "Lufthansa": "lufthansa",
    "Deutsche Telekom": "deutschetelekom",
    "Vodafone": "vodafone",
    "Atari": "atari",
    "Huawei": "huawei",
    "Snapchat": "snapchat",
    "Twitch": "twitch",
    "Reddit": "reddit",
    "Dropbox": "dropbox",
    "Tripadvisor": "tripadvisor",
    "Bluetooth": "bluetooth",
    "Red Bull": "redbull",
    "HP": "hp",
    "NVIDIA": "nvidia",
    "John Deere": "johndeere",
    "Chupa Chups": "chupachups",
    "Star Trek": "startrek",
    "Peugeot": "peugeot",
    "Porsche": "porsche",
    "Lamborghini": "lamborghini",
    "New Balance": "newbalance",
}

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
# filter of its own. The largest logo has 256 px, half a photograph.
LEVELS = (384, 192, 96, 48, 24)
# px, side of the square that a mark is drawn in before it is cropped. The time grows with its area: 23 ms at 512 px,
# 77 ms at 1024 px (2 cores, November 2026).
DRAWN = 512


@dataclass(frozen=True)
class Artwork:
    """One mark, drawn.

    Attributes:
        name: str, the name in simplepycons.
        color: tuple of 3 ints 0..255, RGB, the brand's colour.
        masks: tuple of uint8 `[h, w]` opacities, one a level of `LEVELS`, cropped to the mark.
        hull: float32 `[n, 2]`, (x, y) of the mark's convex hull, in shares of the mask's width and height.
    """

    name: str
    color: tuple
    masks: tuple
    hull: np.ndarray

    def mask(self, size):
        """The smallest mask whose longer side is at least `size` px (the largest if none is): uint8 `[h, w]`."""
        fitting = [mask for mask in self.masks if max(mask.shape) >= size]
        return fitting[-1] if fitting else self.masks[0]


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
    simplepycons = require("simplepycons", "export")
    resvg_py = require("resvg_py", "export")
    try:
        icon = simplepycons.all_icons[name]
    except KeyError as error:
        raise ValueError(
            f"the installed simplepycons has no mark {name!r}; install the version that requirements/ pins."
        ) from error
    svg = icon.customize_svg_as_str(fill="#ffffff")
    png = resvg_py.svg_to_bytes(svg_string=svg, width=DRAWN, height=DRAWN, skip_system_fonts=True)
    alpha = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]
    x, y, width, height = cv2.boundingRect(cv2.findNonZero((alpha >= 64).astype(np.uint8)))
    alpha = alpha[y : y + height, x : x + width]
    hull = cv2.convexHull(cv2.findNonZero((alpha >= 64).astype(np.uint8))).reshape(-1, 2)
    # Every corner of the px counts, not only its top left one, or the hull is short by one px.
    corners = np.concatenate([hull + np.array(offset) for offset in ((0, 0), (0, 1), (1, 0), (1, 1))])
    masks = []
    for level in LEVELS:
        scale = level / max(width, height)
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        masks.append(cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA))
    color = icon.primary_color.lstrip("#")
    return Artwork(
        name=name,
        color=tuple(int(color[i : i + 2], 16) for i in (0, 2, 4)),
        masks=tuple(masks),
        hull=(corners / np.array([width, height])).astype(np.float32),
    )
