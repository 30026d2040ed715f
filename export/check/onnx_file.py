"""What is inside an ONNX file."""

from collections import Counter

import numpy as np

from logo_keras.extras import require

from ..served import INPUT, MEANINGS
from .kernels import check_weights


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
    onnx = require("onnx", "export")
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain}
    foreign = [name for name in operators(model) if name not in known]
    if foreign:
        raise ValueError(f"the file would need operators beyond ONNX's own: {', '.join(foreign)}.")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ValueError("the file would keep weights in other files.")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"the file would not be valid ONNX: {error}") from error
    check_weights(sum(_bytes(onnx, tensor) for tensor in model.graph.initializer), weight_bytes)


def described(path):
    """What an ONNX file is, for JSON: its operators, inputs and outputs, opset and IR version.

    Args:
        path: str or Path.
    """
    onnx = require("onnx", "export")
    model = onnx.load(path)
    return {
        "operators": operators(model),
        "inputs": [_value(onnx, value, INPUT) for value in model.graph.input],
        "outputs": [_value(onnx, value, MEANINGS.get(value.name, "")) for value in model.graph.output],
        "opset": next(entry.version for entry in model.opset_import if not entry.domain),
        "ir_version": model.ir_version,
    }


def _value(onnx, value, description):
    """A free dimension has its name in place of a number."""
    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "shape": [dim.dim_param or dim.dim_value for dim in tensor.shape.dim],
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        "description": description,
    }


def _bytes(onnx, tensor):
    return int(np.prod(tensor.dims)) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
