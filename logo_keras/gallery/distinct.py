"""What keeps brands apart: a picture that is a reference of one is none of another."""

import numpy as np

from logo_keras.errors import UserError
from logo_keras.gallery.artwork import IN_ONE_COLOUR, PHOTO

# Cosine from which on two pictures are the same mark in another size or file: a PNG of 300 px has 0.99998 to the SVG of which it
# was drawn, a disc of one blue 0.9986 to that of the next (November 2026, an EfficientNet-Lite0 of 256 dimensions).
SAME = 0.999


def distinct(table, label, crops, digests, vectors):
    """Which new references of a brand are kept, so that it can be told from the others.

    A brand may have the mark of another in other colours: in one colour the two are the same, and such drawings are passed over.
    Photos may look alike, since what stands in the box is what counts.

    Args:
        table: Table.
        label: str, the brand.
        crops: n Crop, none of which the brand has.
        digests: n str, those of the crops.
        vectors: float32 `[n, D]`, of length 1.

    Returns:
        list of n bool.

    Raises:
        ValueError: naming both, if one of the others is a reference of another brand, or artwork in its own colours looks like
            one.
    """
    cosines, labels = table.nearest_other(label, vectors, SAME)
    kept = []
    for crop, digest, cosine, other, vector in zip(crops, digests, cosines, labels, vectors, strict=True):
        owners = table.owners(digest)
        if not owners and (cosine < SAME or crop.kind == PHOTO):
            kept.append(True)
        elif crop.drawn in IN_ONE_COLOUR:
            kept.append(False)
        else:
            theirs = table.nearest(owners[0] if owners else other, vector)
            same = f"is a reference of {theirs.label!r} already" if owners else f"is the mark of {theirs.label!r} once more"
            raise UserError(
                f"{crop.source} ({crop.drawn}) {same} ({theirs.source}, {theirs.drawn}): {label!r} and {theirs.label!r} could "
                f"not be told apart. Merge them, or remove reference {theirs.digest} from {theirs.label!r} first; in Python, "
                "shared=True takes it all the same."
            )
    return kept


def added(table, other):
    """The rows of another table that a table lacks, for taking them over; drawings in one colour as in `distinct`.

    Args:
        table, other: Table.

    Returns:
        int `[n]`, rows of `other`.

    Raises:
        ValueError: if a picture is a reference of a brand here and of another there.
    """
    rows = []
    for row, digest in enumerate(other.columns["digest"]):
        owners, label = table.owners(digest), other.labels[other.brands[row]]
        if not owners:
            rows.append(row)
        elif label not in owners and other.columns["drawn"][row] not in IN_ONE_COLOUR:
            source = other.columns["source"][row]
            raise UserError(f"{source} is a reference of {owners[0]!r} here and of {label!r} there.")
    return np.array(rows, np.int64)
