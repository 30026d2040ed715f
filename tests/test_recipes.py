"""The paper's tables: figures, and a recipe for every row that is trained here; one step of every distinct network."""

import dataclasses

import numpy as np
import pytest

from logo_keras.training import recipes
from logo_keras.training.recipes import DATASETS, RECIPES, ROWS


def tables(text):
    """The rows of the paper's tables in a page of markdown: of each data set (row, top-1, top-5)."""
    found, title = {}, None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            title = next((name for name in DATASETS.values() if line.startswith(f"## {name}")), None)
        elif title and len(cells) == 3 and cells[1].replace(".", "").isdecimal() and "." in cells[1]:
            found.setdefault(title, []).append((cells[0], float(cells[1]), None if cells[2] == "-" else float(cells[2])))
    return found


def test_every_row_has_the_figures_of_the_paper(shared):
    paper = tables((shared / "paper.md").read_text(encoding="utf-8"))
    assert {title: len(rows) for title, rows in paper.items()} == dict(zip(DATASETS.values(), (11, 7, 8, 6), strict=True))
    for dataset, title in DATASETS.items():
        ours = [(row.row, row.top1, row.top5) for row in ROWS if row.dataset == dataset]
        for (row, *figures), (expected, *published) in zip(ours, paper[title], strict=True):
            assert figures == published, row
            # Without what the paper's page adds about whose work a row is.
            assert expected.replace('"', "").split(" (")[0].split(",")[0].startswith(row.split(" (")[0]), (row, expected)


def test_the_readme_shows_every_row_and_both_warnings(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    for row in ROWS:
        top5, ours = ("-" if row.top5 is None else f"{row.top5:.2f}"), ("not yet" if row.ours is None else f"{row.ours:.2f}")
        name = f"`{row.name}`" if row.config else "not built yet"
        assert f"| {DATASETS[row.dataset]} | {row.row} | {name} | {row.top1:.2f} | {top5} | {ours} |\n" in text, row.name
    assert "70.7 and 72.0" in text and "under their own protocols" in text


def test_the_command_of_a_recipe_gives_its_settings():
    from logo_keras.commands import train

    for name, recipe in RECIPES.items():
        values = train.COMMAND.flags()
        values.parse(recipe.command.split()[1:])
        assert train.config_from(values) == recipe.config, name
        assert (values.data, values.recipe) == (recipe.dataset, name)


def test_the_network_of_a_recipe_is_that_of_its_row():
    titles = {"alexnet": "AlexNet", "googlenet": "GoogLeNet", "vgg16": "VGGNet-16", "resnet50": "ResNet-50"}
    titles["resnet152"] = "ResNet-152"
    for name, recipe in RECIPES.items():
        model = {"NTS-Net": "NTSNet", "DRNA-Net": "DRNANet"}.get(recipe.row.split(" ")[0], "Classifier")
        assert recipe.config.model == model, name
        assert titles[recipe.config.all_arguments["backbone"]] in recipe.row, name
        assert (recipe.config.label_smoothing > 0) == ("Efficient + LS" in recipe.row), name


def test_a_recipe_has_the_settings_of_the_paper():
    config = recipes.recipe("logo2k_drna_resnet50").config
    assert (config.optimizer, config.learning_rate, config.momentum, config.weight_decay) == ("sgd", 1e-3, 0.9, 1e-4)
    assert (config.drops, config.clip, config.precision) == ((60, 100), None, "float32")
    paper = {"image_size": 448, "preprocessing": "paper", "num_proposals": 4, "num_regions": 2, "region_size": 224}
    paper |= {"navigator_stride": 32, "decision": "fused", "frozen_blocks": 0, "views": ("crop", "drop")}
    assert paper.items() <= config.all_arguments.items()
    efficient = recipes.recipe("logo2k_efficient_resnet50").config
    assert (efficient.learning_rate, efficient.warm_up_epochs, efficient.decay_norms) == (0.1 * 16 / 256, 5, False)


def test_an_unknown_name_is_answered_with_the_nearest():
    assert recipes.recipe("logo2k_nts") is RECIPES["logo2k_nts"]
    with pytest.raises(ValueError, match="unknown recipe 'logo2k_drna_50': did you mean 'logo2k_drna_resnet50'"):
        recipes.recipe("logo2k_drna_50")
    with pytest.raises(ValueError, match="'belgalogos_rcnn' is a row of the paper's tables that has no recipe yet"):
        recipes.recipe("belgalogos_rcnn")


def test_the_table_shows_every_row_and_what_to_know_of_it(monkeypatch):
    known = dataclasses.replace(RECIPES["logo2k_nts"], ours=70.25)
    monkeypatch.setattr(recipes, "ROWS", (known, *(row for row in ROWS if row.name != known.name)))
    lines = recipes.table().splitlines()
    assert lines[1].split()[-3:] == ["69.41", "91.95", "70.25"]
    assert [line.split()[-4:] for line in lines if "R-CNN (CaffeNet)" in line] == [["91.80", "-", "not", "yet"]]
    text = " ".join(" ".join(lines).split())
    assert len([line for line in lines if line.startswith(("logo2k", "belga", "flickr", "weblogo", "-  "))]) == 32
    assert all(remark in text for remark in recipes.REMARKS)


def test_our_own_recipes_are_listed_beside_the_papers():
    text = recipes.table()
    own = [f"{name}  {recipe.says}" for name, recipe in recipes.OWN.items()]
    assert text.splitlines()[-1 - len(own) :] == ["Beside the paper's:", *own]
    assert recipes.recipe("logo_embedder") is recipes.OWN["logo_embedder"] and "logo_embedder" not in RECIPES


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

    # The same network on small images, from random weights.
    small = {"image_size": 96, "weights": None} | (
        {} if recipe.config.model == "Classifier" else {"whole_size": 96, "region_size": 32}
    )
    config = dataclasses.replace(recipe.config, arguments=recipe.config.arguments | small, batch_size=2)
    model = config.build(["acme", "globex", "initech"])
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
