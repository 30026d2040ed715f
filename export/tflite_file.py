"""What is inside a TFLite file."""

from collections import Counter

from logo_keras.extras import require

from .flatbuffer import pack, parse
from .served import INPUT, MEANINGS

# Files with any of these keep their weights elsewhere, or need more than a LiteRT runtime has.
_REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
# Batch normalisation is folded into the kernels, so of all weights about these remain.
_SMALLEST_SHARE = 0.9


def operators(data):
    """The operators that a TFLite flatbuffer uses: dict from name to count, `"CUSTOM"` for those that are not builtin."""
    schema = require("ai_edge_litert.schema_py_generated", "export")
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    model = parse(data)
    # Operators that are older than the wider field are in the narrow one.
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    counts = Counter(codes[operator.opcodeIndex] for graph in model.subgraphs for operator in graph.operators)
    return dict(sorted(counts.items()))


def check(data, weight_bytes):
    """Checks that a float32 TFLite model is self-contained.

    Args:
        data: bytes, a TFLite flatbuffer.
        weight_bytes: int, size of the weights that it must hold.

    Raises:
        ValueError: if it uses custom, Flex or variable operators, or its constants are smaller than its weights.
    """
    check_operators(data)
    model = parse(data)
    places = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    constants = sum(len(model.buffers[place].data) for place in places if model.buffers[place].data is not None)
    if constants < _SMALLEST_SHARE * weight_bytes:
        raise ValueError(f"the file would lack weights: it holds {constants:,} bytes of {weight_bytes:,}.")


def check_operators(data):
    """Checks that a TFLite model uses TFLite's builtin operators alone, and no variables.

    Raises:
        ValueError: naming those that it may not use.
    """
    refused = sorted(set(operators(data)) & set(_REFUSED))
    if refused:
        raise ValueError(f"the file would need operators beyond TFLite's builtin ones: {', '.join(refused)}.")


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
        "operators": operators(data),
        "inputs": [tensor(place, INPUT) for place in graph.inputs],
        "outputs": [found | {"description": MEANINGS[found["name"]]} for found in outputs],
    }
