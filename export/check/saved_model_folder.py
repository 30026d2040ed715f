"""A SavedModel that was written: run, described, and its two signatures compared."""

import dataclasses
import os
from collections import Counter
from pathlib import Path

import numpy as np

from logo_keras.extras import cv2, require
from logo_keras.image import preprocessing

from ..served import INPUT, MEANINGS

SERVE, SERVE_BYTES = "serve", "serve_bytes"
IMAGES, PHOTOGRAPHS, SIZES = "images", "photographs", "sizes"
# The least share of photographs on which both signatures name the same class first. They get the same px (with other
# versions of OpenCV or of the JPEG decoders all but), so what falls below is a mistake and no noise.
LEAST_AGREEMENT = 0.95
# Photographs that are compared at once.
_BATCH = 8
_DESCRIPTIONS = {
    IMAGES: INPUT,
    PHOTOGRAPHS: "Photographs, each the bytes of an upright JPEG or PNG file.",
    SIZES: "Height and width of each photograph as decoded, px.",
    **MEANINGS,
}
# What carries values from one function to the next and computes nothing.
_CARRIERS = {"Placeholder", "Identity", "IdentityN", "NoOp", "PartitionedCall", "StatefulPartitionedCall"}


@dataclasses.dataclass(frozen=True)
class BytesReport:
    """How far the answers of `serve_bytes` lie from those of `serve` on images that OpenCV prepared.

    Attributes:
        photographs: int, how many were compared.
        encoded_again: int, how many of them are no upright JPEG or PNG files and were sent as PNG files of the same px.
        top1_agreement: float in 0..1, share of photographs on which both name the same class first.
        max_abs_diff: float, largest difference of a probability.
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
        return (f"{SERVE_BYTES} names the same class first on {self.top1_agreement:.2%}, less than {LEAST_AGREEMENT:.0%}",)

    def __str__(self):
        return (
            f"serve_bytes against serve         {self.photographs} photographs ({self.encoded_again} encoded again as upright "
            f"PNG), top-1 agreement {self.top1_agreement:.2%}, probabilities differ by at most {self.max_abs_diff:.2e}"
        )


class SignaturesDiffer(ValueError):
    """The two signatures of a SavedModel answer differently; `report` has the figures."""

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report


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
            raise ValueError(f"{path}: not a SavedModel that TensorFlow reads: {error}") from error
        missing = [name for name in (SERVE, SERVE_BYTES) if name not in self.loaded.signatures]
        if missing:
            raise ValueError(f"{path}: no signature {missing[0]!r}. Write the folder with logo-export-saved-model.")
        (images,) = self.loaded.signatures[SERVE].structured_input_signature[1].values()
        self.batch = images.shape[0]

    def serve(self, images):
        """Answers for images, float32 `[B, S, S, 3]`, 0..255: dict of arrays."""
        return self._call(SERVE, IMAGES, images)

    def serve_bytes(self, photographs):
        """Answers for photographs, B bytes: dict of arrays.

        Raises:
            tf.errors.InvalidArgumentError: if one of them cannot be decoded.
        """
        return self._call(SERVE_BYTES, PHOTOGRAPHS, np.array(list(photographs), object))

    def described(self):
        """What its JSON file says of the signatures; `operators`, `inputs` and `outputs` are those of `serve`."""
        signatures = {}
        for name in (SERVE, SERVE_BYTES):
            function = self.loaded.signatures[name]
            signatures[name] = {
                "operators": _operators(function),
                "inputs": [_tensor(spec.name, spec) for spec in function.structured_input_signature[1].values()],
                "outputs": [_tensor(output, spec) for output, spec in function.structured_outputs.items()],
            }
        return {**signatures[SERVE], "signatures": signatures}

    def _call(self, name, argument, values):
        tf = require("tensorflow", "export")
        step = self.batch or len(values)
        answers = []
        for start in range(0, len(values), step):
            part = values[start : start + step]
            # A static batch is filled up with its last member.
            part = np.concatenate([part, np.repeat(part[-1:], step - len(part), axis=0)])
            answer = self.loaded.signatures[name](**{argument: tf.convert_to_tensor(part)})
            answers.append({output: value.numpy() for output, value in answer.items()})
        return {output: np.concatenate([answer[output] for answer in answers])[: len(values)] for output in answers[0]}


def check_bytes(folder, reference):
    """Compares `serve_bytes` on photographs with `serve` on the same photographs as OpenCV decodes and resizes them.

    Args:
        folder: Folder.
        reference: reference.Reference.

    Returns:
        BytesReport.
    """
    same, largest, again = [], [], 0
    for start in range(0, len(reference), _BATCH):
        files = [_upright_file(photo) for photo in reference.photographs[start : start + _BATCH]]
        again += sum(changed for _, changed in files)
        ours = folder.serve_bytes([data for data, _ in files])["probabilities"]
        theirs = folder.serve(reference.images[start : start + _BATCH].astype(np.float32))["probabilities"]
        same += list(ours.argmax(axis=-1) == theirs.argmax(axis=-1))
        largest.append(float(np.max(np.abs(ours - theirs))))
    return BytesReport(len(reference), again, float(np.mean(same)), float(np.max(largest)))


def _upright_file(photo):
    """The bytes of an upright JPEG or PNG file of a photograph, and whether it had to be encoded anew for that."""
    if isinstance(photo, np.ndarray):
        return _png(photo), True
    data = Path(photo).read_bytes() if isinstance(photo, (str, os.PathLike)) else bytes(photo)
    upright = preprocessing.decode(data)
    kind, _, _, whole = preprocessing.inspected(data)
    # Not a JPEG without its end, of which TensorFlow may think otherwise.
    if kind in ("JPEG", "PNG") and whole is data:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if np.array_equal(stored[..., ::-1], upright):
            return data, False
    return _png(upright), True


def _png(photo):
    return cv2.imencode(".png", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))[1].tobytes()


def _tensor(name, spec):
    shape = [side if side is not None else "free" for side in spec.shape]
    return {"name": name, "shape": shape, "dtype": spec.dtype.name, "description": _DESCRIPTIONS[name]}


def _operators(function):
    """Operators of a signature and of all that it calls: dict from name to count, sorted."""
    graph = function.graph.as_graph_def()
    library = {called.signature.name: called for called in graph.library.function}
    counts, queue, seen = Counter(), [graph.node], set()
    while queue:
        for node in queue.pop():
            counts[node.op] += 1
            for value in node.attr.values():
                called = {value.func.name, *(function.name for function in value.list.func)} & set(library)
                queue += [library[name].node_def for name in called - seen]
                seen |= called
    return {name: counts[name] for name in sorted(counts) if name not in _CARRIERS}
