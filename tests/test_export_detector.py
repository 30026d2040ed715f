"""An exported detector in every format: it finds what Keras finds, says what it is, and none is left where it does not."""

import contextlib
import copy
import json
import shutil

import numpy as np
import pytest
from exporting import detector, left, used_to

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.export import all as every
from logo_keras.export import onnx, saved_model, tensorrt, tflite
from logo_keras.export.artifact import write
from logo_keras.export.check.reference import Reference
from logo_keras.export.check.verification import DiffersFromKeras

pytestmark = pytest.mark.usefixtures("hardly_timed")
FORMATS = {"tflite": tflite.export, "onnx": onnx.export}


@pytest.fixture(scope="module")
def model(few_photos):
    """A tiny detector; the batch norm of its embedder has seen the photos, so that vectors point everywhere."""
    model = detector()
    used_to(model.embedder, few_photos)
    return model


@pytest.fixture(scope="module")
def photos(few_photos):
    """Two photos of each of four brands."""
    return sorted(few_photos.glob("*/*.jpg"))[::3]


@pytest.fixture(scope="module")
def reference(model, photos, few_photos):
    """What Keras says of the photos; others are to calibrate on."""
    return Reference(model, photos, calibration=sorted(few_photos.glob("*/*.jpg"))[1::3])


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, model, reference, tmp_path_factory):
    """A file of the model and the report of its check."""
    path = tmp_path_factory.mktemp("export") / f"places.{request.param}"
    return path, FORMATS[request.param](model, path, reference=reference)


def test_the_file_finds_and_embeds_what_keras_does(exported, model, photos):
    path, report = exported
    assert report.failures == () and (report.photographs, report.labelled, report.regions) == (8, 8, 32)
    assert report.agreement > 0.999 and report.max_box_diff < 1e-2 and report.min_region_cosine > 0.9999
    opened = lk.edge.Detector(path)
    for photo in photos[:2]:
        ours, theirs = opened.detect(photo), model.detect(photo)
        assert len(theirs.boxes) > 0
        for name in ("boxes", "scores", "embeddings", "objectness", "whole_embedding", "whole_objectness"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=0.1 if name == "boxes" else 1e-3)


def test_a_long_photo_and_a_small_one_are_answered_as_by_keras(exported, model, photos):
    opened, photo = lk.edge.Detector(exported[0]), lk.preprocessing.read(photos[0])
    for seen in (np.tile(photo[:100, :100], (1, 4, 1)), photo[:40, :30]):
        ours, theirs = opened.detect(seen), model.detect(seen)
        assert len(theirs.boxes) > 0
        np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=0.1)
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-3)


def test_crops_are_embedded_as_by_the_embedder(exported, model, photos):
    # Of any shape; smaller and larger than the 32 px of the embedder.
    crops = [lk.preprocessing.read(photo)[: 20 + 40 * number, : 90 - 8 * number] for number, photo in enumerate(photos)]
    ours, theirs = lk.edge.Detector(exported[0]).embed(crops, batch_size=3), model.embed(crops)
    np.testing.assert_array_equal(theirs, model.embedder.embed(crops))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_the_file_says_what_it_is(exported, model, capsys):
    said = model_file.read(exported[0])
    assert (said.model, said.class_names, said.decision) == ("LogoDetector", (), None)
    assert (said.num_regions, said.dimensions, said.client) == (4, 16, "Detector")
    cosines = (said.backgrounds * model.background_vectors).sum(axis=1)
    assert said.backgrounds.shape == (3, 16) and cosines.min() > 1 - 1e-6
    facts = json.loads(exported[0].with_name(f"{exported[0].name}.json").read_text())
    assert [each["name"] for each in facts["outputs"]] and facts["metadata"]["num_regions"] == 4
    assert all(each["description"] for each in facts["outputs"])
    lk.describe(exported[0])
    text = capsys.readouterr().out
    assert "LogoDetector" in text and "num_regions 4" in text and "dimensions 16" in text and "classes" not in text


def test_other_classes_say_what_opens_the_file(exported):
    for other in (lk.edge.Recognizer, lk.edge.Embedder):
        with pytest.raises(lk.edge.UnusableModel, match=r"a detector, .* open it with logo_keras\.edge\.Detector"):
            other(exported[0])


def test_int8_and_keras_find_the_same_places(model, reference, photos, tmp_path):
    report = tflite.export(model, tmp_path / "places.tflite", precision="int8", reference=reference)
    assert report.failures == () and report.agreement > 0.9 and report.mean_region_cosine > 0.95
    assert report.calibration.startswith("8 photos")
    opened = lk.edge.Detector(tmp_path / "places.tflite")
    assert opened.infer(reference.images[:1])["embedding"].dtype == np.float32
    assert len(opened.detect(photos[0]).boxes) > 0


@pytest.mark.slow
def test_a_saved_model_finds_what_keras_finds(model, reference, tmp_path):
    report = saved_model.export(model, tmp_path / "places.saved_model", reference=reference)
    assert report.failures == () and report.agreement > 0.999
    facts = json.loads((tmp_path / "places.saved_model.json").read_text())
    assert facts["serve_bytes"]["top1_agreement"] == 1
    assert left(tmp_path / "places.saved_model" / "assets.extra") == ["logo_keras.json"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "dynamic"])
def test_smaller_files_find_the_same_places(model, reference, tmp_path, precision):
    report = tflite.export(model, tmp_path / "places.tflite", precision=precision, reference=reference)
    assert report.failures == () and report.mean_region_cosine > 0.99


def test_a_file_that_finds_other_places_is_not_written(reference, exported, tmp_path):
    other = copy.copy(reference)
    other.expected = reference.expected | {"region_boxes": reference.expected["region_boxes"] + np.float32([9, 9, 0, 0])}
    with pytest.raises(DiffersFromKeras, match="was not written: regions elsewhere on . photographs; a score"):
        write(
            tmp_path / exported[0].name,
            other,
            name="a file",
            make=lambda path: shutil.copy(exported[0], path),
            open=lambda path: lk.edge.Detector(exported[0]).infer,
            describe=lambda path: {},
            precision="float32",
            runtime="an engine",
        )
    assert left(tmp_path) == []


def test_a_detector_s_file_gives_all_outputs(model, tmp_path):
    with pytest.raises(ValueError, match="outputs must name region_boxes, .*, objectness, and each output once"):
        onnx.export(model, tmp_path / "places.onnx", outputs="region_boxes,embedding")


def test_no_engine_is_built_of_a_detector(model, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorrt.tensorrt_engine, "library", lambda runtime: None)
    monkeypatch.setattr(tensorrt.tensorrt_engine, "capabilities", lambda *arguments: ())
    monkeypatch.setattr(tensorrt.tensorrt_engine, "check_cache", lambda *arguments: None)
    with pytest.raises(
        ValueError, match="no engine is built of LogoDetector, a detector: write an ONNX file with logo-export-onnx"
    ):
        tensorrt.export(model, tmp_path / "places.engine")
    assert left(tmp_path) == []


def test_the_table_of_all_formats_leaves_tensorrt_out(model, monkeypatch, tmp_path, photos):
    asked = []
    monkeypatch.setattr(every, "_exported", lambda target, *arguments: asked.append(target.title) or every.Row(target.title, ""))
    monkeypatch.setattr(every.table, "timed", lambda rows, reference: rows)
    monkeypatch.setattr(every, "referring", lambda *arguments, **options: contextlib.nullcontext())
    every.export_all(model, tmp_path, photos, say=lambda line: None)
    assert "TensorRT float16" not in asked and len(asked) == len(every.TARGETS) - 1


def test_near_ties_are_those_of_competing_cells(model, reference):
    images = reference.images[:3].astype(np.float32)
    assert not model.near_ties(images, 0).any()
    assert model.near_ties(images, 100.0).all()
    # All cells say the same where the head is blind.
    kernel = model.box_head.score.kernel.numpy()
    model.box_head.score.kernel.assign(0 * kernel)
    assert model.near_ties(images).all()
    model.box_head.score.kernel.assign(kernel)
