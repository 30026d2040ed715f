"""What models take, read from the source of their constructors, and the flags that are made of it."""

import inspect
import re
import subprocess
import sys

import pytest

from logo_keras.training.constructors import MODELS, constructor, documented, model_arguments

CHAIN = '''
class Base(Elsewhere):
    """A base.

    Args:
        size: int, px, a multiple
            of 32.
        share: float in [0, 1).
        weights: `"imagenet"` or None.
    """

    def __init__(self, size=224, share=0.5, *, weights="imagenet", hidden="pool", **kwargs):
        super().__init__(**kwargs)


class Middle(rooms.Base):
    """Regions are cut here.

    Args:
        count: int or None, M.
        views: what is seen.
        fill: float or three floats.

    Raises:
        ValueError: never.
    """

    def __init__(self, count=None, views=("crop", "drop"), fill=None, size=448, **kwargs):
        super().__init__(size=size, **kwargs)
'''
LAST = '''
class Last(Middle):
    """The last one.

    Args:
        size, ..., count: those of the base.
        share: float, another text.
    """

    def __init__(self, names, count=4, **kwargs):
        super().__init__(count=count, **kwargs)


class Alone(Middle):
    """Takes nothing of the base.

    Args:
        own: str.
    """

    def __init__(self, own="x", undocumented=True):
        super().__init__()


class Bare(Last):
    pass


class Computed(Middle):
    def __init__(self, size=2 * 32, **kwargs):
        super().__init__(size=size, **kwargs)
'''


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    (folder / "chain.py").write_text(CHAIN)
    (folder / "last.py").write_text(LAST)
    return folder


def test_arguments_of_the_bases_are_followed_and_the_nearest_default_counts(sources):
    found = constructor("Last", sources)
    assert {name: argument.default for name, argument in found.items()} == {
        "size": 448, "share": 0.5, "weights": "imagenet", "count": 4, "views": ("crop", "drop"), "fill": None,
    }  # fmt: skip
    assert found["size"].text == "int, px, a multiple of 32."
    assert found["share"].text == "float, another text."
    assert constructor("Bare", sources) == found


def test_what_a_base_names_and_does_not_document_is_its_own_affair(sources):
    assert "hidden" in constructor("Base", sources)
    assert "hidden" not in constructor("Middle", sources)


def test_a_class_without_kwargs_takes_its_own_arguments_only(sources):
    assert list(constructor("Alone", sources)) == ["own", "undocumented"]


def test_the_kind_of_an_argument_is_what_its_text_or_its_default_says(sources):
    kinds = {name: argument.kind for name, argument in constructor("Middle", sources).items()}
    assert kinds == {"size": int, "share": float, "weights": str, "count": int, "views": tuple, "fill": None}


def test_a_default_that_is_no_literal_is_refused_by_name(sources):
    with pytest.raises(ValueError, match=r"the default of Computed\(size=\) must be a literal, got 2 \* 32"):
        constructor("Computed", sources)


def test_a_section_ends_where_the_next_begins():
    text = "What it is.\n\nArgs:\n    one: first\n        line.\n\n    two: second: with a colon.\n\nReturns:\n    three: no.\n"
    assert documented(text, "Args") == {"one": "first line.", "two": "second: with a colon."}
    assert documented(text, "Attributes") == {}


@pytest.mark.parametrize("model", MODELS.values())
def test_what_is_read_is_what_the_constructor_takes(model):
    from logo_keras import network

    cls, found = getattr(network, model), model_arguments(model)
    for name, parameter in inspect.signature(cls).parameters.items():
        assert name not in found or parameter.default == found[name].default, name
    # And it takes them all, by these names.
    small = {"image_size": 64} | ({"whole_size": 64, "region_size": 32} if "region_size" in found else {})
    usual = {name: argument.default for name, argument in found.items()} | {"weights": None}
    of_the_run = {"class_names": ["a", "b"]}
    if model == "LogoDetector":
        of_the_run = {"embedder": network.LogoEmbedder(**of_the_run, image_size=32, weights=None)}
    assert set(found) <= set(cls(**of_the_run, **usual | small).get_config())


def test_every_argument_has_a_flag_with_its_text_and_its_default_and_help_does_not_load_keras():
    code = (
        "import sys; from logo_keras.commands import train; train.main(['logo-train', '--help']); print('keras' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    *lines, loaded = process.stdout.splitlines()
    assert loaded == "False", process.stderr
    flags = dict(re.findall(r"^  --(?:\[no\])?(\w+)(?:=\.\.\.)?\n((?:      .*\n)+)", "\n".join(lines) + "\n", re.MULTILINE))
    said = {name: " ".join(text.split()) for name, text in flags.items()}
    texts = {}
    for model in MODELS.values():
        for name, argument in model_arguments(model).items():
            if argument.text:
                texts.setdefault(name, argument.text)
    from logo_keras.training import DEFAULTS

    for short, model in MODELS.items():
        for name in model_arguments(model):
            assert texts[name].replace("`", "").replace("None", "none").rstrip(".") in said[name], name
            value = DEFAULTS[model].all_arguments[name]
            shown = ",".join(value) or "none" if isinstance(value, tuple) else "none" if value is None else str(value)
            assert re.search(rf"\b{re.escape(shown)}( for [a-z ]*\b{short}\b|\)\.)", said[name].partition("default ")[2]), name
