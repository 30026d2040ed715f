"""DRNA-Net (VGG-16) on BelgaLogos.

Its pooled map of stride 32 is the feature: regions need maps, which the network's own head does not give.

Command:
    logo-train --recipe belgalogos_drna_vgg16 --data belgalogos --root belgalogos --cut 0.1 --held_out 0.3 --out run

Data: BelgaLogos, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import drna

RECIPE = Recipe(
    name="belgalogos_drna_vgg16",
    row="DRNA-Net (VGG-16)",
    dataset="belgalogos",
    config=drna("vgg16"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
