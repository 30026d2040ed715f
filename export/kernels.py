"""How large the weights of a traced function are: what every file that is made from it must hold."""

from collections import deque

import numpy as np


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
