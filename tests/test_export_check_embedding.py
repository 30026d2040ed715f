"""Which embeddings an exported file may give in place of Keras's: the bounds, and what is found. No TensorFlow needed."""

import json

import cv2
import numpy as np
import pytest

from logo_keras.export.check import verification
from logo_keras.export.check.embedding import EmbeddingReport
from logo_keras.export.check.photos import chosen
from logo_keras.export.check.reference import Reference

SIZE, BRANDS, EACH = 4, ("Acme", "Globex", "Zeta"), 4
COUNT = len(BRANDS) * EACH


def directions():
    """An embedding of each photo: those of a brand lie together, and no two are the same."""
    angles = np.concatenate([2 * brand + 0.1 * np.arange(EACH) for brand in range(len(BRANDS))])
    return np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1).astype(np.float32)


class Model:
    """Answers as an embedder does; photos are told apart by their brightness."""

    image_size, preprocessing = SIZE, "stretch"
    export_outputs = ("embedding", "objectness")
    class_names = ("brands", "of", "the", "training")

    def __call__(self, images, training):
        assert training is False
        numbers = images[:, 0, 0, 0].astype(int)
        return {"embedding": directions()[numbers], "objectness": np.full(len(images), 0.25, np.float32)}


def file(embeddings=(), objectness=()):
    """A file's `infer`, with other answers for the photos named."""

    def infer(images):
        number, answer = int(images[0, 0, 0, 0]), Model()(images, training=False)
        answer["embedding"] = np.float32(dict(embeddings).get(number, answer["embedding"][0]))[None]
        answer["objectness"] = answer["objectness"] + np.float32(dict(objectness).get(number, 0))
        return answer

    return infer


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Four photos of each of three brands that the model was not trained on."""
    paths = []
    for brand in BRANDS:
        folder = tmp_path_factory.mktemp("photos") / brand
        folder.mkdir()
        for _ in range(EACH):
            paths.append(folder / f"{len(paths):02}.png")
            cv2.imwrite(str(paths[-1]), np.full((SIZE, SIZE, 3), len(paths) - 1, np.uint8))
    return paths


def compare(infer, photos, precision="float32", outputs=None):
    return verification.compare(infer, Reference(Model(), photos, outputs), precision)


def turned(vector, cosine):
    """The vector, turned out of its plane so far that this is the cosine to it."""
    return cosine * vector + np.float32([0, 0, np.sqrt(1 - cosine**2)])


def test_a_file_that_answers_alike_passes(photos):
    report = compare(file(), photos)
    assert isinstance(report, EmbeddingReport) and report.failures == ()
    assert (report.photographs, report.labelled, report.max_abs_diff, report.max_objectness_diff) == (COUNT, COUNT, 0, 0)
    assert (report.r1, report.keras_r1, report.mean_ap, report.mean_ap_error) == (1, 1, 1, 0)
    assert report.min_cosine == pytest.approx(1) and report.mean_cosine == pytest.approx(1)
    assert "R@1" in str(report) and "100.00% of 12 (Keras 100.00%)" in str(report)


def test_one_embedding_over_the_bound_fails_in_float32(photos):
    report = compare(file({3: directions()[3] + np.float32([0, 0, 2e-4])}), photos)
    assert report.failures == ("an embedding that differs by 2.00e-04, over the bound of 0.0001",)
    assert compare(file({3: directions()[3] + np.float32([0, 0, 8e-5])}), photos).failures == ()


def test_one_objectness_over_the_bound_fails_in_float32(photos):
    assert "an objectness that differs by 1.00e-03" in compare(file(objectness={5: 1e-3}), photos).failures[0]
    assert compare(file(objectness={5: 1e-3}), photos, outputs="embedding").failures == ()
    assert compare(file(objectness={5: 1e-3}), photos, outputs="embedding").max_objectness_diff is None


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_an_objectness_that_is_no_number_fails_in_any_format(photos, precision):
    assert compare(file(objectness={5: np.nan}), photos, precision).failures[-1] == "an objectness that is no number"


def test_an_objectness_of_float16_may_change_as_little_as_its_cosines(photos):
    assert compare(file(objectness={5: 0.08}), photos, "float16").failures == ()
    assert "an objectness that differs by 1.00e-01" in compare(file(objectness={5: 0.1}), photos, "float16").failures[0]


@pytest.mark.parametrize(("cosine", "passes"), [(0.9995, True), (0.998, False)])
def test_every_embedding_of_a_float_file_points_where_keras_s_does(photos, cosine, passes):
    report = compare(file({7: turned(directions()[7], cosine)}), photos, "float16")
    assert (report.failures == ()) is passes
    assert report.min_cosine == pytest.approx(cosine, abs=1e-5)
    assert report.mean_cosine == pytest.approx(1 - (1 - cosine) / COUNT, abs=1e-5)


def test_int8_may_point_elsewhere_as_long_as_it_finds_the_same(photos):
    far = {number: turned(vector, 0.9) for number, vector in enumerate(directions())}
    report = compare(file(far), photos, "int8")
    assert report.failures == () and report.min_cosine == pytest.approx(0.9, abs=1e-5)
    assert "cosine to Keras's embedding      0.90000" in str(report)


def test_int8_that_finds_other_brands_fails(photos):
    # One photo among another brand is always allowed, but not what it does to the precision of the others; of two neither.
    for misplaced in ((0,), (0, 5)):
        among = {number: directions()[number + EACH] for number in misplaced}
        report = compare(file(among), photos, "int8")
        assert report.r1 < 1 and report.mean_ap < 1 and report.keras_r1 == report.keras_mean_ap == 1
        assert any(failure.startswith("R@1") for failure in report.failures) is (round(COUNT * (1 - report.r1)) > 1)
        assert any(failure.startswith("mAP") for failure in report.failures)


def test_retrieval_is_reported_as_an_independent_count_has_it(photos):
    report = compare(file({0: directions()[5]}), photos, "int8")
    vectors = directions()
    vectors[0] = vectors[5]
    labels, hits = np.repeat(range(3), EACH), []
    for number in range(COUNT):
        others = [other for other in range(COUNT) if other != number]
        hits.append(labels[max(others, key=lambda other: vectors[other] @ vectors[number])] == labels[number])
    assert report.r1 == pytest.approx(np.mean(hits))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_an_embedding_that_is_no_number_fails(photos, value, precision):
    report = compare(file({3: [value, 0, 0]}), photos, precision)
    assert "embeddings that are no numbers" in report.failures
    json.dumps(report.to_dict(), allow_nan=False)


def test_an_embedding_without_direction_fails(photos):
    for precision in ("float16", "int8"):
        assert compare(file({3: [0, 0, 0]}), photos, precision).failures


def test_int8_needs_photos_in_folders_of_brands(photos):
    assert "give photos in a folder for each brand" in compare(file(), photos[:EACH], "int8").failures[0]
    assert "give photos in a folder for each brand" in compare(file(), photos[::EACH], "int8").failures[0]
    loose = [np.full((SIZE, SIZE, 3), number, np.uint8) for number in range(COUNT)]
    assert compare(file(), loose, "int8").failures and compare(file(), loose).failures == ()
    assert compare(file(), loose).r1 is None


def test_brands_with_one_photo_are_not_asked_for(photos):
    report = compare(file(), [*photos[: 2 * EACH], photos[-1]])
    assert (report.photographs, report.labelled) == (2 * EACH + 1, 2 * EACH)


def test_two_embeddings_are_the_same_answer_where_they_point_alike():
    vector = np.float32([0.6, 0.8, 0])
    assert EmbeddingReport.alike(vector, turned(vector, 0.9995))
    assert not EmbeddingReport.alike(vector, turned(vector, 0.998)) and not EmbeddingReport.alike(vector, vector * np.nan)


@pytest.mark.parametrize("outputs", ["objectness", "embedding,embedding", "embedding,probabilities"])
def test_outputs_that_cannot_be_given_are_refused(photos, outputs):
    with pytest.raises(
        ValueError, match="outputs must name embedding|has no output 'probabilities'; it has embedding, objectness"
    ):
        Reference(Model(), photos, outputs)


def test_without_photos_embedders_see_the_squares_around_synthetic_logos():
    with chosen(limit=6, squares=True) as drawn:
        sides = [cv2.imread(str(path)).shape[:2] for path in drawn.compared]
        assert len(sides) == 6 and all(height == width < 500 for height, width in sides)
        assert len({path.parent.name for path in drawn.compared}) == 6
