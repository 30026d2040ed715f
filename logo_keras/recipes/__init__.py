"""Recipes: one file a row of the paper's tables that this package trains, run by `logo-train --recipe NAME`."""

import difflib
import importlib
import pkgutil

from logo_keras.recipes.recipe import DATASETS, Recipe

__all__ = ["DATASETS", "RECIPES", "Recipe", "recipe", "table"]

# The modules of this package that are no recipes.
_OTHERS = ("recipe", "settings")


def _found():
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _OTHERS)
    recipes = {name: importlib.import_module(f"{__name__}.{name}").RECIPE for name in names}
    # By data set in the order of the paper's tables.
    return dict(sorted(recipes.items(), key=lambda item: list(DATASETS).index(item[1].dataset)))


RECIPES = _found()


def recipe(name):
    """Looks a recipe up.

    Args:
        name: str, for instance "logo2k_drna_resnet50".

    Returns:
        Recipe.

    Raises:
        ValueError: if there is none of this name; says which comes nearest.
    """
    if name not in RECIPES:
        nearest = difflib.get_close_matches(str(name), RECIPES, n=1, cutoff=0.0)[0]
        raise ValueError(f"unknown recipe {name!r}: did you mean {nearest!r}? Known: {', '.join(RECIPES)}.")
    return RECIPES[name]


def table():
    """All recipes as lines of text: name, data set, network, the paper's top1 and ours."""
    rows = [("recipe", "data", "network", "paper", "ours")]
    for each in RECIPES.values():
        paper = "-" if each.paper is None else f"{each.paper:.2f} %"
        ours = "not yet" if each.ours is None else f"{each.ours:.2f} %"
        rows.append((each.name, DATASETS[each.dataset], each.row, paper, ours))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
