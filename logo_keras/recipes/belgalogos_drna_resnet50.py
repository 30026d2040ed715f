"""DRNA-Net (ResNet-50) on BelgaLogos.

Command:
    logo-train --recipe belgalogos_drna_resnet50 --data belgalogos --root belgalogos --cut 0.1 --held_out 0.3 --out run

Data: BelgaLogos, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import drna

RECIPE = Recipe(
    name="belgalogos_drna_resnet50",
    row="DRNA-Net (ResNet-50)",
    dataset="belgalogos",
    config=drna("resnet50"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
