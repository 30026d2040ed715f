"""Makes the files of the logo embedding that comes with the package, and puts them into the source tree.

For whoever releases a version; the model is what `logo-train --recipe logo_embedder` left.

  logo_keras/gallery/logos.tflite        the embedding, float16, checked as logo-export-tflite checks it: what galleries run
  logo_keras/weights/logos.safetensors   the weights of its backbone, float16: what networks start from with weights="logos"

Both carry the model card, which logo-describe prints. The first has the threshold of galleries that are not calibrated: it is
measured here, on marks of brands that were held out of training. Older files of these names are kept unless all checks pass.

For instance:
  python -m logo_keras.export.release --model run --root marks
"""

import subprocess
import tempfile
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

USAGE = "logo_keras.export.release --model RUN --root MARKS"
# Bytes of both files together: what each wheel and, with each release, the repository grows by. By choice.
MOST_BYTES = 25 * 10**6
# Least cosine of the embeddings with the backbone's weights in float16 to those of the model; as of exported files.
LEAST_COSINE = BOUNDS["float16"].cosine
# What the card says beside what the model's own says. The packages' own files stand in docs/marks.md.
_LEFT_OUT = (
    "the brands of FlickrLogos-27, FlickrLogos-32, TopLogo-10 and BelgaLogos, car makes, cigarettes, and all brands and marks of "
    "the synthetic set: {} names, and what begins with them (left_out.txt of logo_keras/datasets/marks, artwork.py of the "
    "synthetic set); and single marks that show one of these under another name (left_out_marks.txt)"
)
_REMARKS = (
    "No photo of a logo was used: training crops are drawn marks on drawn grounds and on photos without logos that come with "
    "scikit-image (docs/synthetic.md). What such crops show, relief and cloth among it, was chosen after a look at crops of "
    "TopLogo-10 and FlickrLogos-27, two of the sets that it is judged on.",
    "The marks are trademarks of their owners. A free drawing gives no right to use the mark itself, and nobody named here has "
    "anything to do with this project.",
)
_LICENCE = "Apache-2.0, as the package; the drawings that it was taught on have the licences above"


def release(model, marks, photos=None, limit=None, commit=None, embedding=None, weights=None):
    """Writes the files that come with the package: both, or none where a check fails.

    Args:
        model: an `lk.LogoEmbedder` that `logo-train` taught on marks; or str or Path of its `.keras` file or of the run's folder.
        marks: Marks of brands that it was not taught, which measure the threshold; or str or Path of the folder of marks, for
            those that are held out.
        photos, limit: as for `tflite.export`.
        commit: str, the commit at which the model was trained; None for that of this source tree.
        embedding: str or Path of the TFLite file to write; None for the place in the package.
        weights: str or Path of the safetensors file to write; None for the place in the package.

    Returns:
        verification.Report on the TFLite file, float, the least cosine of the embeddings with the backbone's weights in float16
        to those of the model, `strangers.Strangers`, and int, bytes of both files.

    Raises:
        DiffersFromKeras: if the TFLite file's answers lie over the bound.
        ValueError: if the model is no such embedder, was taught on a brand that is left out or that is to measure its threshold,
            or a file fails another check.
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
    found = strangers.measure(embedders.embedder(model), marks)
    card = card_of(model, commit) | {"threshold": found.to_dict()}
    with referring(model, photos, limit) as reference, tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "logos.tflite"
        report = tflite.export(model, made, precision="float16", reference=reference, card=card, threshold=found.threshold)
        weight_file = Path(folder) / "logos.safetensors"
        weight_file.write_bytes(logos.logos_bytes(model.backbone_value.model, card))
        cosine = _least_cosine(reference, lambda network: logos.load_logos(network, weight_file))
        if not cosine >= LEAST_COSINE:
            raise UserError(
                f"with the backbone's weights in float16 an embedding has a cosine of {cosine:.5f} to the model's, less than "
                f"{LEAST_COSINE:g}: nothing was written."
            )
        files = made.read_bytes(), weight_file.read_bytes()
    size = sum(map(len, files))
    if size > MOST_BYTES:
        sizes = " and ".join(f"{len(data) / 1e6:.1f}" for data in files)
        raise UserError(f"the files have {sizes} MB, more than {MOST_BYTES / 1e6:g} MB together: nothing was written.")
    for place, data in zip((embedding or embedders.SHIPPED, weights or logos.SHIPPED), files, strict=True):
        write(place, data)
    return report, cosine, found, size


def card_of(model, commit):
    """The model card of the embedding that comes with the package: dict for JSON.

    Args:
        model: LogoEmbedder that `logo-train` taught on marks.
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


def _check(model, backbones):
    """Refuses a model that is no embedder of marks, has another backbone, or has seen a brand that is left out."""
    name = type(model).__name__
    if name != "LogoEmbedder":
        raise UserError(f"the model is a {name}, wanted a LogoEmbedder of logo-train --recipe logo_embedder.")
    if model.backbone not in backbones:
        shown = model.backbone if isinstance(model.backbone, str) else "of its own"
        raise UserError(f"the model's backbone is {shown}, wanted {' or '.join(backbones)}.")
    data = model.card.get("data") or {}
    if "marks" not in (data.get("training") or {}):
        raise UserError("the model's card names no marks that it was taught on: train it with logo-train --recipe logo_embedder.")
    if seen := [brand for brand in model.class_names if _is_left_out(brand)]:
        raise UserError(f"the model was taught on brands that are left out: {', '.join(seen[:10])}.")


def _is_left_out(brand):
    """Whether a brand, named as in `catalogue.Mark.brand`, is one that no training may see, by its name."""
    name, _, font = brand.removesuffix(" token").partition(" in ")
    return catalogue.is_left_out_name(name, bool(font))


def _define(flags):
    flags.string("model", None, "The folder of a run of logo-train --recipe logo_embedder, or its .keras file.")
    flags.string("root", None, "The folder of marks, as for logo-train --recipe logo_embedder.")
    flags.shared("photos", "limit")
    flags.string("commit", None, "The commit at which the model was trained; by default that of this source tree.")


def _work(flags, arguments):
    photos = photos_of(flags, arguments)
    try:
        report, cosine, found, size = release(flags.model, flags.root, photos, flags.limit or None, flags.commit)
    except UserError as error:
        if hasattr(error, "report"):
            print(error.report)
        raise
    print(report)
    print(f"cosine with float16 weights      {cosine:.5f} (at least {LEAST_COSINE:g})")
    print(found)
    print(f"both files                       {size / 1e6:.1f} MB (at most {MOST_BYTES / 1e6:g})")


COMMAND = Command(USAGE, __doc__, _define, _work, required=("model", "root"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
