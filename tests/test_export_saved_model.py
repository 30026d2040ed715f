"""A SavedModel: both its signatures answer as Keras does, and it decodes and resizes photographs px by px as every client."""

import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import photographs as files
import pytest
import tensorflow as tf
from exporting import MAKERS, NAMES, left
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.errors import UserError
from logo_keras.export import saved_model
from logo_keras.export.check.reference import Reference
from logo_keras.export.check.verification import BOUND, DiffersFromKeras
from logo_keras.export.passes import graph_preprocessing
from logo_keras.export.saved_model import BytesReport, Folder, SignaturesDiffer, check_bytes
from logo_keras.image import preprocessing

SIZE = 64
INVALID = tf.errors.InvalidArgumentError


def plain(**arguments):
    keras.utils.set_random_seed(1)
    return lk.Classifier(class_names=NAMES, image_size=SIZE, backbone=tiny_backbone(), **arguments)


def drna():
    keras.utils.set_random_seed(2)
    options = {"decision": "fused", "antialias": False, "views": ("region", "crop", "drop")}
    return lk.DRNANet(class_names=NAMES, image_size=96, region_size=32, backbone=tiny_backbone(), **options)


def noise(height, width, seed=0):
    """Every grey level anywhere: uint8 `[height, width, 3]`."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def variable_bytes(path):
    return sum(file.stat().st_size for file in (path / "variables").glob("*.data-*"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory, few_photos):
    """A model with regions, the path of its SavedModel, and the report."""
    model, path = drna(), tmp_path_factory.mktemp("export") / "model.saved_model"
    return model, path, saved_model.export(model, path, few_photos)


@pytest.fixture(scope="module")
def folder(exported):
    return Folder(exported[1])


@pytest.fixture(scope="module")
def facts(exported):
    return json.loads((exported[1].parent / "model.saved_model.json").read_text(encoding="utf-8"))


def test_both_signatures_answer_as_keras_does(exported, facts):
    report = exported[2]
    assert report.failures == () and report.photographs == 24
    assert report.max_abs_diff <= BOUND and report.top1_agreement == 1
    figures = facts["serve_bytes"]
    assert (figures["photographs"], figures["encoded_again"], figures["top1_agreement"]) == (24, 0, 1)
    assert figures["max_abs_diff"] < 1e-5


@pytest.mark.slow
def test_a_network_that_people_use_answers_as_keras_does(few_photos, tmp_path):
    report = saved_model.export(MAKERS["real"](), tmp_path / "model.saved_model", few_photos, limit=8)
    assert report.failures == () and report.max_abs_diff <= BOUND


def test_serve_bytes_gives_what_keras_gives_and_the_size_of_each_photograph(exported, folder):
    model = exported[0]
    data = [files.encode(files.scene(*sides, seed=sides[0]), ".png") for sides in ((40, 60), (300, 201), (96, 96))]
    images = np.stack([preprocessing.prepare(file, 96) for file in data])
    ours, theirs = folder.serve_bytes(data), model(images, training=False)
    assert set(ours) == {*model.export_outputs, "sizes"}
    assert ours["sizes"].tolist() == [[40, 60], [300, 201], [96, 96]]
    for name in model.export_outputs:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-4)


def test_a_box_is_mapped_back_by_the_size(exported, folder):
    photo = files.encode(files.scene(200, 120), ".png")
    ours = folder.serve_bytes([photo])
    height, width = ours["sizes"][0]
    boxes = ours["region_boxes"][0] * np.array([height, width, height, width]) / 96
    np.testing.assert_allclose(boxes, exported[0].recognize(photo).region_boxes, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_batch_is_free(exported, folder, count):
    images = np.stack([noise(96, 96, seed).astype(np.float32) for seed in range(count)])
    np.testing.assert_allclose(
        folder.serve(images)["probabilities"], exported[0](images, training=False)["probabilities"], atol=1e-5
    )
    assert folder.serve_bytes([files.encode(image.astype(np.uint8), ".png") for image in images])["sizes"].shape == (count, 2)


def test_tensorflow_servings_default_is_serve(folder):
    images = noise(96, 96)[None].astype(np.float32)
    answer = folder.loaded.signatures["serving_default"](images=tf.constant(images))
    np.testing.assert_array_equal(answer["probabilities"], folder.serve(images)["probabilities"])


def test_the_weights_are_inside_and_once(exported):
    model, path, _ = exported
    # Heads that only train stay out; a small index comes on top.
    heads = ("teacher", "whole_classifier", "augmented_classifier")
    trained = sum(4 * int(np.prod(weight.shape)) for weight in model.weights)
    unused = sum(4 * int(np.prod(weight.shape)) for head in heads for weight in getattr(model, head).weights)
    assert 0 < trained - unused <= variable_bytes(path) < 1.3 * trained


def test_a_process_without_keras_and_this_package_gets_the_same_numbers(exported, tmp_path):
    model, path, _ = exported
    moved = tmp_path / "elsewhere"
    shutil.copytree(path, moved)
    image = noise(96, 96)
    np.save(tmp_path / "image.npy", image[None].astype(np.float32))
    (tmp_path / "photo.png").write_bytes(files.encode(image, ".png"))
    code = f"""
import sys
sys.modules["keras"] = sys.modules["logo_keras"] = None
import json, numpy as np, tensorflow as tf
loaded = tf.saved_model.load({str(moved)!r})
served = loaded.signatures["serve"](images=tf.constant(np.load("image.npy")))
decoded = loaded.signatures["serve_bytes"](photographs=tf.constant([open("photo.png", "rb").read()]))
print(json.dumps([answer["probabilities"].numpy().tolist() for answer in (served, decoded)]))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    served, decoded = json.loads(ran.stdout)
    expected = model(image[None].astype(np.float32), training=False)["probabilities"]
    np.testing.assert_allclose(served, expected, atol=1e-5)
    np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_the_folder_says_what_it_is(exported):
    model, path, _ = exported
    said = model_file.Metadata.from_json((path / "assets.extra" / "logo_keras.json").read_text(encoding="utf-8"))
    assert said == model_file.Metadata(NAMES, 96, "stretch", "DRNANet", model.decision, lk.__version__)
    assert (path / "assets.extra" / "labels.txt").read_text(encoding="utf-8").splitlines() == list(NAMES)


def test_the_json_file_describes_both_signatures(facts):
    assert facts["format"] == "SavedModel" and facts["operators"]["Conv2D"] > 0 and "DecodeJpeg" not in facts["operators"]
    assert facts["inputs"][0]["name"] == "images" and facts["inputs"][0]["shape"] == ["free", 96, 96, 3]
    assert {output["name"] for output in facts["outputs"]} == {"probabilities", "region_boxes", "region_scores"}
    decoding = facts["signatures"]["serve_bytes"]
    assert decoding["inputs"][0]["dtype"] == "string" and decoding["operators"]["DecodeJpeg"] == 1
    assert {output["name"]: output["dtype"] for output in decoding["outputs"]}["sizes"] == "int32"


def test_embedding_static_batch_and_the_papers_preprocessing(tmp_path):
    model = plain(preprocessing="paper")
    saved_model.convert(model, tmp_path / "model", outputs=("probabilities", "embedding"), batch=3)
    folder = Folder(tmp_path / "model")
    data = [files.encode(files.scene(90 + seed, 120, seed), ".jpg") for seed in range(5)]
    images = np.stack([preprocessing.prepare(file, SIZE, "paper") for file in data])
    theirs = model(images, training=False, embedding=True)
    # Five in static batches of three: filled up, and cut again.
    for ours in (folder.serve(images), folder.serve_bytes(data)):
        np.testing.assert_allclose(ours["probabilities"], theirs["probabilities"], atol=1e-5)
        np.testing.assert_allclose(ours["embedding"], theirs["embedding"], atol=1e-5)
    assert folder.facts()["signatures"]["serve_bytes"]["inputs"][0]["shape"] == [3]


def test_one_broken_photograph_fails_the_call(folder):
    good = files.encode(files.scene())
    with pytest.raises(INVALID, match="must be the bytes of a JPEG or PNG file"):
        folder.serve_bytes([good, b"no photograph"])
    with pytest.raises(INVALID):
        folder.serve_bytes([good, good[:-40]])
    assert len(folder.serve_bytes([good, good])["probabilities"]) == 2


class Answers:
    """Stands in for a loaded SavedModel whose signatures give these classes."""

    def __init__(self, serve, serve_bytes):
        self.given = {"serve": list(serve), "serve_bytes": list(serve_bytes)}

    def serve(self, images):
        return {"probabilities": np.eye(3)[[self.given["serve"].pop(0) for _ in images]]}

    def serve_bytes(self, photographs):
        return {"probabilities": np.eye(3)[[self.given["serve_bytes"].pop(0) for _ in photographs]]}


@pytest.mark.parametrize(("wrong", "passes"), [(0, True), (1, True), (2, False)])
def test_signatures_must_agree_on_19_of_20(wrong, passes):
    reference = Reference(plain(), [files.scene(seed=seed) for seed in range(20)])
    report = check_bytes(Answers([0] * 20, [1] * wrong + [0] * (20 - wrong)), reference)
    assert report.top1_agreement == pytest.approx(1 - wrong / 20)
    assert (report.failures == ()) is passes
    assert report.encoded_again == 20


def test_photos_of_more_px_than_serve_bytes_takes_are_left_out(monkeypatch):
    monkeypatch.setattr(graph_preprocessing, "MAX_PIXELS", 90 * 120)
    small, large = (files.encode(files.scene(*sides)) for sides in ((90, 120), (91, 120)))
    assert check_bytes(Answers([0, 1], [0, 1]), Reference(plain(), [large, small, small])).photographs == 2
    with pytest.raises(UserError, match="serve_bytes cannot be checked: it takes photos of at most 10,800 px"):
        check_bytes(Answers([], []), Reference(plain(), [large]))


def test_probabilities_that_are_no_numbers_do_not_pass():
    assert BytesReport(20, 0, 1.0, float("nan")).failures


def test_photographs_that_serve_bytes_cannot_read_upright_are_encoded_again(exported, folder):
    photo = files.encode(files.scene(90, 120))
    kinds = [photo, files.with_orientation(photo, 6), files.encode(files.scene(), ".webp"), files.scene(seed=4)]
    report = check_bytes(folder, Reference(exported[0], kinds))
    assert (report.photographs, report.encoded_again, report.top1_agreement) == (4, 3, 1)
    assert report.max_abs_diff < 1e-5


@pytest.fixture
def older(exported, tmp_path):
    """An older SavedModel, with a file by which it is known."""
    path = tmp_path / "out" / "model.saved_model"
    shutil.copytree(exported[1], path)
    (path / "older").touch()
    return path


def test_an_older_folder_is_replaced_by_one_that_passes(older, few_photos):
    saved_model.export(plain(), older, few_photos, limit=2)
    assert not (older / "older").exists() and (older / "saved_model.pb").exists()
    assert left(older.parent) == ["model.saved_model", "model.saved_model.json"]


def test_an_older_folder_is_kept_where_the_new_one_differs(older, exported, few_photos, monkeypatch):
    monkeypatch.setattr(saved_model, "convert", lambda model, path, outputs, batch: shutil.copytree(exported[1], path))
    other = drna()
    for weight in other.trainable_weights:
        weight.assign(weight * 1.5)
    with pytest.raises(DiffersFromKeras, match="model.saved_model was not written"):
        saved_model.export(other, older, few_photos, limit=4)
    assert (older / "older").exists() and left(older.parent) == ["model.saved_model"]


def test_an_older_folder_is_kept_where_the_signatures_differ(older, exported, few_photos, monkeypatch):
    monkeypatch.setattr(saved_model, "convert", lambda model, path, outputs, batch: shutil.copytree(exported[1], path))
    monkeypatch.setattr(saved_model, "check_bytes", lambda folder, reference: BytesReport(24, 0, 0.5, 0.9))
    with pytest.raises(SignaturesDiffer, match="serve_bytes gives the same answer on 50.00%, less than 95%"):
        saved_model.export(exported[0], older, few_photos, limit=4)
    assert (older / "older").exists() and left(older.parent) == ["model.saved_model"]


def test_a_folder_of_other_things_is_never_replaced(tmp_path, few_photos):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileExistsError, match="something else than a SavedModel"):
        saved_model.export(plain(), tmp_path, few_photos)
    assert left(tmp_path) == ["notes.txt"]


def test_what_is_no_saved_model_of_ours_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a SavedModel that TensorFlow reads"):
        saved_model.open_folder(tmp_path)
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(ValueError, match="no signature 'serve'"):
        saved_model.open_folder(tmp_path / "other")


def test_the_pages_snippets_run(exported, root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(exported[1], "model.saved_model")
    photo = files.encode(files.scene(200, 120))
    (tmp_path / "photo.jpg").write_bytes(photo)
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "serving.md").read_text(encoding="utf-8"), re.DOTALL)
    namespace = {}
    for block in blocks[:3]:
        exec(block, namespace)
    first, *regions = capsys.readouterr().out.splitlines()
    expected = exported[0].recognize(photo)
    assert first.startswith(f"{expected.labels[0]} ")
    rows_and_columns = np.array([re.findall(r"-?\d+", line) for line in regions], float)
    np.testing.assert_allclose(rows_and_columns[:, [0, 2, 1, 3]], expected.region_boxes, atol=0.51)
    upright = namespace["upright"]
    assert upright(photo) == photo
    for lying in (files.with_orientation(photo, 6), files.with_orientation(photo, 4)):
        decoded = graph_preprocessing.decode(tf.constant(upright(lying)))
        np.testing.assert_allclose(decoded, preprocessing.decode(lying), atol=2)
    assert upright(files.encode(files.scene(), ".webp")).startswith(b"\x89PNG")


def test_the_command_writes_the_folder_and_prints_the_figures(tmp_path, few_photos, capsys):
    plain().save(tmp_path / "model.keras")
    out = tmp_path / "model.saved_model"
    words = ["--model", tmp_path / "model.keras", "--out", out, "--photos", few_photos, "--limit", 3]
    assert saved_model.main(["logo-export-saved-model", *map(str, words)]) == 0
    text = capsys.readouterr().out
    assert "photographs compared with Keras  3" in text
    assert "serve_bytes against serve         3 photographs (0 encoded again" in text
    assert (out / "saved_model.pb").exists()


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported[1]))


@pytest.mark.parametrize("kind", ["uint8", "int64", "float64"])
def test_images_of_another_type_are_answered_alike_or_refused(loaded, folder, kind):
    images = noise(96, 96)[None] // 2
    wanted = folder.serve(images.astype(np.float32))
    ways = (
        lambda: folder.serve(images.astype(kind)),
        lambda: loaded.serve(images.astype(kind)),
        lambda: loaded.serve(tf.constant(images.astype(kind))),
        lambda: loaded.signatures["serving_default"](images=tf.constant(images.astype(kind))),
    )
    for way in ways:
        try:
            found = way()
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            assert "float" in str(error)
        else:
            for name, value in wanted.items():
                np.testing.assert_array_equal(found[name], value)
