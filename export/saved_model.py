"""Writes a SavedModel, for TensorFlow Serving and whatever else runs TensorFlow, from a .keras file.

python -m export.saved_model --model M.keras --out M.saved_model
"""

import dataclasses
import json
from pathlib import Path

from logo_keras.commands.command import exporting
from logo_keras.edge.metadata import LABELS_NAME, METADATA_NAME

from .artifact import Format, referring, report_path, write
from .check.saved_model_folder import (
    IMAGES,
    PHOTOGRAPHS,
    SERVE,
    SERVE_BYTES,
    SIZES,
    BytesReport,
    Folder,
    SignaturesDiffer,
    check_bytes,
)
from .served import answers, batch_size, described, opened, output_names, tf_and_keras

DESCRIPTION = """Writes a SavedModel, a folder, from a .keras file: for TensorFlow Serving and whatever else runs TensorFlow.

It has two signatures, which give the same outputs: probabilities, and region_boxes and region_scores where the model has
regions.
  serve         images, float32 [B, S, S, 3], RGB 0..255 (also called serving_default)
  serve_bytes   photographs, strings [B]: JPEG or PNG files, decoded and resized inside; gives their sizes as well

The command runs both on photographs, prints how far the answers lie from those of Keras, and leaves no folder where they
differ. EXIF rotation is the caller's: docs/serving.md says how."""

# TensorFlow's name for a folder inside a SavedModel that it leaves alone.
EXTRA = "assets.extra"


def convert(model, path, outputs=None, batch="free"):
    """Writes a model as a SavedModel.

    Signature `serve`, which is `serving_default` too: `images` float32 `[B, S, S, 3]`, RGB 0..255, gives the outputs.
    Signature `serve_bytes`: `photographs`, strings `[B]`, the bytes of JPEG or PNG files, are decoded and made square as
    the model's preprocessing says, and give the same outputs and `sizes`, int32 `[B, 2]`, height and width of each
    photograph as decoded. Region boxes are in px of the model's input in both; `sizes` is what a caller needs to map them
    back to its photograph (docs/serving.md). EXIF orientation is not applied. A photograph that is none, corrupt, truncated
    or of more than `graph_preprocessing.MAX_PIXELS` px fails the call, and with it the photographs beside it.

    Args:
        model: a model of this package.
        path: str or Path of the folder to write.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, photographs a call, or `"free"`.

    Raises:
        ValueError: if an output or the batch is none of these, or Keras runs on another backend.
        ImportError: if TensorFlow is not installed.
        OSError: if `path` cannot be written.
    """
    tf, keras = tf_and_keras()
    from .passes import graph_preprocessing

    count, size = batch_size(batch, "free"), model.image_size
    answer = answers(model, outputs)

    def serve_bytes(photographs):
        images, sizes = graph_preprocessing.prepare(photographs, size, model.preprocessing)
        return answer(images) | {SIZES: sizes}

    # Not archive.track(model): add_endpoint tracks the variables that the outputs need, and Keras 3.15 then writes all twice.
    archive = keras.export.ExportArchive()
    # The first is serving_default too.
    archive.add_endpoint(SERVE, answer, input_signature=[tf.TensorSpec([count, size, size, 3], tf.float32, name=IMAGES)])
    archive.add_endpoint(SERVE_BYTES, serve_bytes, input_signature=[tf.TensorSpec([count], tf.string, name=PHOTOGRAPHS)])
    archive.write_out(str(path), verbose=False)

    extra, said = Path(path) / EXTRA, described(model)
    extra.mkdir()
    (extra / METADATA_NAME).write_text(said.to_json(), encoding="utf-8")
    (extra / LABELS_NAME).write_text(said.labels(), encoding="utf-8")


def open_folder(path):
    """The function of a SavedModel from images, float32 `[B, S, S, 3]`, 0..255, to a dict of arrays.

    Raises:
        ValueError: if it is no SavedModel that `logo-export-saved-model` wrote.
    """
    return Folder(path).serve


def export(model, out, photos=None, limit=None, outputs=None, batch=None, reference=None):
    """Writes a SavedModel and verifies it; the folder appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the folder to write, `<out>.json` beside it; missing parents are made. An older SavedModel of
            that name is replaced if the new one passes, and else kept.
        photos: photographs to verify with, as `photographs.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photographs, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, photographs a call, or `"free"`, the default.
        reference: Reference to compare with, in place of `photos`, `limit` and `outputs`.

    Returns:
        verification.Report of `serve`; the figures of `serve_bytes` are in the JSON file.

    Raises:
        DiffersFromKeras: if the answers of `serve` lie over the bound.
        SignaturesDiffer: if those of `serve_bytes` are others.
        ValueError: if the model cannot be read or converted, or no photograph can be read.
        OSError: if `out` cannot be written.
    """
    model = opened(model)
    names = output_names(model, outputs) if reference is None else reference.names
    tf, _ = tf_and_keras()
    batch_size(batch, "free")

    with referring(model, photos, limit, names, reference) as reference:

        def describe(path):
            folder = Folder(path)
            report = check_bytes(folder, reference)
            if report.failures:
                raise SignaturesDiffer(f"{out} was not written: {'; '.join(report.failures)}.", report)
            return folder.described() | {SERVE_BYTES: dataclasses.asdict(report)}

        form = Format(
            name="SavedModel",
            make=lambda path: convert(model, path, names, batch),
            open=open_folder,
            describe=describe,
            precision="float32",
            runtime=f"TensorFlow {tf.__version__}",
            folder=True,
        )
        return write(form, model, out, reference=reference)


def _printed(model, out, **options):
    """What the command prints: the report, and what was found of serve_bytes."""
    report = export(model, out, **options)
    figures = json.loads(report_path(out).read_text(encoding="utf-8"))[SERVE_BYTES]
    return f"{report}\n{BytesReport(**figures)}"


COMMAND = exporting("logo-export-saved-model", DESCRIPTION, _printed)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
