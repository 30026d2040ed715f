"""What MediaPipe Tasks must know of a TFLite file: its image, its labels, every output.

A flatbuffer of its own inside the model, in the schema that TensorFlow Lite calls model metadata. The labels themselves are
`labels.txt` in the zip that `logo_keras.edge.model_file.append` puts behind the model. A file that names brands is for
MediaPipe's ImageClassifier, that of an embedder for its ImageEmbedder.

Source: `metadata_schema.fbs` of MediaPipe 1.2.2 and of tflite-support, version 1.0.0 of the schema.
"""

from collections import namedtuple

import numpy as np

from logo_keras.edge.model_file import LABELS_NAME
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.image.preprocessing import frame

from ..served import EMBEDDING, MEANINGS
from .flatbuffer import pack, parse

ENTRY = "TFLITE_METADATA"
# MediaPipe answers in the order of the file's outputs; what classifies comes first, and what embeds before what rates it.
ORDER = tuple(MEANINGS)
IDENTIFIER = b"M001"
_SIGNATURE = b"serving_default"
# The oldest schema that knows all that is written here.
_PARSER_VERSION = "1.0.0"
# Values of its enumerations, and what its unions hold.
_RGB, _TENSOR_AXIS_LABELS = np.uint8(1), np.uint8(2)
_FEATURE, _IMAGE, _NORMALIZATION, _THRESHOLDING = np.uint8(1), np.uint8(2), np.uint8(1), np.uint8(3)


def _table(kind, fields):
    """A table of the schema: its fields in their order, up to the last one used here, each None unless it is given."""
    return namedtuple(kind, fields, defaults=[None] * len(fields.split()))


Model = _table("Model", "name description version subgraphs author license files min_parser_version")
Subgraph = _table("Subgraph", "name description inputs outputs")
Tensor = _table("Tensor", "name description dimension_names content process_units stats files")
Content = _table("Content", "properties_type properties")
Feature = _table("Feature", "")
Image = _table("Image", "color_space default_size")
Size = _table("Size", "width height")
ProcessUnit = _table("ProcessUnit", "options_type options")
Normalization = _table("Normalization", "mean std")
Thresholding = _table("Thresholding", "global_score_threshold")
Stats = _table("Stats", "max min")
File = _table("File", "name description type")


def with_metadata(data, metadata):
    """Describes a TFLite model to MediaPipe: its input, every output, and where the labels are.

    `probabilities`, or the `embedding` of an embedder, become the first output; names and the signature stay.

    Args:
        data: bytes, a TFLite flatbuffer with the signature `serving_default`, the input `images` `[1, S, S, 3]` of float32
            or uint8 and the output `probabilities`, or `embedding` of an embedder, and no metadata yet.
        metadata: logo_keras.edge.model_file.Metadata of the model; its class names go into the zip, not in here.

    Returns:
        bytes, the flatbuffer; the same bytes every time.

    Raises:
        ValueError: if the file is described already, or is not such a file.
    """
    model = parse(data)
    if any(entry.name == ENTRY.encode() for entry in model.metadata or ()):
        raise UserError(f"the file carries {ENTRY} already; describe the model as the converter gave it.")
    inputs, outputs = _tensors(model, "probabilities" if metadata.class_names else EMBEDDING)
    names = sorted(outputs, key=ORDER.index)
    graph = model.subgraphs[0]
    graph.outputs = [outputs[name] for name in names]
    schema = require("ai_edge_litert.schema_py_generated", "export")
    floats = graph.tensors[inputs["images"]].type == schema.TensorType.FLOAT32
    text = _written(_said(metadata, names, floats))
    model.buffers.append(schema.BufferT(data=np.frombuffer(text, np.uint8)))
    model.metadata = [*(model.metadata or ()), schema.MetadataT(ENTRY, len(model.buffers) - 1)]
    return pack(model)


def _tensors(model, needed):
    """The places of the inputs and outputs by name, checked: two dicts from str to int."""
    signatures = [signature for signature in model.signatureDefs or () if signature.signatureKey == _SIGNATURE]
    if len(signatures) != 1:
        raise UserError(f"the file must have one signature {_SIGNATURE.decode()}, got {len(signatures)}.")
    inputs, outputs = (
        {mapping.name.decode(): mapping.tensorIndex for mapping in mappings}
        for mappings in (signatures[0].inputs, signatures[0].outputs)
    )
    unknown = sorted(set(outputs) - set(ORDER))
    if list(inputs) != ["images"] or needed not in outputs or unknown:
        others = ", ".join(name for name in ORDER if name != needed)
        raise UserError(
            f"the file must take images and give {needed}, and besides {others} alone; "
            f"it takes {', '.join(inputs)} and gives {', '.join(outputs)}."
        )
    return inputs, outputs


def _said(metadata, outputs, floats):
    """What the flatbuffer says: Model."""
    size = metadata.image_size
    side, offset = frame(metadata.preprocessing, size)
    how = f"A photograph, RGB 0..255, stretched to {side} x {side} px"
    if offset:
        how += f", of which the middle {size} x {size} px are taken"
    images = Tensor(
        name="images",
        description=f"{how}.",
        content=Content(_IMAGE, Image(_RGB, Size(np.uint32(size), np.uint32(size)))),
        stats=_stats(0, 255),
        # MediaPipe refuses a float image without it, and would divide by another number where none is given.
        process_units=[ProcessUnit(_NORMALIZATION, Normalization(_floats(0), _floats(1)))] if floats else None,
    )
    answers = [Tensor(name=name, description=MEANINGS[name], content=Content(_FEATURE, Feature())) for name in outputs]
    if metadata.class_names:
        does = f"Recognizes logos of {len(metadata.class_names)} classes"
        labels = File(LABELS_NAME, "Class names, one a line.", _TENSOR_AXIS_LABELS)
        answers[0] = answers[0]._replace(stats=_stats(0, 1), files=[labels])
        if metadata.threshold is not None:
            # MediaPipe leaves out all labels below it, unless the app names its own.
            least = ProcessUnit(_THRESHOLDING, Thresholding(np.float32(metadata.threshold)))
            answers[0] = answers[0]._replace(process_units=[least])
    elif metadata.num_regions:
        does = f"Finds {metadata.num_regions} places of logos, of any brand, and embeds each in {metadata.dimensions} dimensions"
    else:
        does = f"Embeds logos in {metadata.dimensions} dimensions"
    return Model(
        name=metadata.model,
        description=f"{does}. Written by logo_keras {metadata.version}.",
        version=metadata.version,
        subgraphs=[Subgraph(name="main", inputs=[images], outputs=answers)],
        min_parser_version=_PARSER_VERSION,
    )


def _floats(value):
    return np.array([value], np.float32)


def _stats(least, most):
    return Stats(max=_floats(most), min=_floats(least))


def _written(said):
    """The flatbuffer with what `_said` says."""
    builder = require("flatbuffers", "export").Builder(1 << 10)
    builder.Finish(_write(builder, said), IDENTIFIER)
    return bytes(builder.Output())


def _write(builder, value):
    """Writes a str, an array, a list of tables or a table, and all below it; returns its place. A number is its own place."""
    if isinstance(value, np.generic):
        return value
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, np.ndarray):
        return builder.CreateNumpyVector(value)
    # A vector or a table may be begun only when all below it is written.
    places = [None if each is None else _write(builder, each) for each in value]
    if isinstance(value, list):
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return builder.EndVector()
    builder.StartObject(len(places))
    for number, place in enumerate(places):
        if isinstance(place, np.uint8):
            builder.PrependUint8Slot(number, place, 0)
        elif isinstance(place, np.uint32):
            builder.PrependUint32Slot(number, place, 0)
        elif isinstance(place, np.float32):
            builder.PrependFloat32Slot(number, place, 0)
        elif place is not None:
            builder.PrependUOffsetTRelativeSlot(number, place, 0)
    return builder.EndObject()
