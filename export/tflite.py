"""Writes a TFLite file from a .keras file and checks its answers without TensorFlow.

python -m export.tflite --model M.keras --out M.tflite
"""

import tempfile
from collections import deque
from pathlib import Path

import numpy as np

from logo_keras import __version__
from logo_keras import metadata as model_metadata
from logo_keras.edge import Recognizer
from logo_keras.extras import naming_extras, require
from logo_keras.files import replacing

from . import _flags
from .photographs import chosen
from .verification import DiffersFromKeras, compare

DESCRIPTION = """Writes a TFLite file from a .keras file.

The file needs builtin operators only, takes images [1, S, S, 3] of RGB 0..255 and gives probabilities, and region_boxes
and region_scores where the model has regions. It carries its class names. The command runs it on photographs without
TensorFlow, prints how far its answers lie from those of Keras, and leaves no file where they differ."""

# Files with any of these keep their weights elsewhere, or need more than a LiteRT runtime has.
_REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
# Batch normalisation is folded into the kernels, so of all weights about these remain.
_SMALLEST_SHARE = 0.9
_SIGNATURE = "serving_default"


def convert(model):
    """Converts a model to TFLite: float32, batch 1, builtin operators only, readable names.

    Args:
        model: a model of this package; `model.export_outputs` names what the file gives.

    Returns:
        bytes, a TFLite flatbuffer without metadata.

    Raises:
        ValueError: if the result would need other operators, or lacks the model's weights.
        ImportError: if TensorFlow is not installed.
    """
    tf = require("tensorflow", "export")
    keras = require("keras", "export")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"TFLite files are written with KERAS_BACKEND=tensorflow, got {keras.backend.backend()!r}.")

    from tensorflow.lite.python.convert_phase import ConverterError

    def outputs(images):
        answer = model(images, training=False)
        return {name: keras.ops.cast(answer[name], "float32") for name in model.export_outputs}

    # Not from_concrete_functions: in TensorFlow 2.21 it writes a Keras 3 model without its weights, and says nothing.
    archive = keras.export.ExportArchive()
    archive.track(model)
    images = tf.TensorSpec([1, model.image_size, model.image_size, 3], tf.float32, name="images")
    function = archive.add_endpoint(_SIGNATURE, outputs, input_signature=[images])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[_SIGNATURE])
        # Keras's own export lets Flex operators in, which fail at the first call on a device.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            data = _with_readable_names(converter.convert())
        except ConverterError as error:
            raise ValueError(f"TFLite's builtin operators cannot express this model: {error}") from error
    check(data, _kernel_bytes(function.get_concrete_function().graph))
    return data


def check(data, weight_bytes):
    """Checks that a TFLite model is self-contained.

    Args:
        data: bytes, a TFLite flatbuffer.
        weight_bytes: int, size of the weights that it must hold.

    Raises:
        ValueError: if it uses custom, Flex or variable operators, or its constants are smaller than its weights.
    """
    refused = sorted(set(operators(data)) & set(_REFUSED))
    if refused:
        raise ValueError(f"the file would need operators beyond TFLite's builtin ones: {', '.join(refused)}.")
    model = _parse(data)
    places = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    constants = sum(len(model.buffers[place].data) for place in places if model.buffers[place].data is not None)
    if constants < _SMALLEST_SHARE * weight_bytes:
        raise ValueError(f"the file would lack weights: it holds {constants:,} bytes of {weight_bytes:,}.")


def operators(data):
    """The names of the operators that a TFLite flatbuffer uses, sorted; `"CUSTOM"` for those that are not builtin."""
    schema = require("ai_edge_litert.schema_py_generated", "export")
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    # Operators that are older than the wider field are in the narrow one.
    codes = {max(code.builtinCode, code.deprecatedBuiltinCode) for code in _parse(data).operatorCodes}
    return tuple(sorted(names[code] for code in codes))


def verify(path, model, photographs):
    """Runs a file with the edge runtime on photographs and compares its answers with those of Keras.

    Args:
        path: str or Path of a TFLite file with metadata.
        model: the model that it was made from.
        photographs: paths, bytes or RGB uint8 arrays.

    Returns:
        verification.Report.

    Raises:
        ValueError: if the file is no such file, or none of the photographs can be read.
    """
    return compare(Recognizer(path).infer, model, photographs)


def export(model, out, photos=None, limit=None):
    """Writes a TFLite file and verifies it; the file appears under its name only if it passes.

    Args:
        model: a model of this package, or the path of a `.keras` file.
        out: str or Path of the file to write; missing folders are made. An older file of that name is replaced if the
            new one passes, and else kept.
        photos: photographs to verify with, as `photographs.find` takes them; None draws a small synthetic set.
        limit: int, at most so many photographs, spread evenly; None takes all.

    Returns:
        verification.Report.

    Raises:
        DiffersFromKeras: if the answers lie over the bound.
        ValueError: if the model cannot be read or converted, or no photograph can be read.
        OSError: if `out` cannot be written.
    """
    out = Path(out)
    if out.is_dir():
        raise IsADirectoryError(f"{out}: cannot be written: it is a folder.")
    if isinstance(model, (str, Path)):
        with naming_extras():
            from logo_keras.models import load
        model = load(model)
    described = model_metadata.Metadata(
        class_names=model.class_names,
        image_size=model.image_size,
        preprocessing=model.preprocessing,
        model=type(model).__name__,
        decision=model.decision,
        version=__version__,
    )
    with replacing(out) as temporary, chosen(photos, limit) as photographs:
        # A place that cannot be written to is refused now, not after the conversion.
        temporary.touch()
        temporary.write_bytes(convert(model))
        model_metadata.append(temporary, described)
        report = verify(temporary, model, photographs)
        if report.failures:
            raise DiffersFromKeras(f"{out} was not written: {'; '.join(report.failures)}.", report)
    return report


def run():
    """The command `logo-export-tflite`."""
    _flags.run("logo-export-tflite", DESCRIPTION, export)


def _parse(data):
    schema = require("ai_edge_litert.schema_py_generated", "export")
    return schema.ModelT.InitFromPackedBuf(data, 0)


def _with_readable_names(data):
    """Gives the input and output tensors the names of the signature: `images`, `probabilities`, ..."""
    flatbuffers = require("flatbuffers", "export")
    model = _parse(data)
    signature, tensors = model.signatureDefs[0], model.subgraphs[0].tensors
    for mapping in (*signature.inputs, *signature.outputs):
        tensors[mapping.tensorIndex].name = mapping.name
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _kernel_bytes(graph):
    """Bytes of the kernels that the outputs of a traced function depend on; heads that only train do not count."""
    variables = {variable.handle.ref(): variable for variable in graph.variables}
    reached, queue = set(), deque(tensor.op for tensor in graph.outputs)
    while queue:
        operation = queue.popleft()
        if operation not in reached:
            reached.add(operation)
            queue.extend(tensor.op for tensor in operation.inputs)
    total = 0
    for outside, placeholder in graph.captures:
        variable = variables.get(outside.ref())
        # Vectors are folded into the kernels' biases and factors.
        if variable is not None and placeholder.op in reached and len(variable.shape) > 1:
            total += int(np.prod(variable.shape)) * variable.dtype.size
    return total


if __name__ == "__main__":
    run()
