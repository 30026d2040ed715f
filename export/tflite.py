"""Writes a TFLite file from a .keras file.

The file needs builtin operators only, takes images [1, S, S, 3] of RGB 0..255 and gives probabilities, and region_boxes
and region_scores where the model has regions; of an embedder embedding and objectness, of a detector these and the same of each
region. It carries its class names, and the metadata that MediaPipe Tasks reads. The command runs it on photographs without
TensorFlow, prints how far its answers lie from those of Keras, and leaves no file where they lie over the bound.

  --precision=float32   the same numbers as Keras; the file for CPUs and GPUs where size does not matter
  --precision=float16   half the size; CPUs compute in float32, GPUs in float16
  --precision=dynamic   a quarter of the size; weights int8, activations float32. For size alone
  --precision=int8      a quarter of the size, and the fastest on CPUs: uint8 in, convolutions in int8, geometry in float32
"""

import tempfile
from collections import Counter
from importlib.metadata import version

from logo_keras.arguments import one_of
from logo_keras.commands.command import exporting
from logo_keras.edge import model_file
from logo_keras.edge.runner import Runner
from logo_keras.errors import UserError
from logo_keras.extras import require

from .artifact import write
from .check.reference import referring
from .check.weights import check_weights, kernel_bytes
from .passes import mediapipe
from .passes.flatbuffer import operator_names, pack, parse
from .passes.quantization import quantized
from .served import answers, batch_size, metadata_of, tensor, tf_and_keras

PRECISIONS = {"float32": "float32", "float16": "float16", "dynamic": "int8", "int8": "int8"}
SIGNATURE = "serving_default"
# Files with any of these keep their weights elsewhere, or need more than a LiteRT runtime has.
_REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")


def convert(model, outputs=None, batch=1, dtype="float32"):
    """Converts a model to a float32 TFLite model: builtin operators only, readable names.

    Args:
        model: a model of this package.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call.
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
    function = archive.add_endpoint(SIGNATURE, answers(model, outputs), input_signature=[images])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        # Keras's own export lets Flex operators in, which fail at the first call on a device.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            data = with_readable_names(converter.convert())
        except ConverterError as error:
            raise UserError(f"TFLite's builtin operators cannot express this model: {error}") from error
    check(data, kernel_bytes(function.get_concrete_function().graph))
    return data


def with_readable_names(data):
    """Gives the input and output tensors the names of the signature: `images`, `probabilities`, ..."""
    model = parse(data)
    signature, tensors = model.signatureDefs[0], model.subgraphs[0].tensors
    for mapping in (*signature.inputs, *signature.outputs):
        tensors[mapping.tensorIndex].name = mapping.name
    return pack(model)


def operators(data):
    """The operators that a TFLite flatbuffer uses: dict from name to count, `"CUSTOM"` for those that are not builtin."""
    model = parse(data)
    counts = Counter(name for subgraph in model.subgraphs for name in operator_names(model, subgraph))
    return dict(sorted(counts.items()))


def check(data, weight_bytes=0):
    """Checks that a TFLite model is self-contained.

    Args:
        data: bytes, a TFLite flatbuffer.
        weight_bytes: int, size of the float32 weights that it must hold.

    Raises:
        ValueError: if it uses custom, Flex or variable operators, or its constants are smaller than its weights.
    """
    refused = sorted(set(operators(data)) & set(_REFUSED))
    if refused:
        raise UserError(f"the file would need operators beyond TFLite's builtin ones: {', '.join(refused)}.")
    model = parse(data)
    used = {each.buffer for subgraph in model.subgraphs for each in subgraph.tensors}
    held = (model.buffers[place].data for place in used)
    check_weights(sum(len(constant) for constant in held if constant is not None), weight_bytes)


def facts(data):
    """What a TFLite flatbuffer with readable names is, for JSON: its operators, inputs and outputs."""
    schema = require("ai_edge_litert.schema_py_generated", "export")
    kinds = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}
    graph = parse(data).subgraphs[0]

    def described(places):
        tensors = [graph.tensors[place] for place in places]
        return [tensor(each.name.decode(), map(int, each.shape), kinds[each.type]) for each in tensors]

    return {"operators": operators(data), "inputs": described(graph.inputs), "outputs": described(graph.outputs)}


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
    card=None,
    threshold=None,
):
    """Writes a TFLite file and verifies it; the file appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write, `<out>.json` beside it; missing folders are made. Older files of these names
            are replaced if the new one passes, and kept if not.
        photos: photos to verify with, as `photos.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photos, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call; 1 by default.
        precision: str, a key of PRECISIONS.
        calibration: photos like those that the model will meet, as `photos.find` takes them: the int8 file gets
            the ranges of its activations from at most 100 of them, and is not compared on these. None sets some of `photos`
            aside, as `photos.chosen` says.
        reference: Reference to compare with, in place of `photos`, `limit`, `outputs` and `calibration`.
        card: dict for JSON, a model card that the file carries; None for none.
        threshold: float, that the file of an embedder or a detector carries, as `Metadata.threshold`; None for none.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be read or converted, or no photo can be read.
        OSError: if `out` cannot be written.
    """
    one_of("precision", precision, PRECISIONS)
    count = batch_size(batch, 1)
    if count is None:
        raise UserError("a TFLite file has a batch size of its own, for instance --batch=1; free is for other formats.")
    int8 = precision == "int8"
    with referring(model, photos, limit, outputs, reference, calibration, calibrated=int8) as reference:

        def make(path):
            data = convert(reference.model, reference.names, count, "uint8" if int8 else "float32")
            if precision != "float32":
                data = quantized(data, precision, reference.calibration if int8 else None)
                check(data)
            said = metadata_of(reference.model, card, threshold)
            path.write_bytes(mediapipe.with_metadata(data, said))
            model_file.append(path, said)

        return write(
            out,
            reference,
            name="TFLite",
            make=make,
            open=lambda path: Runner(path).infer,
            describe=lambda path: facts(path.read_bytes()) | {"variant": precision},
            precision=PRECISIONS[precision],
            runtime=f"LiteRT {version('ai-edge-litert')}",
            calibrated=int8,
        )


def _define(flags):
    flags.enum("precision", "float32", list(PRECISIONS), "What the file computes in; see above.")
    flags.shared("calibration")


COMMAND = exporting("logo-export-tflite", __doc__, export, _define)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
