"""Which operators of a TFLite model are networks, which are pixels, and which are geometry."""

from collections import defaultdict

import numpy as np

from logo_keras.extras import require

from .flatbuffer import operator_names

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_DECISIONS = ("TOPK_V2", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
# What stands between the layers of a network.
_BETWEEN = (
    *("ADD", "SUB", "MUL", "MAXIMUM", "RELU", "LOGISTIC", "HARD_SWISH"),
    *("PAD", "PADV2", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN"),
    *("CONCATENATION", "RESHAPE", "TRANSPOSE", "STRIDED_SLICE"),
)
# What a crop is made of.
_RESAMPLING = ("GATHER", "MUL", "ADD", "RESHAPE", "TRANSPOSE", "STRIDED_SLICE", "SELECT_V2", "PACK")


class Graph:
    """The operators of a TFLite model by number, in the order in which they run.

    Args:
        model: a `ModelT` with one subgraph.

    Attributes:
        names: list of str, of each operator.
        tensors: list of `TensorT`.
    """

    def __init__(self, model):
        schema = require("ai_edge_litert.schema_py_generated", "export")
        (subgraph,) = model.subgraphs
        self.tensors = subgraph.tensors
        self.names = operator_names(model, subgraph)
        self._buffers = model.buffers
        self._float = schema.TensorType.FLOAT32
        self._inputs = [[int(place) for place in operator.inputs] for operator in subgraph.operators]
        self._outputs = [[int(place) for place in operator.outputs] for operator in subgraph.operators]
        self._makers = {place: number for number, outputs in enumerate(self._outputs) for place in outputs}
        self._readers = defaultdict(list)
        for number, inputs in enumerate(self._inputs):
            for place in inputs:
                self._readers[place].append(number)

    def inputs(self, number):
        """Places of all tensors that an operator reads; -1 for one that is left out."""
        return self._inputs[number]

    def output(self, number):
        """Place of the tensor that an operator writes first."""
        return self._outputs[number][0]

    def values(self, number):
        """Places of the float tensors that an operator reads and that are no constants."""
        return list(filter(self._is_value, self._inputs[number]))

    def floats(self, number):
        """Places of the float tensors that an operator reads or writes and that are no constants."""
        return list(filter(self._is_value, self._inputs[number] + self._outputs[number]))

    def size(self, place):
        """Elements of a tensor."""
        shape = self.tensors[place].shape
        return 1 if shape is None else int(np.prod(shape))

    def constant(self, place):
        """The float32 array of a constant, or None."""
        tensor = self.tensors[place]
        data = self._buffers[tensor.buffer].data
        return None if data is None else np.frombuffer(data.tobytes(), np.float32).reshape(tensor.shape)

    def _is_value(self, place):
        tensor = self.tensors[place]
        return place >= 0 and tensor.type == self._float and self._buffers[tensor.buffer].data is None

    def _sources(self, number):
        """Numbers of the operators that write these tensors; None for what the model is given."""
        return [self._makers.get(place) for place in self.values(number)]

    def layers(self):
        """Numbers of the layers with weights: convolutions, and dense layers behind one; nothing that decides where to look.

        Returns:
            tuple of two sets: convolutions and dense layers.
        """
        geometry, behind = self._geometry(), set()
        for number in range(len(self.names)):
            if self.names[number] == "CONV_2D" or not behind.isdisjoint(self._sources(number)):
                behind.add(number)
        weighted = [number for number in self._weighted() if number not in geometry]
        convolutions = {number for number in weighted if self.names[number] in _CONVOLUTIONS}
        # A dense layer that no convolution precedes is no layer: shrinking by a fraction is a product with a table.
        return convolutions, {number for number in weighted if number not in convolutions and number in behind}

    def shrinking(self):
        """Numbers of the convolutions that shrink the image: no other one precedes them, and they mix no channels."""
        convolutions, _ = self.layers()
        return {number for number in convolutions if self._from_pixels(number) and self._keeps_channels_apart(number)}

    def between(self, layers):
        """Numbers of the operators that stand between layers: what they read comes from layers, and a layer reads them.

        Args:
            layers: tuple of two sets, as `layers` returns them.
        """
        convolutions, dense = layers
        geometry, found = self._geometry(), set()
        for number, name in enumerate(self.names):
            sources = self._sources(number)
            inside = sources and all(source in convolutions or source in found for source in sources)
            if name in _BETWEEN and inside and number not in geometry:
                found.add(number)
        for number in sorted(found, reverse=True):
            readers = self._readers[self.output(number)]
            inside = any(reader in convolutions or reader in found for reader in readers)
            # A pooled map is small, a map is not: better to leave int8 behind the pooling than before it.
            pooled = self.names[number] == "MEAN" and any(reader in dense for reader in readers)
            if not inside and not pooled:
                found.remove(number)
        return found

    def resampling(self, layers):
        """Numbers of the operators that move and weigh pixels when regions are cropped; not those that say from where.

        Args:
            layers: tuple of two sets, as `layers` returns them.
        """
        convolutions, _ = layers
        before, queue = set(), [place for number in convolutions for place in self.values(number)]
        while queue:
            number = self._makers.get(queue.pop())
            if number in before or number is None or self.names[number] not in _RESAMPLING:
                continue
            pixels = self.values(number)
            if self.names[number] in ("ADD", "MUL") and len(pixels) < 2:
                continue
            before.add(number)
            queue += [place for place in pixels if not self.is_weight(number, place)]
        behind = set()
        for number in sorted(before):
            if self.names[number] == "GATHER" or not behind.isdisjoint(self._sources(number)):
                behind.add(number)
        return behind

    def is_weight(self, number, place):
        """Whether a tensor that an operator reads is the weights of rows of pixels, and no pixels."""
        return self.names[number] == "MUL" and self.size(place) < self.size(self.output(number))

    def _weighted(self):
        """Numbers of the convolutions and dense layers whose weights are constants."""
        for number, name in enumerate(self.names):
            if name in (*_CONVOLUTIONS, "FULLY_CONNECTED") and self.constant(self.inputs(number)[1]) is not None:
                yield number

    def _from_pixels(self, number):
        sources = [source for source in self._sources(number) if source is not None]
        computed = {*_CONVOLUTIONS, "GATHER"}
        return all(self.names[source] not in computed and self._from_pixels(source) for source in sources)

    def _keeps_channels_apart(self, number):
        """Whether a convolution is diagonal in its channels, as one that resamples pixels is."""
        kernel = self.constant(self.inputs(number)[1])
        outputs, channels = kernel.shape[0], kernel.shape[-1]
        return outputs == channels and not np.abs(kernel).sum(axis=(1, 2))[~np.eye(channels, dtype=bool)].any()

    def _geometry(self):
        """Numbers of the operators that decide which regions to look at and where from to take pixels, and what leads there.

        The way back ends at the convolutions that give the scores, which are of it, since 256 levels would tie; and at the
        mean over channels that makes an augmentation map.
        """
        found, queue = set(), []
        for number, name in enumerate(self.names):
            if name in _DECISIONS:
                queue.append(number)
            elif name == "GATHER":
                queue.append(self._makers.get(self.inputs(number)[1]))
        while queue:
            number = queue.pop()
            if number is None or number in found:
                continue
            found.add(number)
            if self.names[number] not in (*_CONVOLUTIONS, "MEAN"):
                queue += [self._makers.get(place) for place in self.inputs(number)]
        return found
