"""Reads TFLite flatbuffers, and writes them: equal vectors once, weights aligned."""

import numpy as np

from logo_keras.extras import require

_flatbuffers = require("flatbuffers", "export")
# TFLite's schema: force_align of the data of a buffer.
_ALIGNMENT = 16


class _Builder(_flatbuffers.Builder):
    """A builder that writes vectors and strings that are equal only once.

    A quantised tensor has a zero point of 8 bytes for each channel, all 0: in an EfficientNet-Lite0 they would take as much
    as a tenth of its weights.
    """

    def __init__(self, size):
        super().__init__(size)
        self._written = {}

    def CreateNumpyVector(self, x):  # noqa: N802, the name is that of the base class
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            if x.dtype == np.uint8:
                self.Prep(_ALIGNMENT, x.size)
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def CreateString(self, s, encoding="utf-8", errors="strict"):  # noqa: N802
        if s not in self._written:
            self._written[s] = super().CreateString(s, encoding, errors)
        return self._written[s]


def pack(model):
    """The bytes of a TFLite model, an object of its schema (`ModelT`)."""
    for code in model.operatorCodes:
        # The field of the first 127 operators must be filled too: ai-edge-quantizer 0.10 leaves it 0, which OpenVINO takes
        # for ADD.
        code.deprecatedBuiltinCode = min(max(code.builtinCode, code.deprecatedBuiltinCode), 127)
    builder = _Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def parse(data):
    """A TFLite flatbuffer as an object of its schema (`ModelT`), buffers that lie behind the flatbuffer included."""
    schema = require("ai_edge_litert.schema_py_generated", "export")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for buffer in model.buffers:
        # 0 and 1 mean that the data lie inside.
        if buffer.offset > 1:
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def operator_names(model, subgraph):
    """The name of each operator of a subgraph, in the order in which they run: list of str."""
    name = require("ai_edge_litert.tools.flatbuffer_utils", "export").opcode_to_name
    return [name(model, operator.opcodeIndex) for operator in subgraph.operators]
