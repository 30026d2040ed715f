"""The notebooks run from the first cell to the last, with little of everything."""

import re

import nbclient
import nbformat
import pytest
from conftest import ROOT

import logo_keras as lk

# Trains, exports and draws in a process of its own.
pytestmark = pytest.mark.slow
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(name, out):
    """A notebook after it has run, with little of everything."""
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGO_KERAS_NOTEBOOK_QUICK", "1")
        patch.setenv("LOGO_KERAS_NOTEBOOK_OUT", str(out))
        # The notebook draws inline, whatever the tests draw with.
        patch.delenv("MPLBACKEND", raising=False)
        resources = {"metadata": {"path": str(ROOT / "notebooks")}}
        nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    return notebook


@pytest.fixture(scope="module")
def first_model(tmp_path_factory):
    """The first notebook after it has run, and the folder that it wrote to."""
    out = tmp_path_factory.mktemp("first_model")
    return executed("01_first_model.ipynb", out), out


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """The gallery's notebook after it has run, and the folder that it wrote to."""
    out = tmp_path_factory.mktemp("gallery")
    return executed("05_gallery.ipynb", out), out


def outputs(notebook, kind):
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if output["output_type"] == kind]


def test_the_first_model_runs_and_leaves_a_model_and_a_file(first_model):
    notebook, out = first_model
    assert not outputs(notebook, "error")
    assert (out / "model.keras").stat().st_size > 1e6
    assert (out / "model.tflite").stat().st_size > 1e6


def test_the_first_model_draws_photographs_curves_answers_and_regions(first_model):
    notebook, _ = first_model
    pictures = [output for output in outputs(notebook, "display_data") if "image/png" in output["data"]]
    assert len(pictures) == 4


def test_the_first_models_file_answers_as_keras_does(first_model):
    notebook, _ = first_model
    keras, tflite = [line.split(maxsplit=1)[1] for line in notebook.cells[-1]["outputs"][0]["text"].strip().splitlines()]
    (keras_brand, keras_share), (tflite_brand, tflite_share) = keras.rsplit(maxsplit=1), tflite.rsplit(maxsplit=1)
    assert keras_brand == tflite_brand
    assert float(keras_share) == pytest.approx(float(tflite_share), abs=2e-4)


def test_the_gallery_leaves_a_file_and_draws_references_and_answers(gallery):
    notebook, out = gallery
    assert not outputs(notebook, "error")
    pictures = [output for output in outputs(notebook, "display_data") if "image/png" in output["data"]]
    assert len(pictures) == 3
    assert len(lk.Gallery.load(out / "brands.gallery").labels) == 4


def test_the_gallery_says_how_well_it_names_brands_and_what_feedback_does(gallery):
    notebook, _ = gallery
    text = "".join(output["text"] for output in outputs(notebook, "stream") if output["name"] == "stdout")
    assert re.search(r"the likeliest brand is right: [\d.]+% of 12, ", text)
    assert re.search(r"strangers that got a name: [\d.]+% of 6$", text, re.MULTILINE)
    assert re.search(r"1 other photographs: \d+% right before, \d+% after", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
