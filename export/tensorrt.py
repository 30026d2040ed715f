"""Builds a TensorRT engine from a .keras file.

With an NVIDIA GPU and TensorRT 10 or 11 (pip install tensorrt) the engine is for that GPU, and is run on it. Without, it is
built ahead of time by TensorRT-RTX (pip install 'logo_keras[tensorrt-rtx]') for GPUs of the compute capabilities that are
asked for; it cannot be run then, and what is run and compared with Keras is the ONNX file that it was built from, in
onnxruntime. The last line printed, and `runtime` in OUT.json, say which it was.

An engine carries no class names: a client reads them, the image size and the preprocessing in OUT.json.

  --precision=float32   everything in float32
  --precision=float16   convolutions and dense layers in float16, the default
  --precision=int8      convolutions and dense layers in int8, the navigator's in float32

Picking regions and cutting them out are computed in float32 throughout. No engine is built of a detector, of which none was ever
run: its ONNX file is for onnxruntime.
"""

import hashlib
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from logo_keras.arguments import one_of
from logo_keras.commands.command import exporting
from logo_keras.errors import UserError
from logo_keras.extras import MissingExtra, require
from logo_keras.files import replacing

from . import gpu, onnx, tensorrt_engine
from .artifact import report_path, write
from .check.reference import referring
from .passes import mixed_precision
from .served import REGIONS, batch_size, judged, opened

PRECISIONS = ("float32", "float16", "int8")
LARGEST_BATCH = 8


def export(
    model,
    out,
    photos=None,
    limit=None,
    outputs=None,
    batch=None,
    precision="float16",
    compute_capabilities=None,
    timing_cache=None,
    workspace=None,
    runtime="auto",
    calibration=None,
    largest_batch=LARGEST_BATCH,
    keep_onnx=None,
    reference=None,
):
    """Builds an engine and verifies it; it appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write, `<out>.json` beside it; missing folders are made. Older files of these names
            are replaced if the new one passes, and kept if not.
        photos: photos to verify with, as `photos.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photos, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call, 1 by default; or `"free"`, from 1 to `largest_batch`.
        precision: str, of PRECISIONS.
        compute_capabilities: for TensorRT-RTX, as `tensorrt_engine.capabilities` takes them.
        timing_cache: str or Path, for TensorRT: a file with what it measured in earlier builds.
        workspace: int, MiB of GPU memory for intermediate values; None leaves it to the library.
        runtime: str, of `tensorrt_engine.RUNTIMES`.
        calibration: photos to take the ranges of int8 from, as `photos.find` takes them; at most 100 are taken,
            and none of them is compared on. None sets some of `photos` aside, as `photos.chosen` says.
        largest_batch: int, for `batch="free"`.
        keep_onnx: str or Path of a file to write the ONNX file to that the engine is built from; it ends with `.onnx`.
        reference: Reference to compare with, in place of `photos`, `limit`, `outputs` and `calibration`.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if an argument is wrong, the model is a detector, cannot be read or converted, or the library cannot build
            it.
        ImportError: saying what to install, if no library is there.
        OSError: if a file cannot be written.
    """
    one_of("precision", precision, PRECISIONS)
    for name, value in (("workspace", workspace), ("largest_batch", largest_batch)):
        if value is not None and value < 1:
            raise UserError(f"{name} must be at least 1, got {value!r}.")
    count = batch_size(batch, 1)
    chosen = tensorrt_engine.library(runtime)
    targets = tensorrt_engine.capabilities(chosen, compute_capabilities)
    tensorrt_engine.check_cache(chosen, timing_cache)
    if keep_onnx is not None:
        onnx.check_name(keep_onnx)
    # What is compared without a GPU, and what writes int8.
    require("onnxruntime", "export")
    model = opened(model) if reference is None else reference.model
    if judged(model) == REGIONS:
        raise UserError(f"no engine is built of {type(model).__name__}, a detector: write an ONNX file with logo-export-onnx.")
    int8, device = precision == "int8", gpu.Device() if gpu.count() else None
    ran_in = f"onnxruntime {version('onnxruntime')} on the same ONNX file; the engine was not run"
    if device is not None:
        ran_in = f"{chosen} on {device.name}"
    with referring(model, photos, limit, outputs, reference, calibration, calibrated=int8) as reference:
        images, seconds = reference.calibration if int8 else None, []
        source = typed_onnx(reference.model, reference.names, count or "free", precision, images)
        data = source.SerializeToString(deterministic=True)
        if keep_onnx is not None:
            with replacing(keep_onnx) as temporary:
                onnx.save(source, temporary, reference.model)

        def make(path):
            start = time.perf_counter()
            plan = tensorrt_engine.build(chosen, data, targets, timing_cache, workspace, None if count else largest_batch)
            path.write_bytes(plan)
            seconds.append(time.perf_counter() - start)

        def describe(path):
            return onnx.facts(source) | {
                "library": str(chosen),
                "library_module": chosen.name,
                "compute_capabilities": list(targets) or [device.capability],
                "variant": precision,
                "batch": count or "free",
                "largest_batch": count or largest_batch,
                "onnx_sha256": hashlib.sha256(data).hexdigest(),
                "engine_was_run": device is not None,
                "build_seconds": round(seconds[0], 1),
            }

        return write(
            out,
            reference,
            name="TensorRT",
            make=make,
            open=lambda path: filled(gpu.Engine(chosen, path.read_bytes()).infer if device else _in_onnxruntime(data), count),
            describe=describe,
            precision=precision,
            runtime=ran_in,
            calibrated=int8,
        )


def typed_onnx(model, outputs=None, batch=1, precision="float16", images=None):
    """The ONNX model that an engine is built from: every tensor has the type that the engine computes it in.

    Args:
        model: a model of this package.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, or `"free"`.
        precision: str, of PRECISIONS.
        images: for int8, uint8 or float32 `[P, S, S, 3]`, RGB 0..255, to take the ranges from.

    Returns:
        onnx.ModelProto.

    Raises:
        ValueError: if ONNX cannot express the model, or float16 cannot hold its weights.
    """
    exact = onnx.convert(model, outputs, batch)
    if precision == "float32":
        return exact
    kernels = mixed_precision.kernel_shapes(model)
    if precision == "float16":
        return mixed_precision.to_float16(exact, kernels)
    return mixed_precision.to_int8(exact, kernels, np.asarray(images))


def open_engine(path):
    """Opens an engine that `export` wrote, with `<path>.json` beside it, on the GPU of this machine.

    Args:
        path: str or Path.

    Returns:
        function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays.

    Raises:
        ImportError: if there is no NVIDIA GPU, or the library that built it is not installed.
        ValueError: if the library cannot load the engine.
        OSError: if a file cannot be read.
    """
    facts = json.loads(report_path(path).read_text(encoding="utf-8"))
    if not gpu.count():
        raise MissingExtra(f"{path}: an engine runs on an NVIDIA GPU, and there is none here.")
    loaded = gpu.Engine(tensorrt_engine.library(facts["library_module"]), Path(path).read_bytes())
    return filled(loaded.infer, None if facts["batch"] == "free" else facts["batch"])


def filled(infer, count):
    """Makes the function of a fixed batch take one photo, which is repeated until the batch is full.

    Args:
        infer: function from images `[count, S, S, 3]` to a dict of arrays.
        count: int, or None for a batch that is free.

    Returns:
        function from images `[1, S, S, 3]` to a dict of arrays.
    """
    if count in (None, 1):
        return infer
    return lambda images: {name: values[:1] for name, values in infer(np.repeat(images, count, axis=0)).items()}


def _in_onnxruntime(data):
    session = require("onnxruntime", "export").InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"images": images}), strict=True))


def _told(model, out, **options):
    report = export(model, out, **options)
    runtime = json.loads(report_path(out).read_text(encoding="utf-8"))["runtime"]
    return f"{report}\n{'compared with Keras was':32} {runtime}"


def _define(flags):
    flags.enum("precision", "float16", PRECISIONS, "What the networks compute in; see above.")
    flags.enum("runtime", "auto", tensorrt_engine.RUNTIMES, "What builds the engine; auto chooses as said above.")
    flags.list(
        "compute_capabilities",
        None,
        "For TensorRT-RTX: the GPUs to build for, with commas, for instance 8.6,8.9. All that it knows by default, but 7.5 "
        "(Turing), where it lacks the float32 products that regions need.",
    )
    flags.string(
        "timing_cache",
        None,
        "For TensorRT: a file that keeps what it measured, so that the next build on the same GPU is faster and picks the "
        "same kernels.",
    )
    flags.integer("workspace", None, "MiB of GPU memory for intermediate values; what the GPU has by default.", lower_bound=1)
    flags.integer(
        "largest_batch", LARGEST_BATCH, "For --batch=free: the most photographs a call; speed is tuned for these.", lower_bound=1
    )
    flags.string("keep_onnx", None, "Also write the ONNX file that the engine is built from, for other tools.")
    flags.shared("calibration")


COMMAND = exporting("logo-export-tensorrt", __doc__, _told, _define)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
