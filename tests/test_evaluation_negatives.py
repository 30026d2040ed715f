"""Photos without a brand: what a model says of them, and those that fitted its threshold, which never count."""

import base64
import dataclasses

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation import calibration, evaluate, negatives, novelty

BRANDS = ("red", "green", "blue")


class Colours:
    """Answers as an exported file does: the probability of a brand is the share of its colour; below 0.6 it is not known."""

    class_names, image_size, preprocessing, threshold = BRANDS, 32, "stretch", 0.6
    calibration = None

    def infer(self, images):
        means = images.mean(axis=(1, 2)) + 1e-3
        return {"probabilities": means / means.sum(axis=1, keepdims=True), "whole_logits": np.log(means)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two Datasets: eight photos of brands, more or less pure in colour, and six greyish ones."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)

    def written(name, colour):
        cv2.imwrite(str(folder / name), np.full((20, 20, 3), colour[::-1], np.uint8))
        return folder / name

    known = [written(f"known{n}.png", np.roll([250, 20 * n, 10 * n], n % 3)) for n in range(8)]
    grey = [written(f"grey{n}.png", rng.integers(100, 140, 3) + [15 * n, 0, 0]) for n in range(6)]
    return Dataset(known, [n % 3 for n in range(8)], BRANDS), Dataset(grey, [-1] * 6, BRANDS, root=str(folder))


@pytest.fixture(scope="module")
def found(photos):
    return evaluate(Colours(), photos[0], scores=novelty.scores)


def test_auroc_is_that_of_scikit_learn(photos, found):
    told = negatives.judge(found, Colours(), photos[1])
    asked = evaluate(Colours(), dataclasses.replace(photos[1], labels=[0] * 6), scores=novelty.scores)
    truth = np.repeat([1, 0], [8, 6])
    assert set(told["scores"]) == {"probability", "logit", "energy"}
    for name, row in told["scores"].items():
        both = np.concatenate([found.scores[name], asked.scores[name]])
        assert row["auroc"] == pytest.approx(roc_auc_score(truth, both))
        assert row["interval"][0] <= row["auroc"] <= row["interval"][1]


def test_false_accepts_at_the_threshold_by_hand(photos, found):
    told = negatives.judge(found, Colours(), photos[1], source="greys")
    asked = evaluate(Colours(), dataclasses.replace(photos[1], labels=[0] * 6))
    assert told["at_threshold"]["true_accepts"]["right"] == (found.confidences >= 0.6).sum()
    assert told["at_threshold"]["false_accepts"]["right"] == (asked.confidences >= 0.6).sum()
    assert (told["source"], told["negatives"], told["known"], told["negatives_left_out"]) == ("greys", 6, 8, 0)
    # The reddest grey looks most like a brand.
    assert told["surest"][0]["photo"] == "grey5.png" and BRANDS[told["surest"][0]["class"]] == "red"


def test_without_a_threshold_there_is_none_to_judge(photos):
    class Open(Colours):
        threshold = None

    asked = evaluate(Open(), photos[0], scores=novelty.scores)
    assert negatives.judge(asked, Open(), photos[1])["at_threshold"] is None


def test_photos_that_fitted_are_left_out_of_both_kinds(photos, found):
    def model_fitted_on(*paths):
        model = Colours()
        packed = b"".join(sorted(map(calibration.digest, paths)))
        model.calibration = {"fitted_on": base64.b64encode(packed).decode()}
        return model

    model = model_fitted_on(photos[1].paths[5], photos[0].paths[0], photos[0].paths[1])
    told = negatives.judge(found, model, photos[1])
    assert (told["negatives"], told["negatives_left_out"], told["known"], told["known_left_out"]) == (5, 1, 6, 2)
    assert "grey5.png" not in [each["photo"] for each in told["surest"]]
    told = negatives.judge(found, model_fitted_on(*photos[1].paths), photos[1])
    assert told["negatives"] == 0 and told["negatives_left_out"] == 6 and told["scores"] is None


def test_negatives_of_a_known_brand_are_refused(photos, found):
    with pytest.raises(ValueError, match="the negatives have photos of brands that the model knows: 'red'"):
        negatives.judge(found, Colours(), photos[0])


def test_class_means_need_a_keras_model(photos):
    with pytest.raises(ValueError, match="class means need embeddings, which a .keras model gives"):
        negatives.class_means(Colours(), photos[0])


def test_class_means_tell_too(photos):
    from tiny import tiny_backbone

    from logo_keras.network import Classifier

    model = Classifier(class_names=BRANDS, backbone=tiny_backbone(), image_size=32, weights=None)
    means, infer = negatives.class_means(model, photos[0]), negatives.with_embeddings(model)
    how = {"scores": lambda outputs: novelty.scores(outputs, means), "infer": infer}
    told = negatives.judge(evaluate(model, photos[0], **how), model, photos[1], **how)
    assert set(told["scores"]) == {"probability", "logit", "energy", "cosine", "mahalanobis"}
    assert all(0 <= row["auroc"] <= 1 for row in told["scores"].values())
