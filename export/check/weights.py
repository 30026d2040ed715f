"""How large the weights of a traced function are: what every file that is made from it must hold."""

import numpy as np

from logo_keras.errors import UserError

# Of all weights about these remain in a file: the vectors of batch normalisation go into the kernels.
_SMALLEST_SHARE = 0.9


def kernel_bytes(graph):
    """Bytes of the kernels that the outputs of a traced function depend on; heads that only train do not count."""
    reached, queue = set(), [tensor.op for tensor in graph.outputs]
    while queue:
        operation = queue.pop()
        if operation not in reached:
            reached.add(operation)
            queue.extend(tensor.op for tensor in operation.inputs)
    variables = {variable.handle.ref(): variable for variable in graph.variables}
    read = (variables.get(outside.ref()) for outside, placeholder in graph.captures if placeholder.op in reached)
    # Vectors are folded into the kernels' biases and factors.
    kernels = [variable for variable in read if variable is not None and len(variable.shape) > 1]
    return sum(int(np.prod(kernel.shape)) * kernel.dtype.size for kernel in kernels)


def check_weights(held, weight_bytes):
    """Checks that a file holds its weights.

    Args:
        held: int, bytes of the constants in the file.
        weight_bytes: int, as `kernel_bytes` gives it.

    Raises:
        ValueError: if they are smaller than the weights.
    """
    if held < _SMALLEST_SHARE * weight_bytes:
        raise UserError(f"the file would lack weights: it holds {held:,} bytes of {weight_bytes:,}.")
