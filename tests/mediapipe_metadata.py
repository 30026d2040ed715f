"""Reads what a TFLite file says of its tensors to MediaPipe, the counterpart of `logo_keras.export.passes.mediapipe`."""

from flatbuffers import number_types as flags
from flatbuffers.table import Table

from logo_keras.export.passes.flatbuffer import parse
from logo_keras.export.passes.mediapipe import ENTRY, IDENTIFIER

# The tables of the schema that are read here, each field with its number. A field is a str, "floats", "float", "byte", "uint",
# the name of a table, [name of a table] for several, or a union: a dict from its number to a table. Others are passed over.
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
    "ProcessUnit": {"options": (1, {1: "Normalization", 3: "Thresholding"})},
    "Normalization": {"mean": (0, "floats"), "std": (1, "floats")},
    "Thresholding": {"global_score_threshold": (0, "float")},
    "Stats": {"max": (0, "floats"), "min": (1, "floats")},
    "File": {"name": (0, str), "description": (1, str), "type": (2, "byte")},
}


def description(data):
    """What a TFLite file says of its tensors to MediaPipe.

    Args:
        data: bytes of a TFLite file; a zip behind it is passed over.

    Returns:
        dict with `name`, `description`, `version`, `min_parser_version` and `subgraphs`, a list of one dict with `inputs` and
        `outputs`, lists of dicts with `name`, `description`, `content`, and where given `process_units`, `stats`, `files`.
    """
    model = parse(data)
    (entry,) = (entry for entry in model.metadata if entry.name == ENTRY.encode())
    return _read(bytes(model.buffers[entry.buffer].data))


def _read(text):
    """What such a flatbuffer says, as dicts by `TABLES`."""
    assert text[4:8] == IDENTIFIER

    def table(name, start):
        place, found = Table(text, start), {}
        for field, (number, kind) in TABLES[name].items():
            value = content(place, number, kind)
            if value is not None:
                found[field] = value
        return found

    def content(place, number, kind):
        offset = place.Offset(4 + 2 * number)
        if not offset:
            return None
        at = offset + place.Pos
        if kind == "byte":
            return place.Get(flags.Int8Flags, at)
        if kind == "uint":
            return place.Get(flags.Uint32Flags, at)
        if kind == "float":
            return place.Get(flags.Float32Flags, at)
        if kind is str:
            return place.String(at).decode()
        if kind == "floats":
            return place.GetVectorAsNumpy(flags.Float32Flags, offset).tolist()
        if isinstance(kind, dict):
            which = place.Get(flags.Uint8Flags, place.Offset(4 + 2 * (number - 1)) + place.Pos)
            return which, table(kind[which], place.Indirect(at))
        if isinstance(kind, str):
            return table(kind, place.Indirect(at))
        first = place.Vector(offset)
        return [table(kind[0], place.Indirect(first + 4 * each)) for each in range(place.VectorLen(offset))]

    return table("Model", int.from_bytes(text[:4], "little"))
