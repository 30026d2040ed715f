"""TensorRT-RTX itself: the three precisions of a trained model become engines, and what it cannot build it names."""

import json
import subprocess
import sys

import onnx
import pytest
from onnx import helper

from logo_keras.export import tensorrt, tensorrt_engine
from logo_keras.export.artifact import report_path
from logo_keras.export.check import verification
from logo_keras.export.check.reference import Reference
from logo_keras.export.served import opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rtx(clients):
    clients.module("tensorrt_rtx")
    return tensorrt_engine.library("tensorrt_rtx")


@pytest.fixture(scope="module")
def reference(small_model, small_photos, small_set):
    """What Keras says of 64 photographs, and others, of the training, that int8 is calibrated on."""
    shown = sorted((small_set / "train").glob("*/*.jpg"))[::3]
    return Reference(opened(small_model), sorted(small_photos.glob("*/*.jpg")), calibration=shown)


@pytest.fixture(scope="module", params=tensorrt.PRECISIONS)
def built(request, rtx, reference, tmp_path_factory):
    """The folder with an engine for two kinds of GPU, the ONNX file that it is from, and the report."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        # A model that was trained for a minute is hardly sure of anything: 8 bits change its mind often, and 16 now and then (on
        # 3 of these 64 photographs), where a model that is sure keeps to the real bounds.
        patch.setitem(verification.BOUNDS, "int8", verification.Bound(agreement=0.5))
        patch.setitem(verification.BOUNDS, "float16", verification.Bound(agreement=0.9))
        report = tensorrt.export(
            reference.model,
            folder / "model.engine",
            precision=request.param,
            compute_capabilities=["8.6", "8.9"],
            runtime="tensorrt_rtx",
            keep_onnx=folder / "model.onnx",
            reference=reference,
        )
        assert report.failures == ()
    return folder, report


def test_the_engine_is_built_and_its_onnx_file_answers_as_keras_does(built):
    folder, report = built
    assert report.photographs == 64 and report.max_abs_diff < {"float32": 1e-4, "float16": 0.5, "int8": 0.8}[report.precision]
    facts = json.loads(report_path(folder / "model.engine").read_text(encoding="utf-8"))
    assert facts["bytes"] == (folder / "model.engine").stat().st_size > 5e6
    assert facts["compute_capabilities"] == ["8.6", "8.9"] and facts["library"].startswith("TensorRT-RTX 1.")
    if not facts["engine_was_run"]:
        assert facts["runtime"].endswith("on the same ONNX file; the engine was not run")


def test_the_navigator_still_picks_most_of_the_regions_that_keras_picks(built):
    _, report = built
    # Of 128 regions; where two scores lie close, fewer bits may exchange them.
    assert report.same_regions >= {"float32": 0.99, "float16": 0.95, "int8": 0.6}[report.precision]
    assert report.same_region_diff == 0


def test_polygraphy_finds_no_fault_in_the_onnx_file(built, clients, tmp_path):
    clients.module("polygraphy")
    folder, _ = built
    tool = [sys.executable, "-c", "from polygraphy.tools import main; main()"]
    lint = [*tool, "check", "lint", folder / "model.onnx", "-o", tmp_path / "lint.json"]
    ran = subprocess.run(lint, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads((tmp_path / "lint.json").read_text(encoding="utf-8"))["lint_entries"]
    assert [entry for entry in found if entry["level"] == "exception"] == []


def test_an_engine_for_any_number_of_photographs(rtx, reference):
    source = tensorrt.typed_onnx(reference.model, batch="free").SerializeToString()
    assert len(tensorrt_engine.build(rtx, source, tensorrt_engine.capabilities(rtx, "8.6"), workspace=512, largest_batch=4)) > 5e6


def graph(node):
    kind = onnx.TensorProto.FLOAT
    value = [helper.make_tensor_value_info(name, kind, [1, 4]) for name in ("images", "probabilities")]
    model = helper.make_model(
        helper.make_graph([node], "graph", value[:1], value[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return model.SerializeToString()


def test_what_it_cannot_read_is_named(rtx):
    node = helper.make_node("Det", ["images"], ["probabilities"], name="head/determinant")
    with pytest.raises(ValueError, match=r"TensorRT-RTX 1\..* cannot read the ONNX file: node head/determinant \(Det\): "):
        tensorrt_engine.build(rtx, graph(node), tensorrt_engine.capabilities(rtx, "8.6"))
