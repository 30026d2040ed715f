"""An exported embedder in every format: it gives what Keras gives, says what it is, and none is left where it does not."""

import json

import keras
import numpy as np
import pytest
from exporting import left, used_to
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.export import all as every
from logo_keras.export import onnx, saved_model, tflite
from logo_keras.export.check.verification import BOUND, DiffersFromKeras
from logo_keras.image.surroundings import square

pytestmark = pytest.mark.usefixtures("hardly_timed")
FORMATS = {"tflite": tflite.export, "onnx": onnx.export}


@pytest.fixture(scope="module")
def model(few_photos):
    """A tiny embedder of 40 brands; its batch norm has seen the photos, so that vectors point everywhere."""
    keras.utils.set_random_seed(1)
    model = lk.LogoEmbedder(num_classes=40, image_size=64, dimensions=16, num_backgrounds=5, backbone=tiny_backbone(32))
    return used_to(model, few_photos)


@pytest.fixture(scope="module")
def calibrating(tmp_path_factory):
    """Other photos."""
    return lk.datasets.synthesize(tmp_path_factory.mktemp("calibrating") / "set", brands=4, train=4, validation=0, test=0, none=0)


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, model, few_photos, tmp_path_factory):
    """A file of the model and the report of its check."""
    path = tmp_path_factory.mktemp("export") / f"marks.{request.param}"
    return path, FORMATS[request.param](model, path, few_photos)


def test_the_file_embeds_as_keras_does(exported, model, few_photos):
    path, report = exported
    assert report.failures == () and (report.photographs, report.labelled) == (24, 24)
    assert report.max_abs_diff <= BOUND and report.max_objectness_diff <= BOUND and report.min_cosine > 0.99999
    photos = sorted(few_photos.glob("*/*.jpg"))[::5]
    found = lk.edge.Embedder(path).infer_photos(photos)
    np.testing.assert_allclose(found["embedding"], model.embed(photos), atol=BOUND)
    np.testing.assert_allclose(np.linalg.norm(found["embedding"], axis=1), 1, atol=1e-5)


def test_objectness_is_that_of_the_vectors(exported, model, few_photos):
    found = lk.edge.Embedder(exported[0]).infer_photos(sorted(few_photos.glob("*/*.jpg"))[::5])
    classes = model.cosine_head.class_vectors.numpy().reshape(-1, 16)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    best = [(found["embedding"] @ vectors.T).max(axis=1) for vectors in (classes, model.background_vectors)]
    np.testing.assert_allclose(found["objectness"], best[0] - best[1], atol=BOUND)


def test_the_file_says_what_it_is(exported, model):
    said = model_file.read(exported[0])
    assert (said.model, said.class_names, said.decision, said.dimensions) == ("LogoEmbedder", (), None, 16)
    cosines = (said.backgrounds * model.background_vectors).sum(axis=1)
    assert said.backgrounds.shape == (5, 16) and cosines.min() > 1 - 1e-6
    facts = json.loads(exported[0].with_name(f"{exported[0].name}.json").read_text())
    assert facts["metadata"]["dimensions"] == 16 and facts["figures"]["min_cosine"] > 0.999


def test_describe_shows_it(exported, capsys):
    lk.describe(exported[0])
    text = capsys.readouterr().out
    assert "LogoEmbedder" in text and "dimensions 16" in text and "num_backgrounds 5" in text and "classes" not in text


def test_a_tflite_file_needs_builtin_operators_alone(exported):
    if exported[0].suffix == ".onnx":
        pytest.skip("of TFLite")
    assert {"REDUCE_MAX", "FULLY_CONNECTED"} <= set(tflite.operators(exported[0].read_bytes()))


def test_the_embedding_alone_leaves_the_class_vectors_out(exported, model, few_photos, tmp_path):
    path, _ = exported
    alone = tmp_path / f"alone{path.suffix}"
    report = FORMATS[path.suffix[1:]](model, alone, few_photos, limit=4, outputs="embedding")
    assert lk.edge.Embedder(alone).outputs == ("embedding",) and report.max_objectness_diff is None
    assert path.stat().st_size - alone.stat().st_size > 4 * 40 * 16


def test_a_saved_model_embeds_as_keras_does(model, few_photos, tmp_path):
    report = saved_model.export(model, tmp_path / "marks.saved_model", few_photos, limit=5)
    assert report.failures == () and report.max_abs_diff <= BOUND
    facts = json.loads((tmp_path / "marks.saved_model.json").read_text())
    assert facts["serve_bytes"]["top1_agreement"] == 1
    assert left(tmp_path / "marks.saved_model" / "assets.extra") == ["logo_keras.json"]
    folder = saved_model.Folder(tmp_path / "marks.saved_model")
    photo = next(few_photos.glob("*/*.jpg"))
    found = folder.serve_bytes([photo.read_bytes()])
    assert set(found) == {"embedding", "objectness", "sizes"}
    # The graph stretches what it is given; `embed` cuts a square first.
    stretched = lk.preprocessing.prepare(photo, 64)
    np.testing.assert_allclose(found["embedding"], model.embed(stretched.astype(np.uint8)), atol=BOUND)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_files_find_what_keras_finds(model, few_photos, calibrating, tmp_path, precision):
    calibration = calibrating if precision == "int8" else None
    report = tflite.export(model, tmp_path / "marks.tflite", few_photos, precision=precision, calibration=calibration)
    assert report.failures == () and report.labelled == 24
    assert report.min_cosine > (0.999 if precision == "float16" else 0.9)
    assert lk.edge.Embedder(tmp_path / "marks.tflite").embed(np.zeros((9, 9, 3), np.uint8)).dtype == np.float32


def test_a_file_that_embeds_otherwise_is_not_written(model, few_photos, tmp_path, monkeypatch):
    convert = tflite.convert

    def other(model, *arguments):
        keras.utils.set_random_seed(2)
        return convert(lk.LogoEmbedder(num_classes=3, image_size=64, dimensions=16, backbone=tiny_backbone()), *arguments)

    monkeypatch.setattr(tflite, "convert", other)
    with pytest.raises(DiffersFromKeras, match="was not written: an embedding that differs by .* a cosine of"):
        tflite.export(model, tmp_path / "marks.tflite", few_photos, limit=3)
    assert left(tmp_path) == []


def test_the_table_of_all_formats_has_what_embedders_are_judged_by(model, few_photos, tmp_path):
    model.save(tmp_path / "marks.keras")
    out = tmp_path / "out"
    rows = every.export_all(tmp_path / "marks.keras", out, few_photos, formats=("onnx", "tflite"), say=lambda line: None)
    assert not any(row.failed for row in rows) and left(out)[-1] == "marks.tflite.json"
    heads, keras_row, first, _ = every.table.text(rows).splitlines()
    assert heads.split() == ["format", "file", "MB", "R@1", "largest", "diff.", "cosine", "ms", "passed"]
    assert keras_row.split()[:4] == ["Keras", "-", "-", "-"] and "1.0000" in first
    again = every.check_all(out, photos=few_photos, limit=4, say=lambda line: None)
    assert not any(row.failed for row in again)


def test_a_gallery_of_the_file_is_one_of_the_model(exported, model, few_photos, tmp_path):
    photos = sorted(few_photos.glob("*/*.jpg"))
    gallery = lk.Gallery(exported[0])
    for photo in photos[::6]:
        gallery.add(photo.parent.name, [(photo, (0, 0, 100, 100))])
    gallery.save(tmp_path / "marks.gallery")
    model.save(tmp_path / "model.keras")
    again = lk.Gallery.load(tmp_path / "marks.gallery", tmp_path / "model.keras")
    vectors = model.embed([square(lk.preprocessing.read(photos[1]), (0, 0, 100, 100))])
    np.testing.assert_allclose(again.embed(photos[1], [(0, 0, 100, 100)]), vectors, atol=BOUND)
    np.testing.assert_allclose(again.similarities(vectors), gallery.similarities(vectors), atol=1e-3)
    (match, *_) = again.recognize(photos[0], boxes=[(0, 0, 100, 100)])
    assert match.label == photos[0].parent.name
