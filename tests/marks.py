"""Small packages of marks, and drawings, for the tests of datasets.marks."""

import base64
import hashlib
import io
import json
import tarfile

import cv2
import numpy as np

from logo_keras.datasets.marks import packages
from logo_keras.datasets.marks.catalogue import Mark
from logo_keras.datasets.marks.drawings import Drawing

# A ring, a cross, two coloured bars, and a plain square: bodies of icons of 24 x 24.
RING = '<path fill="currentColor" fill-rule="evenodd" d="M12 0a12 12 0 100 24 12 12 0 000-24zm0 6a6 6 0 110 12 6 6 0 010-12z"/>'
CROSS = '<path fill="currentColor" d="M9 2h6v7h7v6h-7v7H9v-7H2V9h7z"/>'
BARS = '<path fill="#e00" d="M2 2h8v20H2z"/><path fill="#00e" d="M14 2h8v20h-8z"/>'
SQUARE = '<path fill="#080" d="M2 2h20v20H2z"/>'


def package_file(path, icons, **content):
    """Writes a package as npm packs it; returns its integrity. `icons`: name to body, or to an entry of icons.json."""
    entries = {name: {"body": icon} if isinstance(icon, str) else icon for name, icon in icons.items()}
    data = json.dumps({"prefix": "p", "icons": entries, "width": 24, "height": 24, **content}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("package/icons.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def small_package(root, icons, name="small", kind="colour", **content):
    """A package that is kept in `root` already: dict of its name to Package."""
    package = packages.Package(name, "1.0.0", "CC0-1.0", "nobody", "https://example.org", kind, "sha512-")
    integrity = package_file(packages.place(root, package), icons, **content)
    return {name: packages.Package(name, "1.0.0", "CC0-1.0", "nobody", "https://example.org", kind, integrity)}


def drawing(brand, color=(200, 30, 30), name=None, colored=False):
    """A drawing of 160 px: a ring with a number of spokes that the brand's name decides, alone or in two colours on a tile."""
    mask = np.zeros((160, 160), np.uint8)
    cv2.circle(mask, (80, 80), 70, 255, 12)
    for spoke in range(1 + sum(brand.encode()) % 7):
        angle = 2 * np.pi * spoke / (1 + sum(brand.encode()) % 7)
        cv2.line(mask, (80, 80), (round(80 + 70 * np.cos(angle)), round(80 + 70 * np.sin(angle))), 255, 10)
    if not colored:
        return Drawing(Mark(brand, "small", name or brand, color), mask)
    pixels = np.full((160, 160, 4), 255, np.uint8)
    pixels[..., :3] = np.where(mask[..., None] > 127, np.uint8([20, 20, 240]), np.uint8([250, 180, 20]))
    return Drawing(Mark(brand, "small", name or brand), pixels)
