"""What the reports on all kinds of models share."""

import dataclasses

import numpy as np


class Reported:
    """A report on an exported file, a dataclass; `verification.REPORTS` has one for each kind of model.

    A subclass has the fields `precision` (str, a key of BOUNDS), `photographs` (int), `unreadable` (dict from a photo's name to
    the reason), `milliseconds` (float, median time of a photo) and `calibration` (str or None), the classmethod `of`, the
    staticmethod `alike`, the property `failures`, and for tables:

    Attributes:
        columns: three str, the heads of its figures.
        figures: three pairs of a number, or None, and how it is written.
    """

    columns = ()

    def to_dict(self):
        """The figures for JSON; NaN, which JSON has not, becomes None."""
        figures = dataclasses.asdict(self) | {"failures": list(self.failures)}
        return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in figures.items()}

    def _heading(self):
        """The first lines of its text: what was left out, and what was compared."""
        lines = [f"left out {name}: {reason}" for name, reason in self.unreadable.items()]
        if self.calibration:
            lines.append(f"calibrated on other photos       {self.calibration}")
        return [*lines, f"photographs compared with Keras  {self.photographs} ({len(self.unreadable)} unreadable)"]
