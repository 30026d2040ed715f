"""VGG-16 + Efficient + LS on Logo-2K+.

One deviation: the rate of 1e-3 of the other rows instead of 0.1 * b / 256, because VGG-16 has no batch norm, which is
what lets the others take the higher one.

Command:
    logo-train --recipe logo2k_efficient_vgg16 --data logo2k --root logo2k --out run

Data: Logo-2K+, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import EFFICIENT, PAPER, plain

_SETTINGS = EFFICIENT | {"learning_rate": PAPER["learning_rate"]}

RECIPE = Recipe(
    name="logo2k_efficient_vgg16",
    row="VGG-16 + Efficient + LS",
    dataset="logo2k",
    config=plain("vgg16", _SETTINGS, head="original"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
