"""ResNet-50 on WebLogo-2M.

Command:
    logo-train --recipe weblogo2m_resnet50 --data weblogo2m --root weblogo2m --held_out 0.3 --out run

Data: WebLogo-2M, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import PAPER, plain

RECIPE = Recipe(
    name="weblogo2m_resnet50",
    row="ResNet-50",
    dataset="weblogo2m",
    config=plain("resnet50", PAPER),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
