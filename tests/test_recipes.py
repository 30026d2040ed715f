"""Recipes as data, and one step of every distinct network that they train."""

import dataclasses
import importlib
import inspect

import numpy as np
import pytest

from logo_keras import recipes
from logo_keras.recipes import DATASETS, RECIPES, Recipe

# The rows of the paper's tables that this package trains.
ROWS = {
    "logo2k": (
        "alexnet", "googlenet", "vgg16", "resnet50", "resnet152", "efficient_vgg16", "efficient_resnet50",
        "efficient_resnet152", "nts", "drna_resnet50", "drna_resnet152",
    ),
    "belgalogos": ("nts", "drna_vgg16", "drna_resnet50", "drna_resnet152"),
    "flickrlogos32": ("nts", "drna_resnet50", "drna_resnet152"),
    "weblogo2m": ("alexnet", "googlenet", "vgg16", "resnet50", "nts", "drna_resnet50"),
}  # fmt: skip
REDUCED = {"image_size": 96, "weights": None}
REDUCED_REGIONS = REDUCED | {"region_size": 32}


def module(name):
    return importlib.import_module(f"logo_keras.recipes.{name}")


def test_there_is_a_file_for_every_row():
    assert set(RECIPES) == {f"{dataset}_{row}" for dataset, rows in ROWS.items() for row in rows}
    assert len({(each.dataset, each.row) for each in RECIPES.values()}) == len(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_named_as_its_file_and_states_its_command_and_data(name):
    recipe = RECIPES[name]
    assert recipe.name == name and name.startswith(recipe.dataset)
    text = " ".join(module(name).__doc__.split())
    assert text.startswith(f"{recipe.row} on {DATASETS[recipe.dataset]}.")
    assert recipe.command in text
    assert len(inspect.getsource(module(name)).splitlines()) <= 40


@pytest.mark.parametrize("name", RECIPES)
def test_the_command_of_a_recipe_gives_its_settings(name):
    from absl import flags

    from logo_keras.commands import train

    values = flags.FlagValues()
    train.define(values)
    program, *arguments = RECIPES[name].command.split()
    values([program, *arguments])
    assert train.config_from(values) == RECIPES[name].config
    assert (values.data, values.recipe) == (RECIPES[name].dataset, name)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_the_images_and_the_optimizer_of_the_paper(name):
    config = RECIPES[name].config
    assert (config.arguments["image_size"], config.arguments["preprocessing"]) == (448, "paper")
    assert (config.optimizer, config.momentum, config.weight_decay, config.drops) == ("sgd", 0.9, 1e-4, (60, 100))
    assert not config.zero_gamma
    if "_efficient_" in name:
        assert config.learning_rate == (1e-3 if "vgg16" in name else 0.1 * 16 / 256)
        assert (config.warm_up_epochs, config.decay_norms, config.precision) == (5, False, "mixed_float16")
        assert config.label_smoothing == 0.1
    else:
        assert (config.learning_rate, config.warm_up_epochs, config.decay_norms) == (1e-3, 0, True)
        assert (config.precision, config.label_smoothing) == ("float32", 0.0)


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_is_that_of_the_row(name):
    recipe = RECIPES[name]
    arguments = recipe.config.arguments
    titles = {"alexnet": "AlexNet", "googlenet": "GoogLeNet", "vgg16": "VGG-16", "resnet50": "ResNet-50"}
    assert (titles | {"resnet152": "ResNet-152"})[arguments["backbone"]] in recipe.row
    counts = {"plain": None, "nts": (6, 4), "drna": (4, 2)}[recipe.config.model]
    assert counts is None or (arguments["num_proposals"], arguments["num_regions"]) == counts
    original = recipe.config.model == "plain" and arguments["backbone"] in ("alexnet", "vgg16")
    assert arguments.get("head", "pool") == ("original" if original else "pool")


def test_an_unknown_name_is_answered_with_the_nearest():
    assert recipes.recipe("logo2k_nts") is RECIPES["logo2k_nts"]
    with pytest.raises(ValueError, match="unknown recipe 'logo2k_drna_50': did you mean 'logo2k_drna_resnet50'"):
        recipes.recipe("logo2k_drna_50")


def test_the_table_shows_figures_as_far_as_there_are_any(monkeypatch):
    known = dataclasses.replace(RECIPES["logo2k_nts"], paper=69.5, ours=70.25)
    unknown = dataclasses.replace(RECIPES["logo2k_alexnet"], paper=None, ours=None)
    monkeypatch.setattr(recipes, "RECIPES", {each.name: each for each in (known, unknown)})
    lines = recipes.table().splitlines()
    assert lines[1].split()[-4:] == ["69.50", "%", "70.25", "%"]
    assert lines[2].split()[-3:] == ["-", "not", "yet"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "logo3k"}, "dataset must be one of logo2k, belgalogos, flickrlogos32, weblogo2m, got 'logo3k'"),
        ({"paper": 101.0}, "paper must be a top1 in percent, 0 to 100, or None, got 101.0"),
        ({"ours": -1.0}, "ours must be a top1 in percent"),
    ],
)
def test_bad_recipes_are_refused(changes, message):
    assert isinstance(RECIPES["logo2k_nts"], Recipe)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPES["logo2k_nts"], **changes)


def reduced(config):
    """The same network on small images, from random weights."""
    changes = REDUCED if config.model == "plain" else REDUCED_REGIONS
    return dataclasses.replace(config, arguments=config.arguments | changes, batch_size=2)


def distinct():
    """The recipes that differ in network or training, of those that differ in the data alone the first."""
    found = {}
    for each in RECIPES.values():
        found.setdefault(str(sorted(each.config.to_dict().items())), each)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize("recipe", distinct(), ids=lambda recipe: recipe.name)
def test_every_distinct_network_trains_one_step(recipe):
    import keras

    model = reduced(recipe.config).build(["acme", "globex", "initech"])
    # Without a graph: tracing ResNet-152 takes longer than its step.
    model.run_eagerly = True
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 3)).astype(np.float32)
    before = model.whole_classifier.get_weights()[0].copy()
    logs = model.train_on_batch(images, np.array([0, 2]), return_dict=True)
    assert np.isfinite(logs["loss"])
    assert set(f"{name}_loss" for name in model.loss_names) <= set(logs)
    # Loss scaling skips the first steps where a gradient overflows; without it the step must have moved the weights.
    if recipe.config.precision == "float32":
        assert np.abs(model.whole_classifier.get_weights()[0] - before).max() > 0
    keras.backend.clear_session()
