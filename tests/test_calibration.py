"""Temperature and threshold of a model: known answers by hand, what is kept of the photos, what is refused."""

import shutil

import numpy as np
import photographs
import pytest
from tiny import tiny_backbone

from logo_keras import datasets
from logo_keras.errors import UserError
from logo_keras.evaluation.calibration import (
    calibrate,
    copies,
    digest,
    fit_temperature,
    fit_threshold,
    fitted,
)

pytestmark = pytest.mark.usefixtures("eager")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(temperature, photos, classes, seed=0):
    """Probabilities of a model that would be calibrated with this temperature, and the true classes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (photos, classes))
    labels = np.array([rng.choice(classes, p=each) for each in softmax(logits)])
    return softmax(logits * temperature).astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_of_drawn_logits_is_found(temperature):
    # 4,000 photos tell it within 3 % (two standard errors).
    assert fit_temperature(*drawn(temperature, 4000, 10)) == pytest.approx(temperature, rel=0.04)


def test_the_temperature_has_the_lowest_loss_of_all():
    probabilities, labels = drawn(2.0, 300, 5)
    logs = np.log(probabilities)

    def loss(temperature):
        scaled = softmax(logs / temperature)[np.arange(300), labels]
        return -np.log(scaled).sum() + (1 / temperature - 1) ** 2 / 2

    found = fit_temperature(probabilities, labels)
    assert loss(found) < min(loss(found * 0.99), loss(found * 1.01))


def test_photos_that_are_all_right_leave_the_temperature_near_1():
    probabilities = np.float32([[0.97, 0.02, 0.01]] * 20)
    assert 0.5 < fit_temperature(probabilities, np.zeros(20, int)) < 1
    # What has underflowed is no infinity, and one photo decides nothing.
    assert 0.9 < fit_temperature(np.float32([[1, 0]]), np.array([0])) <= 1.0001
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, int)) == 1.0


def test_a_model_that_is_sure_and_mostly_wrong_becomes_unsure_within_bounds():
    probabilities = np.tile(np.float32([1 - 1e-6, 1e-6]), (100, 1))
    assert 10 < fit_temperature(probabilities, np.arange(100) % 2) <= 20.001


def test_without_negatives_the_threshold_keeps_the_share():
    confidences = np.arange(1, 101) / 101
    threshold = fit_threshold(confidences, keep=0.95)
    # The sixth of a hundred: the five below it are lost. Rounded down to four digits.
    assert threshold == 0.0594
    assert (confidences >= threshold).mean() == 0.95
    assert (confidences >= fit_threshold(confidences, keep=0.8)).mean() == 0.8


def test_few_photos_are_all_kept():
    assert fit_threshold([0.9, 0.5, 0.7]) == 0.5
    assert 0 < fit_threshold([1.0, 1.0]) < 1


def test_negatives_that_part_cleanly_put_the_threshold_between():
    assert fit_threshold([0.8, 0.9, 0.95], negatives=[0.2, 0.4]) == pytest.approx(0.6)


def test_negatives_that_look_like_brands_take_no_more_than_the_share():
    confidences, negatives = np.arange(1, 101) / 101, np.full(50, 0.5)
    threshold = fit_threshold(confidences, negatives=negatives, keep=0.9)
    assert (confidences >= threshold).mean() >= 0.9
    # Nobody asked that so many be kept: with 40 % lost the negatives are gone.
    assert fit_threshold(confidences, negatives=negatives, keep=0.3) > 0.5


def test_wrong_answers_need_not_be_kept():
    confidences = np.array([0.3] * 50 + [0.9] * 50)
    right = confidences > 0.5
    assert fit_threshold(confidences, right, negatives=[0.35, 0.4]) == pytest.approx(0.65)


@pytest.mark.parametrize("keep", [0, 1, 1.5, True, "much"])
def test_a_share_that_is_none_is_refused(keep):
    with pytest.raises(UserError, match="keep must be a share between 0 and 1"):
        fit_threshold([0.5], keep=keep)


def test_no_photo_is_refused():
    with pytest.raises(UserError, match="needs photos with a brand"):
        fit_threshold([])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos of two brands, and of none."""
    root = tmp_path_factory.mktemp("set")
    for number in range(12):
        photographs.write(root / "validation" / ("acme", "globex")[number % 2] / f"{number}.png", seed=number)
    for number in range(5):
        photographs.write(root / "none" / f"{number}.png", seed=100 + number)
    return root


@pytest.fixture(scope="module")
def validation(folder):
    return datasets.load("folder", folder, split="validation")


@pytest.fixture
def model():
    from logo_keras.network import Classifier

    return Classifier(class_names=("acme", "globex"), backbone=tiny_backbone(), image_size=32)


def test_calibrate_sets_the_model_and_its_card(model, validation, folder):
    found = calibrate(model, validation, folder / "none", batch_size=5)
    assert (found["validation"], found["negatives"], found["unreadable"]) == (12, 5, 0)
    assert (model.temperature, model.threshold) == (found["temperature"], found["threshold"])
    assert model.calibration | {"choices": found["choices"]} == found
    assert [each["keep"] for each in found["choices"]] == [0.99, 0.95, 0.9, 0.8, 0.7]
    # Of 12 photos none may be lost with 95 %, as far as they are named right.
    right = model.predict_on_batch(np.stack([validation.sample(number, 32)[0] for number in range(12)]))["probabilities"]
    kept = right.max(axis=1) >= found["threshold"]
    assert found["true_accepts"] == pytest.approx(kept.mean())
    assert kept[right.argmax(axis=1) == validation.labels].all()
    assert found["nll"][1] <= found["nll"][0] + 1e-6
    assert fitted(found) == {digest(path) for path in (*validation.paths, *map(str, (folder / "none").iterdir()))}


def test_without_negatives_nothing_is_said_of_them(model, validation):
    found = calibrate(model, validation)
    assert (found["negatives"], found["false_accepts"]) == (0, None)
    assert found["true_accepts"] >= 0.95


def test_calibrating_again_gives_the_same(model, validation):
    first = calibrate(model, validation)
    assert calibrate(model, validation, batch_size=4)["temperature"] == pytest.approx(first["temperature"], rel=1e-4)


def test_a_calibrated_model_comes_back_from_its_file(model, validation, folder, tmp_path):
    from logo_keras.network import load

    found = calibrate(model, validation, folder / "none")
    model.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert (again.temperature, again.threshold) == (found["temperature"], found["threshold"])
    assert again.calibration == model.calibration


def test_many_photos_fit_the_temperature_by_a_part_and_all_are_counted(model, validation, folder, monkeypatch):
    from logo_keras.evaluation import calibration

    whole = calibrate(model, validation, folder / "none")
    # Eight of the twelve photos, of two classes.
    monkeypatch.setattr(calibration, "_KEPT", 16)
    found = calibrate(model, validation, folder / "none")
    assert (found["validation"], found["negatives"]) == (12, 5)
    assert fitted(found) == fitted(whole)


def test_a_data_set_of_photos_without_a_brand_is_taken(model, validation, folder):
    found = calibrate(model, validation, datasets.load("folder", folder, split="none"))
    assert found["negatives"] == 5


def test_unreadable_photos_are_left_out_and_named(model, validation, folder, tmp_path):
    shutil.copytree(folder / "none", tmp_path / "none")
    (tmp_path / "none" / "0.png").write_bytes(b"no photo")
    said = []
    found = calibrate(model, validation, tmp_path / "none", report=said.append)
    assert (found["negatives"], found["unreadable"]) == (4, 1)
    assert len(said) == 1 and "0.png" in said[0]


def refused(model, *arguments, **options):
    before = model.temperature, model.threshold, dict(model.card)
    with pytest.raises(ValueError) as error:
        calibrate(model, *arguments, **options)
    assert (model.temperature, model.threshold, model.card) == before
    return str(error.value)


def test_what_cannot_be_fitted_is_refused_and_changes_nothing(model, validation, folder, tmp_path):
    model.temperature = 2.0
    other = datasets.Dataset(validation.paths, validation.labels, ("acme", "initech"))
    assert "with other names" in refused(model, other)
    assert "without a brand" in refused(model, datasets.load("folder", folder, split="none").with_class_names(model.class_names))
    assert "brands that the model knows: 'acme', 'globex'" in refused(model, validation, validation)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "0.png").write_bytes(b"no photo")
    assert "none of the 1 photographs can be read" in refused(model, validation, tmp_path / "none")


def test_copies_of_validation_photos_are_no_negatives(model, validation, folder, tmp_path):
    shutil.copytree(folder / "none", tmp_path / "none")
    shutil.copy(validation.paths[3], tmp_path / "none" / "copied.png")
    message = refused(model, validation, tmp_path / "none")
    assert "1 of the negatives are validation photos" in message
    assert f"{tmp_path / 'none' / 'copied.png'} is {validation.paths[3]}" in message
    assert copies([str(tmp_path / "none" / "copied.png"), "gone.png"], validation.paths)[0][1] == validation.paths[3]


def test_files_and_models_that_name_no_brand_are_refused(validation):
    class Exported:
        """As `lk.edge.Recognizer`, which has no `predict_on_batch`."""

    class Embeds:
        """As `lk.LogoEmbedder`."""

        def embed(self):
            pass

    with pytest.raises(UserError, match="calibrate the .keras model that it was made of and export that"):
        calibrate(Exported(), validation)
    with pytest.raises(UserError, match="logo-gallery calibrate"):
        calibrate(Embeds(), validation)


def test_a_model_of_one_brand_is_refused(validation):
    from logo_keras.network import Classifier

    with pytest.raises(UserError, match="a model of one brand, acme"):
        calibrate(Classifier(class_names=("acme",), backbone=tiny_backbone(), image_size=32), validation)
