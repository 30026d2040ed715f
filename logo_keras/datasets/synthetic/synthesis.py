"""Synthetic photos with exact boxes: brand marks put into real photos. A test bed, not evidence."""

import json
import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from logo_keras.arguments import one_of, whole
from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.formats import folder
from logo_keras.datasets.formats.boxes_file import CSV
from logo_keras.datasets.splits import check_split
from logo_keras.datasets.statistics import to_csv
from logo_keras.datasets.synthetic import artwork, camera, compositing, placement, scenes
from logo_keras.errors import UserError
from logo_keras.extras import cv2
from logo_keras.files import replacing
from logo_keras.image.draw import encoded

SPLITS = ("train", "validation", "test", "none")
# Goes up whenever the same arguments give other photos, so that an older set is not taken for a new one.
RECIPE = 2
ARGUMENTS = "synthetic.json"
# px, longer side of a photo.
LONGER_SIDE = 512
# Width to height.
ASPECTS = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3)


@dataclass(frozen=True)
class Preset:
    """How hard the photos are.

    Attributes:
        smallest: float, longer side of the smallest logo in shares of the photograph's shorter side.
        largest: float, the same of the largest.
        plates: float, share of the marks that lie on a plate.
        covered: float, share of the logos that are partly covered.
        hidden: float, largest share of a covered logo that is hidden.
        distractors: int, most distractors in a photo.
    """

    smallest: float
    largest: float
    plates: float = 0.5
    covered: float = 0.25
    hidden: float = 0.25
    distractors: int = 2


PRESETS = {"demo": Preset(0.15, 0.5), "small": Preset(0.08, 0.4)}


def synthesize(root, preset="demo", brands=20, train=40, validation=10, test=20, none=40, seed=0):
    """Writes a set of synthetic photos with the exact box of the one logo in each.

    The folder holds `train/BRAND/0000.jpg`, `validation/...`, `test/...`, `none/0000.jpg` (photos with
    distractors only), `boxes.csv` and `synthetic.json` (arguments and versions). The same arguments give the same
    bytes on the same machine with the same package versions. An existing set with the same arguments is kept.

    Args:
        root: path of the folder to write. It appears when the set is complete, and not before.
        preset: str, "demo" (logos of 15 to 50 % of the shorter side) or "small" (8 to 40 %).
        brands: int, number of brands, the first ones of `artwork.BRANDS`.
        train: int, photos a brand.
        validation: int, photos a brand.
        test: int, photos a brand.
        none: int, photos without a logo of the list.
        seed: int, draws everything but the brands.

    Returns:
        Path, the root, absolute.

    Raises:
        ValueError: for an unknown preset, more brands than there are, numbers below zero, or a root that holds
            something else.
        ImportError: if simplepycons, resvg_py or scikit-image is not installed.
    """
    arguments = _checked(preset, brands, train, validation, test, none, seed)
    root = Path(os.path.abspath(root))
    if _made(root, arguments):
        return root
    with replacing(root, durable=False) as partial:
        _write(partial, arguments)
    return root


def load(root, split=None, cut=None):
    """Opens a set that `synthesize` wrote: a folder of brands with `boxes.csv`.

    Args:
        root: path of its folder.
        split: str, "train", "validation", "test", "none" (labels -1), or None for all of the first three.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset, with one box a photo (no box in `none`).

    Raises:
        ValueError: for an unknown split.
        FileNotFoundError: if the folder is missing or is no such set.
    """
    check_split(split, SPLITS)
    root = Path(root)
    if not (root / ARGUMENTS).is_file():
        reason = f"{root} is no synthetic set: {ARGUMENTS} is missing; logo_keras.datasets.synthesize writes one."
        raise FileNotFoundError(reason)
    if split is not None and not (root / split).is_dir():
        return folder.load(root).subset([])
    return folder.load(root, split, cut)


def make_photograph(preset, split, number, seed, brand=None):
    """Makes one photo.

    Args:
        preset: Preset.
        split: str, one of `SPLITS`.
        number: int, its number among the photos of its brand and split.
        seed: int.
        brand: str, class name, or None for a photo with distractors only.

    Returns:
        The JPEG file as bytes, and the box of the visible part of the logo: four ints `(y0, x0, y1, x1)` in px, or
        None without a brand.
    """
    place_in_list = list(artwork.BRANDS).index(brand) if brand else len(artwork.BRANDS)
    rng = np.random.default_rng([seed, SPLITS.index(split), place_in_list, number])
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    width, height = round(LONGER_SIDE * min(1.0, aspect)), round(LONGER_SIDE / max(1.0, aspect))
    scene = scenes.background(split, height, width, rng)
    cloth = scene[::-1, ::-1].copy()

    def drawn(name, smallest, largest):
        mark = artwork.draw(name)
        return mark, placement.place(mark, rng.uniform(smallest, largest) * min(height, width), height, width, rng)

    taken, logo = [], None
    if brand:
        logo = drawn(artwork.BRANDS[brand], preset.smallest, preset.largest)
        taken.append(logo[1].box)
    pool = artwork.TRAIN_DISTRACTORS if split == "train" else artwork.OTHER_DISTRACTORS
    # Without a logo there is at least one distractor, so that a mark alone does not tell the two kinds apart.
    for name in rng.choice(pool, rng.integers(0 if brand else 1, preset.distractors + 1), replace=False):
        mark, where = drawn(str(name), preset.smallest, 0.8 * preset.largest)
        # One that would touch another mark is left out: photos with a crowded logo keep fewer.
        if not any(placement.overlap(where.box, box, gap=0.15 * where.size) for box in taken):
            compositing.paste(scene, where, mark.color, rng, plate=rng.random() < preset.plates)
            taken.append(where.box)

    box, sharp = None, 0.2 * min(height, width)
    if logo:
        mark, where = logo
        coverage = compositing.paste(scene, where, mark.color, rng, plate=rng.random() < preset.plates)
        if rng.random() < preset.covered:
            coverage = compositing.cover(scene, coverage, cloth, rng, preset.hidden)
        box, sharp = compositing.tight_box(coverage), where.size
    photo = camera.photograph(scene, sharp, rng)
    return encoded(photo, quality=int(rng.integers(40, 96))), box


def _checked(preset, brands, train, validation, test, none, seed):
    """The arguments as synthetic.json holds them."""
    one_of("preset", preset, PRESETS)
    arguments = dict(brands=brands, train=train, validation=validation, test=test, none=none, seed=seed)
    for name, value in arguments.items():
        arguments[name] = whole(name, value, 1 if name == "brands" else 0)
    if brands > len(artwork.BRANDS):
        raise UserError(f"brands must be at most {len(artwork.BRANDS)}, the number in the list, got {brands}.")
    return {"preset": preset, **arguments, "recipe": RECIPE}


def _made(root, arguments):
    """Whether `root` holds the set of these arguments already; ValueError if it holds something else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        found = json.loads((root / ARGUMENTS).read_text(encoding="utf-8"))["arguments"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{root} exists and is no synthetic set; choose another root or remove it first.") from None
    if found != arguments:
        names = [name for name in arguments if found.get(name) != arguments[name]]
        changed = "; ".join(f"{name} is {found.get(name)!r} there and {arguments[name]!r} here" for name in names)
        raise UserError(f"{root} holds another set ({changed}); choose another root or remove it first.")
    return True


def _write(root, arguments):
    """Writes the whole set into a new folder."""
    preset, seed = PRESETS[arguments["preset"]], arguments["seed"]
    chosen = list(artwork.BRANDS)[: arguments["brands"]]
    jobs = [(split, brand, n) for split in SPLITS[:3] for brand in chosen for n in range(arguments[split])]
    jobs += [("none", None, n) for n in range(arguments["none"])]
    root.mkdir()
    for split, brand, _ in jobs:
        (root / split / (brand or "")).mkdir(parents=True, exist_ok=True)

    def work(job):
        split, brand, number = job
        data, box = make_photograph(preset, split, number, seed, brand)
        path = "/".join(part for part in (split, brand, f"{number:04d}.jpg") if part)
        (root / path).write_bytes(data)
        return [split, brand or "", path, *(box or [""] * 4)]

    # Threads, not processes: cv2 and numpy let go of the interpreter, and a process that has loaded TensorFlow must not
    # be forked. Each photo has a generator of its own, so the order in which they are made changes nothing.
    rows = [row for _, row in in_threads(work, jobs, "drawing photos")]
    (root / CSV).write_bytes(to_csv(["split", "brand", "path", "y0", "x0", "y1", "x1"], rows))
    packages = ("simplepycons", "resvg_py", "scikit-image", "numpy")
    about = {
        "arguments": arguments,
        # In the order of the alphabet, as the folders have it, so that this set and its folders name classes alike.
        "class_names": sorted(chosen),
        "versions": {**{name: metadata.version(name) for name in packages}, "opencv": cv2.__version__},
    }
    (root / ARGUMENTS).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
