"""What the demo does, in figures."""

import dataclasses
from collections.abc import Mapping

from logo_keras.errors import UserError
from logo_keras.training import DEFAULTS, Config

# Many synthetic photos seen twice teach more than few seen often. Real photos are as many as there are.
EPOCHS = {"synthetic": 2, "toplogo10": 12, "flickrlogos27": 10, "folder": 12}
# Time of the plain classifier's training as a share of DRNA-Net's. Equal times are the fair comparison; the synthetic demo, which
# proves nothing about accuracy, ends sooner instead.
PLAIN_SHARE = {"synthetic": 0.5, "toplogo10": 1.0, "flickrlogos27": 1.0, "folder": 1.0}


def _changed(model, **arguments):
    config = DEFAULTS[model]
    return dataclasses.replace(config, arguments={**config.arguments, **arguments})


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """A demo; `dataclasses.replace` changes it.

    Attributes:
        drna: training.Config of DRNA-Net.
        plain: training.Config of the plain classifier.
        epochs: int, of DRNA-Net, or None for those of `EPOCHS`. The epochs in `drna` and `plain` do not count.
        seconds: float, or None; instead of `epochs`: about how long DRNA-Net is trained.
        plain_epochs: int, of the plain classifier, or None for as many as fit the `PLAIN_SHARE` of DRNA-Net's time. With a
            number the two do not compare.
        seed: int, of the photos and of both trainings; those in `drna` and `plain` do not count.
        photographs: mapping, the arguments of `lk.datasets.synthesize` where no real photos are given.
        held_back: float in (0, 1), share of the photos that are for testing, where the data have no split.
        pictures: int, at most so many right and so many wrong answers are shown.

    Raises:
        ValueError: if both `epochs` and `seconds` are given, or a number is not above 0.
    """

    # Smaller and fewer regions than DRNA-Net's defaults: a quarter less time a photo.
    drna: Config = _changed("drna", region_size=96, num_proposals=3)
    plain: Config = DEFAULTS["plain"]
    epochs: int | None = None
    seconds: float | None = None
    plain_epochs: int | None = None
    seed: int = 0
    photographs: Mapping = dataclasses.field(
        default_factory=lambda: {"preset": "demo", "brands": 20, "train": 50, "validation": 5, "test": 20, "none": 0}
    )
    held_back: float = 0.3
    pictures: int = 9

    def __post_init__(self):
        if self.epochs is not None and self.seconds is not None:
            raise UserError(f"either epochs or seconds may be given, got {self.epochs} and {self.seconds}.")
        for name in ("epochs", "seconds", "plain_epochs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"{name} must be above 0, got {value!r}.")

    def to_dict(self):
        """The same as strings, numbers, lists and dicts, for JSON."""
        return vars(self) | {
            "drna": self.drna.to_dict(),
            "plain": self.plain.to_dict(),
            "photographs": dict(self.photographs),
        }


def quick():
    """A demo of one epoch on a few small photos, to see that every stage works; its accuracy means nothing."""
    return DemoConfig(
        drna=dataclasses.replace(_changed("drna", image_size=128, whole_size=64, region_size=64), batch_size=8),
        plain=dataclasses.replace(_changed("plain", image_size=64), batch_size=8),
        epochs=1,
        plain_epochs=1,
        photographs={"preset": "demo", "brands": 4, "train": 13, "validation": 2, "test": 3, "none": 0},
        pictures=3,
    )
