"""The notebooks run from the first cell to the last, with little of everything."""

import re

import nbclient
import nbformat
import pytest
from conftest import ROOT

import logo_keras as lk

# Trains, exports and draws in a process of its own.
pytestmark = pytest.mark.slow
# After one epoch a navigator all but ties, and a file may then pick otherwise: a small model looks at fixed places.
SMALL = {"image_size": 128, "whole_size": 64, "region_size": 64, "navigation": "grid"}
FEW = {"brands": 3, "photos_a_brand": 10, "epochs": 1, "options": SMALL}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(name, out, **values):
    """A notebook after it has run below the folder `out`, with other values of its parameters."""
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    (cell,) = parameters(notebook)
    for parameter, value in values.items():
        cell.source, found = re.subn(rf"^{parameter} = .*$", f"{parameter} = {value!r}", cell.source, flags=re.MULTILINE)
        assert found == 1, f"{name} has no parameter {parameter}"
    # What it writes lies below the folder in which it runs.
    resources = {"metadata": {"path": str(out)}}
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    return notebook


def parameters(notebook):
    """The cells that papermill would replace."""
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]


@pytest.fixture(scope="module")
def first_model(tmp_path_factory):
    """The first notebook after it has run, and the folder that it wrote to."""
    out = tmp_path_factory.mktemp("first_model")
    size = {"brands": 3, "train": 8, "validation": 2, "test": 4}
    return executed("01_first_model.ipynb", out, epochs=1, options=SMALL, size=size), out / "first_model"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """The gallery's notebook after it has run, and the folder that it wrote to."""
    out = tmp_path_factory.mktemp("gallery")
    return executed("05_gallery.ipynb", out, known=4, strangers=4, photographs=3), out / "gallery"


def outputs(notebook, kind):
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if output["output_type"] == kind]


def pictures(notebook):
    return [output for output in outputs(notebook, "display_data") if "image/jpeg" in output["data"]]


def printed(notebook):
    return "".join(output["text"] for output in outputs(notebook, "stream") if output["name"] == "stdout")


def test_the_first_model_runs_and_leaves_a_model_and_a_file(first_model):
    notebook, out = first_model
    assert not outputs(notebook, "error")
    assert (out / "model.keras").stat().st_size > 1e6
    assert (out / "model.tflite").stat().st_size > 1e6


def test_the_first_model_draws_photographs_curves_answers_and_regions(first_model):
    notebook, _ = first_model
    assert len(pictures(notebook)) == 4


def test_the_first_models_file_answers_as_keras_does(first_model):
    notebook, _ = first_model
    keras, tflite = [line.split(maxsplit=1)[1] for line in notebook.cells[-1]["outputs"][0]["text"].strip().splitlines()]
    (keras_brand, keras_share), (tflite_brand, tflite_share) = keras.rsplit(maxsplit=1), tflite.rsplit(maxsplit=1)
    assert keras_brand == tflite_brand
    assert float(keras_share) == pytest.approx(float(tflite_share), abs=2e-4)


def test_the_gallery_leaves_a_file_and_draws_references_and_answers(gallery):
    notebook, out = gallery
    assert not outputs(notebook, "error")
    assert len(pictures(notebook)) == 3
    assert len(lk.Gallery.load(out / "brands.gallery").labels) == 4


def test_the_gallery_says_how_well_it_names_brands_and_what_feedback_does(gallery):
    notebook, _ = gallery
    text = printed(notebook)
    assert re.search(r"the likeliest brand is right: [\d.]+% of 12, ", text)
    assert re.search(r"strangers that got a name: [\d.]+% of 6$", text, re.MULTILINE)
    assert re.search(r"1 other photographs: \d+% right before, \d+% after", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_ones_own_photos_leave_a_model_and_a_report(tmp_path):
    notebook = executed("02_your_own_photos.ipynb", tmp_path, **FEW)
    out = tmp_path / "your_own_photos"
    assert (out / "run" / "model.keras").stat().st_size > 1e6
    assert "<html" in (out / "report" / "report.html").read_text(encoding="utf-8")
    assert "no trouble" in printed(notebook) and pictures(notebook)


def test_what_the_network_looks_at_is_drawn_in_four_pictures(tmp_path):
    notebook = executed("03_what_the_network_looks_at.ipynb", tmp_path, **FEW)
    assert len(pictures(notebook)) == 4
    assert re.search(r"augmentation_maps +float32 \(1, 2, ", printed(notebook))


def test_exported_files_are_checked_and_evaluated(tmp_path):
    notebook = executed("04_export_and_check.ipynb", tmp_path, **FEW, formats=["tflite", "onnx"])
    assert len(re.findall(r"passed$", printed(notebook), re.MULTILINE)) == 2
    assert len(re.findall(r"% right, 95 % interval", printed(notebook))) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_have_one_cell_of_parameters_and_no_switches_for_tests(path):
    notebook = nbformat.read(path, as_version=4)
    assert len(parameters(notebook)) == 1
    assert not re.search(r"environ|\bquick\b|\.\./", "".join(cell.source for cell in notebook.cells))
