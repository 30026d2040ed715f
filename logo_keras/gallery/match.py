"""What a gallery answers: brands that were recognized, and those that it has."""

from dataclasses import asdict, dataclass

from logo_keras.gallery.table import Reference


@dataclass(frozen=True)
class Match:
    """A brand that was recognized.

    Attributes:
        label: str.
        similarity: float, the cosine to the nearest reference minus that to the nearest background; the bare cosine of an
            embedding that knows no backgrounds.
        box: four floats `(y0, x0, y1, x1)`, px of the upright photo: the box that was given, the place that was found, or the
            whole photo. Brands of one place have the same.
        reference: Reference, the nearest.
    """

    label: str
    similarity: float
    box: tuple
    reference: Reference

    def to_dict(self):
        """The same as strings, floats, lists and dicts, for JSON."""
        return asdict(self) | {"box": list(self.box)}


@dataclass(frozen=True)
class Brand:
    """A brand of a gallery.

    Attributes:
        label: str.
        references: int, how many it has.
        threshold: float, the similarity from which on it is recognized, its own or that of the gallery; None where none is set.
    """

    label: str
    references: int
    threshold: float | None
