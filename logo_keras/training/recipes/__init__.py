"""Recipes: the rows of the paper's tables, run by `logo-train --recipe NAME`."""

import difflib
import textwrap

from logo_keras.training.recipes.recipe import DATASETS, Recipe
from logo_keras.training.recipes.rows import REMARKS, ROWS

__all__ = ["DATASETS", "RECIPES", "REMARKS", "ROWS", "Recipe", "recipe", "table"]

# Those rows that this package trains, by name.
RECIPES = {row.name: row for row in ROWS if row.config is not None}


def recipe(name):
    """Looks a recipe up.

    Args:
        name: str, for instance "logo2k_drna_resnet50".

    Returns:
        Recipe, with a Config.

    Raises:
        ValueError: if there is none of this name; says which comes nearest.
    """
    if name in (row.name for row in ROWS) and name not in RECIPES:
        raise ValueError(f"{name!r} is a row of the paper's tables that has no recipe yet. There are {', '.join(RECIPES)}.")
    if name not in RECIPES:
        nearest = difflib.get_close_matches(str(name), RECIPES, n=1, cutoff=0.0)[0]
        raise ValueError(f"unknown recipe {name!r}: did you mean {nearest!r}? Known: {', '.join(RECIPES)}.")
    return RECIPES[name]


def table():
    """The paper's tables as lines of text: recipe, data set, row, the paper's top-1 and top-5 and our top-1; and what to know."""
    rows = [("recipe", "data", "row", "paper top-1", "top-5", "ours")]
    for row in ROWS:
        ours = "not yet" if row.ours is None else f"{row.ours:.2f}"
        top5 = "-" if row.top5 is None else f"{row.top5:.2f}"
        rows.append((row.name if row.config else "-", DATASETS[row.dataset], row.row, f"{row.top1:.2f}", top5, ours))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *(textwrap.fill(remark, 110) for remark in ("Accuracies in percent.", *REMARKS))])
