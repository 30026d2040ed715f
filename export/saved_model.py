"""Writes a SavedModel, a folder, from a .keras file: for TensorFlow Serving and whatever else runs TensorFlow.

It has two signatures, which give the same outputs: probabilities, and region_boxes and region_scores where the model has
regions; of an embedder embedding and objectness, of a detector these and the same of each region.
  serve         images, float32 [B, S, S, 3], RGB 0..255 (also called serving_default)
  serve_bytes   photographs, strings [B]: JPEG or PNG files, decoded and resized inside; gives their sizes as well

The command runs both on photographs, prints how far the answers lie from those of Keras, and leaves no folder where they
differ. EXIF rotation is the caller's: docs/serving.md says how.
"""

import dataclasses
import itertools
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np

from logo_keras.commands.command import exporting
from logo_keras.edge.model_file import LABELS_NAME, METADATA_NAME
from logo_keras.errors import UserError
from logo_keras.extras import cv2, require
from logo_keras.image import preprocessing
from logo_keras.image.draw import encoded

from .artifact import report_path, write
from .check.reference import referring
from .check.verification import REPORTS
from .served import answers, batch_size, metadata_of, tensor, tf_and_keras

SERVE, SERVE_BYTES = "serve", "serve_bytes"
# What each signature takes.
_INPUTS = {SERVE: "images", SERVE_BYTES: "photographs"}
# TensorFlow's name for a folder inside a SavedModel that it leaves alone.
EXTRA = "assets.extra"
# The least share of photos on which both signatures name the same class first. They get the same px (with other versions
# of OpenCV or of the JPEG decoders, nearly so), so a smaller share is a mistake and no noise.
LEAST_AGREEMENT = 0.95
# What carries values from one function to the next and computes nothing.
_CARRIERS = {"Placeholder", "Identity", "IdentityN", "NoOp", "PartitionedCall", "StatefulPartitionedCall"}


def convert(model, path, outputs=None, batch="free"):
    """Writes a model as a SavedModel.

    Signature `serve`, which is `serving_default` too: `images` float32 `[B, S, S, 3]`, RGB 0..255, gives the outputs.
    Signature `serve_bytes`: `photographs`, strings `[B]`, the bytes of JPEG or PNG files, are decoded and made square as
    the model's preprocessing says, and give the same outputs and `sizes`, int32 `[B, 2]`, height and width of each
    photo as decoded. Region boxes are in px of the model's input in both; `sizes` is what a caller needs to map them
    back to its photo (docs/serving.md). EXIF orientation is not applied. A photo that is none, corrupt, truncated
    or of more than `graph_preprocessing.MAX_PIXELS` px fails the call, and with it the photos beside it.

    Args:
        model: a model of this package.
        path: str or Path of the folder to write.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call, or `"free"`.

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
        return answer(images) | {"sizes": sizes}

    # Not archive.track(model): add_endpoint tracks the variables that the outputs need, and Keras 3.15 then writes all twice.
    archive = keras.export.ExportArchive()
    # The first is serving_default too.
    archive.add_endpoint(SERVE, answer, input_signature=[tf.TensorSpec([count, size, size, 3], tf.float32, name="images")])
    archive.add_endpoint(SERVE_BYTES, serve_bytes, input_signature=[tf.TensorSpec([count], tf.string, name="photographs")])
    archive.write_out(str(path), verbose=False)

    extra, metadata = Path(path) / EXTRA, metadata_of(model)
    extra.mkdir()
    (extra / METADATA_NAME).write_text(metadata.to_json(), encoding="utf-8")
    if metadata.class_names:
        (extra / LABELS_NAME).write_text(metadata.labels(), encoding="utf-8")


class Folder:
    """A SavedModel, loaded.

    Args:
        path: str or Path of the folder.

    Raises:
        ValueError: if TensorFlow cannot read it, or `logo-export-saved-model` did not write it.
        ImportError: if TensorFlow is not installed.
    """

    def __init__(self, path):
        tf = require("tensorflow", "export")
        try:
            # Kept: the signatures do not keep the variables.
            self.loaded = tf.saved_model.load(os.fspath(path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{path}: not a SavedModel that TensorFlow reads: {error}") from error
        missing = [name for name in _INPUTS if name not in self.loaded.signatures]
        if missing:
            raise UserError(f"{path}: no signature {missing[0]!r}. Write the folder with logo-export-saved-model.")
        (images,) = self.loaded.signatures[SERVE].structured_input_signature[1].values()
        self.batch = images.shape[0]

    def serve(self, images):
        """Answers for images, float32 `[B, S, S, 3]`, 0..255: dict of arrays."""
        return self._call(SERVE, images)

    def serve_bytes(self, photographs):
        """Answers for photos, B bytes: dict of arrays.

        Raises:
            tf.errors.InvalidArgumentError: if one of them cannot be decoded.
        """
        return self._call(SERVE_BYTES, np.array(list(photographs), object))

    def facts(self):
        """What its JSON file says of the signatures; `operators`, `inputs` and `outputs` are those of `serve`."""
        signatures = {}
        for name in _INPUTS:
            function = self.loaded.signatures[name]
            inputs = {spec.name: spec for spec in function.structured_input_signature[1].values()}
            signatures[name] = {
                "operators": _operators(function),
                "inputs": [_tensor(*item) for item in inputs.items()],
                "outputs": [_tensor(*item) for item in function.structured_outputs.items()],
            }
        return {**signatures[SERVE], "signatures": signatures}

    def _call(self, name, values):
        tf = require("tensorflow", "export")
        step = self.batch or len(values)
        answers = []
        for start in range(0, len(values), step):
            part = values[start : start + step]
            # A static batch is filled up with its last member.
            part = np.concatenate([part, np.repeat(part[-1:], step - len(part), axis=0)])
            answer = self.loaded.signatures[name](**{_INPUTS[name]: tf.convert_to_tensor(part)})
            answers.append({output: value.numpy() for output, value in answer.items()})
        return {output: np.concatenate([answer[output] for answer in answers])[: len(values)] for output in answers[0]}


def open_folder(path):
    """The function of a SavedModel from images, float32 `[B, S, S, 3]`, 0..255, to a dict of arrays.

    Raises:
        ValueError: if it is no SavedModel that `logo-export-saved-model` wrote.
    """
    return Folder(path).serve


@dataclasses.dataclass(frozen=True)
class BytesReport:
    """How far the answers of `serve_bytes` lie from those of `serve` on images that OpenCV prepared.

    Attributes:
        photographs: int, how many were compared: those of more px than `serve_bytes` takes are left out.
        encoded_again: int, how many of them are no upright JPEG or PNG files and were sent as PNG files of the same px.
        top1_agreement: float in 0..1, share of photos on which both name the same class first, give the same embedding, or
            find the same best region.
        max_abs_diff: float, largest difference of a probability, of a number of an embedding, or of a
            corner of a region, px.
    """

    photographs: int
    encoded_again: int
    top1_agreement: float
    max_abs_diff: float

    @property
    def failures(self):
        """What is wrong, a tuple of str; empty if the signature passes."""
        # Not `<`: what is not a number passes no bound.
        if self.top1_agreement >= LEAST_AGREEMENT and np.isfinite(self.max_abs_diff):
            return ()
        return (f"{SERVE_BYTES} gives the same answer on {self.top1_agreement:.2%}, less than {LEAST_AGREEMENT:.0%}",)

    def __str__(self):
        return (
            f"serve_bytes against serve         {self.photographs} photographs ({self.encoded_again} encoded again as upright "
            f"PNG), the same answer on {self.top1_agreement:.2%}, which differs by at most {self.max_abs_diff:.2e}"
        )


class SignaturesDiffer(UserError):
    """The two signatures of a SavedModel answer differently; `report` has the figures."""

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report


def check_bytes(folder, reference):
    """Compares `serve_bytes` on photos with `serve` on the same photos as OpenCV decodes and resizes them.

    Args:
        folder: Folder.
        reference: reference.Reference.

    Returns:
        BytesReport.

    Raises:
        ValueError: if every photo has more px than `serve_bytes` takes.
    """
    from .passes.graph_preprocessing import MAX_PIXELS

    same, differences, again, model = [], [], 0, reference.model
    for photo in reference.photographs:
        upright = preprocessing.pixels(photo)
        if upright.shape[0] * upright.shape[1] > MAX_PIXELS:
            continue
        data = _upright_file(photo, upright)
        again += data is None
        (ours,) = folder.serve_bytes([data or encoded(upright, ".png")])[reference.judged]
        (theirs,) = folder.serve(preprocessing.prepare(upright, model.image_size, model.preprocessing)[None])[reference.judged]
        same.append(REPORTS[reference.judged].alike(ours, theirs))
        differences.append(np.abs(ours - theirs).max())
    if not same:
        raise UserError(f"{SERVE_BYTES} cannot be checked: it takes photos of at most {MAX_PIXELS:,} px, and all have more.")
    return BytesReport(len(same), again, float(np.mean(same)), float(np.max(differences)))


def export(model, out, photos=None, limit=None, outputs=None, batch=None, reference=None):
    """Writes a SavedModel and verifies it; the folder appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the folder to write, `<out>.json` beside it; missing parents are made. An older SavedModel of
            that name is replaced if the new one passes, and kept if not.
        photos: photos to verify with, as `photos.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photos, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call, or `"free"`, the default.
        reference: Reference to compare with, in place of `photos`, `limit` and `outputs`.

    Returns:
        verification.Report of `serve`; the figures of `serve_bytes` are in the JSON file.

    Raises:
        DiffersFromKeras: if the answers of `serve` lie over the bound.
        SignaturesDiffer: if those of `serve_bytes` are others.
        ValueError: if the model cannot be read or converted, or no photo can be read.
        OSError: if `out` cannot be written.
    """
    tf, _ = tf_and_keras()
    batch_size(batch, "free")
    with referring(model, photos, limit, outputs, reference) as reference:

        def describe(path):
            folder = Folder(path)
            report = check_bytes(folder, reference)
            if report.failures:
                raise SignaturesDiffer(f"{out} was not written: {'; '.join(report.failures)}.", report)
            return folder.facts() | {SERVE_BYTES: dataclasses.asdict(report)}

        return write(
            out,
            reference,
            name="SavedModel",
            make=lambda path: convert(reference.model, path, reference.names, batch),
            open=open_folder,
            describe=describe,
            precision="float32",
            runtime=f"TensorFlow {tf.__version__}",
            folder=True,
        )


def _upright_file(photo, upright):
    """The bytes of a photo's file where it is a whole JPEG or PNG file with these px as they are stored; else None."""
    if isinstance(photo, np.ndarray):
        return None
    data = Path(photo).read_bytes() if isinstance(photo, (str, os.PathLike)) else bytes(photo)
    kind, _, _, whole = preprocessing.inspected(data)
    # Not a JPEG without its end, of which TensorFlow may think otherwise.
    if kind not in ("JPEG", "PNG") or whole is not data:
        return None
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return data if np.array_equal(stored[..., ::-1], upright) else None


def _tensor(name, spec):
    return tensor(name, [side if side is not None else "free" for side in spec.shape], spec.dtype.name)


def _operators(function):
    """Operators of a signature and of all that it calls: dict from name to count, sorted."""
    graph = function.graph.as_graph_def()
    nodes = itertools.chain(graph.node, *(called.node_def for called in graph.library.function))
    return dict(sorted(Counter(node.op for node in nodes if node.op not in _CARRIERS).items()))


def _printed(model, out, **options):
    """What the command prints: the report, and what was found of serve_bytes."""
    report = export(model, out, **options)
    figures = json.loads(report_path(out).read_text(encoding="utf-8"))[SERVE_BYTES]
    return f"{report}\n{BytesReport(**figures)}"


COMMAND = exporting("logo-export-saved-model", __doc__, _printed)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
