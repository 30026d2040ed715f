"""Recipes: the rows of the paper's tables and what this package trains besides, run by `logo-train --recipe NAME`."""

import dataclasses
import difflib
import textwrap

from logo_keras.errors import UserError
from logo_keras.network.paper import PAPER
from logo_keras.training.config import Config

# What the recipes call a data set: its own name.
DATASETS = {
    "logo2k": "Logo-2K+",
    "belgalogos": "BelgaLogos",
    "flickrlogos32": "FlickrLogos-32",
    "weblogo2m": "WebLogo-2M",
}
# These two have no official test photos: as many are held out as Logo-2K+ has, 30 %. BelgaLogos has photos with several
# brands, so that its boxes are cut out.
_FLAGS = {"belgalogos": " --cut 0.1 --held_out 0.3", "weblogo2m": " --held_out 0.3"}

# Wang et al. 2020, section 4: SGD at 1e-3, momentum 0.9, weight decay 1e-4, a tenth of the rate after 60 and again after 100
# epochs.
_SGD = {
    "optimizer": "sgd",
    "learning_rate": 1e-3,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "drops": (60, 100),
    "clip": None,
    # The paper does not say how long it trains. Ours: 20 epochs after the last drop.
    "epochs": 120,
    # That of NTS-Net's public code.
    "batch_size": 16,
}
# "Efficient + LS": He et al. 2019, arXiv:1812.01187, section 3 (the rate 0.1 * b / 256 with five warm-up epochs, biases and
# batch norm left out of the decay, mixed precision) and section 5.2 (label smoothing). Their zero gamma is left out: it
# would wipe out the residual branches of a backbone that was trained before.
_EFFICIENT = _SGD | {
    "learning_rate": 0.1 * _SGD["batch_size"] / 256,
    "warm_up_epochs": 5,
    "decay_norms": False,
    "precision": "mixed_float16",
    "label_smoothing": 0.1,
}
# VGG-16 has no batch norm, which is what lets the others take the higher rate: it keeps that of the other rows.
_EFFICIENT_VGG = _EFFICIENT | {"learning_rate": _SGD["learning_rate"]}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A row of a table in Wang et al. 2020, arXiv:1911.07924.

    Attributes:
        name: str, what `logo-train --recipe` calls it: one of `DATASETS`, an underscore, and more.
        row: str, what the table calls it.
        top1: float, the paper's top-1 accuracy in percent.
        top5: float, the paper's top-5 accuracy in percent; None where it gives none.
        config: Config; None of a row that is not a classifier of whole images or regions, and has no recipe yet.
        ours: float, top-1 accuracy of this package's run, in percent; None before there is one.
    """

    name: str
    row: str
    top1: float
    top5: float | None = None
    config: Config | None = None
    ours: float | None = None

    @property
    def dataset(self):
        """str, one of `DATASETS`."""
        return self.name.partition("_")[0]

    @property
    def command(self):
        """str, what to type in the folder that holds the photos in a folder named as the data set; None without recipe."""
        if self.config is None:
            return None
        flags = _FLAGS.get(self.dataset, "")
        return f"logo-train --recipe {self.name} --data {self.dataset} --root {self.dataset}{flags} --out run"


@dataclasses.dataclass(frozen=True)
class OwnRecipe:
    """Something that this package trains and no paper has a row of.

    Attributes:
        name: str, what `logo-train --recipe` calls it.
        says: str, what it trains, on what.
        config: Config.
        start: str, the model file that it goes on with, or takes its embedder from; None for none.
        out: str, the folder that it writes to.
    """

    name: str
    says: str
    config: Config
    start: str | None = None
    out: str = "run"

    @property
    def command(self):
        """str, what to type."""
        start = f" --from {self.start}" if self.start else ""
        return f"logo-train --recipe {self.name} --root marks{start} --out {self.out}"


def _config(model, backbone, settings=_SGD, **changes):
    return Config(model, PAPER[model] | {"backbone": backbone} | changes, **settings)


def _plain(backbone, settings=_SGD, head="pool", dropout=0.0):
    """A plain classifier; dropout in front of the last layer as torchvision has it, where the head has none inside."""
    return _config("Classifier", backbone, settings, head=head, dropout=dropout)


# The network's own fully connected layers decide, as in the rows.
_ALEXNET = _plain("alexnet", head="original")
_VGG = _plain("vgg16", head="original")
_GOOGLENET = _plain("googlenet", dropout=0.2)
_RESNET50 = _plain("resnet50")
# Its paper has ResNet-50.
_NTS = _config("NTSNet", "resnet50")
_DRNA_50, _DRNA_152 = _config("DRNANet", "resnet50"), _config("DRNANet", "resnet152")

# Source of the figures: the slides of the paper, top-1 and top-5 accuracy in percent. Networks are called as there.
ROWS = (
    Recipe("logo2k_alexnet", "AlexNet", 48.80, 78.45, _ALEXNET),
    Recipe("logo2k_googlenet", "GoogLeNet", 62.36, 88.33, _GOOGLENET),
    Recipe("logo2k_vgg16", "VGGNet-16", 62.83, 89.01, _VGG),
    Recipe("logo2k_resnet50", "ResNet-50", 66.34, 91.01, _RESNET50),
    Recipe("logo2k_resnet152", "ResNet-152", 67.65, 91.52, _plain("resnet152")),
    Recipe("logo2k_efficient_vgg16", "VGGNet-16 + Efficient + LS", 65.45, 90.12, _plain("vgg16", _EFFICIENT_VGG, "original")),
    Recipe("logo2k_efficient_resnet50", "ResNet-50 + Efficient + LS", 66.94, 91.30, _plain("resnet50", _EFFICIENT)),
    Recipe("logo2k_efficient_resnet152", "ResNet-152 + Efficient + LS", 67.99, 91.68, _plain("resnet152", _EFFICIENT)),
    Recipe("logo2k_nts", "NTS-Net (ResNet-50)", 69.41, 91.95, _NTS),
    Recipe("logo2k_drna_resnet50", "DRNA-Net (ResNet-50)", 71.12, 92.33, _DRNA_50),
    Recipe("logo2k_drna_resnet152", "DRNA-Net (ResNet-152)", 72.09, 93.45, _DRNA_152),
    Recipe("belgalogos_rcnn", "R-CNN (CaffeNet)", 91.80),
    Recipe("belgalogos_fast_rcnn", "Fast R-CNN (VGGNet-16)", 87.30),
    Recipe("belgalogos_sppnet", "SPPnet (ZF)", 87.70),
    Recipe("belgalogos_nts", "NTS-Net (ResNet-50)", 93.33, 96.15, _NTS),
    # The pooled map of stride 32 is the feature here: regions need maps, which VGG-16's own head does not give.
    Recipe("belgalogos_drna_vgg16", "DRNA-Net (VGGNet-16)", 92.41, 95.96, _config("DRNANet", "vgg16")),
    Recipe("belgalogos_drna_resnet50", "DRNA-Net (ResNet-50)", 94.44, 97.11, _DRNA_50),
    Recipe("belgalogos_drna_resnet152", "DRNA-Net (ResNet-152)", 95.82, 98.40, _DRNA_152),
    Recipe("flickrlogos32_deeplogo", "Fast R-CNN + AlexNet (Iandola et al. 2015)", 75.00),
    Recipe("flickrlogos32_eggert2015", "Eggert et al. 2015", 84.60),
    Recipe("flickrlogos32_bianco2015", "Bianco et al. 2015", 88.40),
    Recipe("flickrlogos32_bianco2017", "Bianco et al. 2017", 91.70),
    Recipe("flickrlogos32_sift", "SIFT (Romberg et al. 2013)", 94.10),
    Recipe("flickrlogos32_nts", "NTS-Net (ResNet-50)", 94.14, 96.29, _NTS),
    Recipe("flickrlogos32_drna_resnet50", "DRNA-Net (ResNet-50)", 95.33, 97.17, _DRNA_50),
    Recipe("flickrlogos32_drna_resnet152", "DRNA-Net (ResNet-152)", 96.63, 98.80, _DRNA_152),
    Recipe("weblogo2m_alexnet", "AlexNet", 50.99, 70.62, _ALEXNET),
    Recipe("weblogo2m_googlenet", "GoogLeNet", 62.14, 80.21, _GOOGLENET),
    Recipe("weblogo2m_vgg16", "VGGNet-16", 62.88, 83.23, _VGG),
    Recipe("weblogo2m_resnet50", "ResNet-50", 62.93, 83.32, _RESNET50),
    Recipe("weblogo2m_nts", "NTS-Net (ResNet-50)", 63.67, 84.31, _NTS),
    Recipe("weblogo2m_drna_resnet50", "DRNA-Net (ResNet-50)", 64.82, 86.12, _DRNA_50),
)
# Those rows that this package trains, by name.
RECIPES = {row.name: row for row in ROWS if row.config is not None}
# An embedding of logos, of drawn marks. The rates, the batch and the 200 steps of warm-up are those of a prototype. First most of
# the steps on small images, which cost little more than half as much, then the last ones on larger images at half the rate.
_EMBEDDER = Config(
    "LogoEmbedder",
    {"pooling": "gem", "image_size": 96},
    learning_rate=1e-3,
    epochs=24,
    steps_per_epoch=200,
    batch_size=64,
    warm_up_epochs=1,
    weight_decay=1e-4,
)
_FINE = dataclasses.replace(_EMBEDDER, arguments={"pooling": "gem", "image_size": 128}, learning_rate=5e-4, epochs=9, seed=1)
# Where some logo is in a scene. Not tuned: the rates of the embedder, and as many scenes as two cores draw and learn from in some
# hours.
_DETECTOR = Config(
    "LogoDetector",
    {"frozen_blocks": 2},
    learning_rate=1e-3,
    epochs=12,
    steps_per_epoch=200,
    batch_size=16,
    warm_up_epochs=1,
    weight_decay=1e-4,
)
_OWN = (
    OwnRecipe("logo_embedder", "an embedding that tells apart brands it has never seen, trained on drawn marks", _EMBEDDER),
    OwnRecipe("logo_embedder_fine", "goes on with its model, on larger images", _FINE, "run/model.keras", "fine"),
    OwnRecipe(
        "logo_detector",
        "finds where some logo is, of any brand, trained on scenes of drawn marks, for the embedder of --from",
        _DETECTOR,
        "fine/model.keras",
        "detector",
    ),
)
OWN = {each.name: each for each in _OWN}
# What must stand wherever the table is shown.
REMARKS = (
    "The paper's gain may be as large as the noise between runs: an independent rerun of plain NTS-Net on Logo-2K+ gave 70.7 and "
    "72.0, where the paper has 69.41 for NTS-Net and 71.12 for DRNA-Net (ResNet-50).",
    "The first five rows of FlickrLogos-32 are detection or retrieval results of their own papers, under their own protocols, "
    "which the authors quote as top-1: they are not measured as the other rows are.",
)


def recipe(name):
    """Looks a recipe up.

    Args:
        name: str, for instance "logo2k_drna_resnet50".

    Returns:
        Recipe or OwnRecipe, with a Config.

    Raises:
        ValueError: if there is none of this name; says which comes nearest.
    """
    known = RECIPES | OWN
    if name in known:
        return known[name]
    if name in (row.name for row in ROWS):
        raise UserError(f"{name!r} is a row of the paper's tables that has no recipe yet. There are {', '.join(known)}.")
    (nearest,) = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
    raise UserError(f"unknown recipe {name!r}: did you mean {nearest!r}? Known: {', '.join(known)}.")


def table():
    """Lines of text: the paper's tables with recipe, data set, row and its and our figures; what to know of them; our own."""
    rows = [("recipe", "data", "row", "paper top-1", "top-5", "ours")]
    for row in ROWS:
        top5 = "-" if row.top5 is None else f"{row.top5:.2f}"
        ours = "not yet" if row.ours is None else f"{row.ours:.2f}"
        rows.append((row.name if row.config else "-", DATASETS[row.dataset], row.row, f"{row.top1:.2f}", top5, ours))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    remarks = [textwrap.fill(remark, 110) for remark in ("Accuracies in percent.", *REMARKS)]
    return "\n".join([*lines, "", *remarks, "", "Beside the paper's:", *(f"{each.name}  {each.says}" for each in OWN.values())])
