"""DRNA-Net (ResNet-152) on Logo-2K+.

Command:
    logo-train --recipe logo2k_drna_resnet152 --data logo2k --root logo2k --out run

Data: Logo-2K+, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import drna

RECIPE = Recipe(
    name="logo2k_drna_resnet152",
    row="DRNA-Net (ResNet-152)",
    dataset="logo2k",
    config=drna("resnet152"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
