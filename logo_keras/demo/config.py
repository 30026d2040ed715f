"""What the demo shows to the gallery, what it trains, on which photos, and for how long."""

import dataclasses

from logo_keras.errors import UserError
from logo_keras.training import DEFAULTS, Config

# Many synthetic photos seen twice teach more than few seen often. Real photos are as many as there are.
EPOCHS = {"synthetic": 2, "toplogo10": 12, "flickrlogos27": 10, "folder": 12}


def _changed(model, batch_size=16, **arguments):
    config = DEFAULTS[model]
    return dataclasses.replace(config, batch_size=batch_size, arguments={**config.arguments, **arguments})


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """A demo; `dataclasses.replace` changes it.

    Attributes:
        drna: training.Config of DRNA-Net. Its epochs and seed do not count.
        plain: training.Config of the plain classifier; likewise. On real photos it trains for as long as DRNA-Net, on synthetic
            ones for as many epochs.
        epochs: int, of DRNA-Net, or None for those of `EPOCHS`.
        seconds: float, or None; instead of `epochs`: about how long DRNA-Net trains.
        seed: int, of the photos and of both trainings.
        photographs: dict, the arguments of `lk.datasets.synthesize` where no real photos are given.
        gallery: dict, likewise, of the photos that the gallery searches. It knows the first of their brands, as many as
            `photographs` has; the photos of half of the others calibrate it.

    Raises:
        UserError: if both `epochs` and `seconds` are given, or one is not above 0.
    """

    # Smaller and fewer regions than DRNA-Net's defaults: a quarter less time a photo. Regions of 64 px learn too little in that
    # time: 56 % top-1 after two epochs of 840 photos.
    drna: Config = _changed("drna", region_size=96, num_proposals=3)
    plain: Config = DEFAULTS["plain"]
    epochs: int | None = None
    seconds: float | None = None
    seed: int = 0
    photographs: dict = dataclasses.field(
        default_factory=lambda: {"preset": "demo", "brands": 20, "train": 46, "validation": 0, "test": 12, "none": 0}
    )
    gallery: dict = dataclasses.field(
        default_factory=lambda: {"preset": "demo", "brands": 40, "train": 0, "validation": 0, "test": 5, "none": 40}
    )

    def __post_init__(self):
        if self.epochs is not None and self.seconds is not None:
            raise UserError(f"either epochs or seconds may be given, got {self.epochs} and {self.seconds}.")
        for name in ("epochs", "seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"{name} must be above 0, got {value!r}.")

    def to_dict(self):
        """The same as strings, numbers, lists and dicts, for JSON."""
        return vars(self) | {"drna": self.drna.to_dict(), "plain": self.plain.to_dict()}


def quick():
    """A demo of one epoch on a few small photos, to see that every stage works; its accuracy means nothing."""
    return DemoConfig(
        drna=_changed("drna", 8, image_size=128, whole_size=64, region_size=64),
        plain=_changed("plain", 8, image_size=64),
        epochs=1,
        photographs={"preset": "demo", "brands": 4, "train": 13, "validation": 2, "test": 3, "none": 0},
        gallery={"preset": "demo", "brands": 8, "train": 0, "validation": 0, "test": 3, "none": 4},
    )
