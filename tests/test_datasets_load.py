"""The door to the data sets."""

import subprocess
import sys

import pytest
from photographs import write

from logo_keras import datasets


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="one of folder, list, coco, .*, logos_in_the_wild, synthetic, got 'imagenet'"):
        datasets.load("imagenet", tmp_path)


@pytest.mark.parametrize("name", ["logo405", "pl2k"])
def test_a_set_that_is_not_public_is_answered_with_what_to_use_instead(name, tmp_path):
    with pytest.raises(ValueError, match="published.*Logo-2K"):
        datasets.load(name, tmp_path)


@pytest.mark.parametrize("name", [name for name in datasets.LOADERS if name != "synthetic"])
def test_every_loader_names_a_root_that_is_missing(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        datasets.load(name, tmp_path / "nowhere")


def test_limits_reach_the_photographs(tmp_path):
    path = write(tmp_path / "a" / "1.png", height=40, width=60)
    assert datasets.load("folder", tmp_path, max_pixels=2400, max_bytes=10**6).check() == {}
    assert "2400" not in datasets.load("folder", tmp_path, max_pixels=2399).check()[str(path)]
    assert datasets.load("folder", tmp_path, max_bytes=10).check().keys() == {str(path)}


def test_public_names_are_there_and_others_are_not():
    assert datasets.Dataset.__name__ == "Dataset"
    assert datasets.synthesize.__name__ == "synthesize"
    assert datasets.Augmentation(flip=0).flip == 0
    assert {"Augmentation", "Dataset", "load", "stream", "synthesize"} <= set(dir(datasets))
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        datasets.lode  # noqa: B018


def test_opening_a_data_set_loads_no_tensorflow(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg puma\n")
    code = (
        "import sys; from logo_keras import datasets; datasets.load('list', 'list.txt');"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_only_weblogo2m_is_read_as_a_stream(tmp_path):
    with pytest.raises(ValueError, match="weblogo2m alone is read as a stream, got 'logo2k'"):
        datasets.stream("logo2k", tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no archives of WebLogo-2M"):
        datasets.stream("weblogo2m", tmp_path)
