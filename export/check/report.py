"""What the reports on all kinds of models share."""

import dataclasses

import numpy as np

# The largest share of the photos that a tie may excuse, and of those on which regions lie elsewhere.
LARGEST_SHARE = 0.05
# Photos that a bound on a share always allows: among 64 two that Keras itself was undecided on are no evidence.
FEW = 2
# Nor is one among four; of fewer, none is excused.
_LEAST = 4
# px of the model's input: a region that is off by more is another region.
MOVED = 1.0


def excusable(photographs):
    """Of so many photos those that a tie may excuse, or on which regions may lie elsewhere: int."""
    return max(int(LARGEST_SHARE * photographs), min(FEW, photographs // _LEAST))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reported:
    """A report on an exported file; `verification.REPORTS` has one for each kind of model.

    A subclass has the staticmethods `_figures`, which gives its other fields (dict) from the arguments of `of` but the time, and
    `alike`, the property `failures`, `_lines`, its part of the text (list of str), and for tables:

    Attributes:
        columns: three str, the heads of its figures.
        figures: three pairs of a number, or None, and how it is written.
        precision: str, a key of BOUNDS.
        photographs: int, how many were compared.
        unreadable: dict from a photo's name to the reason; they were left out.
        milliseconds: float, median time of the file for a photo, decoding left out.
        calibration: str, the photos that the file was calibrated on, which are others than those compared; None of a file
            that needs none.
    """

    precision: str
    photographs: int
    unreadable: dict[str, str]
    milliseconds: float
    calibration: str | None = None

    columns = ()

    @classmethod
    def of(cls, found, reference, precision, milliseconds):
        """The report on what a file gave for the photos of a reference.

        Args:
            found: dict of float32 arrays `[P, ...]`, by the names of the reference.
            reference: Reference.
            precision: str, a key of BOUNDS.
            milliseconds: float.
        """
        return cls(
            precision=precision,
            photographs=len(reference),
            unreadable=reference.unreadable,
            milliseconds=milliseconds,
            **cls._figures(found, reference, precision),
        )

    def to_dict(self):
        """The figures for JSON; NaN, which JSON has not, becomes None."""
        figures = dataclasses.asdict(self) | {"failures": list(self.failures)}
        return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in figures.items()}

    def __str__(self):
        lines = [f"left out {name}: {reason}" for name, reason in self.unreadable.items()]
        if self.calibration:
            lines.append(f"calibrated on other photos       {self.calibration}")
        lines.append(f"photographs compared with Keras  {self.photographs} ({len(self.unreadable)} unreadable)")
        return "\n".join([*lines, *self._lines(), f"median time a photograph         {self.milliseconds:.1f} ms"])
