"""DRNA-Net (ResNet-152) on FlickrLogos-32.

Command:
    logo-train --recipe flickrlogos32_drna_resnet152 --data flickrlogos32 --root flickrlogos32 --out run

Data: FlickrLogos-32, as its authors give it out (docs/data.md).
Figures: the paper's and ours stand below, top1 in percent; None says not yet.
"""

from logo_keras.recipes.recipe import Recipe
from logo_keras.recipes.settings import drna

RECIPE = Recipe(
    name="flickrlogos32_drna_resnet152",
    row="DRNA-Net (ResNet-152)",
    dataset="flickrlogos32",
    config=drna("resnet152"),
    paper=None,
    paper_source="Wang et al. 2020, arXiv:1911.07924",
    ours=None,
)
