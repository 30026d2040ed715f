"""AlexNet on WebLogo-2M.

The network's own fully connected layers decide (head="original"), as in the row.

Command:
    logo-train --recipe weblogo2m_alexnet --data folder --root weblogo2m --out runs/weblogo2m_alexnet

Data: WebLogo-2M, a folder a class, with parts train and test; this package does not read the authors' own layout yet.
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import PAPER, plain

RECIPE = Recipe(
    name="weblogo2m_alexnet",
    row="AlexNet",
    dataset="weblogo2m",
    config=plain("alexnet", PAPER, head="original"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
