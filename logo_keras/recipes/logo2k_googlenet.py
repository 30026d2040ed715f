"""GoogLeNet on Logo-2K+.

Command:
    logo-train --recipe logo2k_googlenet --data folder --root logo2k --out runs/logo2k_googlenet

Data: Logo-2K+, a folder a class, with parts train and test; this package does not read the authors' own layout yet.
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import PAPER, plain

RECIPE = Recipe(
    name="logo2k_googlenet",
    row="GoogLeNet",
    dataset="logo2k",
    config=plain("googlenet", PAPER, dropout=0.2),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
