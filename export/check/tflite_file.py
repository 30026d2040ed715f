"""What is inside a TFLite file."""

from collections import Counter

from logo_keras.extras import require

from ..passes.flatbuffer import operator_names, pack, parse
from ..served import INPUT, MEANINGS
from .kernels import check_weights

# Files with any of these keep their weights elsewhere, or need more than a LiteRT runtime has.
_REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")


def operators(data):
    """The operators that a TFLite flatbuffer uses: dict from name to count, `"CUSTOM"` for those that are not builtin."""
    return _counted(parse(data))


def check(data, weight_bytes):
    """Checks that a float32 TFLite model is self-contained.

    Args:
        data: bytes, a TFLite flatbuffer.
        weight_bytes: int, size of the weights that it must hold.

    Raises:
        ValueError: if it uses custom, Flex or variable operators, or its constants are smaller than its weights.
    """
    model = parse(data)
    _refuse(model)
    places = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    constants = sum(len(model.buffers[place].data) for place in places if model.buffers[place].data is not None)
    check_weights(constants, weight_bytes)


def check_operators(data):
    """Checks that a TFLite model uses TFLite's builtin operators alone, and no variables.

    Raises:
        ValueError: naming those that it may not use.
    """
    _refuse(parse(data))


def with_readable_names(data):
    """Gives the input and output tensors the names of the signature: `images`, `probabilities`, ..."""
    model = parse(data)
    signature, tensors = model.signatureDefs[0], model.subgraphs[0].tensors
    for mapping in (*signature.inputs, *signature.outputs):
        tensors[mapping.tensorIndex].name = mapping.name
    return pack(model)


def described(data):
    """What a TFLite flatbuffer with readable names is, for JSON: its operators, inputs and outputs."""
    schema = require("ai_edge_litert.schema_py_generated", "export")
    kinds = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}
    model = parse(data)
    graph = model.subgraphs[0]

    def tensor(place, description):
        found = graph.tensors[place]
        return {
            "name": found.name.decode(),
            "shape": [int(length) for length in found.shape],
            "dtype": kinds[found.type],
            "description": description,
        }

    outputs = (tensor(place, None) for place in graph.outputs)
    return {
        "operators": _counted(model),
        "inputs": [tensor(place, INPUT) for place in graph.inputs],
        "outputs": [found | {"description": MEANINGS[found["name"]]} for found in outputs],
    }


def _counted(model):
    counts = Counter(name for subgraph in model.subgraphs for name in operator_names(model, subgraph))
    return dict(sorted(counts.items()))


def _refuse(model):
    refused = sorted(set(_counted(model)) & set(_REFUSED))
    if refused:
        raise ValueError(f"the file would need operators beyond TFLite's builtin ones: {', '.join(refused)}.")
