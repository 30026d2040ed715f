"""Rewrites an ONNX file so that its networks compute in 16 or 8 bits, and its geometry in float32 as before.

TensorRT 11 and TensorRT-RTX take types from the file alone, and TensorRT 10 does so on request: which part of a model runs
in which type is therefore decided here, once for all three. The networks are the convolutions and dense layers with
weights of the model. What lies between them, picking regions and cutting them out, computes with px in the hundred
thousands, which 16 bits cannot hold, and compares values that lie close together.
"""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from logo_keras.errors import UserError
from logo_keras.extras import require

# What follows a convolution at its own resolution and may stay in its type. Means and sums are not here: in 16 bits they
# would lose what an embedding needs.
_FOLLOW = frozenset("Add Clip Concat HardSigmoid HardSwish LeakyRelu MaxPool Mul Pad Relu Reshape Sigmoid Sub Transpose".split())
# Inputs of these that must not change type with the rest.
_KEPT_INPUTS = {"Reshape": (1,), "Pad": (1, 3)}
_LARGEST = float(np.finfo(np.float16).max)
_WEIGHTED = ("Conv", "Gemm", "MatMul")
# As NVIDIA's own tool writes it: pairs at the inputs, int8 weights with a DequantizeLinear alone, nothing behind a node or
# on a bias. The ranges are the extremes over the photos; means of them, or percentiles, gave no better answers.
_TENSORRT = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "DedicatedQDQPair": True,
    "OpTypesToExcludeOutputQuantization": list(_WEIGHTED),
    "QuantizeBias": False,
    "QDQOpTypePerChannelSupportToAxis": {"MatMul": 1, "Gemm": 1},
}


def kernel_shapes(model):
    """The shapes of a model's kernels, each sorted: frameworks order the axes differently.

    Args:
        model: a model of this package.

    Returns:
        frozenset of tuples of int.
    """
    return frozenset(tuple(sorted(weight.shape)) for weight in model.weights if len(weight.shape) > 1)


def network_nodes(graph, kernels):
    """The convolutions and dense layers of an ONNX graph that hold a kernel of the model.

    Args:
        graph: onnx_ir.Graph.
        kernels: as `kernel_shapes` gives them. Matrices that resample have other shapes.

    Returns:
        list of onnx_ir.Node, in the order of the graph.

    Raises:
        ValueError: if there is none.
    """
    weighted = [node for node in graph if node.op_type in _WEIGHTED and node.inputs[1].const_value is not None]
    nodes = [node for node in weighted if tuple(sorted(node.inputs[1].const_value.shape)) in kernels]
    if not nodes:
        raise UserError("the ONNX file has no convolution or dense layer with a kernel of the model.")
    return nodes


def deciding_nodes(graph, output="probabilities"):
    """The nodes that an output is computed from, picking of regions left out: what is behind a TopK is not followed.

    Args:
        graph: onnx_ir.Graph.
        output: str, the name of one of its outputs.

    Returns:
        set of onnx_ir.Node. The navigator, which only picks, is not among them.
    """
    found, queue = set(), [value.producer() for value in graph.outputs if value.name == output]
    while queue:
        node = queue.pop()
        if node.op_type != "TopK" and node not in found:
            found.add(node)
            queue.extend(node.predecessors())
    return found


def to_float16(model, kernels):
    """An ONNX model whose networks compute in float16. Inputs, outputs, means and geometry stay float32.

    Args:
        model: onnx.ModelProto, float32, tidied.
        kernels: as `kernel_shapes` gives them.

    Returns:
        onnx.ModelProto.

    Raises:
        ValueError: if a weight is too large for float16, or no node holds a kernel.
    """
    ir = require("onnx_ir", "export")
    model = ir.from_proto(model)
    weighted, halves, casts = set(network_nodes(model.graph, kernels)), set(), {}

    def typed(value, half, reader):
        """The value in the type that its reader needs: a constant's copy, or what a Cast before the first such reader gives."""
        if value is None or half == (value in halves):
            return value
        constant = value.const_value
        if value not in casts and constant is None:
            cast = ir.node("Cast", [value], {"to": ir.DataType.FLOAT16 if half else ir.DataType.FLOAT})
            model.graph.insert_before(reader, cast)
            casts[value] = cast.outputs[0]
        elif value not in casts and constant.dtype == ir.DataType.FLOAT:
            casts[value] = _half_constant(value)
            model.graph.register_initializer(casts[value])
        # Whole numbers stay what they are.
        return casts.get(value, value)

    for node in model.graph:
        half = node in weighted or _follows(node, halves)
        half = half and not any(value.is_graph_output() for value in node.outputs)
        for place, value in enumerate(node.inputs):
            node.replace_input_with(place, typed(value, half and place not in _KEPT_INPUTS.get(node.op_type, ()), node))
        if half:
            halves.update(node.outputs)
    require("onnx_ir.passes.common", "export").RemoveUnusedNodesPass()(model)
    result = ir.to_proto(model)
    # Their types are no longer right, and every reader infers them anew.
    del result.graph.value_info[:]
    return result


def to_int8(model, kernels, images):
    """An ONNX model whose networks compute in int8, said by pairs of QuantizeLinear and DequantizeLinear.

    Weights by channel, activations by tensor, both symmetric. The navigator, biases and all else stay float32.

    Args:
        model: onnx.ModelProto, float32, tidied.
        kernels: as `kernel_shapes` gives them.
        images: uint8 or float32 `[P, S, S, 3]`, RGB 0..255, from which the ranges of the activations are taken.

    Returns:
        onnx.ModelProto.

    Raises:
        ValueError: if no node holds a kernel.
    """
    onnx, ir = require("onnx", "export"), require("onnx_ir", "export")
    quantization = require("onnxruntime.quantization", "export")
    model = ir.from_proto(model)
    # Else quantize_static advises to fold batch normalization, which `onnx_graph.tidied` has done.
    model.metadata_props["onnx.quant.pre_process"] = "onnxruntime.quant"
    deciding, (given,) = deciding_nodes(model.graph), model.graph.inputs
    batch = given.shape[0] if isinstance(given.shape[0], int) else 1
    # The last batch is filled up from the first images.
    batches = (np.take(images, range(start, start + batch), axis=0, mode="wrap") for start in range(0, len(images), batch))
    feeds = ({given.name: batch.astype(np.float32)} for batch in batches)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            ir.to_proto(model),
            path,
            SimpleNamespace(get_next=lambda: next(feeds, None)),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(_WEIGHTED),
            nodes_to_quantize=[node.name for node in network_nodes(model.graph, kernels) if node in deciding],
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options=_TENSORRT,
        )
        return onnx.load(path)


def _follows(node, halves):
    """Whether a node goes on with float16: it may, and all that it computes with is float16 or fits into it."""
    if node.op_type not in _FOLLOW:
        return False
    kept = _KEPT_INPUTS.get(node.op_type, ())
    given = [value for place, value in enumerate(node.inputs) if value is not None and place not in kept]
    constants = [value.const_value.numpy() for value in given if value.const_value is not None]
    values = [value for value in given if value.const_value is None]
    return bool(values) and halves.issuperset(values) and all(np.all(np.abs(constant) <= _LARGEST) for constant in constants)


def _half_constant(value):
    ir, array = require("onnx_ir", "export"), value.const_value.numpy()
    largest = np.abs(array).max(initial=0)
    # Not `>`: what is not a number does not fit either.
    if not largest <= _LARGEST:
        raise UserError(f"{value.name}: its largest value, {largest:g}, does not fit in float16. Export it as float32.")
    return ir.Value(name=f"{value.name}/half", const_value=ir.tensor(array.astype(np.float16)))
