"""The Recipe value: one row of the paper's tables, and how to train it."""

import dataclasses

from logo_keras.training.config import Config

# What the recipes call a data set: its own name.
DATASETS = {
    "logo2k": "Logo-2K+",
    "belgalogos": "BelgaLogos",
    "flickrlogos32": "FlickrLogos-32",
    "weblogo2m": "WebLogo-2M",
}
# These two have no official test photographs: as many are held out as Logo-2K+ has, 30 %. BelgaLogos has photographs with several
# brands, so that its boxes are cut out.
_FLAGS = {"belgalogos": " --cut 0.1 --held_out 0.3", "weblogo2m": " --held_out 0.3"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A row of a table in Wang et al. 2020, arXiv:1911.07924.

    Attributes:
        name: str, what `logo-train --recipe` calls it: the name of its file.
        row: str, what the table calls it.
        dataset: str, one of `DATASETS`.
        config: Config.
        paper: float, top1 that the paper reports, in percent; None where it is not written down here.
        paper_source: str, where the paper reports it.
        ours: float, top1 of this package's run, in percent; None before there is one.

    Raises:
        ValueError: for an unknown data set, or a figure outside 0..100.
    """

    name: str
    row: str
    dataset: str
    config: Config
    paper: float | None
    paper_source: str
    ours: float | None = None

    def __post_init__(self):
        if self.dataset not in DATASETS:
            raise ValueError(f"dataset must be one of {', '.join(DATASETS)}, got {self.dataset!r}.")
        for name in ("paper", "ours"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:
                raise ValueError(f"{name} must be a top1 in percent, 0 to 100, or None, got {value!r}.")

    @property
    def command(self):
        """str, what to type, in the folder where the photographs lie in a folder named as the data set."""
        flags = _FLAGS.get(self.dataset, "")
        return f"logo-train --recipe {self.name} --data {self.dataset} --root {self.dataset}{flags} --out run"
