"""The door to the data sets."""

import subprocess
import sys

import pytest

from logo_keras import datasets


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="one of folder, list, toplogo10, flickrlogos27, synthetic, got 'imagenet'"):
        datasets.load("imagenet", tmp_path)


def test_public_names_are_there_and_others_are_not():
    assert datasets.Dataset.__name__ == "Dataset"
    assert datasets.synthesize.__name__ == "synthesize"
    assert {"Dataset", "load", "synthesize"} <= set(dir(datasets))
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        datasets.lode  # noqa: B018


def test_opening_a_data_set_loads_no_tensorflow(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg puma\n")
    code = (
        "import sys; from logo_keras import datasets; datasets.load('list', 'list.txt');"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
