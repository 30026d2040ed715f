"""Tidies an ONNX graph that tf2onnx wrote: fewer operators, batch normalization in the kernels, the same names every time."""

import re
from collections import Counter

import numpy as np

from logo_keras.extras import require

# tf2onnx writes it for an axis that is taken to its end.
_TO_THE_END = 10**9
# What a constant input of a convolution is.
_ROLES = {("Conv", 1): "weight", ("Conv", 2): "bias"}


def tidied(model, scope=""):
    """Tidies a model whose graph has no graphs inside it.

    - Slices that take everything, which stand for `x[..., None]`, are left out.
    - Factors and offsets per channel behind a convolution, which are what remains of batch normalization behind a depthwise
      one, go into its kernel and bias. Equal constants are stored once, so kernels that several convolutions share stay shared.
    - What no output depends on is left out, operators are sorted from the outputs backwards, and everything is named after
      the layer that it comes from, without the numbers that tf2onnx and Keras count through the process: the same model
      gives the same bytes.

    Args:
        model: onnx.ModelProto.
        scope: str, the name that all names begin with and that is dropped.

    Returns:
        onnx.ModelProto.
    """
    ir, passes = require("onnx_ir", "export"), require("onnx_ir.passes.common", "export")
    tidy = ir.from_proto(model)
    for node in tidy.graph:
        if node.op_type == "Slice" and _takes_all(node) and not node.outputs[0].is_graph_output():
            node.outputs[0].replace_all_uses_with(node.inputs[0])
        elif node.op_type in ("Mul", "Add"):
            _fold(node)
    for done in (passes.RemoveUnusedNodesPass(), passes.DeduplicateHashedInitializersPass(), passes.RemoveUnusedOpsetsPass()):
        done(tidy)
    _sort(tidy.graph)
    _rename(tidy.graph, scope)
    result = ir.to_proto(tidy)
    del result.graph.value_info[:]
    return result


def _takes_all(node):
    constants = [value.const_value for value in node.inputs[1:]]
    if None in constants:
        return False
    starts, ends, _, steps = [constant.numpy() for constant in constants] + [np.ones(1)] * (4 - len(constants))
    return not starts.any() and (ends >= _TO_THE_END).all() and (steps == 1).all()


def _fold(node):
    """Moves a constant factor or offset per channel, which may stand on either side, into the convolution before it."""
    for before, constant in (node.inputs, node.inputs[::-1]):
        convolution = before.producer()
        if convolution is None or convolution.op_type != "Conv":
            continue
        constants = [value.const_value for value in (constant, *convolution.inputs[1:])]
        if None in constants or before.is_graph_output() or len(before.uses()) > 1:
            return
        values, kernel, bias = ([each.numpy() for each in constants] + [None])[:3]
        ones = (1,) * (kernel.ndim - 2)
        try:
            values = np.broadcast_to(values, (1, len(kernel), *ones)).reshape(-1)
        except ValueError:
            # It varies along rows or columns.
            return
        if node.op_type == "Add":
            bias = values if bias is None else bias + values
        else:
            kernel, bias = kernel * values.reshape(-1, 1, *ones), None if bias is None else bias * values
        _set_constants(convolution, kernel, bias)
        before.name, node.outputs[0].name = node.outputs[0].name, before.name
        node.outputs[0].replace_all_uses_with(before, replace_graph_outputs=True)
        node.graph.remove(node, safe=True)
        return


def _set_constants(convolution, kernel, bias):
    ir = require("onnx_ir", "export")
    convolution.resize_inputs(2 if bias is None else 3)
    for place, array in ((1, kernel), (2, bias)):
        if array is not None:
            name = f"{convolution.outputs[0].name}/{place}/{len(convolution.graph.initializers)}"
            value = ir.Value(name=name, const_value=ir.tensor(np.ascontiguousarray(array)))
            convolution.graph.register_initializer(value)
            convolution.replace_input_with(place, value)


def _sort(graph):
    """Puts each operator behind what it needs, found from the outputs backwards: tf2onnx's order differs between processes."""
    order, waiting = {}, [value.producer() for value in reversed(graph.outputs) if value.producer()]
    while waiting:
        missing = [node for node in waiting[-1].predecessors() if node not in order]
        if missing:
            waiting.append(missing[0])
        else:
            order[waiting.pop()] = True
    graph.remove(order)
    graph.extend(order)


def _rename(graph, scope):
    taken, names = Counter(), {value: value.name for value in (*graph.inputs, *graph.outputs)}

    def free(name):
        taken[name] += 1
        return name if taken[name] == 1 else free(f"{name}.{taken[name]}")

    for name in names.values():
        free(name)
    for node in graph:
        output = node.outputs[0]
        node.name = free(f"{node.op_type}/{output.name}" if output in names else _readable(output.name, scope))
        node.doc_string = ""
        for place, value in enumerate(node.inputs):
            if value is not None and value.const_value is not None and value not in names:
                names[value] = free(f"{node.name}/{_ROLES.get((node.op_type, place), 'constant')}")
        for place, value in enumerate(node.outputs):
            if value not in names:
                names[value] = node.name if place == 0 else free(f"{node.name}:{place}")
    require("onnx_ir", "export").convenience.rename_values(list(names), list(names.values()))


def _readable(name, scope):
    """`drna_net_1/backbone_1/stem_bn_relu_1/Relu6__12:0` is `backbone/stem_bn_relu/Relu6`."""
    first, slash, rest = name.partition("/")
    name = rest if slash and scope and re.fullmatch(rf"{re.escape(scope)}(_\d+)?", first) else name
    return re.sub(r"(_\d+)+(?=/|$)", "", re.sub(r"__\d+|:\d+$", "", name))
