"""NTS-Net (ResNet-50) on FlickrLogos-32.

Command:
    logo-train --recipe flickrlogos32_nts --data folder --root flickrlogos32 --out runs/flickrlogos32_nts

Data: FlickrLogos-32, a folder a class, with parts train and test; this package does not read the authors' own layout yet.
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import nts

RECIPE = Recipe(
    name="flickrlogos32_nts",
    row="NTS-Net (ResNet-50)",
    dataset="flickrlogos32",
    config=nts(),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
