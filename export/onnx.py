"""Writes an ONNX file from a .keras file and checks its answers in onnxruntime.

python -m export.onnx --model M.keras --out M.onnx
"""

import contextlib
import logging
from importlib import metadata

from logo_keras import __version__
from logo_keras.commands.command import exporting
from logo_keras.edge import Recognizer
from logo_keras.edge import metadata as model_metadata
from logo_keras.extras import require

from .artifact import Format, write
from .check import onnx_file
from .check.kernels import kernel_bytes
from .passes.onnx_graph import tidied
from .served import INPUT, MEANINGS, answers, batch_size, described, opened, output_names, tf_and_keras

DESCRIPTION = """Writes an ONNX file from a .keras file.

The file takes images [B, S, S, 3] of RGB 0..255, any number of them, and gives probabilities, and region_boxes and
region_scores where the model has regions. It carries its class names. The command runs it on photographs in onnxruntime,
prints how far its answers lie from those of Keras, and leaves no file where they lie over the bound.

  --batch=free   any number of photographs a call, the default
  --batch=1      exactly so many; what TensorRT and some devices want: no shape is left to compute"""

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
        batch: int, photographs a call, or `"free"`.

    Returns:
        onnx.ModelProto with the input `images`; the same model gives the same bytes. Class names are not in it yet.

    Raises:
        ValueError: if ONNX cannot express the model, or the result is not valid or lacks the model's weights.
        ImportError: if TensorFlow, onnx or tf2onnx is not installed.
    """
    count, names = batch_size(batch, "free"), output_names(model, outputs)
    tf, _ = tf_and_keras()
    onnx, tf2onnx = require("onnx", "export"), require("tf2onnx", "export")
    images = tf.TensorSpec([count, model.image_size, model.image_size, 3], tf.float32, name="images")
    function = tf.function(answers(model, names), input_signature=[images])
    with _listening() as complaints:
        result, _ = tf2onnx.convert.from_function(function, [images], opset=OPSET, custom_rewriter=[_exact])
    if complaints:
        raise ValueError(f"ONNX cannot express this model: {'; '.join(dict.fromkeys(complaints))}.")
    values = {value.name: value for value in result.graph.output}
    del result.graph.output[:]
    result.graph.output.extend(values[name] for name in names)
    _describe(result, model, count)
    result = onnx.ModelProto.FromString(tidied(result, model.name).SerializeToString(deterministic=True))
    onnx_file.check(result, kernel_bytes(function.get_concrete_function().graph))
    return result


def export(model, out, photos=None, limit=None, outputs=None, batch=None, reference=None):
    """Writes an ONNX file and verifies it; the file appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write, which ends with `.onnx`, `<out>.json` beside it; missing folders are made.
            Older files of these names are replaced if the new one passes, and else kept.
        photos: photographs to verify with, as `photographs.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photographs, spread evenly; None takes all.
        outputs: names of the outputs, as for `served.output_names`.
        batch: int, photographs a call, or `"free"`, the default.
        reference: Reference to compare with, in place of `photos`, `limit` and `outputs`.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be read or converted, no photograph can be read, or `out` ends otherwise.
        OSError: if `out` cannot be written.
    """
    if not str(out).lower().endswith(".onnx"):
        raise ValueError(f"{out}: the name of an ONNX file ends with .onnx.")
    require("onnxruntime", "export")
    batch_size(batch, "free")
    model = opened(model)
    names = output_names(model, outputs) if reference is None else reference.names

    def make(path):
        path.write_bytes(convert(model, names, "free" if batch is None else batch).SerializeToString(deterministic=True))
        model_metadata.append(path, described(model))

    form = Format(
        name="ONNX",
        make=make,
        open=lambda path: Recognizer(path).infer,
        describe=onnx_file.described,
        precision="float32",
        runtime=f"onnxruntime {metadata.version('onnxruntime')}",
    )
    return write(form, model, out, photos, limit, names, reference)


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
        value.doc_string = MEANINGS.get(value.name, INPUT)
    # Those of the standard alone are used.
    standard = [entry for entry in result.opset_import if not entry.domain]
    del result.opset_import[:]
    result.opset_import.extend(standard)


@contextlib.contextmanager
def _listening():
    """Collects what tf2onnx complains of: it logs an operator that it cannot convert, and goes on.

    An optimiser of its that fails is no error: it works on a copy, which is thrown away. tf2onnx logs a traceback then; here
    it is a line.
    """
    complaints, logger = [], logging.getLogger("tf2onnx")

    class Listener(logging.Handler):
        def emit(self, record):
            message = record.getMessage()
            if record.levelno >= logging.ERROR:
                complaints.append(message if record.exc_info is None else f"{message} ({record.exc_info[1]})")
            elif record.levelno >= logging.WARNING:
                reason = f" ({record.exc_info[1]})" if record.exc_info else ""
                logging.getLogger(__name__).warning("tf2onnx: %s%s", message, reason)

    listener, propagates = Listener(), logger.propagate
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield complaints
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagates


COMMAND = exporting("logo-export-onnx", DESCRIPTION, export)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
