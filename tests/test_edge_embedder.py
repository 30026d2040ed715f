"""The edge runtime's embedder on files made by hand, in both engines: without TensorFlow, a vector that is the mean colour."""

import base64
import dataclasses
import json
import pickle
import zipfile

import cv2
import numpy as np
import pytest
from edge_files import EMBEDDER, EMBEDDING, EVERYTHING, METADATA, SIZE, write

from logo_keras.edge import Embedder, Recognizer, UnusableModel, model_file
from logo_keras.edge.metadata import Metadata, packed
from logo_keras.image.preprocessing import UnreadablePhoto, fit
from logo_keras.image.surroundings import square

BACKGROUNDS = np.float32([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])


@pytest.fixture(scope="module", params=[".tflite", ".onnx"])
def suffix(request):
    if request.param == ".onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    return request.param


@pytest.fixture(scope="module")
def embedder(suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("edge") / f"colours{suffix}"
    return Embedder(write(path, EMBEDDER, outputs=EMBEDDING))


@pytest.fixture(scope="module")
def photo():
    """RGB, 60 x 100 px: the left half red, the right half blue."""
    photo = np.full((60, 100, 3), (0, 0, 200), np.uint8)
    photo[:, :50] = (120, 0, 0)
    return photo


def direction(image):
    """The direction of the mean colour."""
    mean = image.reshape(-1, 3).mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_the_file_says_what_it_is(embedder):
    assert embedder.metadata == EMBEDDER
    assert (embedder.image_size, embedder.preprocessing, embedder.dimensions) == (SIZE, "stretch", 3)
    assert set(embedder.outputs) == set(EMBEDDING)
    np.testing.assert_allclose(embedder.background_vectors, BACKGROUNDS, atol=5e-4)
    np.testing.assert_allclose(np.linalg.norm(embedder.background_vectors, axis=1), 1, atol=1e-6)


def test_a_photo_is_embedded_as_a_whole(embedder, photo):
    vectors = embedder.embed(photo)
    assert vectors.shape == (1, 3) and vectors.dtype == np.float32
    # Mean colour (60, 0, 100), by hand.
    np.testing.assert_allclose(vectors[0], np.array([60, 0, 100]) / np.hypot(60, 100), atol=1e-3)


def test_a_box_is_embedded_as_the_square_around_it(embedder, photo):
    boxes = [(20, 10, 40, 30), (0, 40, 60, 60), (10, 80, 30, 100)]
    vectors = embedder.embed(photo, boxes)
    for vector, box in zip(vectors, boxes, strict=True):
        np.testing.assert_allclose(vector, direction(fit(square(photo, box), SIZE)), atol=1e-3)
    # 25 px around (30, 20) see red alone, whichever the rest of the photo.
    np.testing.assert_allclose(vectors[0], [1, 0, 0], atol=1e-6)
    # Beyond the photo it goes on in blue.
    np.testing.assert_allclose(vectors[2], [0, 0, 1], atol=1e-6)


def test_objectness_comes_with_the_embedding(embedder, photo):
    found = embedder.infer_photos(photo, [(20, 10, 40, 30), (0, 0, 60, 100)])
    assert found["objectness"].shape == (2,)
    # Of this file the largest number of the embedding.
    np.testing.assert_allclose(found["objectness"], found["embedding"].max(axis=1), atol=1e-6)


def test_several_photos_come_in_their_order(embedder, photo, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", photo[..., ::-1])[1].tobytes())
    other = np.full((30, 30, 3), (0, 9, 0), np.uint8)
    given = [photo, other, str(path), path.read_bytes()]
    alone = np.concatenate([embedder.embed(each) for each in given])
    np.testing.assert_allclose(embedder.embed(given, batch_size=3), alone, atol=1e-6)
    np.testing.assert_allclose(embedder.embed(iter(given)), alone, atol=1e-6)
    np.testing.assert_allclose(embedder.embed(np.stack([photo, photo[:, ::-1]])), [alone[0], alone[0]], atol=1e-6)


def test_each_photo_has_its_own_boxes_or_counts_as_a_whole(embedder, photo):
    boxes = np.float32([[20, 10, 40, 30], [10, 80, 30, 100]])
    found = embedder.embed([photo, photo, photo], [boxes, None, np.zeros((0, 4))], batch_size=2)
    np.testing.assert_allclose(found, np.concatenate([embedder.embed(photo, boxes), embedder.embed(photo)]), atol=1e-6)


def test_nothing_gives_nothing(embedder, photo):
    assert embedder.embed([]).shape == (0, 3)
    found = embedder.infer_photos(photo, np.zeros((0, 4)))
    assert {name: value.shape for name, value in found.items()} == {"embedding": (0, 3), "objectness": (0,)}


def test_prepared_images_run_as_in_a_recognizer(embedder, photo):
    images = np.stack([fit(photo, SIZE)] * 3)
    np.testing.assert_allclose(embedder.infer(images)["embedding"], np.repeat(embedder.embed(photo), 3, axis=0), atol=1e-6)


def test_a_file_may_give_the_embedding_alone(suffix, photo, tmp_path):
    path = write(tmp_path / f"alone{suffix}", EMBEDDER, outputs=("embedding",))
    assert list(Embedder(path).infer_photos(photo)) == ["embedding"]
    assert list(Embedder(path).infer_photos([])) == ["embedding"]


def test_an_embedder_is_opened_again_where_a_pickle_takes_it(embedder, photo):
    again = pickle.loads(pickle.dumps(embedder))
    assert type(again) is Embedder and again.metadata == embedder.metadata
    np.testing.assert_array_equal(again.embed(photo), embedder.embed(photo))


def test_files_of_the_other_kind_are_refused_by_name(suffix, tmp_path):
    brands = write(tmp_path / f"brands{suffix}", outputs=EVERYTHING)
    marks = write(tmp_path / f"marks{suffix}", EMBEDDER, outputs=EMBEDDING)
    with pytest.raises(UnusableModel, match=r"brands\.\w+: it names brands: open it with logo_keras.edge.Recognizer"):
        Embedder(brands)
    with pytest.raises(UnusableModel, match=r"marks\.\w+: an embedder, which neither names .*: open it with .*Embedder"):
        Recognizer(marks)


def test_a_file_without_an_embedding_or_of_other_dimensions_is_refused(suffix, tmp_path):
    path = write(tmp_path / f"none{suffix}", EMBEDDER, outputs=("objectness",))
    with pytest.raises(UnusableModel, match="gives objectness, but no embedding"):
        Embedder(path)
    said = dataclasses.replace(EMBEDDER, dimensions=2, background_vectors=None)
    with pytest.raises(UnusableModel, match=r"embedding \[.*3\] where its metadata say \[.*2\]"):
        Embedder(write(tmp_path / f"two{suffix}", said, outputs=EMBEDDING))


def test_what_is_no_photo_or_box_is_named(embedder, photo):
    with pytest.raises(UnreadablePhoto, match=r"photos\[1\]"):
        embedder.embed([photo, b"no photo"])
    with pytest.raises(ValueError, match="got 1 for 2 photos"):
        embedder.embed([photo, photo], [None])
    with pytest.raises(ValueError, match="the box .* outside the photo of 60 x 100 px"):
        embedder.embed(photo, [(70, 0, 80, 10)])
    with pytest.raises(ValueError, match="batch_size"):
        embedder.embed(photo, batch_size=0)


def test_json_of_an_embedder_comes_back_and_javascript_can_read_it():
    text = EMBEDDER.to_json()
    assert Metadata.from_json(text) == EMBEDDER
    entries = json.loads(text)
    assert entries["class_names"] == [] and entries["dimensions"] == 3
    # Little-endian float16: 0.6 is 0x38cd.
    assert base64.b64decode(entries["background_vectors"])[:4].hex() == "cd380000"


def test_the_threshold_of_galleries_comes_with_the_file(suffix, tmp_path):
    assert "threshold" not in json.loads(EMBEDDER.to_json())
    said = dataclasses.replace(EMBEDDER, threshold=0.4)
    assert Metadata.from_json(said.to_json()) == said
    opened = Embedder(write(tmp_path / f"a{suffix}", said, outputs=EMBEDDING))
    assert opened.threshold == 0.4


def test_files_of_recognizers_say_nothing_of_embedders():
    assert set(json.loads(METADATA.to_json())) == {
        *("class_names", "image_size", "preprocessing", "model", "decision", "version"),
    }


def test_background_vectors_keep_their_direction():
    vectors = np.random.default_rng(0).normal(size=(64, 256))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    said = dataclasses.replace(EMBEDDER, dimensions=256, background_vectors=packed(vectors))
    cosines = (said.backgrounds * vectors).sum(axis=1)
    assert said.backgrounds.shape == (64, 256) and cosines.min() > 1 - 1e-6
    assert dataclasses.replace(EMBEDDER, background_vectors=None).backgrounds is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"class_names": ("a",)}, "class_names must be none"),
        ({"dimensions": None}, "class_names must be one or more"),
        ({"dimensions": 0}, "dimensions must be a positive int"),
        ({"dimensions": True}, "dimensions must be a positive int"),
        ({"dimensions": 2**20}, "dimensions must be a positive int of at most"),
        ({"dimensions": 4}, "float16 vectors of 4 dimensions, got 12 bytes"),
        ({"threshold": "0.4"}, "threshold must be a number of at most 2"),
        ({"threshold": float("nan")}, "threshold must be a number of at most 2"),
        ({"threshold": 10**400}, "threshold must be a number of at most 2"),
        ({"background_vectors": ""}, "got 0 bytes"),
        ({"background_vectors": "=not base64"}, "must be base64"),
        ({"background_vectors": 7}, "must be a str"),
        ({"background_vectors": packed(2 * BACKGROUNDS)}, "of length 1"),
        ({"background_vectors": packed(np.full((1, 3), np.nan))}, "of length 1"),
        ({"background_vectors": packed(np.tile([[1.0, 0, 0]], (5000, 1)))}, "1 to 4096 float16 vectors"),
    ],
)
def test_bad_entries_of_embedders_are_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(EMBEDDER, **change)


def test_background_vectors_of_what_names_brands_are_refused():
    with pytest.raises(ValueError, match="background_vectors must be"):
        dataclasses.replace(METADATA, background_vectors=packed(BACKGROUNDS))


def test_a_tflite_file_of_an_embedder_has_no_labels(tmp_path):
    path = write(tmp_path / "marks.tflite", EMBEDDER, outputs=EMBEDDING)
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["logo_keras.json", "model.crc32"]
    assert model_file.read(path) == EMBEDDER
