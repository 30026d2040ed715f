"""Writes a TFLite file from a .keras file and checks its answers without TensorFlow.

python -m export.tflite --model M.keras --out M.tflite
"""

import tempfile
from importlib import metadata

from logo_keras.commands.command import exporting
from logo_keras.edge import Recognizer
from logo_keras.edge import metadata as model_metadata

from .artifact import Format, referring, write
from .check import tflite_file
from .check.kernels import kernel_bytes
from .passes import mediapipe
from .passes.quantization import quantized
from .served import answers, batch_size, described, opened, output_names, tf_and_keras

DESCRIPTION = """Writes a TFLite file from a .keras file.

The file needs builtin operators only, takes images [1, S, S, 3] of RGB 0..255 and gives probabilities, and region_boxes
and region_scores where the model has regions. It carries its class names, and the metadata that MediaPipe Tasks reads. The
command runs it on photographs without TensorFlow, prints how far its answers lie from those of Keras, and leaves no file
where they lie over the bound.

  --precision=float32   the same numbers as Keras; the file for CPUs and GPUs where size does not matter
  --precision=float16   half the size; CPUs compute in float32, GPUs in float16
  --precision=dynamic   a quarter of the size; weights int8, activations float32. For size alone
  --precision=int8      a quarter of the size, and the fastest on CPUs: uint8 in, convolutions in int8, geometry in float32"""

PRECISIONS = {"float32": "float32", "float16": "float16", "dynamic": "int8", "int8": "int8"}
_SIGNATURE = "serving_default"


def convert(model, outputs=None, batch=1, dtype="float32"):
    """Converts a model to a float32 TFLite model: builtin operators only, readable names.

    Args:
        model: a model of this package.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, photographs a call.
        dtype: str, of the input: "float32", or "uint8", which is cast in the file.

    Returns:
        bytes, a TFLite flatbuffer without metadata.

    Raises:
        ValueError: if the result would need other operators, or lacks the model's weights.
        ImportError: if TensorFlow is not installed.
    """
    tf, keras = tf_and_keras()

    from tensorflow.lite.python.convert_phase import ConverterError

    # Not from_concrete_functions: in TensorFlow 2.21 it writes a Keras 3 model without its weights, and says nothing.
    archive = keras.export.ExportArchive()
    archive.track(model)
    images = tf.TensorSpec([batch, model.image_size, model.image_size, 3], dtype, name="images")
    function = archive.add_endpoint(_SIGNATURE, answers(model, outputs), input_signature=[images])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[_SIGNATURE])
        # Keras's own export lets Flex operators in, which fail at the first call on a device.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            data = tflite_file.with_readable_names(converter.convert())
        except ConverterError as error:
            raise ValueError(f"TFLite's builtin operators cannot express this model: {error}") from error
    tflite_file.check(data, kernel_bytes(function.get_concrete_function().graph))
    return data


def export(
    model,
    out,
    photos=None,
    limit=None,
    outputs=None,
    batch=None,
    precision="float32",
    calibration=None,
    reference=None,
):
    """Writes a TFLite file and verifies it; the file appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write, `<out>.json` beside it; missing folders are made. Older files of these names
            are replaced if the new one passes, and else kept.
        photos: photographs to verify with, as `photographs.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photographs, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, photographs a call; 1 by default.
        precision: str, a key of PRECISIONS.
        calibration: photographs like those that the model will meet, as `photographs.find` takes them: the int8 file gets
            the ranges of its activations from at most 100 of them, and is not compared on these. None sets some of `photos`
            aside, as `photographs.chosen` says.
        reference: Reference to compare with, in place of `photos`, `limit`, `outputs` and `calibration`.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be read or converted, or no photograph can be read.
        OSError: if `out` cannot be written.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}.")
    count = batch_size(batch, 1)
    if count is None:
        raise ValueError("a TFLite file has a batch size of its own, for instance --batch=1; free is for other formats.")
    model = opened(model)
    names = output_names(model, outputs) if reference is None else reference.names

    def make(path):
        data = convert(model, names, count, "uint8" if precision == "int8" else "float32")
        if precision != "float32":
            data = quantized(data, precision, reference.calibration if precision == "int8" else None)
            tflite_file.check_operators(data)
        path.write_bytes(mediapipe.described(data, described(model)))
        model_metadata.append(path, described(model))

    form = Format(
        name="TFLite",
        make=make,
        open=lambda path: Recognizer(path).infer,
        describe=lambda path: tflite_file.described(path.read_bytes()) | {"variant": precision},
        precision=PRECISIONS[precision],
        runtime=f"LiteRT {metadata.version('ai-edge-litert')}",
        calibrated=precision == "int8",
    )
    with referring(model, photos, limit, names, reference, calibration, calibrated=form.calibrated) as reference:
        return write(form, model, out, reference=reference)


def _define(flags):
    flags.enum("precision", "float32", list(PRECISIONS), "What the file computes in; see above.")
    flags.shared("calibration")


COMMAND = exporting("logo-export-tflite", DESCRIPTION, export, _define)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
