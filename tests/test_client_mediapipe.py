"""Exported files in MediaPipe's ImageClassifier and ImageEmbedder, in an environment of its own (tests/clients/mediapipe.py)."""

import dataclasses
import functools
import json
import subprocess

import cv2
import keras
import numpy as np
import pytest
from mediapipe_metadata import description

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.export import tflite
from logo_keras.export.passes import mediapipe, quantization
from logo_keras.export.served import metadata_of, opened, output_names
from logo_keras.image import preprocessing

pytestmark = pytest.mark.slow
# Both run LiteRT's kernels, of two builds: on PNGs of model size no resizer is asked.
TOLERANCE = 1e-5
# Room for an activation that one build's kernels round up and the other's down.
INT8_TOLERANCE = 1e-3
COUNT = 16
FILES = [("float32", None), ("float32", "probabilities"), ("float32", "region_scores,probabilities,embedding"), ("uint8", None)]


@pytest.fixture(scope="module")
def model(small_model):
    return opened(small_model)


@pytest.fixture(scope="module")
def converted(model):
    """Function from output names and a dtype to the TFLite model, converted once."""
    return functools.cache(lambda outputs=None, dtype="float32": tflite.convert(model, outputs, dtype=dtype))


@pytest.fixture(scope="module")
def pngs(model, small_photos, tmp_path_factory):
    """A folder of PNGs of model size, of photographs of all brands."""
    folder = tmp_path_factory.mktemp("pngs")
    photos = sorted(small_photos.glob("*/*.jpg"))
    for number, photo in enumerate(photos[:: max(1, len(photos) // COUNT)][:COUNT]):
        prepared = preprocessing.prepare(photo, model.image_size, model.preprocessing).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:02}.png"), cv2.cvtColor(prepared, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture
def run(clients):
    """Function from a file and a folder of PNGs to what MediaPipe says."""
    python = clients.python("mediapipe")

    def run(path, folder, root, task="classify"):
        command = [str(python), str(root / "tests" / "clients" / "mediapipe.py"), str(path), str(folder), task]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run


def written(path, data, described):
    """Writes a described file with its labels."""
    path.write_bytes(mediapipe.with_metadata(data, described))
    model_file.append(path, described)
    return path


def compare(answers, path, pngs, tolerance):
    """Asserts that MediaPipe answers as the edge runtime does."""
    recognizer = lk.edge.Recognizer(path)
    assert sorted(answers) == [png.name for png in sorted(pngs.glob("*.png"))]
    for name, answer in answers.items():
        expected = recognizer.recognize(pngs / name, top=len(recognizer.class_names))
        assert answer["head"] == "probabilities"
        assert answer["labels"][0] == expected.labels[0]
        ours, theirs = (
            dict(zip(labels, scores, strict=True))
            for labels, scores in ((expected.labels, expected.probabilities), (answer["labels"], answer["scores"]))
        )
        assert set(theirs) == set(recognizer.class_names)
        assert max(abs(ours[label] - theirs[label]) for label in ours) <= tolerance
        outputs = recognizer.infer(preprocessing.prepare(pngs / name, recognizer.image_size)[None])
        assert set(answer["heads"]) == set(outputs) - {"probabilities"}
        for head, values in answer["heads"].items():
            np.testing.assert_allclose(np.reshape(values, outputs[head].shape), outputs[head], atol=1e-3)


@pytest.mark.parametrize(("dtype", "outputs"), FILES)
def test_mediapipe_answers_as_the_edge_runtime(model, converted, pngs, run, root, tmp_path, dtype, outputs):
    path = written(tmp_path / "model.tflite", converted(outputs, dtype), metadata_of(model))
    compare(run(path, pngs, root)["answers"], path, pngs, TOLERANCE)


def test_mediapipe_reads_an_int8_file(model, converted, pngs, run, root, tmp_path):
    calibration = [preprocessing.prepare(png, model.image_size).astype(np.uint8) for png in sorted(pngs.glob("*.png"))]
    data = quantization.quantized(converted(dtype="uint8"), "int8", calibration)
    path = written(tmp_path / "model.tflite", data, metadata_of(model))
    compare(run(path, pngs, root)["answers"], path, pngs, INT8_TOLERANCE)


def test_mediapipe_gives_the_regions_of_the_edge_runtime(model, converted, pngs, run, root, tmp_path):
    path = written(tmp_path / "model.tflite", converted(), metadata_of(model))
    answers = run(path, pngs, root)["answers"]
    for name, answer in answers.items():
        expected = lk.edge.Recognizer(path).recognize(pngs / name)
        assert np.shape(expected.region_boxes)[0] == model.num_regions
        np.testing.assert_allclose(np.reshape(answer["heads"]["region_boxes"], (-1, 4)), expected.region_boxes, atol=1e-3)


def test_labels_with_umlauts_line_breaks_and_without_letters_keep_their_places(model, converted, pngs, run, root, tmp_path):
    names = ("Löwenbräu", "two\nlines", "carriage\r\nreturn", "日本", "a\u2028b", " spaces ", "", "last")
    described_so = dataclasses.replace(metadata_of(model), class_names=names)
    path = written(tmp_path / "model.tflite", converted("probabilities"), described_so)
    recognizer = lk.edge.Recognizer(path)
    shown = {name: " ".join(name.splitlines()) for name in names}
    for name, answer in run(path, pngs, root)["answers"].items():
        expected = recognizer.recognize(pngs / name, top=len(names))
        got = dict(zip(answer["labels"], answer["scores"], strict=True))
        for label, score in zip(expected.labels, expected.probabilities, strict=True):
            assert got[shown[label]] == pytest.approx(score, abs=TOLERANCE)


def test_mediapipe_gives_no_label_below_the_threshold_and_all_of_the_regions(model, converted, pngs, run, root, tmp_path):
    path = written(tmp_path / "plain.tflite", converted(), metadata_of(model))
    confidences = {png.name: lk.edge.Recognizer(path).recognize(png).confidence for png in pngs.glob("*.png")}
    # Between two photographs, so that half of them show nothing known.
    threshold = float(np.mean(sorted(confidences.values())[COUNT // 2 - 1 : COUNT // 2 + 1]))
    path = written(tmp_path / "model.tflite", converted(), dataclasses.replace(metadata_of(model), threshold=threshold))
    said, recognizer = run(path, pngs, root), lk.edge.Recognizer(path)
    assert said["description"]["outputs"][0]["threshold"] == pytest.approx(threshold)
    known = 0
    for name, answer in said["answers"].items():
        expected = recognizer.recognize(pngs / name)
        known += expected.known
        assert answer["labels"][:1] == list(expected.labels[:1])
        assert all(score >= threshold - TOLERANCE for score in answer["scores"])
        assert None not in answer["heads"]["region_boxes"] and len(answer["heads"]["region_boxes"]) == 4 * model.num_regions
    assert known == COUNT // 2


def test_mediapipes_own_schema_reads_what_ours_wrote(model, converted, pngs, run, root, tmp_path):
    path = written(tmp_path / "model.tflite", converted(), metadata_of(model))
    said = run(path, pngs, root)["description"]
    (graph,) = description(path.read_bytes())["subgraphs"]
    (images,) = said["inputs"]
    assert (images["name"], images["mean"], images["std"]) == ("images", [0.0], [1.0])
    assert (images["min"], images["max"]) == ([0.0], [255.0])
    texts = [(output["name"], output["description"]) for output in said["outputs"]]
    assert texts == [(output["name"], output["description"]) for output in graph["outputs"]]
    assert [output.get("files") for output in said["outputs"]] == [["labels.txt"], None, None]


def test_mediapipe_refuses_a_float_file_that_does_not_say_how_to_normalize(model, converted, clients, pngs, root, tmp_path):
    python = clients.python("mediapipe")
    path = tmp_path / "model.tflite"
    path.write_bytes(converted("probabilities"))
    model_file.append(path, metadata_of(model))
    command = [str(python), str(root / "tests" / "clients" / "mediapipe.py"), str(path), str(pngs), "classify"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode != 0 and "NormalizationOptions" in ran.stderr


@pytest.fixture(scope="module")
def embedder():
    keras.utils.set_random_seed(0)
    return lk.LogoEmbedder(num_classes=20, weights=None, image_size=96, dimensions=32, num_backgrounds=4)


@pytest.mark.parametrize(("outputs", "precision"), [("embedding", "float32"), ("embedding", "int8"), (None, "float32")])
def test_mediapipe_embeds_as_the_edge_runtime(embedder, small_photos, pngs, run, root, tmp_path, outputs, precision):
    names, path = output_names(embedder, outputs), tmp_path / "model.tflite"
    images = [preprocessing.prepare(photo, 96).astype(np.uint8) for photo in sorted(small_photos.glob("*/*.jpg"))[:16]]
    data = tflite.convert(embedder, outputs, dtype="float32" if precision == "float32" else "uint8")
    if precision == "int8":
        data = quantization.quantized(data, "int8", images)
    written(path, data, metadata_of(embedder))
    # PNGs of the size of this model.
    for number, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    answers = run(path, tmp_path, root, "embed")["answers"]
    ours = lk.edge.Embedder(path).infer_photos([tmp_path / name for name in answers])
    assert len(answers) == 16 and set(ours) == set(names)
    for place, answer in enumerate(answers.values()):
        assert list(answer["heads"]) == list(names)
        for name, values in answer["heads"].items():
            tolerance = INT8_TOLERANCE if precision == "int8" else TOLERANCE
            np.testing.assert_allclose(values, np.reshape(ours[name][place], -1), atol=tolerance)
