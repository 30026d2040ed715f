"""Reads what a TFLite file says of its tensors to MediaPipe, the counterpart of `logo_keras.export.passes.mediapipe`."""

from flatbuffers import number_types as flags
from flatbuffers.table import Table

from logo_keras.export.passes.flatbuffer import parse
from logo_keras.export.passes.mediapipe import ENTRY, IDENTIFIER, TABLES


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
