"""Whether the navigator ranks as the teacher does, and the embeddings of a data set."""

import numpy as np
import pytest
from photographs import write
from scipy import stats
from tiny import REGIONS, tiny_backbone

import logo_keras as lk
from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation.ranking import Ranking, spearman


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A Dataset of three photos, the last without a brand, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [str(write(folder / f"{number}.png", number)) for number in range(3)]
    (folder / "broken.png").write_bytes(b"nothing")
    none = np.zeros((0, 4), np.float32)
    return Dataset([*paths, str(folder / "broken.png")], [0, 1, -1, 0], ("a", "b"), [none] * 4)


def network(**options):
    return lk.NTSNet(backbone=tiny_backbone(), class_names=("a", "b"), weights=None, **(REGIONS | options))


def test_the_rank_correlation_is_that_of_scipy_ties_among_it():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 40, 5))
    # The first row has nothing to rank, and all others have something.
    first[0], first[1:, 0], second[:, 1] = 1, 4, 4
    wanted = [np.nan, *(stats.spearmanr(*rows).statistic for rows in zip(first[1:], second[1:], strict=True))]
    np.testing.assert_allclose(spearman(first, second), wanted, atol=1e-12)


def test_a_perfect_ranking_is_one_and_nothing_to_rank_is_left_out():
    found = Ranking(np.float32([[3, 2], [2, 1], [1, 1]]), np.float32([[0.9, 0.1], [0.5, 0.2], [0.3, 0.2]]))
    assert found.mean == 1 and found.interval == (1, 1) and found.best_first == 1
    nothing = Ranking(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))
    assert nothing.mean is None and nothing.interval is None


def test_scores_and_confidences_are_those_of_the_model(photos):
    model = network()
    found = lk.evaluation.rank_regions(model, photos, batch_size=2)
    assert found.scores.shape == found.confidences.shape == (2, 3)
    image, _ = photos.sample(1, 96)
    outputs = model(image[None].astype(np.float32), all_regions=True)
    np.testing.assert_allclose(found.scores[1], outputs["region_scores"][0], atol=1e-5)
    np.testing.assert_allclose(
        found.confidences[1], model.teacher.confidence(outputs["region_logits"], np.array([1]))[0], atol=1e-5
    )


def test_who_ranks_nothing_is_refused(photos):
    plain = lk.Classifier(backbone=tiny_backbone(), class_names=("a", "b"), image_size=32, weights=None)
    for model, said in (
        (plain, "ranks no regions"),
        (network(teacher=False), "no teacher"),
        (network(num_proposals=1, num_regions=1), "= 1"),
    ):
        with pytest.raises(ValueError, match=said):
            lk.evaluation.rank_regions(model, photos)
    with pytest.raises(ValueError, match="can be read"):
        lk.evaluation.rank_regions(network(), photos.subset([3]))


def test_embeddings_come_with_the_labels_of_the_photos_that_can_be_read(photos):
    vectors, labels = lk.evaluation.embed(network(), photos)
    assert labels.tolist() == [0, 1, -1] and len(vectors) == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    embedder = lk.LogoEmbedder(backbone=tiny_backbone(), num_classes=2, image_size=32, dimensions=6, weights=None)
    assert lk.evaluation.embed(embedder, photos)[0].shape == (3, 6)


def test_a_file_without_embeddings_is_refused(photos):
    class Exported:
        outputs = ("probabilities",)

    with pytest.raises(ValueError, match="gives no embedding"):
        lk.evaluation.embed(Exported(), photos)
