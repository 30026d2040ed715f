"""Tidies an ONNX graph that tf2onnx wrote: fewer operators, batch normalisation in the kernels, the same names every time."""

import re
from collections import Counter, defaultdict

import numpy as np

from logo_keras.extras import require

# tf2onnx writes it for an axis that is taken to its end.
_TO_THE_END = 10**9
# What a constant input of a convolution is.
_ROLES = {("Conv", 1): "weight", ("Conv", 2): "bias"}


def tidied(model, scope=""):
    """Tidies a model whose graph has no graphs inside it.

    - Slices that take everything, which stand for `x[..., None]`, are left out.
    - Factors and offsets a channel behind a convolution, which are what remains of batch normalisation behind a depthwise
      one, go into its kernel and bias. Kernels that several convolutions share stay shared.
    - What no output depends on is left out, operators are sorted from the outputs backwards, and everything is named after
      the layer that it comes from, without the numbers that tf2onnx and Keras count through the process: the same model
      gives the same bytes.

    Args:
        model: onnx.ModelProto; it is changed.
        scope: str, the name that all names begin with and that is dropped.

    Returns:
        The model.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    outputs = [value.name for value in graph.output]
    nodes = _without_idle_slices(list(graph.node), constants, outputs)
    nodes = _with_scales_in_kernels(nodes, constants, outputs)
    nodes = _sorted(nodes, outputs)
    _rename(nodes, constants, graph, scope)
    used = dict.fromkeys(name for node in nodes for name in node.input)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants[name] for name in used if name in constants)
    return model


def _without_idle_slices(nodes, constants, outputs):
    kept, same = [], {}
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
        if node.op_type == "Slice" and node.output[0] not in outputs and _takes_all(node, constants):
            same[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    return kept


def _takes_all(node, constants):
    if not all(name in constants for name in node.input[1:]):
        return False
    starts, ends, _, steps = [_array(constants[name]) for name in node.input[1:]] + [np.ones(1)] * (5 - len(node.input))
    return not starts.any() and (ends >= _TO_THE_END).all() and (steps == 1).all()


def _with_scales_in_kernels(nodes, constants, outputs):
    readers = Counter(name for node in nodes for name in node.input)
    makers, kept = {}, []
    for node in nodes:
        convolution, constant = _convolution_before(node, makers, constants)
        if convolution is not None and readers[convolution.output[0]] == 1 and convolution.output[0] not in outputs:
            (_scale if node.op_type == "Mul" else _shift)(convolution, constant, constants)
            convolution.output[0] = node.output[0]
            node = convolution
        else:
            kept.append(node)
        makers[node.output[0]] = node
    return kept


def _convolution_before(node, makers, constants):
    """The convolution that a Mul or Add has on one side, and the name of the constant a channel on its other side."""
    if node.op_type in ("Mul", "Add"):
        for before, constant in (node.input, reversed(node.input)):
            convolution = makers.get(before)
            if convolution is not None and convolution.op_type == "Conv" and constant in constants:
                shape, channels = list(constants[constant].dims), constants[convolution.input[1]].dims[0]
                if shape[-3:] in ([channels, 1, 1], [1, 1, 1], []) and shape[:-3] in ([], [1]):
                    return convolution, constant
    return None, None


def _scale(convolution, factor, constants):
    values = _array(constants[factor]).reshape(-1)
    for place, shape in ((1, (-1, 1, 1, 1)), (2, (-1,))):
        if place < len(convolution.input):
            name = convolution.input[place]
            convolution.input[place] = _computed(f"{name} * {factor}", constants, constants[name], values.reshape(shape))


def _shift(convolution, offset, constants):
    values = np.broadcast_to(_array(constants[offset]).reshape(-1), constants[convolution.input[1]].dims[:1])
    if len(convolution.input) == 2:
        convolution.input.append("")
    before = convolution.input[2]
    name = f"{before} + {offset}"
    if name not in constants:
        constants[name] = _tensor(values + _array(constants[before]) if before else values, name)
    convolution.input[2] = name


def _computed(name, constants, tensor, factor):
    """Names the product of a constant and a factor; one that was computed before is taken again."""
    if name not in constants:
        constants[name] = _tensor(_array(tensor) * factor, name)
    return name


def _sorted(nodes, outputs):
    """Each operator behind what it needs, found from the outputs backwards; those that no output needs are left out."""
    makers = {name: node for node in nodes for name in node.output}
    done, order = set(), []
    for output in outputs:
        waiting = [(makers[output], False)] if output in makers else []
        while waiting:
            node, ready = waiting.pop()
            if ready:
                order.append(node)
            elif node.output[0] not in done:
                done.add(node.output[0])
                waiting.append((node, True))
                waiting.extend((makers[name], False) for name in reversed(node.input) if name in makers)
    return order


def _rename(nodes, constants, graph, scope):
    taken, names = defaultdict(int), {value.name: value.name for value in (*graph.input, *graph.output)}
    names[""] = ""

    def free(name):
        taken[name] += 1
        return name if taken[name] == 1 else free(f"{name}.{taken[name]}")

    for name in names:
        free(name)
    for node in nodes:
        base = free(_readable(node.output[0], scope) if node.output[0] not in names else f"{node.op_type}/{node.output[0]}")
        for place, name in enumerate(node.input):
            if name in constants and name not in names:
                names[name] = free(f"{base}/{_ROLES.get((node.op_type, place), 'constant')}")
                constants[names[name]] = constants.pop(name)
                constants[names[name]].name = names[name]
            node.input[place] = names[name]
        for place, name in enumerate(node.output):
            if name not in names:
                names[name] = base if place == 0 else free(f"{base}:{place}")
            node.output[place] = names[name]
        node.name, node.doc_string = base, ""


def _readable(name, scope):
    """`drna_net_1/backbone_1/stem_bn_relu_1/Relu6__12:0` is `backbone/stem_bn_relu/Relu6`."""
    first, slash, rest = name.partition("/")
    name = rest if slash and scope and re.fullmatch(rf"{re.escape(scope)}(_\d+)?", first) else name
    return re.sub(r"(_\d+)+(?=/|$)", "", re.sub(r"__\d+|:\d+$", "", name))


def _array(tensor):
    return require("onnx", "export").numpy_helper.to_array(tensor)


def _tensor(array, name):
    return require("onnx", "export").numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
