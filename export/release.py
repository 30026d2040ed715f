"""Makes the files of the logo detector and its embedding that come with the package, and puts them into the source tree.

For whoever releases a version; the model is what `logo-train --recipe logo_detector` left, with the embedder in it.

  logo_keras/gallery/logos.tflite        the embedding, float16, checked as logo-export-tflite checks it: what galleries run
  logo_keras/gallery/detector.tflite     the detector with the same embedding, weights int8, checked likewise: what finds the
                                         places in photos that galleries search
  logo_keras/weights/logos.safetensors   the weights of the embedding's backbone, float16: what networks start from with
                                         weights="logos"

All carry model cards, which logo-describe prints. The first two have the thresholds of galleries that are not calibrated: they
are measured here, on marks of brands that were held out of training. What is no logo the detector learns here too, from photos
without any. Older files of these names are kept unless all checks pass.

For instance:
  python -m logo_keras.export.release --model run --root marks --clutter photos
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logo_keras.commands.command import Command, photos_of
from logo_keras.datasets.marks import Marks, catalogue, packages
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras
from logo_keras.files import write
from logo_keras.gallery import embedders, strangers

from . import tflite
from .check.embedding import BOUNDS
from .check.reference import referring
from .served import EMBEDDING, opened

USAGE = "logo_keras.export.release --model RUN --root MARKS --clutter FOLDER"
# Bytes of the embedding's two files together, and of the detector's: what each wheel and, with each release, the repository grows
# by. By choice.
MOST_BYTES, MOST_DETECTOR_BYTES = 25 * 10**6, 13 * 10**6
# What of the detector's file is in fewer bits.
_PRECISION = "dynamic"
# The photos that show no logo.
_CLUTTER = Path(__file__).with_name("clutter.txt")
# Least cosine of the embeddings with the backbone's weights in float16 to those of the model; as of exported files.
LEAST_COSINE = BOUNDS["float16"].cosine
# What the card says beside what the model's own says. The packages' own files stand in docs/marks.md.
_LEFT_OUT = (
    "the brands of FlickrLogos-27, FlickrLogos-32, TopLogo-10 and BelgaLogos, car makes, cigarettes, and all brands and marks of "
    "the synthetic set: {} names, and what begins with them (left_out.txt of logo_keras/datasets/marks, artwork.py of the "
    "synthetic set); and single marks that show one of these under another name (left_out_marks.txt)"
)
_BACKGROUNDS = (
    "vectors of what the detector sees in photos without logos (clutter.txt of logo_keras/export) of these packages, under the "
    "licences that they name; no part of a photo is in this file: {}"
)
_REMARKS = (
    "No photo of a logo was used: training crops and scenes are drawn marks on drawn grounds and on photos without logos that "
    "come with scikit-image (docs/synthetic.md). What they show, relief and cloth among it, was chosen after a look at crops of "
    "TopLogo-10 and FlickrLogos-27, two of the sets that it is judged on; and that photos without logos give background vectors, "
    "and how many regions a photo has, after looks at whole photos of these sets.",
    "The marks are trademarks of their owners. A free drawing gives no right to use the mark itself, and nobody named here has "
    "anything to do with this project.",
)
_LICENCE = "Apache-2.0, as the package; the drawings that it was taught on have the licences above"


@dataclass(frozen=True)
class Released:
    """What `release` wrote and found.

    Attributes:
        embedding, detector: verification.Report on the two TFLite files.
        cosine: float, the least one of embeddings with the backbone's weights in float16 to those of the model.
        marks, scenes: `strangers.Strangers`, the thresholds.
        sizes: three int, bytes of logos.tflite, logos.safetensors and detector.tflite.
    """

    embedding: object
    detector: object
    cosine: float
    marks: strangers.Strangers
    scenes: strangers.Strangers
    sizes: tuple

    def __str__(self):
        small, weights, detector = (size / 1e6 for size in self.sizes)
        lines = (
            str(self.embedding),
            f"cosine with float16 weights      {self.cosine:.5f} (at least {LEAST_COSINE:g})",
            str(self.detector),
            str(self.marks),
            str(self.scenes),
            f"embedding and weights            {small + weights:.1f} MB (at most {MOST_BYTES / 1e6:g})",
            f"detector                         {detector:.1f} MB (at most {MOST_DETECTOR_BYTES / 1e6:g})",
        )
        return "\n".join(lines)


def release(model, marks, clutter, photos=None, limit=None, commit=None, into=None):
    """Writes the files that come with the package: all three, or none where a check fails.

    Args:
        model: an `lk.LogoDetector` that `logo-train` taught on marks, of an `lk.LogoEmbedder` that it taught on marks; or str or
            Path of its `.keras` file or of the run's folder. It learns what is no logo from `clutter`.
        marks: Marks of brands that it was not taught, which measure the thresholds; or str or Path of the folder of marks, for
            those that are held out.
        clutter: str or Path of the folder with the photos that export/clutter.txt names; they show no logo.
        photos, limit: as for `tflite.export`.
        commit: str, the commit at which the model was trained; None for that of this source tree.
        into: str or Path of the folder to write into; None for the places in the package.

    Returns:
        Released.

    Raises:
        DiffersFromKeras: if a TFLite file's answers lie over the bound.
        ValueError: if the model is no such detector, was taught on a brand that is left out or that is to measure its thresholds,
            a photo without logos is missing, or a file fails another check.
        OSError: if a file cannot be read or written.
        ImportError: naming the extra that is missing.
    """
    if isinstance(model, (str, Path)) and Path(model).is_dir():
        model = Path(model) / "model.keras"
    model = opened(model)
    with naming_extras():
        # Here, since it imports Keras.
        from logo_keras.weights import logos
    _check(model, logos.BACKBONES)
    if not (commit := commit or head()):
        raise UserError("no commit can be read here: name the one at which the model was trained, --commit.")
    marks = marks if isinstance(marks, Marks) else Marks(marks, "validation")
    if seen := sorted({*marks.class_names} & {*model.class_names}):
        raise UserError(f"the model was taught on brands that are to measure its threshold: {', '.join(seen[:10])}.")
    packages_of_photos, files = clutter_in(clutter)
    model.learn_backgrounds(files)
    embedding = model.embedder
    found = strangers.measure(embedders.embedder(embedding), marks)
    scenes = strangers.measure_searched(embedders.embedder(model), marks)
    card = card_of(embedding, commit) | {"threshold": found.to_dict()}
    places = embedders.SHIPPED, logos.SHIPPED, embedders.SHIPPED_DETECTOR
    with tempfile.TemporaryDirectory() as folder:
        made = [Path(folder) / place.name for place in places]
        with referring(embedding, photos, limit) as reference:
            report = tflite.export(
                embedding, made[0], precision="float16", reference=reference, card=card, threshold=found.threshold
            )
            made[1].write_bytes(logos.logos_bytes(embedding.backbone_value.model, card))
            cosine = _least_cosine(reference, lambda network: logos.load_logos(network, made[1]))
        if not cosine >= LEAST_COSINE:
            raise UserError(
                f"with the backbone's weights in float16 an embedding has a cosine of {cosine:.5f} to the model's, less than "
                f"{LEAST_COSINE:g}: nothing was written."
            )
        backgrounds = _BACKGROUNDS.format("; ".join(packages_of_photos))
        said = card_of(model, commit) | {"backgrounds": backgrounds, "threshold": scenes.to_dict()}
        detected = tflite.export(model, made[2], photos, limit, precision=_PRECISION, card=said, threshold=scenes.threshold)
        _check_alike(made[0], made[2])
        data = [file.read_bytes() for file in made]
    sizes = tuple(map(len, data))
    for what, size, most in (
        ("the files of the embedding", sum(sizes[:2]), MOST_BYTES),
        ("the detector's file", sizes[2], MOST_DETECTOR_BYTES),
    ):
        if size > most:
            raise UserError(f"{what} have {size / 1e6:.1f} MB, more than {most / 1e6:g} MB: nothing was written.")
    for place, each in zip(places, data, strict=True):
        write(place if into is None else Path(into) / place.name, each)
    return Released(report, detected, cosine, found, scenes, sizes)


def clutter_in(folder):
    """The photos without logos in a folder.

    Args:
        folder: str or Path, as for `release`.

    Returns:
        list of str, the packages that they come from, with their versions; and list of Path.

    Raises:
        UserError: naming the first photo that is missing.
    """
    lines = [line for line in _CLUTTER.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    packages_of_photos = [line.removeprefix("= ") for line in lines if line.startswith("= ")]
    files = [Path(folder) / line for line in lines if not line.startswith("= ")]
    for file in files:
        if not file.is_file():
            raise UserError(f"there is no photo {file}, which {_CLUTTER.name} names: unpack the packages into {folder}.")
    return packages_of_photos, files


def card_of(model, commit):
    """The model card of a model that comes with the package: dict for JSON.

    Args:
        model: LogoEmbedder or LogoDetector that `logo-train` taught on marks.
        commit: str.
    """
    said = model.card
    config = said["config"]
    names, _ = catalogue.left_out_brands()
    fonts = packages.FONTS.values()
    return {
        **{name: said.get(name) for name in ("architecture", "backbone", "weights", "start", "recipe", "data", "figures")},
        "training": {
            "commit": commit,
            "seed": config["seed"],
            "steps": _steps(said),
            "batch_size": config["batch_size"],
        },
        "config": config,
        "drawings": [
            *(f"{each.wanted}: {each.licence}, by {each.author}, {each.address}" for each in packages.PACKAGES.values()),
            f"{len(fonts)} fonts @fontsource/NAME@{next(iter(fonts)).version} for names of brands: "
            f"{' or '.join(sorted({each.licence for each in fonts}))}",
        ],
        "left_out": _LEFT_OUT.format(len(names)),
        "remarks": list(_REMARKS),
        "licence": _LICENCE,
        "packages": said.get("packages"),
        "date": said.get("date"),
    }


def _steps(card):
    """Steps of a run and of those that it started from: int."""
    if "config" not in (card or {}):
        return 0
    return card["figures"]["epoch"] * card["config"]["steps_per_epoch"] + _steps(card.get("start"))


def head():
    """The commit of this source tree, and whether files have changed since: str, empty if this is no git repository."""
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return _git("rev-parse", "--short=12", "HEAD") + (", with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words):
    folder = Path(__file__).parent
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=folder).stdout.strip()


def _least_cosine(reference, load):
    """The least cosine of a reference's embeddings to those that its model gives with other weights in its backbone.

    Args:
        reference: Reference.
        load: function that puts the weights into a network.

    Returns:
        float.
    """
    expected, network = reference.expected[EMBEDDING], reference.model.backbone_value.model
    kept = network.get_weights()
    try:
        load(network)
        found = reference.model.predict(reference.images.astype(np.float32), batch_size=8, verbose=0)[EMBEDDING]
    finally:
        network.set_weights(kept)
    return float((found * expected).sum(axis=1).min())


def _check_alike(*files):
    """Refuses a detector's file whose embedding is not that of the other file."""
    embedding, detector = map(embedders.embedder, files)
    if not embedding.agrees(detector.identity, detector.probe):
        raise UserError("the detector's file embeds otherwise than that of the embedding: nothing was written.")


def _check(model, backbones):
    """Refuses a model that is no detector of marks, whose embedder has another backbone, or that has seen a left out brand."""
    name = type(model).__name__
    if name != "LogoDetector":
        raise UserError(f"the model is a {name}, wanted a LogoDetector of logo-train --recipe logo_detector.")
    embedding = model.embedder
    if embedding.backbone not in backbones:
        shown = embedding.backbone if isinstance(embedding.backbone, str) else "of its own"
        raise UserError(f"the backbone of the model's embedder is {shown}, wanted {' or '.join(backbones)}.")
    for each, recipe in ((embedding, "logo_embedder"), (model, "logo_detector")):
        data = each.card.get("data") or {}
        if "marks" not in (data.get("training") or {}):
            said = f"the card of the {type(each).__name__} names no marks that it was taught on"
            raise UserError(f"{said}: train it with logo-train --recipe {recipe}.")
    if seen := [brand for brand in model.class_names if _is_left_out(brand)]:
        raise UserError(f"the model was taught on brands that are left out: {', '.join(seen[:10])}.")


def _is_left_out(brand):
    """Whether a brand, named as in `catalogue.Mark.brand`, is one that no training may see, by its name."""
    name, _, font = brand.removesuffix(" token").partition(" in ")
    return catalogue.is_left_out_name(name, bool(font))


def _define(flags):
    flags.string("model", None, "The folder of a run of logo-train --recipe logo_detector, or its .keras file.")
    flags.string("root", None, "The folder of marks, as for logo-train --recipe logo_detector.")
    flags.string("clutter", None, "The folder of the photos without logos that export/clutter.txt names.")
    flags.shared("photos", "limit")
    flags.string("commit", None, "The commit at which the model was trained; by default that of this source tree.")


def _work(flags, arguments):
    photos = photos_of(flags, arguments)
    try:
        print(release(flags.model, flags.root, flags.clutter, photos, flags.limit or None, flags.commit))
    except UserError as error:
        if hasattr(error, "report"):
            print(error.report)
        raise


COMMAND = Command(USAGE, __doc__, _define, _work, required=("model", "root", "clutter"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
