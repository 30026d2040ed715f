"""The table in docs/paper.md names one function for each formula, and a test that calls it; PAPER fits the constructors."""

import ast
import functools
import importlib
import inspect
import re

import pytest
from conftest import ROOT
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import backbones
from logo_keras.network.logo_model import LogoModel

ROW = re.compile(r"^\|(?P<formula>[^|]+)\| `(?P<function>[\w.]+)` \| `(?P<file>test_\w+)::(?P<test>\w+)` \|", re.MULTILINE)
ROWS = [row.groupdict() for row in ROW.finditer((ROOT / "docs" / "paper.md").read_text(encoding="utf-8"))]


def test_the_table_has_every_formula():
    assert len(ROWS) == 15
    assert len({row["function"] for row in ROWS}) == len(ROWS)


@functools.cache
def functions_of(file):
    """The functions of a file of tests, by name."""
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def called(file, name, seen=()):
    """What a test calls, by its last name: also through functions, fixtures and arguments of its own file."""
    node = functions_of(file)[name]
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    found = {
        part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", None)
        for part in ast.walk(node)
        if isinstance(part, ast.Call)
    }
    for other in (names | {argument.arg for argument in node.args.args}) & functions_of(file).keys() - {name, *seen}:
        found |= called(file, other, (*seen, name))
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["function"])
def test_each_formula_is_a_function_that_a_test_calls(row):
    module, *path = row["function"].split(".")
    function = importlib.import_module(f"logo_keras.network.{module}")
    for name in path:
        function = getattr(function, name)
    assert callable(function) and function.__doc__
    assert path[-1] in called(row["file"], row["test"])


@pytest.mark.parametrize("name", lk.PAPER)
def test_the_papers_settings_are_arguments_of_the_model(name):
    parameters = inspect.signature(getattr(lk, name)).parameters
    assert lk.PAPER[name].keys() <= parameters.keys()
    # Given by whoever makes the model.
    assert not lk.PAPER[name].keys() & {"class_names", "num_classes", "backbone"}


@pytest.mark.parametrize("name", lk.PAPER)
def test_an_argument_stands_in_one_constructor_and_its_docstring(name):
    """A class names again only what has another default, or means more, there."""
    cls = getattr(lk, name)
    for base in (base for base in cls.__mro__ if issubclass(base, LogoModel)):
        own = [argument for argument in inspect.signature(base.__init__).parameters if argument not in ("self", "kwargs")]
        for argument in own:
            assert re.search(rf"^ +{argument}: ", base.__doc__, re.MULTILINE), argument
        above = inspect.signature(base.__mro__[1]).parameters if base is not LogoModel else {}
        again = {argument for argument in own if argument in above}
        assert all(inspect.signature(base).parameters[argument].default != above[argument].default for argument in again), again


def test_arguments_of_the_bases_are_in_the_signature_and_the_configuration_and_wrong_ones_are_refused():
    parameters = inspect.signature(lk.DRNANet).parameters
    assert parameters["views"].default == ("crop", "drop") and parameters["num_proposals"].default == 4
    assert parameters["teacher"].default is True and parameters["backbone"].default == "efficientnet_lite0"
    model = lk.DRNANet(num_classes=2, backbone=tiny_backbone(), image_size=64, region_size=32, frozen_blocks=1)
    assert model.get_config().keys() - {"card", "name"} == parameters.keys() - {"num_classes", "kwargs"}
    with pytest.raises((TypeError, ValueError), match="num_region"):
        lk.DRNANet(num_classes=2, backbone=tiny_backbone(), image_size=64, num_region=3)
    with pytest.raises(TypeError, match="positional"):
        lk.Classifier(2)


@pytest.mark.parametrize("backbone, weights", [("efficientnet_lite0", None), ("tiny", "imagenet"), ("value", None)])
def test_other_backbones_and_random_weights_are_not_frozen_by_default(backbone, weights, monkeypatch):
    monkeypatch.setitem(backbones._BUILDERS, "tiny", lambda *_: tiny_backbone())
    given = tiny_backbone() if backbone == "value" else backbone
    assert lk.Classifier(num_classes=2, backbone=given, weights=weights, image_size=64).frozen_blocks == 0


def test_five_blocks_of_efficientnet_lite0_are_frozen_by_default(monkeypatch):
    build = backbones._BUILDERS["efficientnet_lite0"]
    monkeypatch.setitem(backbones._BUILDERS, "efficientnet_lite0", lambda weights: build(None))
    model = lk.Classifier(num_classes=2, image_size=64)
    assert model.frozen_blocks == 5 and not model.extractor.get_layer("stem").trainable
    assert lk.Classifier(num_classes=2, image_size=64, frozen_blocks=0).frozen_blocks == 0
