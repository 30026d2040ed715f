"""Writes an ONNX file from a .keras file.

The file takes images [B, S, S, 3] of RGB 0..255, any number of them, and gives probabilities, and region_boxes and
region_scores where the model has regions; of an embedder embedding and objectness, of a detector these and the same of each
region. It carries its class names. The command runs it on photographs in onnxruntime, prints how far its answers lie from those
of Keras, and leaves no file where they lie over the bound.

  --batch=free   any number of photographs a call, the default
  --batch=1      exactly so many; what TensorRT and some devices want: no shape is left to compute
"""

import logging
import sys
from collections import Counter
from importlib.metadata import version
from logging.handlers import BufferingHandler

from logo_keras import __version__
from logo_keras.commands.command import exporting
from logo_keras.edge import model_file
from logo_keras.edge.runner import Runner
from logo_keras.errors import UserError
from logo_keras.extras import require

from .artifact import write
from .check.reference import referring
from .check.weights import check_weights, kernel_bytes
from .passes.onnx_graph import tidied
from .served import answers, batch_size, metadata_of, output_names, tensor, tf_and_keras

# Nothing in the models needs a newer one, and this is the newest that TensorRT 8.6 reads, the last one for older GPUs and
# Jetsons; tf2onnx writes at most 18.
OPSET = 17


def convert(model, outputs=None, batch="free"):
    """Converts a model to ONNX in float32, with the weights inside.

    tf2onnx is called directly. `model.export(path, format="onnx")`, Keras's own way, calls it too, but leaves it as it is:
    tf2onnx 1.17 writes a choice between two values as `a * condition + b * (1 - condition)`. Where one is infinite, as the
    score of a region that is out of the race, the sum is not a number, and the file picks other regions than Keras. It is
    right for plain classifiers, with all that `call` returns as outputs, in alphabetical order. Here choices are written
    as ONNX's `Where`, an index that `keras.ops.take` guards against being negative is not guarded again, since `Gather`
    does that, and the result is tidied; see `onnx_graph.tidied`.

    Args:
        model: a model of this package.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call, or `"free"`.

    Returns:
        onnx.ModelProto with the input `images`; the same model gives the same bytes. Class names are not in it yet.

    Raises:
        ValueError: if ONNX cannot express the model, or the result is not valid or lacks the model's weights.
        ImportError: if TensorFlow, onnx_ir or tf2onnx is not installed.
    """
    count, names = batch_size(batch, "free"), output_names(model, outputs)
    tf, _ = tf_and_keras()
    tf2onnx = require("tf2onnx", "export")
    images = tf.TensorSpec([count, model.image_size, model.image_size, 3], tf.float32, name="images")
    function = tf.function(answers(model, names), input_signature=[images])
    result = _converted(tf2onnx, function, images)
    result.graph.output.sort(key=lambda value: names.index(value.name))
    result = tidied(result, model.name)
    _describe(result, model, count)
    check(result, kernel_bytes(function.get_concrete_function().graph))
    return result


def operators(model):
    """The operators of an onnx.ModelProto: dict from name to count; those that are not ONNX's own with their domain."""
    counts = Counter(f"{node.domain}.{node.op_type}" if node.domain else node.op_type for node in model.graph.node)
    return dict(sorted(counts.items()))


def check(model, weight_bytes):
    """Checks that an onnx.ModelProto follows the standard and is self-contained.

    Args:
        model: onnx.ModelProto.
        weight_bytes: int, size of the weights that it must hold.

    Raises:
        ValueError: if it uses operators that are not ONNX's own, keeps tensors in other files, does not pass
            `onnx.checker`, or its constants are smaller than its weights.
    """
    onnx, ir = require("onnx", "export"), require("onnx_ir", "export")
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain}
    foreign = [name for name in operators(model) if name not in known]
    if foreign:
        raise UserError(f"the file would need operators beyond ONNX's own: {', '.join(foreign)}.")
    constants = [value.const_value for value in ir.from_proto(model).graph.initializers.values()]
    if any(isinstance(constant, ir.ExternalTensor) for constant in constants):
        raise UserError("the file would keep weights in other files.")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(f"the file would not be valid ONNX: {error}") from error
    check_weights(sum(constant.nbytes for constant in constants), weight_bytes)


def facts(model):
    """What an onnx.ModelProto is, for JSON: its operators, inputs and outputs, opset and IR version."""
    dtype = require("onnx", "export").helper.tensor_dtype_to_np_dtype

    def described(value):
        kind = value.type.tensor_type
        return tensor(value.name, [side.dim_param or side.dim_value for side in kind.shape.dim], dtype(kind.elem_type).name)

    return {
        "operators": operators(model),
        "inputs": [described(value) for value in model.graph.input],
        "outputs": [described(value) for value in model.graph.output],
        "opset": next(entry.version for entry in model.opset_import if not entry.domain),
        "ir_version": model.ir_version,
    }


def save(model, path, logo_model):
    """Writes an onnx.ModelProto with the metadata of the model that it was made from.

    Raises:
        OSError: if `path` cannot be written.
    """
    path.write_bytes(model.SerializeToString(deterministic=True))
    model_file.append(path, metadata_of(logo_model))


def check_name(path):
    """Refuses a name by which no client would know an ONNX file.

    Raises:
        ValueError: if it does not end with `.onnx`.
    """
    if not str(path).lower().endswith(".onnx"):
        raise UserError(f"{path}: the name of an ONNX file ends with .onnx.")


def export(model, out, photos=None, limit=None, outputs=None, batch=None, reference=None):
    """Writes an ONNX file and verifies it; the file appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write, which ends with `.onnx`, `<out>.json` beside it; missing folders are made.
            Older files of these names are replaced if the new one passes, and kept if not.
        photos: photos to verify with, as `photos.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photos, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, images a call, or `"free"`, the default.
        reference: Reference to compare with, in place of `photos`, `limit` and `outputs`.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be read or converted, no photo can be read, or `out` ends otherwise.
        OSError: if `out` cannot be written.
    """
    check_name(out)
    onnx = require("onnx", "export")
    require("onnxruntime", "export")
    batch_size(batch, "free")
    with referring(model, photos, limit, outputs, reference) as reference:
        return write(
            out,
            reference,
            name="ONNX",
            make=lambda path: save(convert(reference.model, reference.names, batch), path, reference.model),
            open=lambda path: Runner(path).infer,
            describe=lambda path: facts(onnx.load(path)),
            precision="float32",
            runtime=f"onnxruntime {version('onnxruntime')}",
        )


def _exact(graph, operations):
    """Keeps tf2onnx from writing choices as sums of products, and drops what guards indices against being negative."""
    for operation in operations:
        if operation.type in ("Select", "SelectV2"):
            # Its own mark for values that may be infinite or not numbers.
            operation.set_attr("handles_nan", True)
        elif operation.type == "GatherV2" and _guards(operation.inputs[1]):
            graph.replace_input(operation, operation.input[1], operation.inputs[1].input[2], 1)
    return graph.get_nodes()


def _guards(choice):
    """Whether an operation is `where(index < 0, index + length, index)`."""
    if choice is None or choice.type != "SelectV2" or choice.inputs[0].type != "Less":
        return False
    shifted, less = choice.inputs[1], choice.inputs[0]
    zero = less.inputs[1]
    return (
        less.input[0] == choice.input[2]
        and zero.is_const()
        and not zero.get_tensor_value(as_list=False).any()
        and shifted.type in ("Add", "AddV2")
        and choice.input[2] in shifted.input
    )


def _describe(result, model, count):
    """Says what the file is, and what its input and outputs are."""
    names = ", ".join(value.name for value in result.graph.output)
    result.producer_name, result.producer_version = "logo_keras", __version__
    result.graph.name = type(model).__name__
    result.graph.doc_string = ""
    result.doc_string = f"{type(model).__name__} of logo_keras: images of {model.image_size} px, RGB 0..255, to {names}."
    for value in (*result.graph.input, *result.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if count is None:
            first.dim_param = "batch"
        else:
            first.dim_value = count
        value.doc_string = tensor(value.name, (), "")["description"]


def _converted(tf2onnx, function, images):
    """What tf2onnx makes of a function; it logs an operator that it cannot convert, and goes on.

    When one of its optimisers fails, it only logs a traceback, and the file is right: the optimiser worked on a copy. Here
    that is a warning of one line.
    """
    logger, said = logging.getLogger("tf2onnx"), BufferingHandler(sys.maxsize)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(said)
    try:
        result, _ = tf2onnx.convert.from_function(function, [images], opset=OPSET, custom_rewriter=[_exact])
    finally:
        logger.removeHandler(said)
        logger.propagate = propagates
    complaints = []
    for record in said.buffer:
        message = record.getMessage() + (f" ({record.exc_info[1]})" if record.exc_info else "")
        if record.levelno >= logging.ERROR:
            complaints.append(message)
        elif record.levelno >= logging.WARNING:
            logging.getLogger(__name__).warning("tf2onnx: %s", message)
    if complaints:
        raise UserError(f"ONNX cannot express this model: {'; '.join(dict.fromkeys(complaints))}.")
    return result


COMMAND = exporting("logo-export-onnx", __doc__, export)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
