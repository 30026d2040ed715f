"""What the demo does, in figures."""

import dataclasses
from collections.abc import Mapping

from logo_keras.training import DEFAULTS, Config

# Many synthetic photographs seen twice teach more than few seen often. Real photographs are as many as there are.
EPOCHS = {"synthetic": 2, "toplogo10": 12, "flickrlogos27": 10, "folder": 12}
# Smaller and fewer regions than DRNA-Net's defaults: a quarter less time a photograph.
_DRNA = dataclasses.replace(DEFAULTS["drna"], arguments={**DEFAULTS["drna"].arguments, "region_size": 96, "num_proposals": 3})


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """A demo; `dataclasses.replace` changes it.

    Attributes:
        drna: training.Config of DRNA-Net.
        plain: training.Config of the plain classifier.
        epochs: int, of DRNA-Net, or None for those of `EPOCHS`. The epochs in `drna` and `plain` do not count.
        seconds: float, or None; instead of `epochs`: about how long DRNA-Net is trained.
        plain_epochs: int, of the plain classifier, or None for as many as take the seconds that DRNA-Net took. With a number
            the two do not compare.
        seed: int, of the photographs and of both trainings; those in `drna` and `plain` do not count.
        photographs: mapping, the arguments of `lk.datasets.synthesize` where no real photographs are given.
        held_back: float in (0, 1), share of the photographs that are for testing, where the data have no split.
        pictures: int, at most so many right and so many wrong answers are shown.

    Raises:
        ValueError: if both `epochs` and `seconds` are given, or a number is not above 0.
    """

    drna: Config = _DRNA
    plain: Config = DEFAULTS["plain"]
    epochs: int | None = None
    seconds: float | None = None
    plain_epochs: int | None = None
    seed: int = 0
    photographs: Mapping = dataclasses.field(
        default_factory=lambda: {
            "preset": "demo", "brands": 20, "train": 65, "validation": 5, "test": 20, "none": 0,
        }
    )  # fmt: skip
    held_back: float = 0.3
    pictures: int = 9

    def __post_init__(self):
        if self.epochs is not None and self.seconds is not None:
            raise ValueError(f"either epochs or seconds may be given, got {self.epochs} and {self.seconds}.")
        for name in ("epochs", "seconds", "plain_epochs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, got {value!r}.")

    def to_dict(self):
        """The same as strings, numbers, lists and dicts, for JSON."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {
            "drna": self.drna.to_dict(),
            "plain": self.plain.to_dict(),
            "photographs": dict(self.photographs),
        }


def quick():
    """A demo of one epoch on a few small photographs, to see that every stage works; its accuracy means nothing."""
    drna = DEFAULTS["drna"]
    small = {"image_size": 128, "whole_size": 64, "region_size": 64}
    return DemoConfig(
        drna=dataclasses.replace(drna, arguments={**drna.arguments, **small}, batch_size=8),
        plain=dataclasses.replace(DEFAULTS["plain"], arguments={**DEFAULTS["plain"].arguments, "image_size": 64}, batch_size=8),
        epochs=1,
        plain_epochs=1,
        photographs={"preset": "demo", "brands": 4, "train": 13, "validation": 2, "test": 3, "none": 0},
        pictures=3,
    )
