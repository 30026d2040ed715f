"""The end of a run: what is fitted on which photos, what is said, and what is left when it is killed there."""

import json
import os
import shutil

import keras
import numpy as np
import photographs
import pytest
from tiny import one_convolution, tiny_run

from logo_keras import datasets
from logo_keras.errors import UserError
from logo_keras.evaluation.calibration import digest, fitted
from logo_keras.network import load
from logo_keras.training import calibrating, train

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Photos of two brands, to learn from and to score, and of none."""
    return photographs.two_brands_and_none(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def parts(root):
    return [datasets.load("folder", root, split=split) for split in ("train", "validation")]


def config(**changes):
    keras.utils.set_random_seed(0)
    return tiny_run(arguments={"backbone": one_convolution(), "image_size": 32}, epochs=1, **changes)


def run(parts, out, said=None, **options):
    training, *validation = parts
    report = (lambda line: None) if said is None else said.append
    return train(options.pop("config", config()), training, out, *validation, report=report, **options)


@pytest.fixture(scope="module")
def calibrated(parts, root, tmp_path_factory):
    """The folder of a run with negatives."""
    out = tmp_path_factory.mktemp("calibrated")
    run(parts, out, negatives=root / "none")
    return out


def test_a_run_leaves_a_calibrated_model(calibrated, parts, root):
    model = load(calibrated / "model.keras")
    found = model.calibration
    assert (found["validation"], found["negatives"]) == (8, 4)
    assert (model.temperature, model.threshold) == (found["temperature"], found["threshold"])
    assert fitted(found) == {digest(path) for path in (*parts[1].paths, *map(str, (root / "none").iterdir()))}
    assert sorted(os.listdir(calibrated)) == ["config.json", "history.csv", "model.keras"]
    assert json.loads((calibrated / "config.json").read_text())["negatives"]["photographs"] == 4


def test_validation_photos_alone_fit_a_threshold_and_that_is_said(parts, tmp_path):
    said = []
    model = run(parts, tmp_path, said).model
    assert 0 < model.threshold < 1 and model.calibration["negatives"] == 0
    assert said[-1].startswith("temperature ") and "keeps 100.0% of 8 validation photos; fewer than 100 photos" in said[-1]


@pytest.mark.parametrize("scored", [[], ["train"]])
def test_without_other_photos_there_is_no_threshold_and_that_is_said_in_a_line(parts, scored, tmp_path):
    said = []
    model = run(parts[:1] + parts[:1] * len(scored), tmp_path, said).model
    assert (model.temperature, model.threshold) == (1, None) and "calibration" not in model.card
    why = "those that it learns from" if scored else "there are no validation photos"
    assert "every photo gets some brand" in said[-1] and why in said[-1] and said[-2].startswith("epoch 1")


def test_of_validation_photos_those_that_are_learnt_from_fit_nothing(parts, tmp_path):
    training, validation = parts
    both = datasets.Dataset([*training.paths, *validation.paths], [*training.labels, *validation.labels], training.class_names)
    assert run([training, both], tmp_path).model.calibration["validation"] == 8


def test_the_best_epoch_is_what_is_fitted(parts, tmp_path):
    result = run(parts, tmp_path, config=config(keep="best"))
    assert result.model.calibration["temperature"] == load(result.path).temperature


def test_a_run_that_was_killed_while_it_fitted_fits_again(calibrated, parts, root, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(calibrating, "calibrate", stop)
        with pytest.raises(KeyboardInterrupt):
            run(parts, tmp_path, negatives=root / "none")
    assert not (tmp_path / "model.keras").exists()
    said = []
    model = run(parts, tmp_path, said, negatives=root / "none", resume=True).model
    assert not [line for line in said if line.startswith("epoch ")]
    first = load(calibrated / "model.keras")
    assert (model.temperature, model.threshold) == pytest.approx((first.temperature, first.threshold), rel=1e-3)
    assert not (tmp_path / "unfinished").exists()


def test_a_run_with_other_negatives_is_another_run(calibrated, parts, root, tmp_path):
    out = shutil.copytree(calibrated, tmp_path / "run")
    assert run(parts, out, negatives=root / "none", resume=True).model.threshold == load(out / "model.keras").threshold
    other = shutil.copytree(root / "none", tmp_path / "other")
    (other / "0.png").unlink()
    for negatives, said in ((other, "negatives photos: photographs was 4 and is 3"), (None, "negatives was {")):
        with pytest.raises(UserError, match=said):
            run(parts, out, negatives=negatives, resume=True)


def refused(parts, out, **options):
    with pytest.raises(ValueError) as error:
        run(parts, out, **options)
    assert not out.exists()
    return str(error.value)


def test_negatives_that_fit_nothing_are_refused_before_anything_is_trained(parts, root, tmp_path):
    out, none = tmp_path / "run", root / "none"
    assert "but there are no validation photos" in refused(parts[:1], out, negatives=none)
    assert "but the validation photos are those that it learns from" in refused(parts[:1] * 2, out, negatives=none)
    assert "4 of the negatives are training photos" in refused(parts, out, negatives=root / "train" / "acme")
    assert "4 of the negatives are validation photos" in refused(parts, out, negatives=root / "validation" / "acme")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "0.png").write_bytes(b"no photo")
    assert "none of the 1 negatives can be read" in refused(parts, out, negatives=tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        run(parts, out, negatives=tmp_path / "gone")


def test_a_model_that_names_no_brand_has_no_threshold(parts, root, tmp_path):
    said = []
    embedder = tiny_run(model="embedder", arguments={"backbone": one_convolution(), "image_size": 32}, epochs=1)
    run(parts[:1], tmp_path, said, config=embedder)
    assert said[-1].startswith("epoch 1")
    assert "but the model names no brand" in refused(parts[:1], tmp_path / "run", config=embedder, negatives=root / "none")


def test_the_weights_are_those_of_the_epoch_that_is_kept(calibrated, parts, tmp_path):
    plain = run(parts, tmp_path).model
    for one, other in zip(plain.get_weights(), load(calibrated / "model.keras").get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
