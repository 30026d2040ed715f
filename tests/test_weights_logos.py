"""weights="logos": the logo embedding's backbone as a start, from files made here and from the one that ships."""

import dataclasses
import json

import keras
import numpy as np
import photographs
import pytest
from tiny import REGIONS, tiny_backbone, tiny_run

import logo_keras as lk
from logo_keras import backbones
from logo_keras.commands import train
from logo_keras.errors import UserError
from logo_keras.training import Config
from logo_keras.weights import logos, model_card
from logo_keras.weights.safetensors_file import read_safetensors_card, safetensors_bytes

CARD = {"training": {"commit": "abc123"}}
SIZES = {
    "Classifier": {"image_size": 64},
    "NTSNet": REGIONS,
    "DRNANet": REGIONS,
    "LogoEmbedder": {"image_size": 64, "dimensions": 8},
}


def rounded(network):
    """The weights of a network in float16, as float32."""
    return [weight.astype(np.float16).astype(np.float32) for weight in network.get_weights()]


@pytest.fixture(scope="module")
def lite0():
    """EfficientNet-Lite0 of random numbers, its batch norms too."""
    network = backbones.backbone("efficientnet_lite0", weights=None).model
    random = np.random.default_rng(0)
    for weight in network.weights:
        if len(weight.shape) == 1:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return network


@pytest.fixture
def made(lite0, tmp_path, monkeypatch):
    """A file of these weights in place of the one that ships."""
    path = tmp_path / "logos.safetensors"
    path.write_bytes(logos.logos_bytes(lite0, CARD))
    monkeypatch.setattr(logos, "SHIPPED", path)
    return path


@pytest.fixture
def shipped():
    """The file that comes with the package."""
    if not logos.SHIPPED.is_file():
        pytest.skip("no weights have been released yet")
    return logos.SHIPPED


def test_a_backbone_starts_from_the_file(made, lite0):
    found = backbones.backbone("efficientnet_lite0", weights="logos")
    assert found.source == "logos: the embedding that comes with logo_keras, trained at commit abc123"
    for ours, theirs in zip(found.model.get_weights(), rounded(lite0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", SIZES)
def test_every_model_starts_from_the_file_and_says_so(name, made, monkeypatch):
    monkeypatch.setitem(backbones._BUILDERS, "efficientnet_lite0", lambda weights: _tiny(weights, made))
    made.write_bytes(logos.logos_bytes(tiny_backbone(4).model, CARD))
    model = getattr(lk, name)(num_classes=3, weights="logos", frozen_blocks=0, **SIZES[name])
    assert "trained at commit abc123" in model.card["weights"] and model.get_config()["weights"] == "logos"


def _tiny(weights, path):
    value = tiny_backbone(4)
    source = logos.load_logos(value.model, path) if weights == "logos" else "random"
    return backbones.Backbone(value.model, value.preprocessing, value.levels, value.blocks, source=source)


def test_as_many_blocks_are_frozen_as_of_imagenet(made):
    model = lk.Classifier(num_classes=2, image_size=64, weights="logos")
    assert model.frozen_blocks == 5 and not model.extractor.get_layer("stem").trainable


def test_a_saved_model_is_loaded_without_the_file(made, tmp_path):
    model = lk.Classifier(num_classes=2, image_size=64, weights="logos")
    model.save(tmp_path / "model.keras")
    made.unlink()
    again = lk.load(tmp_path / "model.keras")
    assert again.initial_weights == "logos" and again.card["weights"] == model.card["weights"] and again.frozen_blocks == 5
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_embedder_and_its_recipe_start_from_imagenet_by_name():
    # Their weights are what comes out of it, whatever other models start from.
    assert lk.recipes.recipe("logo_embedder").config.all_arguments["weights"] == "imagenet"
    assert lk.LogoEmbedder.__init__.__kwdefaults__["weights"] == "imagenet"


def test_a_missing_file_says_what_to_do(made):
    made.unlink()
    with pytest.raises(FileNotFoundError, match='logos.safetensors, .* is missing: install logo_keras again.*weights="imagenet"'):
        backbones.backbone("efficientnet_lite0", weights="logos")


def test_a_damaged_file_is_named(made):
    made.write_bytes(made.read_bytes()[:-1])
    with pytest.raises(UserError, match="logos.safetensors could not be read as a safetensors file"):
        backbones.backbone("efficientnet_lite0", weights="logos")


def test_the_weights_of_another_network_are_refused_by_name(made):
    made.write_bytes(logos.logos_bytes(tiny_backbone().model, CARD))
    with pytest.raises(UserError, match="logos.safetensors: the entries do not fit"):
        backbones.backbone("efficientnet_lite0", weights="logos")


@pytest.mark.parametrize("name", ["efficientnet_lite1", "resnet50", "keras/MobileNetV3Small"])
def test_other_backbones_have_none(name):
    with pytest.raises(UserError, match=f"weights=\"logos\" exists for efficientnet_lite0 only, got the backbone '{name}'"):
        backbones.backbone(name, weights="logos")


def test_an_unknown_backbone_is_named_first():
    with pytest.raises(UserError, match="unknown backbone 'resnet51'"):
        backbones.backbone("resnet51", weights="logos")


def test_a_backbone_that_is_a_value_keeps_its_weights():
    value = tiny_backbone()
    assert backbones.backbone(value, weights="logos") is value


def test_other_weights_are_refused_with_those_that_there_are():
    with pytest.raises(UserError, match='weights must be "pretrained", "imagenet", "logos" or None, got \'logo\''):
        backbones.backbone("efficientnet_lite0", weights="logo")


def test_numbers_that_16_bits_cannot_hold_are_refused_by_name():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="out")])
    network.get_layer("out").kernel.assign([[1.0], [1e6]])
    with pytest.raises(UserError, match="float16 cannot hold the numbers of out.weight"):
        logos.logos_bytes(network, CARD)


def test_logo_train_knows_them():
    values = train.COMMAND.flags()
    values.parse(["--model=plain", "--weights=logos"])
    assert train.config_from(values).arguments["weights"] == "logos"


def test_the_weights_that_ship_are_loaded_and_say_what_they_are(shipped):
    found = backbones.backbone("efficientnet_lite0", weights="logos")
    card = read_safetensors_card(shipped)
    assert card["training"]["commit"] in found.source
    assert card["architecture"] == "LogoEmbedder" and card["data"]["training"]["marks"] > 10_000
    # Those of ImageNet, trained on.
    start = backbones.backbone("efficientnet_lite0").model
    changed = [not np.allclose(a, b, atol=1e-2) for a, b in zip(found.model.get_weights(), start.get_weights(), strict=True)]
    assert np.mean(changed) > 0.5


def test_the_weights_that_ship_are_those_of_the_embedding_that_ships(shipped):
    from logo_keras.edge import model_file
    from logo_keras.gallery import embedders

    assert model_file.read(embedders.shipped()).card == read_safetensors_card(shipped)
    assert shipped.stat().st_size + embedders.SHIPPED.stat().st_size <= 25 * 10**6


def test_a_file_without_a_card_is_refused(made):
    made.write_bytes(safetensors_bytes({"a": np.zeros(2, np.float32)}, {}).replace(b'"card"', b'"dart"'))
    with pytest.raises(UserError, match="has no model card of logo_keras"):
        backbones.backbone("efficientnet_lite0", weights="logos")


@pytest.fixture
def tiny_lite0(made, monkeypatch):
    """A tiny network under the name of EfficientNet-Lite0, and a file of logo weights of it."""
    monkeypatch.setitem(backbones._BUILDERS, "efficientnet_lite0", lambda weights: _tiny(weights, made))
    made.write_bytes(logos.logos_bytes(tiny_backbone(4).model, CARD))


@pytest.mark.parametrize("name", ["Classifier", "NTSNet", "DRNANet"])
def test_models_start_from_them_where_nothing_is_said_and_record_the_word(name, tiny_lite0, monkeypatch, tmp_path):
    model = getattr(lk, name)(num_classes=3, frozen_blocks=0, **SIZES[name])
    assert "trained at commit abc123" in model.card["weights"]
    model.save(tmp_path / "model.keras")
    # Another release may know better weights.
    monkeypatch.setattr(logos, "BACKBONES", ())
    again = lk.load(tmp_path / "model.keras")
    assert again.get_config()["weights"] == again.initial_weights == model.initial_weights == "logos"


@pytest.mark.parametrize("name", ["efficientnet_lite1", "resnet50", "keras/MobileNetV3Small", "resnet51", tiny_backbone(4)])
def test_pretrained_is_imagenet_where_there_are_no_logo_weights(name):
    assert backbones.initial_weights(name, "pretrained") == "imagenet"
    assert backbones.initial_weights("efficientnet_lite0", "pretrained") == "logos"


@pytest.mark.parametrize("weights", ["imagenet", "logos", None])
def test_weights_that_are_named_are_taken_as_they_are(weights):
    assert backbones.initial_weights("efficientnet_lite0", weights) == weights


def test_a_backbone_is_built_with_what_pretrained_means(monkeypatch):
    asked = []
    monkeypatch.setitem(backbones._BUILDERS, "tiny", lambda weights: asked.append(weights) or tiny_backbone(4))
    monkeypatch.setattr(backbones, "application", lambda name, weights: asked.append((name, weights)))
    backbones.backbone("tiny", "pretrained")
    backbones.backbone("keras/MobileNetV3Small", "pretrained")
    assert asked == ["imagenet", ("MobileNetV3Small", "imagenet")]
    with pytest.raises(UserError, match="unknown backbone 'resnet51'"):
        backbones.backbone("resnet51", "pretrained")


def test_a_backbone_that_is_a_value_keeps_its_weights_where_nothing_is_said():
    value = tiny_backbone(4)
    model = lk.Classifier(num_classes=2, image_size=64, backbone=value)
    # As it was before there were others: the word says what a name would have given.
    assert model.backbone_value is value and model.card["weights"] == value.source and model.initial_weights == "imagenet"


def test_a_run_records_what_it_started_from_and_goes_on_with_nothing_else(tiny_lite0, tmp_path, monkeypatch):
    for number in range(4):
        photographs.write(tmp_path / "photographs" / ("acme", "globex")[number % 2] / f"{number}.png", seed=number)
    dataset, out = lk.datasets.load("folder", tmp_path / "photographs"), tmp_path / "run"
    config = tiny_run(arguments={"image_size": 32, "frozen_blocks": 0}, epochs=1)
    result = lk.training.train(config, dataset, out, report=lambda line: None)
    recorded = json.loads((out / "config.json").read_text())["config"]["arguments"]
    assert recorded["weights"] == result.model.initial_weights == "logos"
    assert model_card.read(result.path)["arguments"]["weights"] == "logos"
    monkeypatch.setattr(logos, "BACKBONES", ())
    with pytest.raises(UserError, match='weights was "logos" and is "imagenet"'):
        lk.training.train(config, dataset, out, resume=True)
    named = dataclasses.replace(config, arguments=config.arguments | {"weights": "logos"})
    assert lk.training.train(named, dataset, out, resume=True, report=lambda line: None).history == result.history


@pytest.mark.parametrize("weights", ["imagenet", "logos", None])
def test_a_configuration_records_weights_that_are_named(weights):
    assert Config("plain", {"weights": weights}).to_dict()["arguments"]["weights"] == weights
