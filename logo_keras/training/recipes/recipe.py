"""The Recipe value: one row of the paper's tables, its figures, and how to train it."""

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
        name: str, what `logo-train --recipe` calls it.
        dataset: str, one of `DATASETS`.
        row: str, what the table calls it.
        top1: float, the paper's top-1 accuracy in percent.
        top5: float, the paper's top-5 accuracy in percent; None where it gives none.
        config: Config; None of a row that is not a classifier of whole images or regions, and has no recipe yet.
        ours: float, top-1 accuracy of this package's run, in percent; None before there is one.

    Raises:
        ValueError: for an unknown data set, or a figure outside 0..100.
    """

    name: str
    dataset: str
    row: str
    top1: float
    top5: float | None = None
    config: Config | None = None
    ours: float | None = None

    def __post_init__(self):
        if self.dataset not in DATASETS:
            raise ValueError(f"dataset must be one of {', '.join(DATASETS)}, got {self.dataset!r}.")
        for name in ("top1", "top5", "ours"):
            value = getattr(self, name)
            if not (value is None and name != "top1") and not 0 <= value <= 100:
                raise ValueError(f"{name} must be an accuracy in percent, 0 to 100, got {value!r}.")

    @property
    def command(self):
        """str, what to type, in the folder where the photographs lie in a folder named as the data set; None without recipe."""
        if self.config is None:
            return None
        flags = _FLAGS.get(self.dataset, "")
        return f"logo-train --recipe {self.name} --data {self.dataset} --root {self.dataset}{flags} --out run"
