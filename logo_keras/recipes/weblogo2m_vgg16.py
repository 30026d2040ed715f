"""VGG-16 on WebLogo-2M.

The network's own fully connected layers decide (head="original"), as in the row.

Command:
    logo-train --recipe weblogo2m_vgg16 --data weblogo2m --root weblogo2m --held_out 0.3 --out run

Data: WebLogo-2M, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import PAPER, plain

RECIPE = Recipe(
    name="weblogo2m_vgg16",
    row="VGG-16",
    dataset="weblogo2m",
    config=plain("vgg16", PAPER, head="original"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
