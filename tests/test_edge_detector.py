"""The edge runtime's detector on files made by hand, in both engines: two places, the same in every image, without TensorFlow."""

import dataclasses
import json
import pickle

import cv2
import numpy as np
import pytest
from edge_files import BOXES, DETECTOR, EMBEDDER, EMBEDDING, EVERYTHING, PLACES, RATED, SCORES, SIZE, VECTORS, write

from logo_keras.edge import Detector, Embedder, Recognizer, UnusableModel, model_file
from logo_keras.edge.metadata import Metadata
from logo_keras.image.preprocessing import UnreadablePhoto


@pytest.fixture(scope="module", params=[".tflite", ".onnx"])
def suffix(request):
    if request.param == ".onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    return request.param


@pytest.fixture(scope="module")
def detector(suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("edge") / f"places{suffix}"
    return Detector(write(path, DETECTOR, outputs=PLACES))


@pytest.fixture(scope="module")
def photo():
    """RGB, 60 x 60 px, of one colour."""
    return np.full((60, 60, 3), (120, 0, 90), np.uint8)


def test_the_file_says_what_it_is(detector):
    assert detector.metadata == DETECTOR and detector.num_regions == 2
    assert (detector.image_size, detector.preprocessing, detector.dimensions) == (SIZE, "stretch", 3)
    assert set(detector.outputs) == set(PLACES) and detector.threshold is None
    np.testing.assert_allclose(np.linalg.norm(detector.background_vectors, axis=1), 1, atol=1e-6)


def test_places_come_in_px_of_the_photo_and_inside_it(detector, photo):
    found = detector.detect(photo)
    # Of 32 px; the second reaches 4 px beyond the photo.
    np.testing.assert_allclose(found.boxes, (BOXES * 60 / 32).clip(0, 60))
    np.testing.assert_allclose(found.scores, SCORES)
    np.testing.assert_allclose(found.embeddings, VECTORS)
    np.testing.assert_allclose(found.objectness, RATED)
    np.testing.assert_allclose(found.whole_embedding, np.array([120, 0, 90]) / 150, atol=1e-3)
    # Of this file the largest number of the embedding.
    assert found.whole_objectness == pytest.approx(0.8, abs=1e-3)
    np.testing.assert_allclose(detector.detect(photo, regions=1).boxes, found.boxes[:1])


def test_a_photo_may_be_a_file_or_its_bytes(detector, photo, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", photo[..., ::-1])[1].tobytes())
    for given in (path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(detector.detect(given).boxes, detector.detect(photo).boxes)


def test_crops_are_embedded_each_as_a_whole(detector, photo):
    # As much of the first colour as of the second.
    halves = np.full((20, 40, 3), 20, np.uint8)
    halves[:, :20, 0] = halves[:, 20:, 2] = 200
    vectors = detector.embed([photo, halves, photo[:5]], batch_size=2)
    np.testing.assert_allclose(vectors[:2], [[0.8, 0, 0.6], np.array([11, 2, 11]) / 246**0.5], atol=1e-2)
    np.testing.assert_allclose(vectors[2], vectors[0], atol=1e-5)
    np.testing.assert_allclose(detector.embed(photo), vectors[:1], atol=1e-6)
    assert detector.embed([]).shape == (0, 3)


def test_what_is_no_photo_is_named(detector, photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0broken")
    with pytest.raises(UnreadablePhoto, match=r"broken\.jpg"):
        detector.detect(tmp_path / "broken.jpg")
    with pytest.raises(UnreadablePhoto, match=r"photos\[1\]"):
        detector.embed([photo, b"nothing"])
    with pytest.raises(ValueError, match="regions must be an integer of at least 1, got 0"):
        detector.detect(photo, 0)
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1"):
        detector.embed(photo, batch_size=0)


def test_a_detector_is_opened_again_where_a_pickle_takes_it(detector, photo):
    again = pickle.loads(pickle.dumps(detector))
    assert type(again) is Detector and again.metadata == detector.metadata
    np.testing.assert_array_equal(again.detect(photo).boxes, detector.detect(photo).boxes)


def test_each_class_names_the_one_that_opens_the_file(suffix, tmp_path):
    files = {
        Recognizer: write(tmp_path / f"brands{suffix}", outputs=EVERYTHING),
        Embedder: write(tmp_path / f"marks{suffix}", EMBEDDER, outputs=EMBEDDING),
        Detector: write(tmp_path / f"places{suffix}", DETECTOR, outputs=PLACES),
    }
    for right, path in files.items():
        for opens in files:
            if opens is not right:
                with pytest.raises(UnusableModel, match=rf"{path.name}: .*: open it with logo_keras\.edge\.{right.__name__}\."):
                    opens(path)


@pytest.mark.parametrize("missing", PLACES)
def test_a_file_that_lacks_an_output_is_refused(suffix, tmp_path, missing):
    outputs = [name for name in PLACES if name != missing]
    path = write(tmp_path / f"places{suffix}", DETECTOR, outputs=outputs)
    with pytest.raises(UnusableModel, match=f"but no {missing}: export the model again"):
        Detector(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"num_regions": 3}, r"region_boxes \[.*2, 4\] where its metadata say \[.*3, 4\]"),
        ({"dimensions": 2, "background_vectors": None}, r"embedding\w* \[.*3\] where its metadata say \[.*2\]"),
    ],
)
def test_a_file_of_other_shapes_than_it_says_is_refused(suffix, tmp_path, change, complaint):
    path = write(tmp_path / f"places{suffix}", dataclasses.replace(DETECTOR, **change), outputs=PLACES)
    with pytest.raises(UnusableModel, match=complaint):
        Detector(path)


def test_damage_is_found_before_an_engine_sees_the_file(detector, suffix, tmp_path):
    path = write(tmp_path / f"places{suffix}", DETECTOR, outputs=PLACES)
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnusableModel, match="damaged|cut short|not an ONNX file"):
        Detector(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnusableModel):
        Detector(path)


def test_json_of_a_detector_comes_back():
    text = DETECTOR.to_json()
    assert json.loads(text)["num_regions"] == 2 and Metadata.from_json(text) == DETECTOR
    assert "num_regions" not in json.loads(EMBEDDER.to_json())
    assert (DETECTOR.client, EMBEDDER.client) == ("Detector", "Embedder")


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "2", 10**9])
def test_a_number_of_regions_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="num_regions must be a positive int of at most"):
        dataclasses.replace(DETECTOR, num_regions=value)
    said = json.loads(DETECTOR.to_json()) | {"num_regions": value}
    with pytest.raises(ValueError, match="num_regions must be a positive int of at most"):
        Metadata.from_json(json.dumps(said))


def test_the_px_of_regions_come_with_their_number():
    for change in ({"region_size": None}, {"num_regions": None}):
        with pytest.raises(ValueError, match="num_regions and region_size belong together"):
            dataclasses.replace(DETECTOR, **change)


def test_a_file_of_regions_larger_than_its_images_is_refused(suffix, tmp_path):
    path = write(tmp_path / f"places{suffix}", dataclasses.replace(DETECTOR, region_size=SIZE + 16), outputs=PLACES)
    with pytest.raises(UnusableModel, match="its metadata say regions of 48 px, of images of 32 px"):
        Detector(path)


def test_a_file_that_names_brands_has_no_number_of_regions():
    with pytest.raises(ValueError, match="class_names must be none"):
        dataclasses.replace(DETECTOR, class_names=("a",), dimensions=None, background_vectors=None)


def test_a_tflite_file_of_a_detector_has_its_metadata_and_no_labels(tmp_path):
    path = write(tmp_path / "places.tflite", DETECTOR, outputs=PLACES)
    assert model_file.read(path) == DETECTOR
