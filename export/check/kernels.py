"""How large the weights of a traced function are: what every file that is made from it must hold."""

from collections import deque

import numpy as np

# Of all weights about these remain in a file: the vectors of batch normalisation go into the kernels.
_SMALLEST_SHARE = 0.9


def kernel_bytes(graph):
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


def check_weights(held, weight_bytes):
    """Checks that a file holds its weights.

    Args:
        held: int, bytes of the constants in the file.
        weight_bytes: int, as `kernel_bytes` gives it.

    Raises:
        ValueError: if they are smaller than the weights.
    """
    if held < _SMALLEST_SHARE * weight_bytes:
        raise ValueError(f"the file would lack weights: it holds {held:,} bytes of {weight_bytes:,}.")
