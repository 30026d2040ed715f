"""What MediaPipe Tasks must know of a TFLite file: its image, its labels, every output.

A flatbuffer of its own inside the model, in the schema that TensorFlow Lite calls model metadata. The labels themselves are
`labels.txt` in the zip that `logo_keras.edge.model_file.append` puts behind the model.

Source: `metadata_schema.fbs` of MediaPipe 1.2.2 and of tflite-support, version 1.0.0 of the schema.
"""

import numpy as np

from logo_keras.edge.model_file import LABELS_NAME
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.image.preprocessing import frame

from ..served import MEANINGS
from .flatbuffer import pack, parse

ENTRY = "TFLITE_METADATA"
# MediaPipe answers in the order of the file's outputs; what classifies comes first.
ORDER = tuple(MEANINGS)
IDENTIFIER = b"M001"
_SIGNATURE = b"serving_default"
# The oldest schema that knows all that is written here.
_PARSER_VERSION = "1.0.0"
_TENSOR_AXIS_LABELS = 2
_RGB = 1

# The tables of the schema that are used here, each field with its number. A field is a str, "floats", "byte", "uint", the
# name of a table, [name of a table] for several, or a union: a dict from its number to a table. Other fields are passed over.
TABLES = {
    "Model": {
        "name": (0, str),
        "description": (1, str),
        "version": (2, str),
        "subgraphs": (3, ["Subgraph"]),
        "min_parser_version": (7, str),
    },
    "Subgraph": {"name": (0, str), "inputs": (2, ["Tensor"]), "outputs": (3, ["Tensor"])},
    "Tensor": {
        "name": (0, str),
        "description": (1, str),
        "content": (3, "Content"),
        "process_units": (4, ["ProcessUnit"]),
        "stats": (5, "Stats"),
        "files": (6, ["File"]),
    },
    # A union takes two fields: which table it is, and the table, whose number this is.
    "Content": {"properties": (1, {1: "Feature", 2: "Image"})},
    "Feature": {},
    "Image": {"color_space": (0, "byte"), "default_size": (1, "Size")},
    "Size": {"width": (0, "uint"), "height": (1, "uint")},
    "ProcessUnit": {"options": (1, {1: "Normalization"})},
    "Normalization": {"mean": (0, "floats"), "std": (1, "floats")},
    "Stats": {"max": (0, "floats"), "min": (1, "floats")},
    "File": {"name": (0, str), "description": (1, str), "type": (2, "byte")},
}


def with_metadata(data, metadata):
    """Describes a TFLite model to MediaPipe: its input, every output, and where the labels are.

    `probabilities` become the first output; names and the signature stay.

    Args:
        data: bytes, a TFLite flatbuffer with the signature `serving_default`, the input `images` `[1, S, S, 3]` of float32
            or uint8 and the output `probabilities`, and no metadata yet.
        metadata: logo_keras.edge.model_file.Metadata of the model; its class names go into the zip, not in here.

    Returns:
        bytes, the flatbuffer; the same bytes every time.

    Raises:
        ValueError: if the file is described already, or is not such a file.
    """
    model = parse(data)
    if any(entry.name == ENTRY.encode() for entry in model.metadata or ()):
        raise UserError(f"the file carries {ENTRY} already; describe the model as the converter gave it.")
    inputs, outputs = _tensors(model)
    names = sorted(outputs, key=ORDER.index)
    graph = model.subgraphs[0]
    graph.outputs = [outputs[name] for name in names]
    schema = require("ai_edge_litert.schema_py_generated", "export")
    floats = graph.tensors[inputs["images"]].type == schema.TensorType.FLOAT32
    text = _written(_said(metadata, names, floats))
    model.buffers.append(schema.BufferT(data=np.frombuffer(text, np.uint8)))
    model.metadata = [*(model.metadata or ()), schema.MetadataT(ENTRY, len(model.buffers) - 1)]
    return pack(model)


def _tensors(model):
    """The places of the inputs and outputs by name, checked: two dicts from str to int."""
    signatures = [signature for signature in model.signatureDefs or () if signature.signatureKey == _SIGNATURE]
    if len(signatures) != 1:
        raise UserError(f"the file must have one signature {_SIGNATURE.decode()}, got {len(signatures)}.")
    inputs, outputs = (
        {mapping.name.decode(): mapping.tensorIndex for mapping in mappings}
        for mappings in (signatures[0].inputs, signatures[0].outputs)
    )
    unknown = sorted(set(outputs) - set(ORDER))
    if list(inputs) != ["images"] or "probabilities" not in outputs or unknown:
        raise UserError(
            f"the file must take images and give probabilities, and besides {', '.join(ORDER[1:])} alone; "
            f"it takes {', '.join(inputs)} and gives {', '.join(outputs)}."
        )
    return inputs, outputs


def _said(metadata, outputs, floats):
    """What the flatbuffer says, as dicts by `TABLES`."""
    size = metadata.image_size
    side, offset = frame(metadata.preprocessing, size)
    how = f"A photograph, RGB 0..255, stretched to {side} x {side} px"
    if offset:
        how += f", of which the middle {size} x {size} px are taken"
    images = {
        "name": "images",
        "description": f"{how}.",
        "content": {"properties": (2, {"color_space": _RGB, "default_size": {"width": size, "height": size}})},
        "stats": {"max": [255.0], "min": [0.0]},
    }
    if floats:
        # MediaPipe refuses a float image without it, and would divide by another number where none is given.
        images["process_units"] = [{"options": (1, {"mean": [0.0], "std": [1.0]})}]
    answers = [{"name": name, "description": MEANINGS[name], "content": {"properties": (1, {})}} for name in outputs]
    labels = {"name": LABELS_NAME, "description": "Class names, one a line.", "type": _TENSOR_AXIS_LABELS}
    answers[0] |= {"stats": {"max": [1.0], "min": [0.0]}, "files": [labels]}
    return {
        "name": metadata.model,
        "description": f"Recognizes logos of {len(metadata.class_names)} classes. Written by logo_keras {metadata.version}.",
        "version": metadata.version,
        "subgraphs": [{"name": "main", "inputs": [images], "outputs": answers}],
        "min_parser_version": _PARSER_VERSION,
    }


def _written(said):
    """The flatbuffer with what `_said` says."""
    builder = require("flatbuffers", "export").Builder(1 << 10)
    builder.Finish(_write(builder, "Model", said), IDENTIFIER)
    return bytes(builder.Output())


def _write(builder, table, said):
    """Writes one table and all below it; returns its place."""
    fields = TABLES[table]
    # A table may be begun only when all below it is written.
    places = {name: _write_field(builder, fields[name][1], value) for name, value in said.items()}
    builder.StartObject(1 + max((number for number, _ in fields.values()), default=-1))
    for name, place in places.items():
        number, kind = fields[name]
        if kind == "byte":
            builder.PrependInt8Slot(number, place, 0)
        elif kind == "uint":
            builder.PrependUint32Slot(number, place, 0)
        else:
            if isinstance(kind, dict):
                builder.PrependUint8Slot(number - 1, said[name][0], 0)
            builder.PrependUOffsetTRelativeSlot(number, place, 0)
    return builder.EndObject()


def _write_field(builder, kind, value):
    """Writes the value of one field; returns its place, or the value itself where it stands in the table."""
    if kind in ("byte", "uint"):
        return value
    if kind is str:
        return builder.CreateString(value)
    if kind == "floats":
        return builder.CreateNumpyVector(np.array(value, np.float32))
    if isinstance(kind, dict):
        return _write(builder, kind[value[0]], value[1])
    if isinstance(kind, str):
        return _write(builder, kind, value)
    places = [_write(builder, kind[0], each) for each in value]
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()
