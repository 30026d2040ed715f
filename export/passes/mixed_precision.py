"""Rewrites an ONNX file so that its networks compute in 16 or 8 bits, and its geometry in float32 as before.

TensorRT 11 and TensorRT-RTX take types from the file alone, and TensorRT 10 does so on request: which part of a model runs
in which type is therefore decided here, once for all three. The networks are the convolutions and dense layers with
weights of the model. What lies between them, picking regions and cutting them out, computes with px in the hundred
thousands, which 16 bits cannot hold, and compares values that lie close together.
"""

import contextlib
import logging
import tempfile
from pathlib import Path

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
        graph: onnx.GraphProto.
        kernels: as `kernel_shapes` gives them. Matrices that resample have other shapes.

    Returns:
        list of onnx.NodeProto, in the order of the graph.
    """
    shapes = {constant.name: tuple(sorted(constant.dims)) for constant in graph.initializer}
    return [node for node in graph.node if node.op_type in _WEIGHTED and shapes.get(node.input[1]) in kernels]


def deciding_nodes(graph, output="probabilities"):
    """The nodes that an output is computed from, picking of regions left out: what is behind a TopK is not followed.

    Args:
        graph: onnx.GraphProto.
        output: str, the name of one of its outputs.

    Returns:
        set of str, each node's first output. The navigator, which only picks, is not among them.
    """
    makers = {name: node for node in graph.node for name in node.output}
    found, queue = set(), [output]
    while queue:
        node = makers.get(queue.pop())
        if node is not None and node.op_type != "TopK" and node.output[0] not in found:
            found.add(node.output[0])
            queue.extend(node.input)
    return found


def folded(model):
    """An ONNX model with constants computed and batch normalisation inside the convolutions, by onnxruntime.

    Args:
        model: onnx.ModelProto.

    Returns:
        onnx.ModelProto, standard operators only.
    """
    onnx, onnxruntime = require("onnx", "export"), require("onnxruntime", "export")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "folded.onnx")
        options = onnxruntime.SessionOptions()
        # Higher levels write operators of onnxruntime's own.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = path
        # It warns that a file optimised for this machine is written; this level depends on no machine.
        options.log_severity_level = 3
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result = onnx.load(path)
    used = {node.domain for node in result.graph.node}
    kept = [entry for entry in result.opset_import if entry.domain in used | {""}]
    del result.opset_import[:]
    result.opset_import.extend(kept)
    return result


def to_float16(model, kernels):
    """An ONNX model whose networks compute in float16. Inputs, outputs, means and geometry stay float32.

    Args:
        model: onnx.ModelProto, float32.
        kernels: as `kernel_shapes` gives them.

    Returns:
        onnx.ModelProto.

    Raises:
        ValueError: if a weight is too large for float16, or no node holds a kernel.
    """
    return _Halving(folded(model), kernels).model


def to_int8(model, kernels, images):
    """An ONNX model whose networks compute in int8, said by pairs of QuantizeLinear and DequantizeLinear.

    Weights by channel, activations by tensor, both symmetric. The navigator, biases and all else stay float32.

    Args:
        model: onnx.ModelProto, float32.
        kernels: as `kernel_shapes` gives them.
        images: uint8 or float32 `[P, S, S, 3]`, RGB 0..255, from which the ranges of the activations are taken.

    Returns:
        onnx.ModelProto.

    Raises:
        ValueError: if no node holds a kernel.
    """
    onnx, quantization = require("onnx", "export"), require("onnxruntime.quantization", "export")
    model = folded(model)
    deciding = deciding_nodes(model.graph)
    nodes = _some([node for node in network_nodes(model.graph, kernels) if node.output[0] in deciding])
    for number, node in enumerate(nodes):
        # Nodes are chosen by name, and ONNX does not ask for one.
        node.name = node.name or f"network_{number}"
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 1
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            model,
            path,
            _reader(quantization.CalibrationDataReader, model.graph.input[0].name, images, batch),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(_WEIGHTED),
            nodes_to_quantize=[node.name for node in nodes],
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options=_TENSORRT,
        )
        return onnx.load(path)


def _reader(base, name, images, batch):
    """Gives images to onnxruntime's calibration, a batch at a time; a last incomplete batch begins again at the first."""

    class Reader(base):
        def __init__(self):
            self.starts = iter(range(0, len(images), batch))

        def get_next(self):
            start = next(self.starts, None)
            if start is None:
                return None
            return {name: np.take(images, range(start, start + batch), axis=0, mode="wrap").astype(np.float32)}

    return Reader()


@contextlib.contextmanager
def _quiet():
    # quantize_static advises, on the root logger, to preprocess a model as `folded` has.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _some(nodes):
    if not nodes:
        raise UserError("the ONNX file has no convolution or dense layer with a kernel of the model.")
    return nodes


class _Halving:
    """Walks once through a graph, in its order, and turns the networks' tensors into float16.

    Attributes:
        model: the onnx.ModelProto, changed.
    """

    def __init__(self, model, kernels):
        self.onnx, self.numpy_helper = require("onnx", "export"), require("onnx.numpy_helper", "export")
        self.model, self.graph = model, model.graph
        self.constants = {constant.name: constant for constant in self.graph.initializer}
        self.finals = {output.name for output in self.graph.output}
        # Names of the tensors that are float16, and of the float16 or float32 twin of a tensor.
        self.halves, self.twins = set(), {}
        weighted = {node.output[0] for node in _some(network_nodes(self.graph, kernels))}
        self.nodes = []
        for node in self.graph.node:
            half = (node.output[0] in weighted or self._follows(node)) and not self.finals & set(node.output)
            for place, name in enumerate(node.input):
                node.input[place] = self._typed(name, half and place not in _KEPT_INPUTS.get(node.op_type, ()))
            if half:
                self.halves.update(node.output)
            self.nodes.append(node)
        copies = [self.onnx.NodeProto.FromString(node.SerializeToString()) for node in self.nodes]
        del self.graph.node[:]
        self.graph.node.extend(copies)
        self._drop_unused_constants()
        # Their types are no longer right, and every reader infers them anew.
        del self.graph.value_info[:]

    def _follows(self, node):
        """Whether a node goes on with float16: it may, and all that it computes with is float16 or constant."""
        if node.op_type not in _FOLLOW:
            return False
        fixed = _KEPT_INPUTS.get(node.op_type, ())
        given = [name for place, name in enumerate(node.input) if name and place not in fixed and name not in self.constants]
        constant = [self.constants[name] for name in node.input if name in self.constants]
        small = all(
            entry.data_type != self.onnx.TensorProto.FLOAT or np.all(np.abs(self.numpy_helper.to_array(entry)) <= _LARGEST)
            for entry in constant
        )
        return bool(given) and small and all(name in self.halves for name in given)

    def _typed(self, name, half):
        """The name of a tensor in the type that its reader needs; a constant's copy, or a Cast before the reader."""
        if not name or half == (name in self.halves):
            return name
        if name in self.constants:
            return self._half_constant(name) if half else name
        twin = f"{name}/{'half' if half else 'float'}"
        if twin not in self.twins:
            kind = self.onnx.TensorProto.FLOAT16 if half else self.onnx.TensorProto.FLOAT
            self.nodes.append(self.onnx.helper.make_node("Cast", [name], [twin], name=twin, to=kind))
            self.twins[twin] = name
        return twin

    def _half_constant(self, name):
        constant, twin = self.constants[name], f"{name}/half"
        if constant.data_type != self.onnx.TensorProto.FLOAT:
            return name
        if twin not in self.twins:
            values = self.numpy_helper.to_array(constant)
            largest = float(np.max(np.abs(values), initial=0))
            # Not `>`: what is not a number does not fit either.
            if not largest <= _LARGEST:
                raise UserError(f"{name}: its largest value, {largest:g}, does not fit in float16. Export it as float32.")
            self.graph.initializer.append(self.numpy_helper.from_array(values.astype(np.float16), twin))
            self.twins[twin] = name
        return twin

    def _drop_unused_constants(self):
        used = {name for node in self.graph.node for name in node.input} | self.finals
        kept = [constant for constant in self.graph.initializer if constant.name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)
