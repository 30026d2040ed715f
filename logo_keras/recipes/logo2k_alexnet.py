"""AlexNet on Logo-2K+.

The network's own fully connected layers decide (head="original"), as in the row.

Command:
    logo-train --recipe logo2k_alexnet --data logo2k --root logo2k --out run

Data: Logo-2K+, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import PAPER, plain

RECIPE = Recipe(
    name="logo2k_alexnet",
    row="AlexNet",
    dataset="logo2k",
    config=plain("alexnet", PAPER, head="original"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
